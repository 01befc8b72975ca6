"""Vector operations on rows of heads x width numbers, with the common case of eight heads unrolled.

Heads hold few channels, so a loop over heads around a loop over channels spends its time on loop ends and on adding up
the lanes of each head. Eight heads at once share both: the sums of eight vectors are one tree of shuffles.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]
from numba import njit, types
from numba.core import cgutils

from graphkit.kernels.cpu.attention_ops import leaky_axpy, leaky_dot, leaky_slope_axpy
from graphkit.kernels.cpu.simd import Lanes, axpy, dot, vector_op

_inline = njit(inline="always")
_EVEN, _ODD = list(range(0, 16, 2)), list(range(1, 16, 2))


def _mask(lanes: list[int]) -> Any:
    return ir.Constant(ir.VectorType(ir.IntType(32), len(lanes)), lanes)


def _lanes(context: Any, builder: Any, signature: Any, args: Any, index: Any = None) -> Lanes:
    return Lanes(context, builder, signature, args, 8, ir.Constant(ir.IntType(64), 0) if index is None else index)


def _each_head(context: Any, builder: Any, signature: Any, args: Any, body: Callable[[Lanes, int], None]) -> None:
    """Runs `body` for eight heads over chunks of eight channels; the last argument is the number of channels."""
    chunks = builder.sdiv(args[-1], ir.Constant(ir.IntType(64), 8))
    for head in range(8):
        start = builder.mul(args[-1], ir.Constant(ir.IntType(64), head))
        with cgutils.for_range(builder, chunks) as loop:
            step = builder.mul(loop.index, ir.Constant(ir.IntType(64), 8))
            body(_lanes(context, builder, signature, args, builder.add(start, step)), head)


def _of_head(v: Lanes, values: Any, head: int) -> Any:
    """Lane `head` of eight values, in all lanes."""
    return v.builder.shuffle_vector(values, ir.Constant(values.type, ir.Undefined), _mask([head] * 8))


def _head_sums(context: Any, builder: Any, signature: Any, args: Any, body: Callable[[Lanes], Any]) -> Any:
    """The sums of the chunks that `body` returns, one lane a head."""
    first = _lanes(context, builder, signature, args)
    partial = [cgutils.alloca_once(builder, first.type) for _ in range(8)]
    for slot in partial:
        builder.store(first.constant(0.0), slot)

    def accumulate(v: Lanes, head: int) -> None:
        builder.store(v.add(builder.load(partial[head]), body(v)), partial[head])

    _each_head(context, builder, signature, args, accumulate)
    level = [builder.load(slot) for slot in partial]
    while len(level) > 1:
        pairs = zip(level[::2], level[1::2], strict=True)
        level = [
            first.add(builder.shuffle_vector(a, b, _mask(_EVEN)), builder.shuffle_vector(a, b, _mask(_ODD)))
            for a, b in pairs
        ]
    return level[0]


def _mixed(v: Lanes, first: int, with_edge: bool) -> Any:
    total = v.add(v.load(first), v.load(first + 2))
    return v.add(total, v.load(first + 4)) if with_edge else total


@vector_op
def _dot8(typing, out, o, x, xo, y, yo, width):  # type: ignore[no-untyped-def]
    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        sums = _head_sums(context, builder, signature, args, lambda v: v.multiply(v.load(2), v.load(4)))
        _lanes(context, builder, signature, args).store(0, sums)
        return context.get_dummy_value()

    return types.void(out, types.intp, x, types.intp, y, types.intp, types.intp), codegen


@vector_op
def _axpy8(typing, out, o, x, xo, a, ao, width):  # type: ignore[no-untyped-def]
    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        factors = _lanes(context, builder, signature, args).load(4)

        def body(v: Lanes, head: int) -> None:
            v.store(0, v.multiply_add(_of_head(v, factors, head), v.load(2), v.load(0)))

        _each_head(context, builder, signature, args, body)
        return context.get_dummy_value()

    return types.void(out, types.intp, x, types.intp, a, types.intp, types.intp), codegen


@vector_op
def _leaky_dot8(typing, out, o, att, ao, x, xo, y, yo, e, eo, slope, width):  # type: ignore[no-untyped-def]
    with_edge = isinstance(e, types.Array)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        def body(v: Lanes) -> Any:
            return v.multiply(v.load(2), v.leaky(_mixed(v, 4, with_edge), args[10]))

        _lanes(context, builder, signature, args).store(0, _head_sums(context, builder, signature, args, body))
        return context.get_dummy_value()

    pair = (types.intp,)
    rows = (out, *pair, att, *pair, x, *pair, y, *pair, e, *pair)
    return types.void(*rows, out.dtype, types.intp), codegen


@vector_op
def _leaky_slope_axpy8(typing, out, o, x, xo, y, yo, e, eo, att, ao, q, qo, slope, width):  # type: ignore[no-untyped-def]
    with_edge = isinstance(e, types.Array)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        factors = _lanes(context, builder, signature, args).load(10)

        def body(v: Lanes, head: int) -> None:
            derivative = v.leaky_slope(_mixed(v, 2, with_edge), args[12])
            factor = v.multiply(v.multiply(v.load(8), _of_head(v, factors, head)), derivative)
            v.store(0, v.add(v.load(0), factor))

        _each_head(context, builder, signature, args, body)
        return context.get_dummy_value()

    pair = (types.intp,)
    rows = (out, *pair, x, *pair, y, *pair, e, *pair, att, *pair, q, *pair)
    return types.void(*rows, out.dtype, types.intp), codegen


@vector_op
def _leaky_axpy8(typing, out, o, x, xo, y, yo, e, eo, q, qo, slope, width):  # type: ignore[no-untyped-def]
    with_edge = isinstance(e, types.Array)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        factors = _lanes(context, builder, signature, args).load(8)

        def body(v: Lanes, head: int) -> None:
            value = v.leaky(_mixed(v, 2, with_edge), args[10])
            v.store(0, v.multiply_add(_of_head(v, factors, head), value, v.load(0)))

        _each_head(context, builder, signature, args, body)
        return context.get_dummy_value()

    pair = (types.intp,)
    return types.void(out, *pair, x, *pair, y, *pair, e, *pair, q, *pair, out.dtype, types.intp), codegen


@_inline
def dot_heads(out, o, x, xo, y, yo, heads, width):  # type: ignore[no-untyped-def]
    """Computes out[h] = <x[h], y[h]>."""
    if heads % 8 == 0 and width % 8 == 0:
        for h in range(0, heads, 8):
            _dot8(out, o + h, x, xo + h * width, y, yo + h * width, width)
    else:
        for h in range(heads):
            out[o + h] = dot(x, xo + h * width, y, yo + h * width, width)


@_inline
def axpy_heads(out, o, x, xo, a, ao, heads, width):  # type: ignore[no-untyped-def]
    """Computes out[h] += a[h] * x[h]."""
    if heads % 8 == 0 and width % 8 == 0:
        for h in range(0, heads, 8):
            _axpy8(out, o + h * width, x, xo + h * width, a, ao + h, width)
    else:
        for h in range(heads):
            axpy(out, o + h * width, x, xo + h * width, a[ao + h], width)


@_inline
def leaky_dot_heads(out, o, att, x, xo, y, yo, e, eo, slope, heads, width):  # type: ignore[no-untyped-def]
    """Computes out[h] = <att[h], LeakyReLU(x[h] + y[h] + e[h])>."""
    if heads % 8 == 0 and width % 8 == 0:
        for h in range(0, heads, 8):
            c = h * width
            _leaky_dot8(out, o + h, att, c, x, xo + c, y, yo + c, e, eo + c, slope, width)
    else:
        for h in range(heads):
            c = h * width
            out[o + h] = leaky_dot(att, c, x, xo + c, y, yo + c, e, eo + c, slope, width)


@_inline
def leaky_slope_axpy_heads(out, o, x, xo, y, yo, e, eo, att, q, qo, slope, heads, width):  # type: ignore[no-untyped-def]
    """Computes out[h] += q[h] * att[h] * the derivative of LeakyReLU at x[h] + y[h] + e[h]."""
    if heads % 8 == 0 and width % 8 == 0:
        for h in range(0, heads, 8):
            c = h * width
            _leaky_slope_axpy8(out, o + c, x, xo + c, y, yo + c, e, eo + c, att, c, q, qo + h, slope, width)
    else:
        for h in range(heads):
            c = h * width
            leaky_slope_axpy(out, o + c, x, xo + c, y, yo + c, e, eo + c, att, c, q[qo + h], slope, width)


@_inline
def leaky_axpy_heads(out, o, x, xo, y, yo, e, eo, q, qo, slope, heads, width):  # type: ignore[no-untyped-def]
    """Computes out[h] += q[h] * LeakyReLU(x[h] + y[h] + e[h])."""
    if heads % 8 == 0 and width % 8 == 0:
        for h in range(0, heads, 8):
            c = h * width
            _leaky_axpy8(out, o + c, x, xo + c, y, yo + c, e, eo + c, q, qo + h, slope, width)
    else:
        for h in range(heads):
            c = h * width
            leaky_axpy(out, o + c, x, xo + c, y, yo + c, e, eo + c, q[qo + h], slope, width)
