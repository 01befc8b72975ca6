"""Compiled sums and maxima of act(query[i] + key[j] + edge) over rows, and their gradients."""

from __future__ import annotations

import numpy as np
from numba import njit

from graphkit.kernels.cpu.activations import act_axpy, act_dot, act_slope_axpy
from graphkit.kernels.cpu.simd import add_won, fetch_ahead, keep_larger

_jit = njit(cache=True, nogil=True, error_model="numpy")


@_jit
def pair_forward(  # type: ignore[no-untyped-def]
    first, last, block, rowptr, col, query, key, edge, weight, out, winner, width, code, slope
):
    """One block of rows; a maximum if `winner` is not empty, else a sum; `edge` is in slot order or None."""
    one, end = out.dtype.type(1.0), rowptr[last]
    message = np.empty(width, out.dtype)
    for i in range(first, last):
        at = i * width
        for k in range(rowptr[i], rowptr[i + 1]):
            fetch_ahead(key, col, k, end, width)
            source, own = np.int64(col[k]) * width, np.int64(k) * width
            w = weight[k] if weight.size > 0 else one
            if winner.size == 0:
                act_axpy(out, at, query, at, key, source, edge, own, w, code, slope, width)
            else:
                message[:] = 0.0
                act_axpy(message, 0, query, at, key, source, edge, own, w, code, slope, width)
                if k == rowptr[i]:
                    out[at : at + width] = -np.inf
                    winner[at : at + width] = k  # also where the message is minus infinity
                keep_larger(out, at, message, 0, winner, at, one, k, width)


@_jit
def pair_backward_target(  # type: ignore[no-untyped-def]
    first, last, block, rowptr, col, query, key, edge, weight, winner, grad,
    grad_query, grad_edge, grad_weight, width, code, slope,
):  # fmt: skip
    """Gradients of one block of queries and, where their arrays are not empty, of edges and weights (slot order)."""
    zero, one, end = grad.dtype.type(0.0), grad.dtype.type(1.0), rowptr[last]
    step, won = np.empty(width, grad.dtype), np.empty(width, grad.dtype)
    for i in range(first, last):
        at = i * width
        for k in range(rowptr[i], rowptr[i + 1]):
            fetch_ahead(key, col, k, end, width)
            source, own = np.int64(col[k]) * width, np.int64(k) * width
            w = weight[k] if weight.size > 0 else one
            arriving, place = grad, at
            if winner.size > 0:
                won[:] = zero
                add_won(won, 0, grad, at, winner, at, one, k, width)
                arriving, place = won, 0
            if grad_edge.size == 0:
                act_slope_axpy(
                    grad_query, at, arriving, place, query, at, key, source, edge, own, w, code, slope, width
                )
            else:
                step[:] = zero
                act_slope_axpy(step, 0, arriving, place, query, at, key, source, edge, own, w, code, slope, width)
                for f in range(width):
                    grad_query[at + f] += step[f]
                    grad_edge[own + f] = step[f]
            if grad_weight.size > 0:
                grad_weight[k] = act_dot(arriving, place, query, at, key, source, edge, own, code, slope, width)


@_jit
def pair_backward_source(  # type: ignore[no-untyped-def]
    first, last, block, rowptr, col, slot, query, key, edge, weight, winner, grad, grad_key, width, code, slope
):
    """Over the transpose: gradients of one block of keys."""
    zero, one, end = grad.dtype.type(0.0), grad.dtype.type(1.0), rowptr[last]
    won = np.empty(width, grad.dtype)
    for j in range(first, last):
        at = j * width
        for k in range(rowptr[j], rowptr[j + 1]):
            fetch_ahead(query, col, k, end, width)
            fetch_ahead(grad, col, k, end, width)
            target, edge_slot = np.int64(col[k]) * width, slot[k]
            own = np.int64(edge_slot) * width
            w = weight[edge_slot] if weight.size > 0 else one
            arriving, place = grad, target
            if winner.size > 0:
                won[:] = zero
                add_won(won, 0, grad, target, winner, target, one, edge_slot, width)
                arriving, place = won, 0
            act_slope_axpy(grad_key, at, arriving, place, query, target, key, at, edge, own, w, code, slope, width)
