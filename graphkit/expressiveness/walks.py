"""Path refinement: colours of all simple or all shortest paths that end in a node, compiled."""

from __future__ import annotations

import numpy as np

from graphkit.expressiveness.hashing import ZERO, jit, mix, pair, pool
from graphkit.expressiveness.refine import distances


@jit
def refine_paths(ptr, rowptr, col, color, length, shortest, distance, out):  # type: ignore[no-untyped-def]
    """For k = 1..length: c_v <- hash(c_v, multiset of the paths of k edges at v, read from their far end to v).

    `shortest` takes shortest paths only; `distance` joins the distance to v to every node of a path.
    """
    for g in range(len(ptr) - 1):
        first, last = ptr[g], ptr[g + 1]
        n = last - first
        table = distances(first, last, rowptr, col)
        state = color[first:last].copy()
        fresh, used = np.empty(n, np.uint64), np.zeros(n, np.bool_)
        path, slot, token = np.empty(length + 1, np.int64), np.empty(length + 1, np.int64), np.empty((n, n), np.uint64)
        for k in range(1, length + 1):
            for v in range(n):  # the colour of a node as the root v reads it
                for u in range(n):
                    token[v, u] = mix(pair(state[u], np.uint64(table[v, u]))) if distance else mix(state[u])
            for root in range(n):
                total, depth = ZERO, 0
                path[0], slot[0], used[root] = root, rowptr[first + root], True
                while depth >= 0:
                    v = path[depth]
                    if depth == k or slot[depth] == rowptr[first + v + 1]:
                        if depth == k:
                            row = ZERO
                            for i in range(k, -1, -1):
                                row = mix(row + token[root, path[i]])
                            total += row
                        used[v] = False
                        depth -= 1
                        continue
                    u = col[slot[depth]] - first
                    slot[depth] += 1
                    if used[u] or (shortest and table[root, u] != depth + 1):
                        continue
                    depth += 1
                    path[depth], slot[depth], used[u] = u, rowptr[first + u], True
                fresh[root] = pair(state[root], total)
            state, fresh = fresh, state
        out[g] = pool(state, 0, n)
