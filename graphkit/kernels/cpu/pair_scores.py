"""Compiled scores of all pairs of two sets of states, without the [B, K, C] array between."""

from __future__ import annotations

import numpy as np
from numba import njit

_jit = njit(cache=True, nogil=True, error_model="numpy", fastmath={"reassoc", "nsz", "contract"})


@_jit
def relu_dot(source, target, weight, out):  # type: ignore[no-untyped-def]
    """Computes out[b, k] = sum_c weight[c] * max(0, source[b, c] + target[k, c])."""
    width = source.shape[1]
    zero = source.dtype.type(0)
    for b in range(len(source)):
        for k in range(len(target)):
            total = zero
            for c in range(width):
                total += weight[c] * max(zero, source[b, c] + target[k, c])
            out[b, k] = total


@_jit
def attention_relu_dot(above, below, other_above, other_below, source, target, weight, out):  # type: ignore[no-untyped-def]
    """Computes out[b, k] = w . max(0, source + target + sum_h (above_b + above_k)[h] / (below_b + below_k)[h])."""
    heads, width = above.shape[1], above.shape[2]
    zero, least = source.dtype.type(0), source.dtype.type(1e-6)
    row = np.empty(width, dtype=source.dtype)
    for b in range(len(source)):
        for k in range(len(target)):
            for c in range(width):
                row[c] = source[b, c] + target[k, c]
            for h in range(heads):
                scale = source.dtype.type(1) / max(least, below[b, h] + other_below[k, h])
                for c in range(width):
                    row[c] += scale * (above[b, h, c] + other_above[k, h, c])
            total = zero
            for c in range(width):
                total += weight[c] * max(zero, row[c])
            out[b, k] = total
