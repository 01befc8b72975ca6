"""Compiled return probabilities of random walks, a block of starting nodes of one graph at a time."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True, error_model="numpy")
def return_walks(first, last, block, graph, low, ptr, rowptr, col, weight, steps, mirrored, width, found):  # type: ignore[no-untyped-def]
    """Writes diag(S^k), k = 1..steps, to found [N, steps] for the nodes that tasks `first` to `last` start from.

    Task t starts a walk from each of the nodes low[t] to low[t] + width of graph[t]. S is in rows; where it is its own
    transpose (`mirrored`), products of two consecutive powers give two diagonals.
    """
    tallest = 0
    for task in range(first, last):
        tallest = max(tallest, ptr[graph[task] + 1] - ptr[graph[task]])
    before, after = np.empty((tallest, width)), np.empty((tallest, width))
    rounds = (steps + 1) // 2 if mirrored else steps
    for task in range(first, last):
        start = ptr[graph[task]]
        nodes = ptr[graph[task] + 1] - start
        here = low[task]
        columns = min(width, nodes - here)
        before[:nodes, :columns] = 0.0
        for j in range(columns):
            before[here + j, j] = 1.0
        for k in range(rounds):
            for i in range(nodes):
                row = after[i, :columns]
                row[:] = 0.0
                for slot in range(rowptr[start + i], rowptr[start + i + 1]):
                    share, other = weight[slot], before[col[slot] - start, :columns]
                    for j in range(columns):
                        row[j] += share * other[j]
                if mirrored:
                    own = before[i, :columns]
                    for j in range(columns):
                        found[start + here + j, 2 * k] += own[j] * row[j]
                    if 2 * k + 1 < steps:
                        for j in range(columns):
                            found[start + here + j, 2 * k + 1] += row[j] * row[j]
            if not mirrored:
                for j in range(columns):
                    found[start + here + j, k] = after[here + j, j]
            before, after = after, before
