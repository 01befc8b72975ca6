"""Compiled sums, maxima and their gradients over compressed rows; states are flat arrays of rows of `width` numbers."""

from __future__ import annotations

import numpy as np
from numba import njit

from graphkit.kernels.cpu.simd import add, add_won, axpy, dot, fetch_ahead, keep_larger, scale, scaled

_jit = njit(cache=True, nogil=True, error_model="numpy")


@_jit
def sum_rows(first, last, block, rowptr, col, x, out, width, mean):  # type: ignore[no-untyped-def]
    """Computes out[i] = sum (or mean) of x[j] over the row; `out` may hold anything before."""
    end, one = rowptr[last], out.dtype.type(1.0)
    for i in range(first, last):
        start, stop = rowptr[i], rowptr[i + 1]
        if start == stop:
            out[i * width : (i + 1) * width] = 0.0
        for k in range(start, stop):
            fetch_ahead(x, col, k, end, width)
            if k == start:
                scaled(out, i * width, x, np.int64(col[k]) * width, one, width)
            else:
                add(out, i * width, x, np.int64(col[k]) * width, width)
        if mean and stop - start > 1:
            scale(out, i * width, out.dtype.type(1.0) / out.dtype.type(stop - start), width)


@_jit
def weighted_sum_rows(first, last, block, rowptr, col, weight, slot, x, out, width, mean):  # type: ignore[no-untyped-def]
    """Computes out[i] = sum (or mean) of weight * x[j]; an entry's weight is at its `slot`, if that is not empty.

    `out` may hold anything before.
    """
    end = rowptr[last]
    for i in range(first, last):
        start, stop = rowptr[i], rowptr[i + 1]
        if start == stop:
            out[i * width : (i + 1) * width] = 0.0
        for k in range(start, stop):
            fetch_ahead(x, col, k, end, width)
            w = weight[slot[k]] if slot.size > 0 else weight[k]
            if k == start:
                scaled(out, i * width, x, np.int64(col[k]) * width, w, width)
            else:
                axpy(out, i * width, x, np.int64(col[k]) * width, w, width)
        if mean and stop - start > 1:
            scale(out, i * width, out.dtype.type(1.0) / out.dtype.type(stop - start), width)


@_jit
def edge_dots(first, last, block, rowptr, col, grad, x, out, width, mean):  # type: ignore[no-untyped-def]
    """The gradient of the weights: out[k] = <grad[i], x[j]>, divided by the degree for a mean."""
    end = rowptr[last]
    for i in range(first, last):
        start, stop = rowptr[i], rowptr[i + 1]
        share = out.dtype.type(1.0) / out.dtype.type(max(stop - start, 1)) if mean else out.dtype.type(1.0)
        for k in range(start, stop):
            fetch_ahead(x, col, k, end, width)
            out[k] = share * dot(grad, i * width, x, np.int64(col[k]) * width, width)


@_jit
def extreme_rows(first, last, block, rowptr, col, weight, x, out, winner, width, sign):  # type: ignore[no-untyped-def]
    """Computes out[i] = sign * (largest of sign * weight * x[j]); `winner` holds its slot, -1 for none."""
    end = rowptr[last]
    for i in range(first, last):
        at = i * width
        for k in range(rowptr[i], rowptr[i + 1]):
            fetch_ahead(x, col, k, end, width)
            source = np.int64(col[k]) * width
            w = sign * weight[k] if weight.size > 0 else sign
            if k == rowptr[i]:
                for f in range(width):
                    out[at + f] = w * x[source + f]
                    winner[at + f] = k
            else:
                keep_larger(out, at, x, source, winner, at, w, k, width)
        scale(out, at, sign, width)


@_jit
def extreme_rows_grad(first, last, block, rowptr, col, slot, weight, winner, grad, out, width):  # type: ignore[no-untyped-def]
    """Over the transpose: out[j] collects weight * grad[i] where the edge won."""
    one, end = out.dtype.type(1.0), rowptr[last]
    for j in range(first, last):
        at = j * width
        for k in range(rowptr[j], rowptr[j + 1]):
            fetch_ahead(grad, col, k, end, width)
            fetch_ahead(winner, col, k, end, width)
            target, edge = np.int64(col[k]) * width, slot[k]
            w = weight[edge] if weight.size > 0 else one
            add_won(out, at, grad, target, winner, target, w, edge, width)


@_jit
def extreme_edge_dots(first, last, block, rowptr, col, winner, grad, x, out, width):  # type: ignore[no-untyped-def]
    """Computes out[k] = sum of grad[i] * x[j] over the features edge k won: the gradient of the weights."""
    end = rowptr[last]
    for i in range(first, last):
        at = i * width
        for k in range(rowptr[i], rowptr[i + 1]):
            fetch_ahead(x, col, k, end, width)
            source, total = np.int64(col[k]) * width, out.dtype.type(0.0)
            for f in range(width):
                if winner[at + f] == k:
                    total += grad[at + f] * x[source + f]
            out[k] = total
