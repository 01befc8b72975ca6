"""Compiled scores of all pairs of two sets of states, without the [B, K, C] array between."""

from __future__ import annotations

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
