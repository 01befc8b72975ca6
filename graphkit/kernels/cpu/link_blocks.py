"""Compiled message passing inside the blocks of a batch of links."""

from __future__ import annotations

import numpy as np
from numba import njit

from graphkit.kernels.cpu.simd import axpy, dot, scale

_jit = njit(cache=True, nogil=True, error_model="numpy")


@_jit
def convolution(first, last, part, ptr, rowptr, col, share, x, out, width, target):  # type: ignore[no-untyped-def]
    """Computes D^-1/2 (A + I) D^-1/2 x, the target edge added by rule."""
    for b in range(first, last):
        start = ptr[b]
        for i in range(start, ptr[b + 1]):
            at = i * width
            out[at : at + width] = 0.0
            axpy(out, at, x, at, share[i], width)
            for k in range(rowptr[i], rowptr[i + 1]):
                source = np.int64(col[k])
                axpy(out, at, x, source * width, share[source], width)
            if target and i < start + 2:
                other = start + (i == start)
                axpy(out, at, x, other * width, share[other], width)
            scale(out, at, share[i], width)


@_jit
def convolution_grad(first, last, part, ptr, rowptr, col, share, grad, out, width, target):  # type: ignore[no-untyped-def]
    """The transpose of `convolution`; `out` starts as zeros."""
    for b in range(first, last):
        start = ptr[b]
        for i in range(start, ptr[b + 1]):
            at, own = i * width, share[i]
            axpy(out, at, grad, at, own, width)
            for k in range(rowptr[i], rowptr[i + 1]):
                axpy(out, np.int64(col[k]) * width, grad, at, own, width)
            if target and i < start + 2:
                axpy(out, (start + (i == start)) * width, grad, at, own, width)
        for i in range(start, ptr[b + 1]):
            scale(out, i * width, share[i], width)


@_jit
def edge_logits(first, last, part, ptr, rowptr, col, query, key, out, target, factor, heads, width):  # type: ignore[no-untyped-def]
    """Computes factor * <query[source], key[target node]> for every edge and head, and for both target edges."""
    row = heads * width
    for b in range(first, last):
        start = ptr[b]
        for i in range(start, ptr[b + 1]):
            for k in range(rowptr[i], rowptr[i + 1]):
                source, at = np.int64(col[k]) * row, np.int64(k) * heads
                for h in range(heads):
                    out[at + h] = factor * dot(query, source + h * width, key, i * row + h * width, width)
        for side in range(2):
            source, arrives, at = (start + 1 - side) * row, (start + side) * row, (2 * b + side) * heads
            for h in range(heads):
                target[at + h] = factor * dot(query, source + h * width, key, arrives + h * width, width)


@_jit
def edge_logits_grad(  # type: ignore[no-untyped-def]
    first, last, part, ptr, rowptr, col, query, key, grad, target, grad_query, grad_key, factor, heads, width
):
    """Gradients of queries and keys; both start as zeros."""
    row = heads * width
    for b in range(first, last):
        start = ptr[b]
        for i in range(start, ptr[b + 1]):
            for k in range(rowptr[i], rowptr[i + 1]):
                source, at = np.int64(col[k]) * row, np.int64(k) * heads
                for h in range(heads):
                    g, shift = factor * grad[at + h], h * width
                    axpy(grad_key, i * row + shift, query, source + shift, g, width)
                    axpy(grad_query, source + shift, key, i * row + shift, g, width)
        for side in range(2):
            source, arrives, at = (start + 1 - side) * row, (start + side) * row, (2 * b + side) * heads
            for h in range(heads):
                g, shift = factor * target[at + h], h * width
                axpy(grad_key, arrives + shift, query, source + shift, g, width)
                axpy(grad_query, source + shift, key, arrives + shift, g, width)
