"""Compiled multi-hop expansion: frontier by frontier, every node numbered once in the order it is met."""

from __future__ import annotations

import numpy as np
from numba import njit

from graphkit.sampling.draws import below, uniform_without, weighted_with, weighted_without

_jit = njit(cache=True, nogil=True, error_model="numpy")


@_jit
def expand(  # type: ignore[no-untyped-def]
    rowptr, col, frontier, local, nodes, found, count, replace, weight, cumulative, state, sources, targets, slots
):
    """Draws `count` incoming edges (-1: all) for the nodes `nodes[frontier[0]:frontier[1]]` and numbers new sources.

    `local [N]` holds each node's number in this subgraph or -1, `nodes` the node of each number, `found` how many there
    are. Writes local sources, local targets and slots of the drawn edges and returns (number of nodes, of edges).
    """
    edges = 0
    room = max(count, 1)
    picks, key = np.empty(room, np.int64), np.empty(room, np.float64)
    for at in range(frontier[0], frontier[1]):
        node = nodes[at]
        start = np.int64(rowptr[node])
        degree = np.int64(rowptr[node + 1]) - start
        whole = count < 0 or (not replace and count >= degree)
        drawn = degree
        if whole:
            pass
        elif weight.size:
            if replace:
                drawn = weighted_with(state, start, degree, count, cumulative, picks)
            else:
                drawn = weighted_without(state, start, degree, count, weight, key, picks)
        elif replace:
            drawn = np.int64(count if degree else 0)
            for k in range(drawn):
                picks[k] = start + below(state, degree)
        else:
            drawn = np.int64(count)
            uniform_without(state, start, degree, count, picks)
        for k in range(drawn):
            slot = start + k if whole else picks[k]
            if whole and weight.size and weight[slot] <= 0.0:
                continue
            source = np.int64(col[slot])
            if local[source] < 0:
                local[source] = found
                nodes[found] = source
                found += 1
            sources[edges], targets[edges], slots[edges] = local[source], at, slot
            edges += 1
    return found, edges


@_jit
def edge_bound(rowptr, nodes, first, last, count, replace):  # type: ignore[no-untyped-def]
    """Returns how many edges one expansion of nodes[first:last] can draw at most."""
    total = np.int64(0)
    for at in range(first, last):
        degree = np.int64(rowptr[nodes[at] + 1]) - np.int64(rowptr[nodes[at]])
        if count < 0:
            total += degree
        elif replace:
            total += np.int64(count if degree else 0)
        else:
            total += min(degree, np.int64(count))
    return total


@_jit
def induced(rowptr, col, local, nodes, found, sources, targets, slots, counting):  # type: ignore[no-untyped-def]
    """Finds every edge between subgraph nodes; only counts them while `counting`. Returns their number."""
    edges = 0
    for at in range(found):
        for slot in range(np.int64(rowptr[nodes[at]]), np.int64(rowptr[nodes[at] + 1])):
            source = local[col[slot]]
            if source >= 0:
                if not counting:
                    sources[edges], targets[edges], slots[edges] = source, at, slot
                edges += 1
    return edges


@_jit
def running_sums(rowptr, weight, out):  # type: ignore[no-untyped-def]
    """Writes the running sum of the weights of each row."""
    for row in range(rowptr.size - 1):
        total = 0.0
        for slot in range(np.int64(rowptr[row]), np.int64(rowptr[row + 1])):
            total += weight[slot]
            out[slot] = total
