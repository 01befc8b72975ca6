"""Sums over the neighbours two nodes share: sorted rows are merged, or searched where one is much longer."""

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
    for pair in range(len(source)):
        a, a_end = rowptr[source[pair]], rowptr[source[pair] + 1]
        b, b_end = rowptr[target[pair]], rowptr[target[pair] + 1]
        if a_end - a > b_end - b:
            a, a_end, b, b_end = b, b_end, a, a_end
        total = 0.0
        if (a_end - a) * _LONGER < b_end - b:
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
        else:
            while a < a_end and b < b_end:
                if col[a] == col[b]:
                    total += weight[col[a]]
                    a += 1
                    b += 1
                elif col[a] < col[b]:
                    a += 1
                else:
                    b += 1
        out[pair] = total
