"""Compiled sums over the keys of two neighbourhoods: bounded attention over rectified rows, with its gradient.

A row is x = code + sum_f v_f W_f with v the value of an entry, or the sum of two of a key that both ends have. It adds
exp(5 tanh(l / 5)) (relu(x), 1) to a head's sums, where l = w . relu(x) + b. Common keys add the row of both ends and
take away the rows of each end.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, types
from numba.core import cgutils

from graphkit.kernels.cpu.simd import Lanes, add, axpy, dot, each_chunk, scaled, vector_op

_jit = njit(cache=True, nogil=True, error_model="numpy")


@vector_op
def hidden_row(typing, x, o, code, co, weight, wo, v, vo, many, n):  # type: ignore[no-untyped-def]
    """Computes x = max(0, code + sum_f v[f] * weight[f]) over n elements, rows of `weight` side by side."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        values = context.make_array(signature.args[6])(context, builder, args[6]).data

        def body(lanes: Lanes) -> None:
            total = cgutils.alloca_once_value(builder, lanes.load(2))
            offset = lanes.index
            with cgutils.for_range(builder, args[8]) as loop:
                value = builder.load(builder.gep(values, [builder.add(args[7], loop.index)]))
                lanes.index = builder.add(offset, builder.mul(loop.index, args[9]))
                builder.store(lanes.multiply_add(lanes.splat(value), lanes.load(4), builder.load(total)), total)
            lanes.index = offset
            lanes.store(0, lanes.maximum(builder.load(total), lanes.constant(0.0)))

        each_chunk(context, builder, signature, args, body)
        return context.get_dummy_value()

    pair = types.intp
    return types.void(x, pair, code, pair, weight, pair, v, pair, pair, pair), codegen


@vector_op
def keep_where_positive(typing, out, o, x, xo, n):  # type: ignore[no-untyped-def]
    """Computes out = 0 where x is not above 0."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        def body(v: Lanes) -> None:
            positive = builder.fcmp_ordered(">", v.load(2), v.constant(0.0))
            v.store(0, builder.select(positive, v.load(0), v.constant(0.0)))

        each_chunk(context, builder, signature, args, body)
        return context.get_dummy_value()

    return types.void(out, types.intp, x, types.intp, types.intp), codegen


@_jit
def forward(value, weight, codes, score, bias, owner, code, pair, left, right, out, soft, size):  # type: ignore[no-untyped-def]
    """Adds all rows to out [O, H, C + 1] and writes tanh(l / 5) of each to soft [P + 3 S, H].

    Every array is flat; `size` is (F, C, H). A common key is three rows: both ends' one, and one of each end less.
    """
    many, width, heads = size
    v, x = np.empty(many, dtype=value.dtype), np.empty(width, dtype=value.dtype)
    five, one = value.dtype.type(5), value.dtype.type(1)
    for r in range(len(owner) + 3 * len(pair)):
        s = r - len(owner)
        a = r if s < 0 else (left[s // 3] if s % 3 < 2 else right[s // 3])
        b = right[s // 3] if s >= 0 and s % 3 == 0 else -1
        o = owner[r] if s < 0 else pair[s // 3]
        sign, c = -one if s >= 0 and b < 0 else one, code[a]
        for f in range(many):
            v[f] = value[a * many + f]
        if b >= 0:
            c += code[b]
            for f in range(many):
                v[f] += value[b * many + f]
        hidden_row(x, 0, codes, c * width, weight, 0, v, 0, many, width)
        for k in range(heads):
            soft[r * heads + k] = np.tanh((dot(score, k * width, x, 0, width) + bias[k]) / five)
            share = sign * np.exp(five * soft[r * heads + k])
            at = (o * heads + k) * (width + 1)
            axpy(out, at, x, 0, share, width)
            out[at + width] += share


@_jit
def backward(value, weight, codes, score, owner, code, pair, left, right, soft, grad, grads, size):  # type: ignore[no-untyped-def]
    """Adds the gradients of value, W, codes, w and b, which hold zeros before; every array is flat."""
    many, width, heads = size
    g_value, g_weight, g_codes, g_score, g_bias = grads
    v, x, change = np.empty(many, value.dtype), np.empty(width, value.dtype), np.empty(width, value.dtype)
    five, one = value.dtype.type(5), value.dtype.type(1)
    for r in range(len(owner) + 3 * len(pair)):
        s = r - len(owner)
        a = r if s < 0 else (left[s // 3] if s % 3 < 2 else right[s // 3])
        b = right[s // 3] if s >= 0 and s % 3 == 0 else -1
        o = owner[r] if s < 0 else pair[s // 3]
        sign, c = -one if s >= 0 and b < 0 else one, code[a]
        for f in range(many):
            v[f] = value[a * many + f]
        if b >= 0:
            c += code[b]
            for f in range(many):
                v[f] += value[b * many + f]
        hidden_row(x, 0, codes, c * width, weight, 0, v, 0, many, width)
        for k in range(heads):
            at, bounded = (o * heads + k) * (width + 1), soft[r * heads + k]
            share = sign * np.exp(five * bounded)
            slope = share * (dot(grad, at, x, 0, width) + grad[at + width]) * (one - bounded * bounded)
            g_bias[k] += slope
            axpy(g_score, k * width, x, 0, slope, width)
            if k == 0:
                scaled(change, 0, grad, at, share, width)
            else:
                axpy(change, 0, grad, at, share, width)
            axpy(change, 0, score, k * width, slope, width)
        keep_where_positive(change, 0, x, 0, width)
        add(g_codes, c * width, change, 0, width)
        for f in range(many):
            axpy(g_weight, f * width, change, 0, v[f], width)
            found = dot(weight, f * width, change, 0, width)
            g_value[a * many + f] += found
            if b >= 0:
                g_value[b * many + f] += found
