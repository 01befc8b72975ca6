"""A hash table from pairs of nodes to a number, such as when they last met: open addressing, doubled, compiled."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

_jit = njit(cache=True, nogil=True)
_EMPTY = -1
_START = 1 << 10


class PairTable:
    """Numbers of (source, destination) pairs: the time they last met, or how often they did.

    Args:
        num_nodes: N; pairs are kept as the number source * N + destination.

    Example:
        >>> table = PairTable(10)
        >>> table.put(np.array([3]), np.array([7]), np.array([2.5]))
        >>> table.get(np.array([3]), np.array([[7, 8]]), -1.0).tolist()
        [[2.5, -1.0]]
    """

    def __init__(self, num_nodes: int) -> None:
        self.num_nodes = num_nodes
        self.size = 0
        self._keys, self._values = _empty(_START)

    def put(self, src: NDArray[Any], dst: NDArray[Any], values: NDArray[np.float64]) -> None:
        """Writes the values [B] of pairs [B]; of a pair that occurs twice the later row counts."""
        self._make_room(len(src))
        self.size += _put(self._keys, self._values, src, dst, values, self.num_nodes)

    def add(self, src: NDArray[Any], dst: NDArray[Any], values: NDArray[np.float64]) -> None:
        """Adds values [B] to those of pairs [B], which start at 0."""
        self._make_room(len(src))
        self.size += _add(self._keys, self._values, src, dst, values, self.num_nodes)

    def _make_room(self, rows: int) -> None:
        wanted = 2 * (self.size + rows)  # never more than half full, so that searches stay short
        if wanted > len(self._keys):
            keys, values = _empty(1 << int(wanted).bit_length())
            _move(self._keys, self._values, keys, values)
            self._keys, self._values = keys, values

    def get(self, src: NDArray[Any], candidates: NDArray[Any], missing: float) -> NDArray[np.float64]:
        """Returns the values [B, K] of sources [B] with candidates [B, K] or [K]; `missing` where there is none."""
        candidates = np.ascontiguousarray(candidates)
        width = candidates.shape[-1]
        found = np.empty((len(src), width))
        _get(self._keys, self._values, src, candidates.reshape(-1, width), self.num_nodes, missing, found)
        return found

    def at_least(self, src: NDArray[Any], candidates: NDArray[Any], bound: float) -> NDArray[np.float64]:
        """Returns 1 for sources [B] and candidates [B, K] or [K] whose value is there and not below `bound`, else 0."""
        candidates = np.ascontiguousarray(candidates)
        width = candidates.shape[-1]
        found = np.empty((len(src), width))
        _at_least(self._keys, self._values, src, candidates.reshape(-1, width), self.num_nodes, bound, found)
        return found


def _empty(capacity: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    return np.full(capacity, _EMPTY, dtype=np.int64), np.zeros(capacity)


@_jit
def _slot(keys, key):  # type: ignore[no-untyped-def]
    """The place of a key, or the empty place where it belongs."""
    last = len(keys) - 1
    mixed = (np.uint64(key) * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(24)
    at = np.int64(mixed) & last
    while keys[at] != _EMPTY and keys[at] != key:
        at = (at + 1) & last
    return at


@_jit
def _put(keys, values, src, dst, new, num_nodes):  # type: ignore[no-untyped-def]
    added = 0
    for row in range(len(src)):
        key = np.int64(src[row]) * num_nodes + np.int64(dst[row])
        at = _slot(keys, key)
        if keys[at] == _EMPTY:
            keys[at] = key
            added += 1
        values[at] = new[row]
    return added


@_jit
def _add(keys, values, src, dst, amount, num_nodes):  # type: ignore[no-untyped-def]
    added = 0
    for row in range(len(src)):
        key = np.int64(src[row]) * num_nodes + np.int64(dst[row])
        at = _slot(keys, key)
        if keys[at] == _EMPTY:
            keys[at] = key
            added += 1
        values[at] += amount[row]
    return added


@_jit
def _move(old_keys, old_values, keys, values):  # type: ignore[no-untyped-def]
    for place in range(len(old_keys)):
        if old_keys[place] != _EMPTY:
            at = _slot(keys, old_keys[place])
            keys[at], values[at] = old_keys[place], old_values[place]


@_jit
def _get(keys, values, src, candidates, num_nodes, missing, found):  # type: ignore[no-untyped-def]
    own = len(candidates) > 1 or len(src) == 1  # else all sources share the one row of candidates
    for row in range(len(src)):
        base = np.int64(src[row]) * num_nodes
        line = candidates[row if own else 0]
        for column in range(candidates.shape[1]):
            at = _slot(keys, base + np.int64(line[column]))
            found[row, column] = missing if keys[at] == _EMPTY else values[at]


@_jit
def _at_least(keys, values, src, candidates, num_nodes, bound, found):  # type: ignore[no-untyped-def]
    own = len(candidates) > 1 or len(src) == 1
    for row in range(len(src)):
        base = np.int64(src[row]) * num_nodes
        line = candidates[row if own else 0]
        for column in range(candidates.shape[1]):
            at = _slot(keys, base + np.int64(line[column]))
            found[row, column] = 1.0 if keys[at] != _EMPTY and values[at] >= bound else 0.0
