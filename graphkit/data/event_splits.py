"""Where training, validation and test events lie, and which nodes training may not know."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from graphkit.data.events import EventStore
from graphkit.errors import ConfigError, GraphValidationError, UnknownNameError

Rule = Literal["event-quantile", "time-span", "provided"]
SHARES = (0.70, 0.15, 0.15)
"""Of training, validation and test, unless told."""


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


def split_events(
    events: EventStore,
    rule: Rule = "event-quantile",
    shares: tuple[float, float, float] = SHARES,
    *,
    name: str = "",
    index: int = 0,
) -> EventSplit:
    """Divides events by time.

    Events of one time are never divided by the first two rules: one at the boundary itself belongs to the earlier part.

    Args:
        events: a store.
        rule: `event-quantile`, quantiles of the events' times, as the Temporal Graph Benchmark, DyGLib, NAT and TGN do;
            `time-span`, shares of the time from the first to the last event, as TGM does, which gives other parts;
            `provided`, the publisher's own (`events.part`).
        shares: of training, validation and test; they do not count where the split is provided.
        name: protocol id of the split.
        index: its number.

    Raises:
        UnknownNameError: no such rule.
        ConfigError: shares are not three numbers above 0 with the sum 1, or no split is provided.
        GraphValidationError: so many events share a time that a part would be empty.

    Example:
        >>> store = EventStore([0] * 4, [1] * 4, [0, 1, 2, 100])
        >>> split_events(store, shares=(0.5, 0.25, 0.25)).sizes, split_events(store, "provided")
        Traceback (most recent call last):
        ...
        graphkit.errors.ConfigError: events: its publisher provides no split; take event-quantile or time-span
    """
    where = events.name or "events"
    if rule not in get_args(Rule):
        raise UnknownNameError("rule of an event split", rule, get_args(Rule))
    if len(shares) != 3 or min(shares) <= 0 or abs(sum(shares) - 1) > 1e-9:
        raise ConfigError(f"{where}: shares of a split are three numbers above 0 with the sum 1, got {shares}")
    bounds = shares[0], shares[0] + shares[1]
    if rule == "provided":
        if events.part is None:
            raise ConfigError(f"{where}: its publisher provides no split; take event-quantile or time-span")
        first, second = (int(np.searchsorted(events.part, np.int8(part))) for part in (1, 2))
    else:
        at = [_quantile(events.t, bound) if rule == "event-quantile" else _span(events.t, bound) for bound in bounds]
        first, second = (int(np.searchsorted(events.t, _same_kind(events.t, time), "right")) for time in at)
    if not 0 < first < second < len(events):
        raise GraphValidationError(f"{where}: too few different times for training, validation and test")
    return EventSplit(name or rule, index, slice(0, first), slice(first, second), slice(second, len(events)))


@dataclass(frozen=True, eq=False)
class InductiveSplit:
    """A split whose training events leave some nodes out, so that validation and test can ask about unknown ones.

    Args:
        split: the split by time.
        hidden: sorted nodes drawn to be unknown.
        train: [T] training events that touch no hidden node.
        new: [N] nodes that no remaining training event has: the hidden ones, and those that come later by themselves.
        valid: [T] validation events with at least one new node.
        test: [T] test events with at least one new node.
    """

    split: EventSplit
    hidden: NDArray[np.int64]
    train: NDArray[np.bool_]
    new: NDArray[np.bool_]
    valid: NDArray[np.bool_]
    test: NDArray[np.bool_]

    @cached_property
    def sha256(self) -> str:
        """A hex digest of the boundaries and the hidden nodes."""
        return hashlib.sha256(self.split.sha256.encode() + self.hidden.astype("<i8").tobytes()).hexdigest()


def hide_nodes(events: EventStore, split: EventSplit, share: float = 0.1, seed: int = 2020) -> InductiveSplit:
    """Hides nodes from training, as TGN, CAWN and DyGLib do.

    Nodes that occur after training are candidates; `share` of *all* nodes are drawn from them, and training events that
    touch one are left out. The transductive validation and test are all events of their parts. Nodes are drawn from the
    sorted candidates by a generator of their own, where the published code draws from a Python set, whose order no
    other machine need repeat.

    Args:
        events: a store.
        split: of its events.
        share: hidden nodes as a part of all nodes, in (0, 1).
        seed: of the draw.

    Raises:
        ConfigError: the share is no part, or nothing is left to train on.

    Example:
        >>> store = EventStore([0, 1, 2, 0, 3, 0], [4, 4, 4, 5, 5, 4], range(6))
        >>> found = hide_nodes(store, split_events(store, shares=(0.6, 0.2, 0.2)), share=0.2)
        >>> bool((store.src[found.train] == found.hidden[0]).any())
        False
    """
    if not 0 < share < 1:
        raise ConfigError(f"{events.name or 'events'}: the share of hidden nodes is a part in (0, 1), got {share}")
    later = slice(split.train.stop, len(events))
    candidates = np.union1d(events.src[later], events.dst[later])
    count = min(len(candidates), int(share * events.num_nodes))
    hidden = np.sort(np.random.default_rng(seed).choice(candidates, size=count, replace=False)).astype(np.int64)
    unknown = np.zeros(events.num_nodes, dtype=bool)
    unknown[hidden] = True
    train = np.zeros(len(events), dtype=bool)
    train[split.train] = ~(unknown[events.src[split.train]] | unknown[events.dst[split.train]])
    if not train.any():
        raise ConfigError(f"{events.name or 'events'}: every training event touches a hidden node; hide fewer")
    new = np.ones(events.num_nodes, dtype=bool)
    new[events.src[train]] = new[events.dst[train]] = False
    asked = new[events.src] | new[events.dst]
    parts = []
    for own in (split.valid, split.test):
        mask = np.zeros(len(events), dtype=bool)
        mask[own] = asked[own]
        parts.append(mask)
    return InductiveSplit(split, hidden, train, new, parts[0], parts[1])


def _quantile(t: NDArray[Any], share: float) -> float:
    """Returns np.quantile of times that never fall, from the two events around it: no pass over the file."""
    place = share * (len(t) - 1)
    low = int(np.floor(place))
    return float(np.quantile(np.asarray(t[low : low + 2], dtype=np.float64), place - low))


def _span(t: NDArray[Any], share: float) -> float:
    return float(t[0]) + share * (float(t[-1]) - float(t[0]))


def _same_kind(t: NDArray[Any], time: float) -> Any:
    """Returns the last time of the kind of `t` that is not later: to compare others, numpy would convert all of `t`."""
    return t.dtype.type(np.floor(time) if t.dtype.kind == "i" else time)
