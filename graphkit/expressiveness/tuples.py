"""Folklore Weisfeiler-Leman on pairs and triples of nodes, compiled."""

from __future__ import annotations

import numpy as np

from graphkit.expressiveness.hashing import ZERO, jit, mix, pair


@jit
def adjacency(first, last, rowptr, col, edge_color):  # type: ignore[no-untyped-def]
    """Colours of edges [n, n], zero where there is none."""
    n = last - first
    table = np.zeros((n, n), np.uint64)
    for v in range(n):
        for k in range(rowptr[first + v], rowptr[first + v + 1]):
            table[v, col[k] - first] = edge_color[k]
    return table


@jit
def start_pairs(first, last, rowptr, col, color, edge_color):  # type: ignore[no-untyped-def]
    """Colours of pairs [n, n]: the edge between both, their colours, and whether they are one node."""
    n = last - first
    table = adjacency(first, last, rowptr, col, edge_color)
    for u in range(n):
        for v in range(n):
            ends = pair(color[first + u], color[first + v])
            table[u, v] = pair(pair(table[u, v], np.uint64(u == v)), ends)
    return table


@jit
def refine_pairs(ptr, rowptr, col, color, edge_color, rounds, out):  # type: ignore[no-untyped-def]
    """2-FWL: c(u, v) <- hash(c(u, v), multiset over w of (c(u, w), c(w, v)))."""
    for g in range(len(ptr) - 1):
        now = start_pairs(ptr[g], ptr[g + 1], rowptr, col, color, edge_color)
        n = len(now)
        then = np.empty_like(now)
        turned = np.empty_like(now)
        for _ in range(rounds):
            turned[:] = now.T
            for u in range(n):
                for v in range(n):
                    total = ZERO
                    for w in range(n):
                        total += pair(now[u, w], turned[v, w])
                    then[u, v] = pair(now[u, v], total)
            now, then = then, now
        total = ZERO
        for u in range(n):
            for v in range(n):
                total += mix(now[u, v])
        out[g] = mix(total)


@jit
def refine_triples(ptr, rowptr, col, color, edge_color, rounds, out):  # type: ignore[no-untyped-def]
    """3-FWL: c(u, v, w) <- hash(c(u, v, w), multiset over x of (c(x, v, w), c(u, x, w), c(u, v, x)))."""
    for g in range(len(ptr) - 1):
        start = start_pairs(ptr[g], ptr[g + 1], rowptr, col, color, edge_color)
        n = len(start)
        now, then = np.empty((n, n, n), np.uint64), np.empty((n, n, n), np.uint64)
        for u in range(n):
            for v in range(n):
                for w in range(n):
                    now[u, v, w] = pair(pair(start[u, v], start[u, w]), start[v, w])
        for _ in range(rounds):
            for u in range(n):
                for v in range(n):
                    for w in range(n):
                        total = ZERO
                        for x in range(n):
                            total += pair(pair(now[x, v, w], now[u, x, w]), now[u, v, x])
                        then[u, v, w] = pair(now[u, v, w], total)
            now, then = then, now
        total = ZERO
        for u in range(n):
            for v in range(n):
                for w in range(n):
                    total += mix(now[u, v, w])
        out[g] = mix(total)
