"""Counting sorts of edges by row: two passes over the edges, the order of equal ones kept."""

from __future__ import annotations

import numpy as np
from numba import njit

_jit = njit(cache=True, nogil=True, error_model="numpy")


@_jit
def _offsets(keys, rowptr):  # type: ignore[no-untyped-def]
    """Fills `rowptr` [R + 1] and returns where the next entry of every row goes [R]."""
    rowptr[:] = 0
    for key in keys:
        rowptr[key + 1] += 1
    for row in range(len(rowptr) - 1):
        rowptr[row + 1] += rowptr[row]
    return rowptr[:-1].astype(np.int64)


@_jit
def by_target(source, target, rowptr, col, edge):  # type: ignore[no-untyped-def]
    """Fills `rowptr`, and for every slot its source `col` and its `edge`."""
    following = _offsets(target, rowptr)
    for number in range(len(target)):
        slot = following[target[number]]
        following[target[number]] = slot + 1
        col[slot] = source[number]
        edge[slot] = number


@_jit
def by_source(rowptr, col, flipped, target, slot):  # type: ignore[no-untyped-def]
    """The transpose of compressed rows: fills `flipped`, and for every entry its `target` and the `slot` it had."""
    following = _offsets(col, flipped)
    for row in range(len(rowptr) - 1):
        for old in range(rowptr[row], rowptr[row + 1]):
            new = following[col[old]]
            following[col[old]] = new + 1
            target[new] = row
            slot[new] = old
