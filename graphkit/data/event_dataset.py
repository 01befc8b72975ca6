"""A temporal dataset: its events, their split by time, and the destinations every positive is ranked among."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np

from graphkit.config import stable_hash
from graphkit.data.cards import Card
from graphkit.data.events import EventStore
from graphkit.errors import GraphValidationError, ProtocolError

QUANTILES = (0.70, 0.85)
"""Times after which validation and test begin."""


@dataclass(frozen=True)
class EventSplit:
    """Where training, validation and test events lie in a store.

    Args:
        name: protocol id.
        index: which of the protocol's splits.
        train: slice of the training events; `valid` and `test` follow it without a gap.
        valid: slice of the validation events.
        test: slice of the test events.
    """

    name: str
    index: int
    train: slice
    valid: slice
    test: slice

    @property
    def sizes(self) -> tuple[int, int, int]:
        """Number of training, validation and test events."""
        train, valid, test = (part.stop - part.start for part in (self.train, self.valid, self.test))
        return train, valid, test

    @property
    def sha256(self) -> str:
        """A hex digest of the boundaries; name and index do not count."""
        return hashlib.sha256(np.array(self.sizes, dtype="<i8").tobytes()).hexdigest()

    def __repr__(self) -> str:
        train, valid, test = self.sizes
        return f"EventSplit({self.name!r}, {self.index}, train={train}, valid={valid}, test={test})"


class EventDataset:
    """Events in time with the card they were read by.

    Args:
        card: what the dataset is.
        events: the sorted events.
        content: sha256 of their arrays.
        provenance: files, digests and reader, for the result record.

    Example:
        >>> from graphkit.data import load_dataset
        >>> load_dataset("tgbl-wiki").split()  # doctest: +SKIP
        EventSplit('tgb-link', 0, train=110232, valid=23621, test=23621)
    """

    def __init__(self, card: Card, events: EventStore, content: str, provenance: Mapping[str, Any]) -> None:
        self.card, self.events = card, events
        self.provenance = dict(provenance)
        facts = {"name": card.name, "task": card.task, "target": card.target, "metric": card.metric}
        self.fingerprint: str = stable_hash({**facts, "content": content})

    @property
    def name(self) -> str:
        """The card's name."""
        return self.card.name

    @property
    def num_nodes(self) -> int:
        """N."""
        return self.events.num_nodes

    @cached_property
    def _boundaries(self) -> tuple[int, int]:
        # Events of one time are never divided: as the Temporal Graph Benchmark does, an event at the quantile itself
        # belongs to the earlier part.
        first, second = np.quantile(self.events.t, QUANTILES)
        return int(np.searchsorted(self.events.t, first, "right")), int(np.searchsorted(self.events.t, second, "right"))

    def num_splits(self, protocol: str | None = None) -> int:
        """Returns 1: time has one order. Raises ProtocolError where the dataset lacks the protocol."""
        self._protocol(protocol)
        return 1

    def split(self, protocol: str | None = None, index: int = 0) -> EventSplit:
        """Returns the split by the 70 % and 85 % quantiles of time, Huang et al., NeurIPS 2023 (arXiv 2307.01026).

        Raises:
            ProtocolError: the dataset does not have that protocol or split.
            GraphValidationError: so many events share a time that a part would be empty.
        """
        protocol = self._protocol(protocol)
        if index != 0:
            raise ProtocolError(f"{self.name}: {protocol} has split 0 alone, got {index}")
        first, second = self._boundaries
        if not 0 < first < second < len(self.events):
            raise GraphValidationError(f"{self.name}: too few different times for training, validation and test")
        parts = slice(0, first), slice(first, second), slice(second, len(self.events))
        return EventSplit(protocol, 0, *parts)

    def surprise(self, part: Literal["valid", "test"] = "test") -> float:
        """Returns the share of a part's events whose (source, destination) no training event has."""
        split = self.split()
        asked = self.events.pair_keys[split.valid if part == "valid" else split.test]
        return float(1.0 - np.isin(asked, self.events.pair_keys[split.train]).mean())

    def new_nodes(self, part: Literal["valid", "test"] = "test") -> float:
        """Returns the share of a part's events with an end that no training event has."""
        split, events = self.split(), self.events
        known = np.zeros(events.num_nodes, dtype=bool)
        known[events.src[split.train]] = known[events.dst[split.train]] = True
        asked = split.valid if part == "valid" else split.test
        return float(1.0 - (known[events.src[asked]] & known[events.dst[asked]]).mean())

    def statistics(self) -> dict[str, float]:
        """Returns the counts of the events, and the surprise and the share of new nodes of the test part."""
        return {**self.events.statistics(), "surprise": self.surprise(), "new_nodes": self.new_nodes()}

    def _protocol(self, protocol: str | None) -> str:
        if not protocol:
            return self.card.protocols[0]
        if protocol not in self.card.protocols:
            has = ", ".join(self.card.protocols)
            raise ProtocolError(f"dataset {self.name} has no protocol {protocol!r}; it has {has}")
        return protocol

    def __repr__(self) -> str:
        return f"EventDataset({self.name!r}, events={len(self.events)}, nodes={self.num_nodes})"


def count(events: EventStore, card: Card) -> dict[str, int]:
    """Returns the counts a card may publish."""
    return events.statistics()


def measure(events: EventStore, card: Card) -> dict[str, Any]:
    """Returns what `graphkit data info` tells besides the counts."""
    dataset = EventDataset(card, events, "", {})
    return {
        "first_time": events.t[0].item(),
        "last_time": events.t[-1].item(),
        "sorted_in_the_file": events.was_sorted,
        "split_sizes": " / ".join(f"{size:,}" for size in dataset.split().sizes),
        "surprise": dataset.surprise(),
        "new_nodes": dataset.new_nodes(),
    }


def check(events: EventStore, card: Card) -> dict[str, int]:
    """Checks events against the card's published statistics.

    Raises:
        GraphValidationError: a count differs from the published one; both are named.
    """
    from graphkit.data.checks import check_statistics

    found = count(events, card)
    check_statistics(card.statistics, found, card.name)
    return found
