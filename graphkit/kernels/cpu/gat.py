"""Compiled GAT: two numbers a row and head are kept from the softmax, coefficients are computed again when needed."""

from __future__ import annotations

import numpy as np
from numba import njit

from graphkit.kernels.cpu.attention_ops import (
    add_two,
    coefficients,
    drop,
    exp_below,
    leaky,
    logit_grad,
    raise_to,
    times,
    times_leaky_slope,
)
from graphkit.kernels.cpu.heads import axpy_heads, dot_heads
from graphkit.kernels.cpu.simd import add, dot, fetch_ahead

_jit = njit(cache=True, nogil=True, error_model="numpy")


@_jit
def longest_row(first, last, rowptr):  # type: ignore[no-untyped-def]
    """Most edges of one row of a block: the size of its scratch space."""
    longest = 0
    for i in range(first, last):
        longest = max(longest, rowptr[i + 1] - rowptr[i])
    return longest


@_jit
def softmax_row(logits, peak, inverse, at, degree, heads):  # type: ignore[no-untyped-def]
    """Turns the logits [degree, heads] of one row into coefficients; keeps the peak and 1 / sum at `at`."""
    peak[at : at + heads] = -np.inf
    inverse[at : at + heads] = 0.0
    for e in range(degree):
        raise_to(peak, at, logits, e * heads, heads)
    for e in range(degree):
        exp_below(logits, e * heads, peak, at, inverse, at, heads)
    for h in range(heads):
        inverse[at + h] = peak.dtype.type(1.0) / inverse[at + h]
    for e in range(degree):
        times(logits, e * heads, inverse, at, heads)


@_jit
def sum_values(out, value, logits, rowptr, col, i, end, heads, width, seed, bound, factor):  # type: ignore[no-untyped-def]
    """Computes out[i] = sum of dropped-out coefficient * value[j] over row i."""
    start, row = rowptr[i], heads * width
    for k in range(start, rowptr[i + 1]):
        fetch_ahead(value, col, k, end, row)
        e = (k - start) * heads
        if bound > 0:
            drop(logits, e, np.int64(k) * heads, seed, bound, factor, heads)
        source = np.int64(col[k]) * row
        axpy_heads(out, i * row, value, source, logits, e, heads, width)


@_jit
def gat_forward(  # type: ignore[no-untyped-def]
    first, last, block, rowptr, col, value, score_source, score_target, edge_score, out, peak, inverse, alpha,
    heads, width, slope, seed, bound, factor,
):  # fmt: skip
    """One block of rows; `alpha` [E, H] is filled if it is not empty."""
    logits = np.empty(longest_row(first, last, rowptr) * heads, out.dtype)
    end = rowptr[last]
    for i in range(first, last):
        start, degree = rowptr[i], rowptr[i + 1] - rowptr[i]
        if degree == 0:
            continue
        for e in range(degree):
            at = e * heads
            fetch_ahead(score_source, col, start + e, end, heads)
            add_two(logits, at, score_source, np.int64(col[start + e]) * heads, score_target, i * heads, heads)
            if edge_score.size > 0:
                add(logits, at, edge_score, np.int64(start + e) * heads, heads)
            leaky(logits, at, logits, at, slope, heads)
        softmax_row(logits, peak, inverse, i * heads, degree, heads)
        if alpha.size > 0:
            at = np.int64(start) * heads
            alpha[at : at + degree * heads] = logits[: degree * heads]
        sum_values(out, value, logits, rowptr, col, i, end, heads, width, seed, bound, factor)


@_jit
def gat_backward(  # type: ignore[no-untyped-def]
    first, last, block, rowptr, col, slot, value, score_source, score_target, edge_score, peak, inverse, grad, delta,
    grad_value, grad_source, grad_logit, heads, width, slope, seed, bound, factor,
):  # fmt: skip
    """Over the transpose: gradients of one block of sources, and `grad_logit` [E, H] of the scores in slot order."""
    raw, alpha, dots = np.empty(heads, grad.dtype), np.empty(heads, grad.dtype), np.empty(heads, grad.dtype)
    row, end = heads * width, rowptr[last]
    for j in range(first, last):
        for k in range(rowptr[j], rowptr[j + 1]):
            fetch_ahead(grad, col, k, end, row)
            fetch_ahead(score_target, col, k, end, heads)
            fetch_ahead(peak, col, k, end, heads)
            fetch_ahead(inverse, col, k, end, heads)
            fetch_ahead(delta, col, k, end, heads)
            fetch_ahead(grad_logit, slot, k, end, heads)
            i, edge = np.int64(col[k]), np.int64(slot[k]) * heads
            add_two(raw, 0, score_source, j * heads, score_target, i * heads, heads)
            if edge_score.size > 0:
                add(raw, 0, edge_score, edge, heads)
            leaky(alpha, 0, raw, 0, slope, heads)
            coefficients(alpha, 0, peak, i * heads, inverse, i * heads, heads)
            dot_heads(dots, 0, grad, i * row, value, j * row, heads, width)
            if bound > 0:
                drop(dots, 0, edge, seed, bound, factor, heads)
            logit_grad(grad_logit, edge, alpha, 0, dots, 0, delta, i * heads, heads)
            times_leaky_slope(grad_logit, edge, raw, 0, slope, heads)
            add(grad_source, j * heads, grad_logit, edge, heads)
            if bound > 0:
                drop(alpha, 0, edge, seed, bound, factor, heads)
            axpy_heads(grad_value, j * row, grad, i * row, alpha, 0, heads, width)


@_jit
def sum_slots(first, last, block, rowptr, slots, out, width):  # type: ignore[no-untyped-def]
    """Computes out[i] = sum over the row of values that lie in slot order."""
    for i in range(first, last):
        for k in range(rowptr[i], rowptr[i + 1]):
            add(out, i * width, slots, np.int64(k) * width, width)


@_jit
def head_dots(first, last, block, x, y, out, heads, width):  # type: ignore[no-untyped-def]
    """Computes out[i, h] = <x[i, h], y[i, h]>."""
    for at in range(first * heads, last * heads):
        out[at] = dot(x, at * width, y, at * width, width)
