"""Compiled enumeration of all simple paths: no distances, no edges, no cap, which is most of what is asked.

A byte a node says whether the path holds it. Most paths have the full length, so that the last step is a plain loop
over the neighbours of a node: the count adds up free ones, and the fill writes the beginning of the path and the
neighbour every time, and moves on where the neighbour was free. What a taken one left behind, the next row covers.
"""

from __future__ import annotations

import numpy as np
from numba import njit

_jit = njit(cache=True, nogil=True, error_model="numpy")
WIDE = 8
"""Numbers that the last step writes at once; longer rows are copied number by number."""


@_jit
def count_simple(first, last, block, length, rowptr, col, counts):  # type: ignore[no-untyped-def]
    """Writes to counts [N, K] how many simple paths of 1 to K edges end in every root."""
    taken = np.zeros(len(rowptr) - 1, np.uint8)
    path, place = np.empty(length + 1, np.int32), np.empty(length + 1, np.int64)
    for root in range(first, last):
        depth = 0
        path[0], place[0], taken[root] = root, rowptr[root], 1
        while depth >= 0:
            node, slot = path[depth], place[depth]
            end = rowptr[node + 1]
            if depth == length - 1:
                free = end - slot
                while slot < end:
                    free -= taken[col[slot]]
                    slot += 1
                counts[root, depth] += free
            while slot < end and taken[col[slot]]:
                slot += 1
            if slot == end:
                taken[node] = 0
                depth -= 1
                continue
            place[depth] = slot + 1
            counts[root, depth] += 1
            depth += 1
            path[depth], place[depth] = col[slot], rowptr[col[slot]]
            taken[col[slot]] = 1


@_jit
def fill_simple(first, last, block, length, rowptr, col, offsets, base, nodes):  # type: ignore[no-untyped-def]
    """Writes the simple paths into every root; level k - 1 of root v begins at row offsets[v, k - 1]."""
    taken = np.zeros(len(rowptr) - 1, np.uint8)
    path, place = np.zeros(max(length + 1, WIDE), np.int32), np.empty(length + 1, np.int64)
    at = np.empty(length, np.int64)
    for level in range(length):
        at[level] = base[level] + offsets[first, level] * (level + 2)
    stop = base[length - 1] + offsets[last, length - 1] * (length + 1)
    for root in range(first, last):
        depth = 0
        path[0], place[0], taken[root] = root, rowptr[root], 1
        while depth >= 0:
            node, slot = path[depth], place[depth]
            end = rowptr[node + 1]
            if depth == length - 1:
                at[depth] = _last_step(slot, end, length, stop, col, taken, path, at[depth], nodes)
                slot = end
            while slot < end and taken[col[slot]]:
                slot += 1
            if slot == end:
                taken[node] = 0
                depth -= 1
                continue
            place[depth] = slot + 1
            row = at[depth]
            for k in range(depth + 1):
                nodes[row + k] = path[k]
            nodes[row + depth + 1] = col[slot]
            at[depth] = row + depth + 2
            depth += 1
            path[depth], place[depth] = col[slot], rowptr[col[slot]]
            taken[col[slot]] = 1


@_jit
def _last_step(slot, end, length, stop, col, taken, path, at, nodes):  # type: ignore[no-untyped-def]
    """Writes a path with every free neighbour behind it, from `at`; returns where the next row begins."""
    width = length + 1
    a, b, c, d, e, f, g, h = path[0], path[1], path[2], path[3], path[4], path[5], path[6], path[7]
    while slot < end and width <= WIDE and at + WIDE <= stop:
        other = col[slot]
        nodes[at] = a
        nodes[at + 1] = b
        nodes[at + 2] = c
        nodes[at + 3] = d
        nodes[at + 4] = e
        nodes[at + 5] = f
        nodes[at + 6] = g
        nodes[at + 7] = h
        nodes[at + length] = other
        at += width * (1 - np.int64(taken[other]))
        slot += 1
    while slot < end:  # near the end of the block, where rows of another one follow
        if not taken[col[slot]]:
            for k in range(length):
                nodes[at + k] = path[k]
            nodes[at + length] = col[slot]
            at += width
        slot += 1
    return at
