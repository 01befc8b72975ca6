"""Sums over the neighbours two nodes share.

The neighbours of a source are marked once for all its pairs that follow each other, then the row of each target is read
in order; where one row is much longer than the other, the short one is looked up in it instead. Either way the terms
are added in the order of node numbers, so that the sum does not depend on the way.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

_jit = njit(cache=True, nogil=True)
_LONGER = 16
"""Rows that differ in length by more than this factor are searched: a binary search costs about that many steps."""


def weighted_overlap(
    rowptr: NDArray[np.int64],
    col: NDArray[Any],
    source: NDArray[np.int64],
    target: NDArray[np.int64],
    weight: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Returns, for every pair, the sum of the weights of their common neighbours, added in the order of node numbers.

    Args:
        rowptr: [N + 1] starts of the rows.
        col: [E] neighbours, ascending within a row.
        source: [B] nodes.
        target: [B] nodes.
        weight: [N] weight of every node.

    Example:
        >>> rows, neighbours = np.array([0, 1, 3, 4]), np.array([1, 0, 2, 1])
        >>> weighted_overlap(rows, neighbours, np.array([0]), np.array([2]), np.array([1.0, 0.5, 1.0])).tolist()
        [0.5]
    """
    out = np.empty(len(source))
    _overlap(rowptr, col, source, target, weight, out)
    return out


@_jit
def _overlap(rowptr, col, source, target, weight, out):  # type: ignore[no-untyped-def]
    marks = np.zeros(len(rowptr) - 1, np.int64)  # the number of the last source whose neighbour a node is
    marked, number = np.int64(-1), 0
    for pair in range(len(source)):
        i, j = source[pair], target[pair]
        size_i, size_j = rowptr[i + 1] - rowptr[i], rowptr[j + 1] - rowptr[j]
        if size_i * _LONGER < size_j:
            out[pair] = _search(col, rowptr[i], rowptr[i + 1], rowptr[j], rowptr[j + 1], weight)
        elif size_j * _LONGER < size_i:
            out[pair] = _search(col, rowptr[j], rowptr[j + 1], rowptr[i], rowptr[i + 1], weight)
        else:
            if i != marked:
                marked, number = i, number + 1
                for k in range(rowptr[i], rowptr[i + 1]):
                    marks[col[k]] = number
            total = 0.0
            for k in range(rowptr[j], rowptr[j + 1]):
                if marks[col[k]] == number:
                    total += weight[col[k]]
            out[pair] = total


@_jit
def _search(col, a, a_end, b, b_end, weight):  # type: ignore[no-untyped-def]
    """Looks the few neighbours from a to a_end up in the many from b to b_end."""
    total = 0.0
    while a < a_end and b < b_end:
        low, high = b, b_end
        while low < high:
            middle = (low + high) >> 1
            if col[middle] < col[a]:
                low = middle + 1
            else:
                high = middle
        b = low
        if b < b_end and col[b] == col[a]:
            total += weight[col[a]]
        a += 1
    return total
