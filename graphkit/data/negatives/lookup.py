"""Compiled look-up of rows: a binary search over sorted positives, and the copying of rows that do not lie together."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphkit.data.negatives.checks import Candidates, Integers
from graphkit.data.negatives.counter import jit


def sortable(column: NDArray[Any]) -> Integers:
    """Returns whole numbers that compare as the numbers of a column do, for a float64 column its bits in order.

    Example:
        >>> bool(np.all(np.diff(sortable(np.array([-2.5, -0.5, 0.0, 0.25, 3.0]))) > 0))
        True
    """
    if column.dtype.kind != "f":
        return column.astype(np.int64, copy=False)
    bits = (column.astype(np.float64) + 0.0).view(np.int64)  # adding zero turns -0.0 into 0.0
    return np.where(bits < 0, np.int64(-(2**63)) - bits, bits)


def sorted_table(columns: tuple[NDArray[Any], ...]) -> tuple[Integers, Integers]:
    """Returns (table [C, B] with its columns sorted as keys, the row [B] each came from), equal keys in row order."""
    keys = np.stack([sortable(column) for column in columns])
    order = np.lexsort(keys[::-1])
    return np.ascontiguousarray(keys[:, order]), order.astype(np.int64)


def find_rows(table: Integers, order: Integers, asked: Integers) -> Integers:
    """Returns the first row of each key asked [C, Q], -1 where there is none."""
    rows = np.empty(asked.shape[1], dtype=np.int64)
    _find(table, order, asked, rows)
    return rows


def gather_rows(values: Candidates, offsets: Integers, rows: Integers) -> tuple[Candidates, Integers]:
    """Returns the rows as one flat copy and where each begins; rows that lie together are a view."""
    if len(rows) and rows[-1] - rows[0] == len(rows) - 1 and np.all(rows[1:] - rows[:-1] == 1):
        cut = offsets[rows[0] : rows[-1] + 2]
        return values[cut[0] : cut[-1]], cut - cut[0]
    starts = np.zeros(len(rows) + 1, dtype=np.int64)
    np.cumsum(offsets[rows + 1] - offsets[rows], out=starts[1:])
    flat = np.empty(starts[-1], dtype=values.dtype)
    _gather(values, offsets, rows, starts, flat)
    return flat, starts


@jit
def _find(table, order, asked, rows):  # type: ignore[no-untyped-def]
    parts, size = table.shape
    for query in range(asked.shape[1]):
        low, high = 0, size
        while low < high:
            middle = (low + high) // 2
            part = 0
            while part < parts - 1 and table[part, middle] == asked[part, query]:
                part += 1
            if table[part, middle] < asked[part, query]:
                low = middle + 1
            else:
                high = middle
        rows[query] = -1
        if low < size:
            part = 0
            while part < parts and table[part, low] == asked[part, query]:
                part += 1
            if part == parts:
                rows[query] = order[low]


@jit
def _gather(values, offsets, rows, starts, flat):  # type: ignore[no-untyped-def]
    for i in range(len(rows)):
        begin = offsets[rows[i]]
        for k in range(starts[i + 1] - starts[i]):
            flat[starts[i] + k] = values[begin + k]
