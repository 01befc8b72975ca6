"""A temporal dataset: its events, their split by time, and the destinations every positive is ranked among."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any, Literal

import numpy as np

from graphkit.data.carded import CardedDataset
from graphkit.data.cards import Card
from graphkit.data.event_splits import EventSplit, Rule, split_events
from graphkit.data.events import EventStore


class EventDataset(CardedDataset):
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
        super().__init__(card, content, provenance)
        self.events = events

    @property
    def num_nodes(self) -> int:
        """N."""
        return self.events.num_nodes

    @cached_property
    def split_rule(self) -> Rule:
        """How events are divided: as the card says, else as the publisher did, else by quantiles of time."""
        rule: Rule = self.card.event_split or ("event-quantile" if self.events.part is None else "provided")
        return rule

    def split(self, protocol: str | None = None, index: int = 0) -> EventSplit:
        """Returns the split by `split_rule`; by quantiles it is at 70 % and 85 %.

        Huang et al., "Temporal Graph Benchmark", NeurIPS 2023 (arXiv 2307.01026).

        Raises:
            ProtocolError: the dataset does not have that protocol or split.
            GraphValidationError: so many events share a time that a part would be empty.
        """
        return split_events(self.events, self.split_rule, name=self._protocol_of(protocol, index))

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
        "split_rule": dataset.split_rule,
        "split_sizes": " / ".join(f"{size:,}" for size in dataset.split().sizes),
        "surprise": dataset.surprise(),
        "new_nodes": dataset.new_nodes(),
        "edge_features": 0 if events.msg is None else events.msg.shape[1],
        "published_negatives": ", ".join(events.negatives) or "none",
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
