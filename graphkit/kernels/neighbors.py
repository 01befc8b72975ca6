"""Whom did a node meet last? Rings of the latest events, sorted lists for any time in the past, and logs of everything.

All three give the same answer for "now": the last k events of a node, exactly, whatever the batches in which they came.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from graphkit.errors import ConfigError, ShapeError
from graphkit.kernels.cpu import events as compiled
from graphkit.kernels.tables import Tables

Array = NDArray[Any]
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Neighbors:
    """Entries of Q queries, the newest first; -1 (and time 0) where there are fewer than k.

    Shapes:
        node [Q, k] int64; event [Q, k] int64; t [Q, k] float64.
    """

    node: Integers
    event: Integers
    t: NDArray[np.float64]

    @property
    def mask(self) -> NDArray[np.bool_]:
        """[Q, k] whether there is an entry."""
        return self.node >= 0

    def unique_events(self) -> tuple[Integers, Integers]:
        """Returns the distinct events [S] and the place [Q, k] of every entry among them (-1: none).

        Features of events are gathered once each with them: `msg[events][places]`.

        Example:
            >>> cache = RecentNeighbors(3, 2)
            >>> cache.insert([0, 0], [1, 2], [5.0, 6.0])
            >>> cache.read([0, 1]).unique_events()[0].tolist()
            [0, 1]
        """
        events, places = np.unique(self.event, return_inverse=True)
        places = places.reshape(self.event.shape)
        if len(events) and events[0] < 0:
            return events[1:], places - 1
        return events, places


class RecentNeighbors:
    """The last `size` events of every node, in rings: constant memory, and only "now" can be asked about.

    Args:
        num_nodes: N.
        size: entries a node.
        state: tables to live in, under `name`; own ones unless given.
        name: prefix of the tables.

    Raises:
        ConfigError: a size below 1.

    Example:
        >>> cache = RecentNeighbors(4, 2)
        >>> cache.insert([0, 0, 0], [1, 2, 3], [1.0, 2.0, 3.0])
        >>> cache.read([0]).node.tolist()
        [[3, 2]]
    """

    def __init__(self, num_nodes: int, size: int, state: Tables | None = None, name: str = "recent") -> None:
        if size < 1:
            raise ConfigError(f"a cache of neighbours keeps at least 1 event a node, got {size}")
        self.size, self.name = size, name
        self.state = Tables(num_nodes) if state is None else state
        self.reset()

    def reset(self) -> None:
        """Forgets every event."""
        self.state.add(f"{self.name}/node", self.size, dtype=np.int64, fill=-1)
        self.state.add(f"{self.name}/event", self.size, dtype=np.int64, fill=-1)
        self.state.add(f"{self.name}/t", self.size, dtype=np.float64)
        self.state.add(f"{self.name}/count", dtype=np.int64)
        self.state.put(f"{self.name}/events", np.zeros(1, dtype=np.int64))

    def insert(self, src: ArrayLike, dst: ArrayLike, t: ArrayLike) -> None:
        """Takes in events [B], in the order of time; both ends remember the other."""
        src, dst, t = _columns(src, dst, t, self.state.num_nodes)
        seen = self.state[f"{self.name}/events"]
        compiled.ring_insert(*self._rings(), self.state[f"{self.name}/count"], src, dst, t, int(seen[0]))
        seen += len(src)

    def read(self, nodes: ArrayLike, k: int = 0) -> Neighbors:
        """Returns the last k entries (all that are kept, unless told) of nodes [Q]."""
        nodes, k = np.asarray(nodes), k or self.size
        found = _empty(len(nodes), k)
        compiled.ring_read(*self._rings(), self.state[f"{self.name}/count"], nodes, k, found.node, found.event, found.t)
        return found

    def _rings(self) -> tuple[Array, Array, Array]:
        return self.state[f"{self.name}/node"], self.state[f"{self.name}/event"], self.state[f"{self.name}/t"]


class EventLog:
    """Everything that happened to every node, newest first: 40 bytes an event and end, and any hop in the past.

    Where hop 1 met a neighbour at some event, hop 2 reads what that neighbour had seen before this event.

    Args:
        num_nodes: N.
        state: tables to live in; own ones unless given.
        name: prefix of the tables.

    Example:
        >>> log = EventLog(3)
        >>> log.insert([0, 1, 0], [1, 2, 1], [1.0, 2.0, 3.0])
        >>> entry = log.read(np.array([0]), 2)
        >>> log.neighbors(entry).node.tolist(), log.neighbors(log.before(entry, 1)).node.tolist()
        ([[1, 1]], [[2], [-1]])
    """

    def __init__(self, num_nodes: int, state: Tables | None = None, name: str = "log") -> None:
        self.name = name
        self.state = Tables(num_nodes) if state is None else state
        self.reset()

    def reset(self) -> None:
        """Forgets every event."""
        self.state.add(f"{self.name}/head", dtype=np.int64, fill=-1)
        self.state.put(f"{self.name}/events", np.zeros(1, dtype=np.int64))
        for key, dtype in (("node", np.int64), ("event", np.int64), ("t", np.float64), ("older", np.int64)):
            self.state.put(f"{self.name}/{key}", np.zeros(2, dtype=dtype))

    def insert(self, src: ArrayLike, dst: ArrayLike, t: ArrayLike) -> None:
        """Takes in events [B], in the order of time."""
        src, dst, t = _columns(src, dst, t, self.state.num_nodes)
        seen = self.state[f"{self.name}/events"]
        length = 2 * int(seen[0])
        due = length + 2 * len(src)
        if due > len(self.state[f"{self.name}/node"]):
            for key in ("node", "event", "t", "older"):
                old = self.state[f"{self.name}/{key}"]
                new = np.empty(max(due, 2 * len(old), 1 << 10), dtype=old.dtype)
                new[:length] = old[:length]
                self.state.put(f"{self.name}/{key}", new)
        log = (self.state[f"{self.name}/{key}"] for key in ("head", "node", "event", "t", "older"))
        head, node, event, time, older = log
        compiled.chain_insert(head, node, event, time, older, length, src, dst, t, int(seen[0]))
        seen += len(src)

    def read(self, nodes: Array, k: int) -> Integers:
        """Returns the last k entries [Q, k] of nodes [Q], -1 where there are fewer."""
        return self._read(nodes, np.full(len(nodes), -1, dtype=np.int64), k)

    def before(self, entries: Integers, k: int) -> Integers:
        """Returns the k entries [S, k] that the neighbours of S entries, of any shape, had before those events."""
        flat = entries.reshape(-1)
        nodes = np.where(flat >= 0, self.state[f"{self.name}/node"][flat], -1)
        return self._read(nodes, flat, k)

    def neighbors(self, entries: Integers) -> Neighbors:
        """Returns what entries [Q, k] say: node, event and time."""
        known = entries >= 0
        node, event, t = (self.state[f"{self.name}/{key}"][entries] for key in ("node", "event", "t"))
        return Neighbors(np.where(known, node, -1), np.where(known, event, -1), np.where(known, t, 0.0))

    def _read(self, nodes: Array, after: Integers, k: int) -> Integers:
        entries = np.empty((len(nodes), k), dtype=np.int64)
        log = (self.state[f"{self.name}/{key}"] for key in ("head", "node", "t", "older"))
        head, node, time, older = log
        compiled.chain_read(head, node, time, older, nodes, after, k, entries)
        return entries


class TimeCSR:
    """The events of every node in the order of time, for questions about any moment of a stream that is known.

    Args:
        src: [T] sources.
        dst: [T] destinations.
        t: [T] times that never decrease.
        num_nodes: N.

    Raises:
        ShapeError: columns of different length, or a node number out of range.

    Example:
        >>> index = TimeCSR([0, 0, 0], [1, 2, 3], [1.0, 2.0, 2.0], 4)
        >>> index.read([0], before=[2.0], k=2).node.tolist()
        [[1, -1]]
        >>> index.read([0], cut=[2], k=2).node.tolist()
        [[2, 1]]
    """

    def __init__(self, src: ArrayLike, dst: ArrayLike, t: ArrayLike, num_nodes: int) -> None:
        src, dst, self.t = _columns(src, dst, t, num_nodes)
        self.num_nodes = num_nodes
        self.rowptr = np.zeros(num_nodes + 1, dtype=np.int64)
        self.node = np.empty(2 * len(src), dtype=np.int64)
        self.event = np.empty(2 * len(src), dtype=np.int64)
        compiled.sort_by_node(src, dst, self.rowptr, self.node, self.event)

    def read(
        self,
        nodes: ArrayLike,
        *,
        k: int,
        cut: ArrayLike | None = None,
        before: ArrayLike | None = None,
        strategy: Literal["recent", "uniform"] = "recent",
        seed: int = 0,
    ) -> Neighbors:
        """Returns k entries of nodes [Q] strictly before a moment.

        Args:
            nodes: [Q] nodes.
            k: entries a query.
            cut: [Q] only events with a smaller number count; all unless given.
            before: [Q] only events with a smaller time count; all unless given.
            strategy: the last k, or k drawn with replacement.
            seed: of the draws.
        """
        nodes = np.asarray(nodes)
        many = len(nodes)
        cuts = np.full(many, len(self.t)) if cut is None else np.broadcast_to(np.asarray(cut, dtype=np.int64), many)
        times = np.full(many, np.inf) if before is None else np.broadcast_to(np.asarray(before, dtype=np.float64), many)
        found = _empty(many, k)
        compiled.list_read(
            self.rowptr, self.node, self.event, self.t, nodes, np.ascontiguousarray(cuts),
            np.ascontiguousarray(times), k, seed, strategy == "uniform", found.node, found.event, found.t,
        )  # fmt: skip
        return found


def t_batches(src: ArrayLike, dst: ArrayLike, num_nodes: int) -> tuple[Integers, Integers]:
    """Cuts events into batches in which no node occurs twice, each node's events in order (Kumar et al., KDD 2019).

    Args:
        src: [T] sources.
        dst: [T] destinations.
        num_nodes: N.

    Returns:
        `order` [T], the events batch by batch, and `ptr` [number of batches + 1].

    Example:
        >>> order, ptr = t_batches([0, 1, 0], [2, 3, 3], 4)
        >>> order.tolist(), ptr.tolist()
        ([0, 1, 2], [0, 2, 3])
    """
    number = compiled.t_batch_numbers(np.asarray(src), np.asarray(dst), num_nodes)
    order = np.argsort(number, kind="stable")
    sizes = np.bincount(number) if len(number) else np.zeros(0, dtype=np.int64)
    return order, np.concatenate([[0], np.cumsum(sizes)])


def _columns(src: ArrayLike, dst: ArrayLike, t: ArrayLike, num_nodes: int) -> tuple[Array, Array, NDArray[np.float64]]:
    ends = np.asarray(src), np.asarray(dst)
    times = np.asarray(t, dtype=np.float64)
    if not len(ends[0]) == len(ends[1]) == len(times):
        raise ShapeError(f"{len(ends[0])} sources, {len(ends[1])} destinations and {len(times)} times")
    for part in ends:
        if len(part) and not (part.min() >= 0 and part.max() < num_nodes):
            raise ShapeError(f"an event names node {int(part.max())}, but there are {num_nodes} nodes")
    return *ends, times


def _empty(rows: int, k: int) -> Neighbors:
    return Neighbors(np.empty((rows, k), dtype=np.int64), np.empty((rows, k), dtype=np.int64), np.empty((rows, k)))
