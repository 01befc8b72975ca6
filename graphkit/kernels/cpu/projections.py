"""Compiled random projections of temporal walks: one row a node and length, decayed when it is touched."""

from __future__ import annotations

import numpy as np
from numba import njit

_jit = njit(cache=True, nogil=True, error_model="numpy", fastmath={"reassoc", "nsz", "contract"})


@_jit
def _decay(rows, last, n, t, rate):  # type: ignore[no-untyped-def]
    gap = t - last[n]
    if gap > 0.0:
        for step in range(1, rows.shape[1]):
            factor = np.float32(np.exp(-rate * step * gap))
            for c in range(rows.shape[2]):
                rows[n, step, c] *= factor
    last[n] = max(last[n], t)


@_jit
def walk_update(rows, last, src, dst, t, rate):  # type: ignore[no-untyped-def]
    """Adds, event by event, walks through (u, v): rows[u, l] += rows[v, l - 1] and the reverse, l from k to 1."""
    for row in range(len(src)):
        u, v = src[row], dst[row]
        _decay(rows, last, u, t[row], rate)
        _decay(rows, last, v, t[row], rate)
        for step in range(rows.shape[1] - 1, 0, -1):
            for c in range(rows.shape[2]):
                to_u = rows[v, step - 1, c]
                to_v = rows[u, step - 1, c]
                rows[u, step, c] += to_u
                if u != v:
                    rows[v, step, c] += to_v


@_jit
def walk_read(rows, last, nodes, now, rate, out):  # type: ignore[no-untyped-def]
    """Reads the rows of nodes, decayed to the time `now`; nothing is written."""
    for row in range(len(nodes)):
        n = nodes[row]
        gap = max(0.0, now - last[n])
        for step in range(rows.shape[1]):
            factor = np.float32(np.exp(-rate * step * gap))
            for c in range(rows.shape[2]):
                out[row, step, c] = rows[n, step, c] * factor
