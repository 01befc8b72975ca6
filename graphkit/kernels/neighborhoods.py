"""N-caches: hashed tables of whom a node met (hop 1) and whom those had met (hop 2), each with a small value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphkit.errors import ConfigError
from graphkit.kernels.cpu import neighborhoods as compiled
from graphkit.kernels.tables import Tables

Array = NDArray[Any]


@dataclass(frozen=True)
class Entries:
    """The distinct keys of some nodes, sorted within a node, and the slots they come from.

    Shapes:
        ptr [Q + 1]; key, bits [P]: hops 0, 1, 2 are bits 1, 2, 4; slot_entry, slot_at, slot_node [S].
    """

    ptr: Array
    key: Array
    bits: Array
    slot_entry: Array
    slot_at: Array
    slot_node: Array

    @property
    def owner(self) -> Array:
        """[P] place of the node that an entry belongs to."""
        return np.repeat(np.arange(len(self.ptr) - 1), np.diff(self.ptr))


class NeighborhoodCache:
    """Tables [N, 1 + M1 + M2] of (key, event, time, value [F]), Luo and Li, LoG 2022 (arXiv 2209.01084).

    Key q goes to slot (a q + (a + 1) q^2) mod M. A free slot and a key's own one are written, another key is
    overwritten with probability alpha, by a draw from (seed, event, end, slot). When u and v meet, each keeps the other
    at hop 1, and takes over the other's hop-1 entries at hop 2 as they were when the batch began.

    Args:
        state: tables to live in.
        near: M1, slots of hop 1.
        far: M2, slots of hop 2; 0 for none.
        channels: F.
        alpha: probability that another key is overwritten.
        seed: of the draws; a = 1 + seed mod 100.

    Example:
        >>> cache = NeighborhoodCache(Tables(4), 4, 4, 1)
        >>> cache.write(np.array([0]), np.array([1]), np.array([5.0]), np.zeros((2, 1), dtype=np.float32))
        >>> cache.write(np.array([1]), np.array([2]), np.array([6.0]), np.zeros((2, 1), dtype=np.float32))
        >>> found = cache.entries(np.array([2]))
        >>> found.key.tolist(), found.bits.tolist()
        ([0, 1, 2], [4, 2, 1])
    """

    def __init__(self, state: Tables, near: int, far: int, channels: int, alpha: float = 0.9, seed: int = 0) -> None:
        if near < 1 or far < 0 or not 0 <= alpha <= 1:
            raise ConfigError(f"an N-cache needs near >= 1, far >= 0 and alpha in [0, 1]; got {near}, {far}, {alpha}")
        self.state, self.near, self.far, self.channels = state, near, far, channels
        self.alpha, self.seed, self.salt = alpha, seed, 1 + seed % 100
        self._numbers = np.empty(0, dtype=np.int64)
        self.reset()

    def reset(self) -> None:
        """Forgets everything."""
        width = 1 + self.near + self.far
        self.state.add("cache/key", width, dtype=np.int64, fill=-1)
        self.state.add("cache/event", width, dtype=np.int64, fill=-1)
        self.state.add("cache/t", width, dtype=np.float64)
        self.state.add("cache/value", width, self.channels)
        self.state.put("cache/events", np.zeros(1, dtype=np.int64))

    def write(self, src: Array, dst: Array, t: Array, fresh: Array) -> None:
        """Takes in events [B]; `fresh` [2B, F] is the value that src keeps of dst, then that dst keeps of src."""
        ends = np.concatenate([src, dst])
        seen = self.state["cache/events"]
        compiled.cache_write(
            self._tables(), ends, src, dst, np.asarray(t, dtype=np.float64), int(seen[0]), fresh,
            self.near, self.far, self.salt, self.alpha, self.seed,
        )  # fmt: skip
        seen += len(src)

    def find(self, nodes: Array, others: Array) -> Array:
        """Returns the slot [B] at which nodes [B] keep others [B] at hop 1, -1 where they do not."""
        found = np.empty(len(nodes), dtype=np.int64)
        compiled.find_entries(self.state["cache/key"], nodes, others, self.near, self.salt, found)
        return found

    def distinct(self, keys: Array) -> tuple[Array, Array]:
        """Returns the distinct ones of keys [S], in the order in which they come, and the place [S] of each."""
        if len(self._numbers) < self.state.num_nodes:
            self._numbers = np.full(self.state.num_nodes, -1, dtype=np.int64)
        found, place = np.empty(len(keys), dtype=np.int64), np.empty(len(keys), dtype=np.int64)
        return found[: compiled.first_seen(keys, self._numbers, found, place)], place

    def entries(self, nodes: Array) -> Entries:
        """Returns the merged entries of nodes [Q]."""
        room = len(nodes) * (1 + self.near + self.far)
        columns = [np.empty(room, dtype=np.int64) for _ in range(5)]
        ptr = np.empty(len(nodes) + 1, dtype=np.int64)
        entries, slots = compiled.merge_entries(self.state["cache/key"], nodes, self.near, ptr, *columns)
        key, bits, *by_slot = columns
        return Entries(ptr, key[:entries], bits[:entries], *(column[:slots] for column in by_slot))

    def _tables(self) -> tuple[Array, Array, Array, Array]:
        state = self.state
        return state["cache/key"], state["cache/event"], state["cache/t"], state["cache/value"]


def common_keys(source: Entries, target: Entries, left: Array, right: Array) -> tuple[Array, Array, Array]:
    """Returns what pairs have in common: [S] number of the pair, entry of its left and entry of its right end.

    Args:
        source: entries that the left ends are among.
        target: entries that the right ends are among.
        left: [P] places of nodes in `source`; or [B] with right [1, K], for all pairs b * K + k.
        right: [P] places of nodes in `target`, or [1, K].
    """
    space = [np.empty(0, dtype=np.int64) for _ in range(3)]
    nodes = max((int(part.key.max()) + 1 for part in (source, target) if len(part.key)), default=0)
    for _ in range(2):
        lists = source.ptr, source.key, target.ptr, target.key
        if right.ndim == 2:
            found = compiled.common_with_all(lists, left, right[0], nodes, tuple(space))
        else:
            found = compiled.count_common(lists, left, right, tuple(space))
        if found == len(space[0]):
            break
        space = [np.empty(found, dtype=np.int64) for _ in range(3)]
    return space[0], space[1], space[2]
