"""64-bit keys of rows that will hold equal numbers, and the first row of every key."""

from __future__ import annotations

import numpy as np
from numba import njit

from graphkit.kernels.cpu.hashing import mix

_jit = njit(cache=True, nogil=True, error_model="numpy")

_BEFORE, _EXTRA = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F)
_MORE, _SELF = np.uint64(0x165667B19E3779F9), np.uint64(0x27D4EB2F165667C5)


@_jit
def of_words(words, width, out):  # type: ignore[no-untyped-def]
    """Keys of rows of `width` words: bits decide, so that 0 and -0 differ, and NaN equals itself."""
    for row in range(len(out)):
        key = np.uint64(width)
        for at in range(row * width, row * width + width):
            key = mix(key ^ np.uint64(words[at]))
        out[row] = key


@_jit
def of_step(node, node_key, parent, before, extra, more, out):  # type: ignore[no-untyped-def]
    """Keys of the rows of a step: the node that is read, and the row, the extra and the further row it goes with."""
    for row in range(len(out)):
        key = node_key[node[row]]
        if parent is not None:
            key = mix(key) + _BEFORE * before[parent[row]]  # (u, v) is not (v, u)
        if extra is not None:
            key = mix(key) + _EXTRA * np.uint64(extra[row] + 1)
        if more is not None:
            key = mix(key) + _MORE * np.uint64(more[row] + 1)
        out[row] = mix(key)


@_jit
def of_sums(node, row_key, node_key, out):  # type: ignore[no-untyped-def]
    """Keys of nodes that have added up the rows which end in them."""
    out[:] = 0
    for row in range(len(node)):
        out[node[row]] += mix(row_key[row])
    for at in range(len(out)):
        out[at] = mix(out[at] + _SELF * mix(node_key[at]))


@_jit
def distinct(key, slots, first, place):  # type: ignore[no-untyped-def]
    """Fills `place` with the number of each row's key and `first` with the first row of every key; returns how many.

    `slots` is a table of -1, a power of two long and longer than the keys are many.
    """
    mask, count = np.uint64(len(slots) - 1), 0
    for row in range(len(key)):
        slot = np.int64(key[row] & mask)
        while slots[slot] >= 0 and key[first[slots[slot]]] != key[row]:
            slot = (slot + 1) & np.int64(mask)
        if slots[slot] < 0:
            slots[slot] = count
            first[count] = row
            count += 1
        place[row] = slots[slot]
    return count
