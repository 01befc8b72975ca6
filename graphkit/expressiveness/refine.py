"""Colour refinement (1-WL) of whole graphs and of the subgraphs of a bag, compiled."""

from __future__ import annotations

import numpy as np

from graphkit.expressiveness.hashing import ZERO, jit, mix, pair, pool

FAR = 255
"""Distance of nodes that are not connected, and of those farther away than 254 edges."""
NODE_MARKED, NODE_DELETED, EDGE_DELETED, EGO, EGO_PLUS, PAIR_MARKED = range(6)
_ROOT, _FIRST, _SECOND, _BOTH = np.uint64(2), np.uint64(3), np.uint64(5), np.uint64(7)


@jit
def refine_graphs(ptr, rowptr, col, edge_color, color, rounds, out, nodes):  # type: ignore[no-untyped-def]
    """1-WL of every graph: colours of nodes to `nodes` [N], of graphs to `out` [G]."""
    for g in range(len(ptr) - 1):
        first, last = ptr[g], ptr[g + 1]
        now, then = color[first:last].copy(), np.empty(last - first, np.uint64)
        for _ in range(min(last - first, rounds)):
            for v in range(first, last):
                total = ZERO
                for k in range(rowptr[v], rowptr[v + 1]):
                    total += mix(pair(now[col[k] - first], edge_color[k]))
                then[v - first] = pair(now[v - first], total)
            now, then = then, now
        nodes[first:last] = now
        out[g] = pool(now, 0, last - first)


@jit
def distances(first, last, rowptr, col):  # type: ignore[no-untyped-def]
    """Numbers of edges between all nodes of a graph [n, n] uint8."""
    n = last - first
    table = np.full((n, n), FAR, np.uint8)
    queue = np.empty(n, np.int64)
    for root in range(n):
        row = table[root]
        row[root] = 0
        queue[0], begin, end = root, 0, 1
        while begin < end:
            v = queue[begin]
            begin += 1
            if row[v] == FAR - 1:
                break
            for k in range(rowptr[first + v], rowptr[first + v + 1]):
                u = col[k] - first
                if row[u] == FAR:
                    row[u] = row[v] + 1
                    queue[end] = u
                    end += 1
    return table


@jit
def ball_table(policy, first, last, rowptr, col):  # type: ignore[no-untyped-def]
    """Distances for policies that read them, an empty table for others."""
    if policy in (EGO, EGO_PLUS):
        return distances(first, last, rowptr, col)
    return np.empty((0, 0), np.uint8)


@jit
def roots_of(policy, first, last, rowptr, col):  # type: ignore[no-untyped-def]
    """Roots of the subgraphs of a graph [S, 2], numbered in the graph; equal ones where a subgraph has one root."""
    n = last - first
    if policy == EDGE_DELETED:
        count = 0
        roots = np.empty(((rowptr[last] - rowptr[first]) // 2, 2), np.int64)
        for v in range(first, last):
            for k in range(rowptr[v], rowptr[v + 1]):
                if col[k] > v:
                    roots[count, 0], roots[count, 1] = v - first, col[k] - first
                    count += 1
        return roots
    if policy == PAIR_MARKED:
        roots = np.empty((n * n, 2), np.int64)
        for s in range(n * n):
            roots[s, 0], roots[s, 1] = s // n, s % n
        return roots
    roots = np.empty((n, 2), np.int64)
    for s in range(n):
        roots[s] = s
    return roots


@jit
def open_subgraph(policy, radius, a, b, table, color, alive, now):  # type: ignore[no-untyped-def]
    """Fills the nodes that keep their edges in a subgraph (`alive`) and the marked colours (`now`)."""
    n = len(now)
    for v in range(n):
        alive[v] = not (policy == NODE_DELETED and v == a)
        if policy in (EGO, EGO_PLUS):
            alive[v] = table[a, v] <= radius
        now[v] = color[v]
    if policy in (NODE_MARKED, EGO_PLUS):
        now[a] = pair(now[a], _ROOT)
    elif policy == PAIR_MARKED:
        if a == b:
            now[a] = pair(now[a], _BOTH)
        else:
            now[a], now[b] = pair(now[a], _FIRST), pair(now[b], _SECOND)


@jit
def sum_neighbours(v, first, rowptr, col, alive, now, a, b):  # type: ignore[no-untyped-def]
    """The multiset of colours around v in a subgraph; the edge between a and b is left out (a < 0: none)."""
    total = ZERO
    if alive[v]:
        for k in range(rowptr[first + v], rowptr[first + v + 1]):
            u = col[k] - first
            if alive[u] and not (v == a and u == b) and not (v == b and u == a):
                total += mix(now[u])
    return total


@jit
def refine_bags(ptr, rowptr, col, color, policy, radius, rounds, out):  # type: ignore[no-untyped-def]
    """1-WL in every subgraph of a bag by itself; nodes are pooled, then subgraphs. Nodes outside stay, isolated."""
    for g in range(len(ptr) - 1):
        first, last = ptr[g], ptr[g + 1]
        n = last - first
        table = ball_table(policy, first, last, rowptr, col)
        alive, now, then = np.empty(n, np.bool_), np.empty(n, np.uint64), np.empty(n, np.uint64)
        total = ZERO
        roots = roots_of(policy, first, last, rowptr, col)
        for s in range(len(roots)):
            a, b = roots[s, 0], roots[s, 1]
            open_subgraph(policy, radius, a, b, table, color[first:last], alive, now)
            cut_a, cut_b = (a, b) if policy == EDGE_DELETED else (-1, -1)
            for _ in range(min(n, rounds)):
                for v in range(n):
                    then[v] = pair(now[v], sum_neighbours(v, first, rowptr, col, alive, now, cut_a, cut_b))
                now, then = then, now
            total += mix(pool(now, 0, n))
        out[g] = mix(total)


@jit
def refine_shared(ptr, rowptr, col, color, policy, radius, rounds, out):  # type: ignore[no-untyped-def]
    """DSS: a node in a subgraph also sees itself in all subgraphs, and its neighbours (in the graph) there."""
    for g in range(len(ptr) - 1):
        first, last = ptr[g], ptr[g + 1]
        n = last - first
        table = ball_table(policy, first, last, rowptr, col)
        roots = roots_of(policy, first, last, rowptr, col)
        count = len(roots)
        alive = np.empty((count, n), np.bool_)
        now, then = np.empty((count, n), np.uint64), np.empty((count, n), np.uint64)
        for s in range(count):
            open_subgraph(policy, radius, roots[s, 0], roots[s, 1], table, color[first:last], alive[s], now[s])
        shared, around = np.empty(n, np.uint64), np.empty(n, np.uint64)
        for _ in range(min(n, rounds)):
            for v in range(n):
                total = ZERO
                for s in range(count):
                    total += mix(now[s, v])
                shared[v] = mix(total)
            for v in range(n):
                total = ZERO
                for k in range(rowptr[first + v], rowptr[first + v + 1]):
                    total += mix(shared[col[k] - first])
                around[v] = pair(shared[v], total)
            for s in range(count):
                cut_a, cut_b = (roots[s, 0], roots[s, 1]) if policy == EDGE_DELETED else (-1, -1)
                for v in range(n):
                    own = sum_neighbours(v, first, rowptr, col, alive[s], now[s], cut_a, cut_b)
                    then[s, v] = pair(pair(now[s, v], own), around[v])
            now, then = then, now
        total = ZERO
        for s in range(count):
            total += mix(pool(now[s], 0, n))
        out[g] = mix(total)


@jit
def refine_kernels(ptr, rowptr, col, color, radius, outer, inner, out):  # type: ignore[no-untyped-def]
    """AK+: the ego net of a node, coloured by colour and distance, is refined and pooled into the node's new colour."""
    for g in range(len(ptr) - 1):
        first, last = ptr[g], ptr[g + 1]
        n = last - first
        table = distances(first, last, rowptr, col)
        state, fresh = color[first:last].copy(), np.empty(n, np.uint64)
        alive, now, then = np.empty(n, np.bool_), np.empty(n, np.uint64), np.empty(n, np.uint64)
        for _ in range(outer):
            for root in range(n):
                for v in range(n):
                    alive[v] = table[root, v] <= radius
                    now[v] = pair(state[v], np.uint64(table[root, v]))
                for _ in range(inner):
                    for v in range(n):
                        if alive[v]:
                            then[v] = pair(now[v], sum_neighbours(v, first, rowptr, col, alive, now, -1, -1))
                    now, then = then, now
                total = ZERO
                for v in range(n):
                    if alive[v]:
                        total += mix(now[v])
                fresh[root] = pair(pair(state[root], mix(total)), now[root])
            state, fresh = fresh, state
        out[g] = pool(state, 0, n)
