"""Compiled messages between points whose states have several components; see `graphkit.kernels.messages`."""

from __future__ import annotations

from numba import njit

from graphkit.kernels.cpu.simd import add_product, axpy, dot, product

_jit = njit(cache=True, nogil=True, error_model="numpy")


@_jit
def pair_sum(first, last, block, ptr, source, pair, part, weight, states, out, points, width, loop):  # type: ignore[no-untyped-def]
    """out[c, i] = sum over the edges e into i of weight[pair of e, part of c] * states[c, source of e].

    A `loop` that is not negative is the row of weights of every point with itself.
    """
    parts = part.max() + 1
    for i in range(first, last):
        for c in range(len(part)):
            at = (c * points + i) * width
            if loop >= 0:
                product(out, at, weight, (loop * parts + part[c]) * width, states, at, width)
            else:
                out[at : at + width] = 0.0
            for e in range(ptr[i], ptr[i + 1]):
                row = (pair[e] * parts + part[c]) * width
                add_product(out, at, weight, row, states, (c * points + source[e]) * width, width)


@_jit
def pair_dot(first, last, block, one, other, part, left, right, out, points, width):  # type: ignore[no-untyped-def]
    """out[(i, j), k] = sum over the components c of part k of left[c, j] * right[c, i] + left[c, i] * right[c, j]."""
    parts = part.max() + 1
    for p in range(first, last):
        at = p * parts * width
        out[at : at + parts * width] = 0.0
        for c in range(len(part)):
            row, i, j = at + part[c] * width, (c * points + one[p]) * width, (c * points + other[p]) * width
            add_product(out, row, left, j, right, i, width)
            add_product(out, row, left, i, right, j, width)


@_jit
def outer_sum(first, last, block, ptr, part, factor, rows, out, points, width):  # type: ignore[no-untyped-def]
    """out[c, i] = sum over the edges e into i of factor[e, c] * rows[e, part of c]; edges are sorted by target."""
    components, parts = len(part), part.max() + 1
    for i in range(first, last):
        for c in range(components):
            at = (c * points + i) * width
            out[at : at + width] = 0.0
            for e in range(ptr[i], ptr[i + 1]):
                axpy(out, at, rows, (e * parts + part[c]) * width, factor[e * components + c], width)


@_jit
def outer_rows(first, last, block, target, part, factor, states, out, points, width):  # type: ignore[no-untyped-def]
    """out[e, k] = sum over the components c of part k of factor[e, c] * states[c, target of e]."""
    components, parts = len(part), part.max() + 1
    for e in range(first, last):
        at = e * parts * width
        out[at : at + parts * width] = 0.0
        for c in range(components):
            row = (c * points + target[e]) * width
            axpy(out, at + part[c] * width, states, row, factor[e * components + c], width)


@_jit
def outer_dot(first, last, block, target, part, rows, states, out, points, width):  # type: ignore[no-untyped-def]
    """out[e, c] = <rows[e, part of c], states[c, target of e]>."""
    components, parts = len(part), part.max() + 1
    for e in range(first, last):
        for c in range(components):
            row = (c * points + target[e]) * width
            out[e * components + c] = dot(rows, (e * parts + part[c]) * width, states, row, width)


@_jit
def loop_dot(part, left, right, out, points, width):  # type: ignore[no-untyped-def]
    """out[k] = sum over the points i and the components c of part k of left[c, i] * right[c, i]."""
    out[:] = 0.0
    for c in range(len(part)):
        for i in range(points):
            at = (c * points + i) * width
            add_product(out, part[c] * width, left, at, right, at, width)


@_jit
def scale_parts(first, last, block, part, factor, states, out, size):  # type: ignore[no-untyped-def]
    """out[c, t] = factor[part of c, t] * states[c, t] for t from first to last."""
    for c in range(len(part)):
        product(out, c * size + first, factor, part[c] * size + first, states, c * size + first, last - first)


@_jit
def dot_parts(first, last, block, part, left, right, out, size):  # type: ignore[no-untyped-def]
    """out[k, t] = sum over the components c of part k of left[c, t] * right[c, t] for t from first to last."""
    for k in range(part.max() + 1):
        out[k * size + first : k * size + last] = 0.0
    for c in range(len(part)):
        add_product(out, part[c] * size + first, left, c * size + first, right, c * size + first, last - first)
