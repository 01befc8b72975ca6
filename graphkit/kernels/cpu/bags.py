"""Compiled growth of bags: breadth-first balls around roots, and the messages of every layer over their rows."""

from __future__ import annotations

import numpy as np
from numba import njit

_jit = njit(cache=True, nogil=True, error_model="numpy")
MARK, DELETE_NODE, DELETE_EDGE, EGO = range(4)


@_jit
def grow(  # type: ignore[no-untyped-def]
    first, last, block, rowptr, col, root, begin, end, depth, whole, start, counts, node, sub, degree, edit
):
    """Walks the ball of every subgraph level by level.

    Writes the number of nodes of each level to `counts` [D + 1, S], and, where `start` [D + 1, S] says from which row
    on, the rows: node, subgraph, number of messages. Subgraph s has roots `root[s]` and nodes begin[s] to end[s]; with
    `whole`, nodes out of reach follow at level D.
    """
    place = np.full(len(rowptr) - 1, -1, np.int64)
    queue = np.empty(len(rowptr) - 1, np.int64)
    filling = node.size > 0
    for s in range(first, last):
        found = 0
        for i in range(root.shape[1]):
            if place[root[s, i]] < 0:
                queue[found] = root[s, i]
                place[root[s, i]] = found
                found += 1
        low, level = 0, 0
        while True:
            high = found
            if level == depth and whole:
                for v in range(begin[s], end[s]):
                    if place[v] < 0:
                        place[v] = found
                        queue[found] = v
                        found += 1
                high = found
            counts[level, s] = high - low
            if level == depth:
                break
            for at in range(low, high):
                v = queue[at]
                for k in range(rowptr[v], rowptr[v + 1]):
                    if place[col[k]] < 0:
                        place[col[k]] = found
                        queue[found] = col[k]
                        found += 1
            low = high
            level += 1
        if filling:
            low = 0
            for level in range(depth + 1):
                row = start[level, s]
                for at in range(low, low + counts[level, s]):
                    v = queue[at]
                    node[row], sub[row] = v, s
                    total = 1
                    for k in range(rowptr[v], rowptr[v + 1]):
                        total += keeps(edit, v, col[k], root, s, place, high)
                    degree[row] = total
                    row += 1
                low += counts[level, s]
        for at in range(found):
            place[queue[at]] = -1


@_jit
def keeps(edit, v, u, root, s, place, size):  # type: ignore[no-untyped-def]
    """Whether subgraph s keeps the message from u to v."""
    a, b = root[s, 0], root[s, root.shape[1] - 1]
    if edit == DELETE_NODE:
        return v != a and u != a
    if edit == DELETE_EDGE:
        return not (v == a and u == b) and not (v == b and u == a)
    if edit == EGO:
        return 0 <= place[u] < size
    return True


@_jit
def connect(  # type: ignore[no-untyped-def]
    first, last, block, rowptr, col, edge_id, root, start, counts, edit, node, into, source, edge
):
    """Writes the messages of every row: the row itself, then its neighbours' rows, or -1 - u for a node u without one.

    `into` [R + 1] says where each row's messages begin; `edge` gets the edge of the graph, -1 for the row itself.
    """
    place = np.full(len(rowptr) - 1, -1, np.int64)
    levels = len(counts)
    for s in range(first, last):
        for level in range(levels):
            for row in range(start[level, s], start[level, s] + counts[level, s]):
                place[node[row]] = row
        for level in range(levels):
            for row in range(start[level, s], start[level, s] + counts[level, s]):
                v, at = node[row], into[row]
                source[at], edge[at] = row, -1
                for k in range(rowptr[v], rowptr[v + 1]):
                    u = col[k]
                    if keeps(edit, v, u, root, s, place, len(node)):
                        at += 1
                        source[at] = place[u] if place[u] >= 0 else -1 - u
                        edge[at] = edge_id[k]
        for level in range(levels):
            for row in range(start[level, s], start[level, s] + counts[level, s]):
                place[node[row]] = -1


@_jit
def resolve(first, last, block, into, source, node, limit, nodes, base, out):  # type: ignore[no-untyped-def]
    """Writes where a layer reads each message: a row below `limit` is at nodes + row, any other at its node."""
    for k in range(into[first], into[last]):
        e = source[k]
        if e < 0:
            out[base + k] = -1 - e
        elif e < limit:
            out[base + k] = nodes + e
        else:
            out[base + k] = node[e]


@_jit
def transpose(rowptr, col, flipped, target, slot):  # type: ignore[no-untyped-def]
    """Counting sort of compressed rows by source; `flipped` [sources + 1] must hold zeros."""
    for k in range(len(col)):
        flipped[col[k] + 1] += 1
    for v in range(len(flipped) - 1):
        flipped[v + 1] += flipped[v]
    at = flipped[:-1].copy()
    for i in range(len(rowptr) - 1):
        for k in range(rowptr[i], rowptr[i + 1]):
            where = at[col[k]]
            target[where], slot[where] = i, k
            at[col[k]] += 1


@_jit
def symmetric(rowptr, col):  # type: ignore[no-untyped-def]
    """Whether every edge has its reverse."""
    for v in range(len(rowptr) - 1):
        for k in range(rowptr[v], rowptr[v + 1]):
            back = False
            for j in range(rowptr[col[k]], rowptr[col[k] + 1]):
                if col[j] == v:
                    back = True
                    break
            if not back:
                return False
    return True
