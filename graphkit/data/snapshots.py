"""Snapshots: a stream of events cut into graphs, one for every span of time or every so many events."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphkit.data.events import EventStore
from graphkit.errors import ConfigError


@dataclass(frozen=True, eq=False)
class Snapshots:
    """S graphs over the same N nodes, laid end to end; an edge that occurs several times in a snapshot is one.

    Args:
        src: [E] sources, sorted within a snapshot by (source, destination).
        dst: [E] destinations.
        count: [E] events behind every edge.
        ptr: [S + 1] where each snapshot begins.
        first_event: [S + 1] the first event of each snapshot: events of snapshot i are first_event[i]:first_event[i+1].
        starts: [S] time at which each snapshot begins.
        num_nodes: N.
        node_ids: [N] the publisher's numbers.

    Example:
        >>> found = take_snapshots(EventStore([0, 0, 1], [1, 1, 2], [0, 5, 12]), every=10)
        >>> len(found), found.edges(0).tolist(), found.count[:1].tolist()
        (2, [[0], [1]], [2])
    """

    src: NDArray[Any]
    dst: NDArray[Any]
    count: NDArray[np.int64]
    ptr: NDArray[np.int64]
    first_event: NDArray[np.int64]
    starts: NDArray[Any]
    num_nodes: int
    node_ids: NDArray[Any]

    def __len__(self) -> int:
        return len(self.ptr) - 1

    def edges(self, index: int) -> NDArray[np.int64]:
        """Returns the [2, E_i] edges of snapshot `index`."""
        own = slice(self.ptr[index], self.ptr[index + 1])
        return np.stack([self.src[own], self.dst[own]]).astype(np.int64)

    @cached_property
    def sizes(self) -> NDArray[np.int64]:
        """[S] edges of every snapshot."""
        return np.diff(self.ptr)

    def window(self, last: int, length: int) -> NDArray[np.int64]:
        """Returns the [2, E'] distinct edges of snapshots last-length+1 .. last, as a longer look back sees them."""
        own = slice(self.ptr[max(0, last - length + 1)], self.ptr[last + 1])
        keys = np.unique(self.src[own].astype(np.int64) * self.num_nodes + self.dst[own])
        return np.stack([keys // self.num_nodes, keys % self.num_nodes])

    def new_share(self, index: int) -> float:
        """Returns the share of a snapshot's edges that no earlier snapshot has."""
        keys = self.src.astype(np.int64) * self.num_nodes + self.dst
        own = keys[self.ptr[index] : self.ptr[index + 1]]
        return float(1.0 - np.isin(own, keys[: self.ptr[index]]).mean()) if len(own) else 0.0


def take_snapshots(
    events: EventStore, *, every: float | None = None, size: int | None = None, keep_empty: bool = True
) -> Snapshots:
    """Cuts a stream into snapshots with one sort.

    Args:
        events: a store.
        every: length of a snapshot in the time unit of the events; the first begins at the first event.
        size: or events a snapshot; the last one has what is left.
        keep_empty: keeps spans of time without an event, so that snapshot i always is `every` later than i - 1.

    Raises:
        ConfigError: neither or both of `every` and `size`, one of them not above 0, or no events.
    """
    where = events.name or "events"
    if (every is None) == (size is None):
        raise ConfigError(f"{where}: snapshots are taken every span of time or every so many events; give one of both")
    if not len(events) or not (every or size or 0) > 0:
        raise ConfigError(f"{where}: snapshots need events, and a length above 0, got {every or size}")
    if every is not None:
        slot = np.floor((events.t - events.t[0]) / every).astype(np.int64)
    else:
        slot = np.arange(len(events), dtype=np.int64) // int(size or 1)
    if not keep_empty:
        slot = np.cumsum(np.diff(slot, prepend=slot[:1]) > 0)
    total = int(slot[-1]) + 1
    order = np.lexsort((events.dst, events.src, slot))
    one, src, dst = slot[order], events.src[order], events.dst[order]
    fresh = np.ones(len(order), dtype=bool)
    fresh[1:] = (np.diff(one) != 0) | (np.diff(src) != 0) | (np.diff(dst) != 0)
    begin = np.flatnonzero(fresh)
    first_event = np.searchsorted(slot, np.arange(total + 1))
    even = every is not None and keep_empty
    starts = events.t[0] + (every or 0) * np.arange(total) if even else events.t[first_event[:-1]]
    return Snapshots(
        src=src[begin],
        dst=dst[begin],
        count=np.diff(np.append(begin, len(order))),
        ptr=np.searchsorted(one[begin], np.arange(total + 1)),
        first_event=first_event,
        starts=starts,
        num_nodes=events.num_nodes,
        node_ids=events.node_ids,
    )
