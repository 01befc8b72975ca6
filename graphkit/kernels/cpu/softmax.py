"""Compiled softmax over the slots of every row."""

from __future__ import annotations

import numpy as np
from numba import njit

from graphkit.kernels.cpu.attention_ops import exp_below, logit_grad, raise_to, times

_jit = njit(cache=True, nogil=True, error_model="numpy")


@_jit
def softmax_forward(first, last, block, rowptr, values, heads):  # type: ignore[no-untyped-def]
    """Replaces the logits [E, H] of one block of rows by coefficients."""
    peak, total = np.empty(heads, values.dtype), np.empty(heads, values.dtype)
    one = values.dtype.type(1.0)
    for i in range(first, last):
        peak[:] = -np.inf
        total[:] = 0.0
        for k in range(rowptr[i], rowptr[i + 1]):
            raise_to(peak, 0, values, np.int64(k) * heads, heads)
        for k in range(rowptr[i], rowptr[i + 1]):
            exp_below(values, np.int64(k) * heads, peak, 0, total, 0, heads)
        for h in range(heads):
            total[h] = one / total[h]
        for k in range(rowptr[i], rowptr[i + 1]):
            times(values, np.int64(k) * heads, total, 0, heads)


@_jit
def softmax_backward(first, last, block, rowptr, alpha, grad, out, heads):  # type: ignore[no-untyped-def]
    """Computes out = alpha * (grad - sum over the row of alpha * grad)."""
    delta = np.empty(heads, grad.dtype)
    for i in range(first, last):
        delta[:] = 0.0
        for at in range(np.int64(rowptr[i]) * heads, np.int64(rowptr[i + 1]) * heads, heads):
            for h in range(heads):
                delta[h] += alpha[at + h] * grad[at + h]
        for at in range(np.int64(rowptr[i]) * heads, np.int64(rowptr[i + 1]) * heads, heads):
            logit_grad(out, at, alpha, at, grad, at, delta, 0, heads)
