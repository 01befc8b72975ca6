"""Compiled attention of nodes over rows of event features and gathered keys, forward and backward, row by row."""

from __future__ import annotations

import numpy as np
from numba import njit

_jit = njit(cache=True, nogil=True, error_model="numpy", fastmath={"reassoc", "nsz", "contract"})


@_jit
def attend(query, folded, table, near, mask, edges, keep, weights, out, out_edge):  # type: ignore[no-untyped-def]
    """Fills weights [Q, H, K] = softmax((q . key + f . edge) / sqrt(d)), out = sum of kept values, out_edge of edges.

    table [U, 2, H, D] holds keys and values; folded [Q, H, E] is q times the map of edges; `keep` [Q, H, K] scales
    weights (dropout), or has no rows.
    """
    many, heads, width = query.shape
    k_count, e_width = near.shape[1], edges.shape[2]
    zero, scale = query.dtype.type(0), query.dtype.type(1.0 / np.sqrt(width))
    for q in range(many):
        for h in range(heads):
            top = query.dtype.type(-np.inf)
            for k in range(k_count):
                if not mask[q, k]:
                    continue
                total = zero
                j = near[q, k]
                for c in range(width):
                    total += query[q, h, c] * table[j, 0, h, c]
                for c in range(e_width):
                    total += folded[q, h, c] * edges[q, k, c]
                weights[q, h, k] = total * scale
                top = max(top, total * scale)
            norm = zero
            for k in range(k_count):
                weights[q, h, k] = np.exp(weights[q, h, k] - top) if mask[q, k] else zero
                norm += weights[q, h, k]
            for c in range(width):
                out[q, h, c] = zero
            for c in range(e_width):
                out_edge[q, h, c] = zero
            for k in range(k_count):
                if not mask[q, k]:
                    continue
                weights[q, h, k] /= norm
                w = weights[q, h, k] * (keep[q, h, k] if len(keep) else query.dtype.type(1))
                j = near[q, k]
                for c in range(width):
                    out[q, h, c] += w * table[j, 1, h, c]
                for c in range(e_width):
                    out_edge[q, h, c] += w * edges[q, k, c]


@_jit
def attend_backward(query, folded, table, near, mask, edges, keep, weights, g_out, g_edge_out, grads):  # type: ignore[no-untyped-def]
    """Adds the gradients of `attend` to (query, folded, table, edges), which hold zeros before."""
    g_query, g_folded, g_table, g_edges = grads
    many, heads, width = query.shape
    k_count, e_width = near.shape[1], edges.shape[2]
    zero, scale = query.dtype.type(0), query.dtype.type(1.0 / np.sqrt(width))
    change = np.empty(k_count, dtype=query.dtype)
    for q in range(many):
        for h in range(heads):
            mean = zero
            for k in range(k_count):
                if not mask[q, k]:
                    continue
                j, total = near[q, k], zero
                kept = keep[q, h, k] if len(keep) else query.dtype.type(1)
                w = weights[q, h, k] * kept
                for c in range(width):
                    total += g_out[q, h, c] * table[j, 1, h, c]
                    g_table[j, 1, h, c] += w * g_out[q, h, c]
                for c in range(e_width):
                    total += g_edge_out[q, h, c] * edges[q, k, c]
                    g_edges[q, k, c] += w * g_edge_out[q, h, c]
                change[k] = total * kept
                mean += weights[q, h, k] * change[k]
            for k in range(k_count):
                if not mask[q, k]:
                    continue
                j = near[q, k]
                d = weights[q, h, k] * (change[k] - mean) * scale
                for c in range(width):
                    g_query[q, h, c] += d * table[j, 0, h, c]
                    g_table[j, 0, h, c] += d * query[q, h, c]
                for c in range(e_width):
                    g_folded[q, h, c] += d * edges[q, k, c]
                    g_edges[q, k, c] += d * folded[q, h, c]
