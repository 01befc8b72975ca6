"""Compiled tables of what happened between a source and a destination, and to each of them."""

from __future__ import annotations

import numpy as np
from numba import njit

_jit = njit(cache=True, nogil=True, error_model="numpy")
EMPTY = -1


@_jit
def _slot(keys, key):  # type: ignore[no-untyped-def]
    last = len(keys) - 1
    at = np.int64((np.uint64(key) * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(24)) & last
    while keys[at] != EMPTY and keys[at] != key:
        at = (at + 1) & last
    return at


@_jit
def rehash(old, new):  # type: ignore[no-untyped-def]
    """Moves every pair into larger arrays."""
    (old_keys, old_times, old_before, old_counts), (keys, times, before, counts) = old, new
    for place in range(len(old_keys)):
        if old_keys[place] != EMPTY:
            at = _slot(keys, old_keys[place])
            keys[at], times[at] = old_keys[place], old_times[place]
            before[at], counts[at] = old_before[place], old_counts[place]


@_jit
def remember(tables, src, dst, t):  # type: ignore[no-untyped-def]
    """Takes in events; returns how many pairs are new."""
    keys, times, before, counts, seen_t, seen_before, seen_n, sent_t, sent_n, last = tables
    added = 0
    for row in range(len(src)):
        u, v = np.int64(src[row]), np.int64(dst[row])
        at = _slot(keys, (u << 31) | v)
        if keys[at] == EMPTY:
            keys[at] = (u << 31) | v
            added += 1
        before[at], times[at] = times[at], t[row]
        counts[at] += 1
        seen_before[v], seen_t[v], sent_t[u] = seen_t[v], t[row], t[row]
        seen_n[v] += 1
        sent_n[u] += 1
        last[u] = v
    return added


@_jit
def recall(tables, src, candidates, t, gap, out):  # type: ignore[no-untyped-def]
    """Writes ten features a pair; see `kernels.pair_history.FEATURES`."""
    keys, times, before, counts, seen_t, seen_before, seen_n, sent_t, sent_n, last = tables
    own = len(candidates) > 1 or len(src) == 1
    width = candidates.shape[1]
    for row in range(len(src)):
        u = np.int64(src[row])
        line = candidates[row if own else 0]
        idle = np.log1p(max(0.0, t[row] - sent_t[u]) / gap) * 0.1 if sent_n[u] > 0 else 2.0
        busy = np.log1p(sent_n[u]) * 0.2
        for column in range(width):
            v = np.int64(line[column])
            at = _slot(keys, (u << 31) | v)
            cell = out[row, column]
            if keys[at] == EMPTY:
                cell[0], cell[1], cell[2], cell[8] = 0.0, 2.0, 0.0, 2.0
            else:
                cell[0], cell[1] = 1.0, np.log1p(max(0.0, t[row] - times[at]) / gap) * 0.1
                cell[2] = np.log1p(counts[at]) * 0.2
                cell[8] = np.log1p(max(0.0, t[row] - before[at]) / gap) * 0.1 if counts[at] > 1 else 2.0
            cell[3] = 1.0 if last[u] == v else 0.0
            cell[4] = np.log1p(max(0.0, t[row] - seen_t[v]) / gap) * 0.1 if seen_n[v] > 0 else 2.0
            cell[5] = np.log1p(seen_n[v]) * 0.2
            cell[6], cell[7] = idle, busy
            cell[9] = np.log1p(max(0.0, t[row] - seen_before[v]) / gap) * 0.1 if seen_n[v] > 1 else 2.0
