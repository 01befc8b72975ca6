"""Compiled comparison of two rows of neighbours: sorted merge, or search in the longer row, removed edges skipped."""

from __future__ import annotations

import numpy as np
from numba import njit

_jit = njit(cache=True, nogil=True, error_model="numpy")
_LONGER = 16
"""Rows that differ in length by more than this factor are searched: a search costs about that many steps."""


@_jit
def _first_not_below(col, low, high, wanted):  # type: ignore[no-untyped-def]
    """The first place in low..high whose node is not below `wanted`: steps that double, then halves."""
    step = 1
    while low + step < high and col[low + step] < wanted:
        low += step
        step *= 2
    high = min(high, low + step)
    while low < high:
        middle = (low + high) >> 1
        if col[middle] < wanted:
            low = middle + 1
        else:
            high = middle
    return low


@_jit
def overlap(  # type: ignore[no-untyped-def]
    first,
    last,
    block,
    source,
    target,
    exclusive,
    keep_target,
    rowptr,
    col,
    edge_id,
    removed,
    plain,
    offset,
    out,
    counts,
):
    """Writes the neighbours of the source that the target has too, or (`exclusive`) has not, ascending.

    Pair k writes from `offset[k]` on and its number to `counts[k]`. `removed` [E] flags edges, or is empty; `plain`
    says that no row holds a node twice.
    """
    flagged = removed.size > 0
    for pair in range(first, last):
        i, j = source[pair], target[pair]
        a, a_end = np.int64(rowptr[i]), np.int64(rowptr[i + 1])
        b, b_end = np.int64(rowptr[j]), np.int64(rowptr[j + 1])
        if not exclusive and a_end - a > b_end - b:
            a, a_end, b, b_end = b, b_end, a, a_end
        search = (a_end - a) * _LONGER < b_end - b
        own_i, own_j = (np.int64(-1), np.int64(-1)) if keep_target else (i, j)
        begin = at = offset[pair]
        if plain and not flagged and not search and not exclusive:
            while a < a_end and b < b_end:  # no branch on what is found, which no processor could predict
                x, y = col[a], col[b]
                out[at] = x
                at += (x == y) & (x != own_i) & (x != own_j)
                a += x <= y
                b += y <= x
            counts[pair] = at - begin
            continue
        while a < a_end and (exclusive or b < b_end):
            x = col[a]
            here = there = False
            while a < a_end and col[a] == x:
                here |= not flagged or not removed[edge_id[a]]
                a += 1
            if search:
                b = _first_not_below(col, b, b_end, x)
            else:
                while b < b_end and col[b] < x:
                    b += 1
            while b < b_end and col[b] == x:
                there |= not flagged or not removed[edge_id[b]]
                b += 1
            if here and there != exclusive and x != own_i and x != own_j:
                out[at] = x
                at += 1
        counts[pair] = at - begin


@_jit
def gather(first, last, block, offset, counts, start, scattered, out):  # type: ignore[no-untyped-def]
    """Moves what each pair wrote to its final place."""
    for pair in range(first, last):
        begin, to = offset[pair], start[pair]
        for k in range(counts[pair]):
            out[to + k] = scattered[begin + k]


@_jit
def locate(first, last, block, source, target, rowptr, col, low, counts):  # type: ignore[no-untyped-def]
    """Finds the slots of the edges source -> target: the first one and their number."""
    for pair in range(first, last):
        end = np.int64(rowptr[target[pair] + 1])
        at = _first_not_below(col, np.int64(rowptr[target[pair]]), end, source[pair])
        low[pair] = at
        while at < end and col[at] == source[pair]:
            at += 1
        counts[pair] = at - low[pair]


@_jit
def triangles(first, last, rowptr, col, marks, counts):  # type: ignore[no-untyped-def]
    """Adds to `counts` [N] the triangles whose lowest node is in first..last; rows hold the higher neighbours."""
    for low in range(first, last):
        for slot in range(rowptr[low], rowptr[low + 1]):
            marks[col[slot]] = low
        for slot in range(rowptr[low], rowptr[low + 1]):
            middle = col[slot]
            for k in range(rowptr[middle], rowptr[middle + 1]):
                if marks[col[k]] == low:
                    counts[low] += 1
                    counts[middle] += 1
                    counts[col[k]] += 1
