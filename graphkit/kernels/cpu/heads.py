"""Vector operations on rows of heads x width numbers, with the common case of eight heads unrolled.

Heads hold few channels, so a loop over heads around a loop over channels spends its time on loop ends and on adding up
the lanes of each head. Eight heads at once share both: the sums of eight vectors are one tree of shuffles.

The last two arguments of every operation are the number of heads and the width of one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.core import cgutils

from graphkit.kernels.cpu.simd import Lanes, each_chunk, sum_chunks, vector_op

_INT64 = ir.IntType(64)
_EVEN, _ODD = list(range(0, 16, 2)), list(range(1, 16, 2))


class _Call:
    """One operation being emitted: `rows` are the positions of arrays [heads, width], `per_head` of the one [heads]."""

    def __init__(
        self, context: Any, builder: Any, signature: Any, args: Any, rows: Sequence[int], per_head: int
    ) -> None:
        self.context, self.builder, self.signature, self.args = context, builder, signature, args
        self.rows, self.per_head = rows, per_head

    def each(self, eight: Callable[[Any], None], one: Callable[[Any], None]) -> None:
        """Emits `eight` for every eight heads if both sizes are multiples of eight, else `one` for every head."""
        builder, heads, width = self.builder, self.args[-2], self.args[-1]
        low_bits = builder.and_(builder.or_(heads, width), _INT64(7))
        with builder.if_else(builder.icmp_signed("==", low_bits, _INT64(0))) as (then, otherwise):
            with then, cgutils.for_range(builder, builder.udiv(heads, _INT64(8))) as loop:
                eight(self._from_head(builder.mul(loop.index, _INT64(8))))
            with otherwise, cgutils.for_range(builder, heads) as loop:
                one(self._from_head(loop.index))

    def _from_head(self, head: Any) -> Any:
        """The arguments, their slices starting at a head."""
        args, skipped = list(self.args), self.builder.mul(head, self.args[-1])
        for position in self.rows:
            args[position + 1] = self.builder.add(args[position + 1], skipped)
        args[self.per_head + 1] = self.builder.add(args[self.per_head + 1], head)
        return args

    def lanes(self, args: Any, width: int, index: Any = None) -> Lanes:
        """A chunk of `width` elements from the start of the slices, or from `index`."""
        start = _INT64(0) if index is None else index
        return Lanes(self.context, self.builder, self.signature, args, width, start)

    def unrolled(self, args: Any, body: Callable[[Lanes, int], None]) -> None:
        """Emits `body` for eight heads over chunks of eight channels."""
        builder, width = self.builder, args[-1]
        for head in range(8):
            start = builder.mul(width, _INT64(head))
            with cgutils.for_range(builder, builder.udiv(width, _INT64(8))) as loop:
                step = builder.mul(loop.index, _INT64(8))
                body(self.lanes(args, 8, builder.add(start, step)), head)


def _with_factors(call: _Call, body: Callable[[Lanes, Any], None]) -> Any:
    """Emits body(chunk, the head's factor in all lanes) for every chunk of every head."""
    builder = call.builder

    def eight(args: Any) -> None:
        factors = call.lanes(args, 8).load(call.per_head)
        undefined = ir.Constant(factors.type, ir.Undefined)

        def of_head(v: Lanes, head: int) -> None:
            body(v, builder.shuffle_vector(factors, undefined, _mask([head] * 8)))

        call.unrolled(args, of_head)

    def one(args: Any) -> None:
        factor = call.lanes(args, 1).load(call.per_head)
        each_chunk(call.context, builder, call.signature, args, lambda v: body(v, v.splat(factor)))

    call.each(eight, one)
    return call.context.get_dummy_value()


def _into_sums(call: _Call, body: Callable[[Lanes], Any]) -> Any:
    """Stores the sum of the chunks that `body` returns for every head at the argument `per_head`."""
    builder = call.builder

    def eight(args: Any) -> None:
        v = call.lanes(args, 8)
        partial = [cgutils.alloca_once(builder, v.type) for _ in range(8)]
        for slot in partial:
            builder.store(v.constant(0.0), slot)
        call.unrolled(args, lambda w, head: builder.store(w.add(builder.load(partial[head]), body(w)), partial[head]))
        level = [builder.load(slot) for slot in partial]
        while len(level) > 1:
            pairs = zip(level[::2], level[1::2], strict=True)
            level = [
                v.add(builder.shuffle_vector(a, b, _mask(_EVEN)), builder.shuffle_vector(a, b, _mask(_ODD)))
                for a, b in pairs
            ]
        v.store(call.per_head, level[0])

    def one(args: Any) -> None:
        total = sum_chunks(call.context, builder, call.signature, args, body)
        call.lanes(args, 1).store(call.per_head, total)

    call.each(eight, one)
    return call.context.get_dummy_value()


def _mask(lanes: list[int]) -> Any:
    return ir.Constant(ir.VectorType(ir.IntType(32), len(lanes)), lanes)


def _mixed(v: Lanes, first: int) -> Any:
    """The sum x + y (+ e) of the three slices from argument `first` on; e is an array, or None for none."""
    total = v.add(v.load(first), v.load(first + 2))
    return v.add(total, v.load(first + 4)) if isinstance(v.signature.args[first + 4], types.Array) else total


@vector_op
def dot_heads(typing, out, o, x, xo, y, yo, heads, width):  # type: ignore[no-untyped-def]
    """Computes out[h] = <x[h], y[h]>."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        call = _Call(context, builder, signature, args, rows=(2, 4), per_head=0)
        return _into_sums(call, lambda v: v.multiply(v.load(2), v.load(4)))

    pair = (types.intp,)
    return types.void(out, *pair, x, *pair, y, *pair, types.intp, types.intp), codegen


@vector_op
def axpy_heads(typing, out, o, x, xo, a, ao, heads, width):  # type: ignore[no-untyped-def]
    """Computes out[h] += a[h] * x[h]."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        call = _Call(context, builder, signature, args, rows=(0, 2), per_head=4)
        return _with_factors(call, lambda v, factor: v.store(0, v.multiply_add(factor, v.load(2), v.load(0))))

    pair = (types.intp,)
    return types.void(out, *pair, x, *pair, a, *pair, types.intp, types.intp), codegen


@vector_op
def leaky_dot_heads(typing, out, o, att, ao, x, xo, y, yo, e, eo, slope, heads, width):  # type: ignore[no-untyped-def]
    """Computes out[h] = <att[h], LeakyReLU(x[h] + y[h] + e[h])>."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        call = _Call(context, builder, signature, args, rows=(2, 4, 6, 8), per_head=0)
        return _into_sums(call, lambda v: v.multiply(v.load(2), v.leaky(_mixed(v, 4), args[10])))

    pair = (types.intp,)
    rows = (out, *pair, att, *pair, x, *pair, y, *pair, e, *pair)
    return types.void(*rows, out.dtype, types.intp, types.intp), codegen


@vector_op
def leaky_slope_axpy_heads(  # type: ignore[no-untyped-def]
    typing, out, o, x, xo, y, yo, e, eo, att, ao, q, qo, slope, heads, width
):
    """Computes out[h] += q[h] * att[h] * the derivative of LeakyReLU at x[h] + y[h] + e[h]."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        def body(v: Lanes, factor: Any) -> None:
            derivative = v.leaky_slope(_mixed(v, 2), args[12])
            v.store(0, v.add(v.load(0), v.multiply(v.multiply(v.load(8), factor), derivative)))

        return _with_factors(_Call(context, builder, signature, args, rows=(0, 2, 4, 6, 8), per_head=10), body)

    pair = (types.intp,)
    rows = (out, *pair, x, *pair, y, *pair, e, *pair, att, *pair, q, *pair)
    return types.void(*rows, out.dtype, types.intp, types.intp), codegen


@vector_op
def leaky_axpy_heads(typing, out, o, x, xo, y, yo, e, eo, q, qo, slope, heads, width):  # type: ignore[no-untyped-def]
    """Computes out[h] += q[h] * LeakyReLU(x[h] + y[h] + e[h])."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        def body(v: Lanes, factor: Any) -> None:
            v.store(0, v.multiply_add(factor, v.leaky(_mixed(v, 2), args[10]), v.load(0)))

        return _with_factors(_Call(context, builder, signature, args, rows=(0, 2, 4, 6), per_head=8), body)

    pair = (types.intp,)
    rows = (out, *pair, x, *pair, y, *pair, e, *pair, q, *pair)
    return types.void(*rows, out.dtype, types.intp, types.intp), codegen
