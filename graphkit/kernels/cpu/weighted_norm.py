"""Compiled batch normalisation of rows that stand for several copies each, with the activation in the same pass."""

from __future__ import annotations

import numpy as np
from numba import njit

_jit = njit(cache=True, nogil=True, error_model="numpy")


@_jit
def moments(first, last, block, x, share, sums, squares):  # type: ignore[no-untyped-def]
    """Adds share * x and share * x^2 of the rows to `sums` and `squares` [blocks, C] float64."""
    own, own_squares = sums[block], squares[block]
    width = x.shape[1]
    for i in range(first, last):
        p, row = np.float64(share[i]), x[i]
        for f in range(width):
            value = np.float64(row[f])
            own[f] += p * value
            own_squares[f] += p * value * value


@_jit
def scale_shift(first, last, block, x, scale, shift, relu, out):  # type: ignore[no-untyped-def]
    """Computes out = x * scale + shift, cut off at zero with `relu`; NaN stays."""
    width, zero = x.shape[1], out.dtype.type(0)
    for i in range(first, last):
        row, to = x[i], out[i]
        for f in range(width):
            value = row[f] * scale[f] + shift[f]
            to[f] = zero if relu and value < zero else value


@_jit
def gradient_sums(first, last, block, x, grad, scale, shift, mean, relu, sums, along):  # type: ignore[no-untyped-def]
    """Adds grad, and grad * (x - mean), where the result was not cut off, to `sums` and `along` [blocks, C] float64."""
    own, own_along = sums[block], along[block]
    width, zero = x.shape[1], x.dtype.type(0)
    for i in range(first, last):
        row, given = x[i], grad[i]
        for f in range(width):
            g = zero if relu and row[f] * scale[f] + shift[f] < zero else given[f]
            own[f] += g
            own_along[f] += np.float64(g) * np.float64(row[f] - mean[f])


@_jit
def gradient(first, last, block, x, grad, share, scale, shift, mean, relu, total, slope, out):  # type: ignore[no-untyped-def]
    """Computes out = scale * (grad - share * (total + (x - mean) * slope)), grad taken as in `gradient_sums`."""
    width, zero = x.shape[1], x.dtype.type(0)
    for i in range(first, last):
        row, given, to, p = x[i], grad[i], out[i], share[i]
        for f in range(width):
            g = zero if relu and row[f] * scale[f] + shift[f] < zero else given[f]
            to[f] = scale[f] * (g - p * (total[f] + (row[f] - mean[f]) * slope[f]))
