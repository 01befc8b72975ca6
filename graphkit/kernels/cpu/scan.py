"""Compiled selective scan over packed sequences: the state of a block of channels stays in cache, nothing is padded.

A unit of work is one sequence and one block of channels, so results do not depend on what else is packed. The forward
pass keeps the state at the start of every stretch of tokens, and the backward pass computes a stretch again from there:
memory grows by T / stretch * D * N. Decay factors are `Lanes.exp`, sixteen at a time.

Flat arrays: u, dt, y [T, D]; decay [N, D], the transpose of A; b, c [T, N]; skip [D]; cuts [blocks + 1] channels.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, types

from graphkit.kernels.cpu.simd import Lanes, add, dot, each_chunk, sum_chunks, vector_op

_jit = njit(cache=True, nogil=True, error_model="numpy")
_at = (types.intp,)


@vector_op
def multiply(typing, out, o, x, xo, y, yo, n):  # type: ignore[no-untyped-def]
    """Computes out = x * y over n elements."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        each_chunk(context, builder, signature, args, lambda v: v.store(0, v.multiply(v.load(2), v.load(4))))
        return context.get_dummy_value()

    return types.void(out, *_at, x, *_at, y, *_at, types.intp), codegen


@vector_op
def multiply_add(typing, out, o, x, xo, y, yo, n):  # type: ignore[no-untyped-def]
    """Computes out += x * y over n elements."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        def body(v: Lanes) -> None:
            v.store(0, v.multiply_add(v.load(2), v.load(4), v.load(0)))

        each_chunk(context, builder, signature, args, body)
        return context.get_dummy_value()

    return types.void(out, *_at, x, *_at, y, *_at, types.intp), codegen


@vector_op
def _advance(typing, h, ho, decay, do, dt, to, v, vo, y, yo, b, c, n):  # type: ignore[no-untyped-def]
    """One state of n channels: h = exp(dt * decay) * h + b * v, then y += c * h."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        def body(x: Lanes) -> None:
            carried = x.multiply(x.exp(x.multiply(x.load(4), x.load(2))), x.load(0))
            state = x.multiply_add(x.splat(args[10]), x.load(6), carried)
            x.store(0, state)
            x.store(8, x.multiply_add(x.splat(args[11]), state, x.load(8)))

        each_chunk(context, builder, signature, args, body)
        return context.get_dummy_value()

    return types.void(h, *_at, decay, *_at, dt, *_at, v, *_at, y, *_at, h.dtype, h.dtype, types.intp), codegen


@vector_op
def _advance_kept(typing, h, ho, decay, do, dt, to, v, vo, factor, fo, carried, co, b, n):  # type: ignore[no-untyped-def]
    """As `_advance` without y; keeps exp(dt * decay) and its product with the old state."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        def body(x: Lanes) -> None:
            factor = x.exp(x.multiply(x.load(4), x.load(2)))
            carried = x.multiply(factor, x.load(0))
            x.store(8, factor)
            x.store(10, carried)
            x.store(0, x.multiply_add(x.splat(args[12]), x.load(6), carried))

        each_chunk(context, builder, signature, args, body)
        return context.get_dummy_value()

    rows = (h, *_at, decay, *_at, dt, *_at, v, *_at, factor, *_at, carried, *_at)
    return types.void(*rows, h.dtype, types.intp), codegen


@vector_op
def _retreat(  # type: ignore[no-untyped-def]
    typing, carry, o, decay, do, dt, to, v, vo, gy, yo, factor, fo, carried, co, gv, vg, gt, tg, gd, dg, b, c, n
):  # fmt: skip
    """Gradients of one state of n channels: with s = carry + c * gy, the gradient of the state, returns <s, v>.

    gv += b * s, gt += s * carried * decay, gd += s * carried * dt, carry = factor * s.
    """

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        def body(x: Lanes) -> Any:
            state = x.multiply_add(x.splat(args[21]), x.load(8), x.load(0))
            through = x.multiply(state, x.load(12))
            x.store(14, x.multiply_add(x.splat(args[20]), state, x.load(14)))
            x.store(16, x.multiply_add(through, x.load(2), x.load(16)))
            x.store(18, x.multiply_add(through, x.load(4), x.load(18)))
            x.store(0, x.multiply(x.load(10), state))
            return x.multiply(state, x.load(6))

        return sum_chunks(context, builder, signature, args, body)

    rows = (carry, *_at, decay, *_at, dt, *_at, v, *_at, gy, *_at, factor, *_at, carried, *_at)
    return carry.dtype(*rows, gv, *_at, gt, *_at, gd, *_at, carry.dtype, carry.dtype, types.intp), codegen


@_jit
def forward(  # type: ignore[no-untyped-def]
    first, last, block, ptr, kept_ptr, cuts, u, dt, decay, b, c, skip, y, kept, channels, states, stretch
):  # fmt: skip
    """Units first..last: y of one sequence and channel block each; fills `kept` [stretches, N, D] if not empty."""
    sequences = len(ptr) - 1
    h, v = np.empty(states * channels, u.dtype), np.empty(channels, u.dtype)
    for unit in range(first, last):
        part, sequence = unit // sequences, unit % sequences
        low, width = cuts[part], cuts[part + 1] - cuts[part]
        h[: states * width] = 0
        for t in range(ptr[sequence], ptr[sequence + 1]):
            step, row = t - ptr[sequence], t * channels + low
            if kept.size > 0 and step > 0 and step % stretch == 0:
                at = (kept_ptr[sequence] + step // stretch - 1) * states * channels + low
                for n in range(states):
                    kept[at + n * channels : at + n * channels + width] = h[n * width : (n + 1) * width]
            multiply(v, 0, u, row, dt, row, width)
            multiply(y, row, u, row, skip, low, width)
            for n in range(states):
                at = t * states + n
                _advance(h, n * width, decay, n * channels + low, dt, row, v, 0, y, row, b[at], c[at], width)


@_jit
def backward(  # type: ignore[no-untyped-def]
    first, last, block, ptr, kept_ptr, cuts, u, dt, decay, b, c, skip, kept, grad,
    grad_u, grad_dt, grad_decay, grad_b, grad_c, grad_skip, channels, states, stretch,
):  # fmt: skip
    """Units first..last; `grad_b` and `grad_c` [channel blocks, T, N], `grad_decay` and `grad_skip` [blocks, ...]."""
    sequences, tokens = len(ptr) - 1, ptr[-1]
    size = states * channels
    h, carry, v = np.empty(size, u.dtype), np.empty(size, u.dtype), np.empty(stretch * channels, u.dtype)
    factor, carried = np.empty(stretch * size, u.dtype), np.empty(stretch * size, u.dtype)
    grad_v = np.empty(channels, u.dtype)
    for unit in range(first, last):
        part, sequence = unit // sequences, unit % sequences
        low, width = cuts[part], cuts[part + 1] - cuts[part]
        length, area = ptr[sequence + 1] - ptr[sequence], states * width
        carry[:area] = 0
        for piece in range((length - 1) // stretch, -1, -1):
            begin = ptr[sequence] + piece * stretch
            end = min(begin + stretch, ptr[sequence + 1])
            if piece == 0:
                h[:area] = 0
            else:
                at = (kept_ptr[sequence] + piece - 1) * size + low
                for n in range(states):
                    h[n * width : (n + 1) * width] = kept[at + n * channels : at + n * channels + width]
            for t in range(begin, end):
                row, place = t * channels + low, (t - begin) * area
                multiply(v, (t - begin) * width, u, row, dt, row, width)
                for n in range(states):
                    x = n * width
                    _advance_kept(
                        h, x, decay, n * channels + low, dt, row, v, (t - begin) * width,
                        factor, place + x, carried, place + x, b[t * states + n], width,
                    )  # fmt: skip
            for t in range(end - 1, begin - 1, -1):
                row, place, at = t * channels + low, (t - begin) * area, (part * tokens + t) * states
                values = (t - begin) * width
                grad_v[:width] = 0
                overlap = dot(grad, row, v, values, width)
                for n in range(states):
                    x, y, w = n * width, n * channels + low, place + n * width
                    factor_b, factor_c = b[t * states + n], c[t * states + n]
                    grad_c[at + n] = dot(grad, row, carried, w, width) + factor_b * overlap
                    grad_b[at + n] = _retreat(
                        carry, x, decay, y, dt, row, v, values, grad, row, factor, w, carried, w,
                        grad_v, 0, grad_dt, row, grad_decay, block * size + y, factor_b, factor_c, width,
                    )  # fmt: skip
                multiply(grad_u, row, grad, row, skip, low, width)
                multiply_add(grad_u, row, grad_v, 0, dt, row, width)
                multiply_add(grad_dt, row, grad_v, 0, u, row, width)
                multiply_add(grad_skip, block * channels + low, grad, row, u, row, width)


@_jit
def convolve(first, last, block, place, x, weight, bias, out, channels, taps):  # type: ignore[no-untyped-def]
    """Tokens first..last: out_t = bias + sum_j weight_j * x_(t - j) over the taps j that stay inside the sequence."""
    for t in range(first, last):
        row = t * channels
        out[row : row + channels] = bias
        for j in range(min(taps, place[t] + 1)):
            multiply_add(out, row, x, row - j * channels, weight, j * channels, channels)


@_jit
def convolve_back(  # type: ignore[no-untyped-def]
    first, last, block, place, left, x, weight, grad, grad_x, grad_weight, grad_bias, channels, taps
):  # fmt: skip
    """Tokens first..last: gradients of x, and this block's part of those of weight [blocks, K, D] and bias."""
    part = block * taps * channels
    for t in range(first, last):
        row = t * channels
        add(grad_bias, block * channels, grad, row, channels)
        for j in range(min(taps, place[t] + 1)):
            multiply_add(grad_weight, part + j * channels, grad, row, x, row - j * channels, channels)
        for j in range(min(taps, left[t])):
            multiply_add(grad_x, row, grad, row + j * channels, weight, j * channels, channels)
