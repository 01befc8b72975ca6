"""Compiled GATv2: logits are computed again in the backward pass, so nothing of size [E, H, C] is stored."""

from __future__ import annotations

import numpy as np
from numba import njit

from graphkit.kernels.cpu.attention_ops import coefficients, drop, logit_grad
from graphkit.kernels.cpu.gat import longest_row, softmax_row, sum_values
from graphkit.kernels.cpu.heads import (
    axpy_heads,
    dot_heads,
    leaky_axpy_heads,
    leaky_dot_heads,
    leaky_slope_axpy_heads,
)
from graphkit.kernels.cpu.simd import fetch_ahead

_jit = njit(cache=True, nogil=True, error_model="numpy")


@_jit
def gatv2_forward(  # type: ignore[no-untyped-def]
    first, last, block, rowptr, col, source, target, att, edge, out, peak, inverse, alpha,
    heads, width, slope, seed, bound, factor,
):  # fmt: skip
    """One block of rows; `edge` [E, H, C] is in slot order or None; `alpha` [E, H] is filled if it is not empty."""
    logits = np.empty(longest_row(first, last, rowptr) * heads, out.dtype)
    row, end = heads * width, rowptr[last]
    for i in range(first, last):
        start, degree = rowptr[i], rowptr[i + 1] - rowptr[i]
        if degree == 0:
            continue
        for e in range(degree):
            fetch_ahead(source, col, start + e, end, row)
            x, y, z = np.int64(col[start + e]) * row, i * row, np.int64(start + e) * row
            leaky_dot_heads(logits, e * heads, att, 0, source, x, target, y, edge, z, slope, heads, width)
        softmax_row(logits, peak, inverse, i * heads, degree, heads)
        if alpha.size > 0:
            at = np.int64(start) * heads
            alpha[at : at + degree * heads] = logits[: degree * heads]
        sum_values(out, source, logits, rowptr, col, i, end, heads, width, seed, bound, factor)


@_jit
def gatv2_backward_source(  # type: ignore[no-untyped-def]
    first, last, block, rowptr, col, slot, source, target, att, edge, peak, inverse, grad, delta,
    grad_source, grad_logit, heads, width, slope, seed, bound, factor,
):  # fmt: skip
    """Over the transpose: gradients of one block of sources, and of every edge's logit (in slot order)."""
    alpha, dots = np.empty(heads, grad.dtype), np.empty(heads, grad.dtype)
    row, end = heads * width, rowptr[last]
    for j in range(first, last):
        x = j * row
        for k in range(rowptr[j], rowptr[j + 1]):
            fetch_ahead(grad, col, k, end, row)
            fetch_ahead(target, col, k, end, row)
            fetch_ahead(peak, col, k, end, heads)
            fetch_ahead(inverse, col, k, end, heads)
            fetch_ahead(delta, col, k, end, heads)
            fetch_ahead(grad_logit, slot, k, end, heads)
            i, at = np.int64(col[k]), np.int64(slot[k]) * heads
            y, z = i * row, np.int64(slot[k]) * row
            leaky_dot_heads(alpha, 0, att, 0, source, x, target, y, edge, z, slope, heads, width)
            dot_heads(dots, 0, grad, y, source, x, heads, width)
            coefficients(alpha, 0, peak, i * heads, inverse, i * heads, heads)
            if bound > 0:
                drop(dots, 0, at, seed, bound, factor, heads)
            logit_grad(grad_logit, at, alpha, 0, dots, 0, delta, i * heads, heads)
            if bound > 0:
                drop(alpha, 0, at, seed, bound, factor, heads)
            axpy_heads(grad_source, x, grad, y, alpha, 0, heads, width)
            leaky_slope_axpy_heads(
                grad_source, x, source, x, target, y, edge, z, att, 0, grad_logit, at, slope, heads, width
            )


@_jit
def gatv2_backward_target(  # type: ignore[no-untyped-def]
    first, last, block, rowptr, col, source, target, att, edge, grad_logit, grad_target, grad_att, grad_edge,
    heads, width, slope,
):  # fmt: skip
    """Gradients of one block of targets, of the edges if `grad_edge` is not empty, and this block's part of `att`'s."""
    row, end = heads * width, rowptr[last]
    for i in range(first, last):
        y = i * row
        for k in range(rowptr[i], rowptr[i + 1]):
            fetch_ahead(source, col, k, end, row)
            x, z = np.int64(col[k]) * row, np.int64(k) * row
            q, part = np.int64(k) * heads, block * row
            leaky_slope_axpy_heads(
                grad_target, y, source, x, target, y, edge, z, att, 0, grad_logit, q, slope, heads, width
            )
            leaky_axpy_heads(grad_att, part, source, x, target, y, edge, z, grad_logit, q, slope, heads, width)
            if grad_edge.size > 0:
                leaky_slope_axpy_heads(
                    grad_edge, z, source, x, target, y, edge, z, att, 0, grad_logit, q, slope, heads, width
                )
