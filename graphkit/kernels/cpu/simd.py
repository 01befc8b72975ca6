"""Short vector operations on slices of flat arrays, written as LLVM vector code.

The rows that message passing adds up hold 7, 8 or 64 numbers. For such lengths the loop vectoriser emits run-time alias
checks and falls back to scalar tails, so the vectors are spelled out here: 16 lanes while they fit, then 8, 4 and 1.
Every slice is given as (array, first element); nothing is bounds-checked. NaN propagates through all of them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

# Typed loosely: the first parameter of the decorated function is the typing context, which callers do not pass.
vector_op: Any = intrinsic

_WIDTHS = (16, 8, 4, 1)
_AHEAD = 8
"""Edges between asking for a row and reading it: about the time that memory takes to answer."""
_CONTRACT = ("contract",)
_INT64 = ir.IntType(64)
_INT32 = ir.IntType(32)


class Lanes:
    """Emits one chunk of `width` neighbouring elements, starting at `index`, of every array argument."""

    def __init__(self, context: Any, builder: Any, signature: Any, args: Any, width: int, index: Any) -> None:
        self.context, self.builder, self.signature, self.args = context, builder, signature, args
        self.width, self.index = width, index
        dtype = next(argument.dtype for argument in signature.args if isinstance(argument, types.Array))  # of `out`
        self.double = dtype == types.float64
        self.scalar = ir.DoubleType() if self.double else ir.FloatType()
        self.type = self.vector(self.scalar)

    def vector(self, element: Any) -> Any:
        """The type of `width` elements."""
        return element if self.width == 1 else ir.VectorType(element, self.width)

    def _pointer(self, position: int) -> tuple[Any, int]:
        kind = self.signature.args[position]
        array = self.context.make_array(kind)(self.context, self.builder, self.args[position])
        element = self.builder.add(self.args[position + 1], self.index)
        pointer, chunk = self.builder.gep(array.data, [element]), self.vector(self.context.get_data_type(kind.dtype))
        aligned = kind.dtype.bitwidth // 8
        return (pointer if self.width == 1 else self.builder.bitcast(pointer, chunk.as_pointer())), aligned

    def load(self, position: int) -> Any:
        """The chunk of the array that is argument `position`; its first element is the argument after it."""
        pointer, aligned = self._pointer(position)
        return self.builder.load(pointer, align=aligned)

    def at(self, position: int, row: int, stride: int) -> Lanes:
        """These lanes moved on by `row` times the argument `stride`, for arrays of rows side by side."""
        moved = self.builder.mul(self.args[stride], ir.Constant(_INT64, row))
        return Lanes(
            self.context, self.builder, self.signature, self.args, self.width, self.builder.add(self.index, moved)
        )

    def store(self, position: int, value: Any) -> None:
        """Writes a chunk."""
        pointer, aligned = self._pointer(position)
        self.builder.store(value, pointer, align=aligned)

    def splat(self, value: Any) -> Any:
        """One number in all lanes."""
        if self.width == 1:
            return value
        first = self.builder.insert_element(
            ir.Constant(ir.VectorType(value.type, self.width), ir.Undefined), value, _INT32(0)
        )
        return self.builder.shuffle_vector(
            first, ir.Constant(first.type, ir.Undefined), ir.Constant(ir.VectorType(_INT32, self.width), None)
        )

    def constant(self, value: float) -> Any:
        """A floating constant in all lanes."""
        return self._fill(self.scalar, value)

    def _fill(self, element: Any, value: Any) -> Any:
        return ir.Constant(self.vector(element), value if self.width == 1 else [value] * self.width)

    def add(self, left: Any, right: Any) -> Any:
        """The sum."""
        return self.builder.fadd(left, right, flags=_CONTRACT)

    def subtract(self, left: Any, right: Any) -> Any:
        """The difference."""
        return self.builder.fsub(left, right, flags=_CONTRACT)

    def multiply(self, left: Any, right: Any) -> Any:
        """The product."""
        return self.builder.fmul(left, right, flags=_CONTRACT)

    def multiply_add(self, left: Any, right: Any, addend: Any) -> Any:
        """The sum left * right + addend, fused where the machine can."""
        return self.add(self.multiply(left, right), addend)

    def leaky(self, value: Any, slope: Any) -> Any:
        """LeakyReLU; NaN stays NaN."""
        positive = self.builder.fcmp_ordered(">", value, self.constant(0.0))
        return self.builder.select(positive, value, self.multiply(value, self.splat(slope)))

    def leaky_slope(self, value: Any, slope: Any) -> Any:
        """Derivative of LeakyReLU: 1 above zero, else the slope (as PyTorch has it)."""
        positive = self.builder.fcmp_ordered(">", value, self.constant(0.0))
        return self.builder.select(positive, self.constant(1.0), self.splat(slope))

    def maximum(self, left: Any, right: Any) -> Any:
        """The larger; `left` where one is NaN."""
        return self.builder.select(self.builder.fcmp_ordered(">", right, left), right, left)

    def exp(self, x: Any) -> Any:
        """The exponential for x below the overflow bound, within 2 units in the last place; subnormals become zero.

        2^n * exp(r) with r in [-ln 2 / 2, ln 2 / 2]. Adding 1.5 * 2^(mantissa bits) rounds x / ln 2 to the integer n
        and leaves n in the low bits, which works for NaN too, unlike a conversion to an integer.
        """
        builder = self.builder
        if self.double:
            integer, shift, magic, lowest, one = _INT64, 52, 6755399441055744.0, -708.0, 0x3FF0000000000000
            high, low, degree = 0.6931471803691238, 1.9082149292705877e-10, 13
        else:
            integer, shift, magic, lowest, one = _INT32, 23, 12582912.0, -87.0, 0x3F800000
            high, low, degree = 0.693359375, -2.12194440e-4, 7
        rounded = self.multiply_add(x, self.constant(1.0 / math.log(2.0)), self.constant(magic))
        whole = builder.fsub(rounded, self.constant(magic))
        rest = self.multiply_add(whole, self.constant(-high), x)
        rest = self.multiply_add(whole, self.constant(-low), rest)
        series = self.constant(1.0 / math.factorial(degree))
        for power in range(degree - 1, -1, -1):
            series = self.multiply_add(series, rest, self.constant(1.0 / math.factorial(power)))
        bits = builder.shl(builder.bitcast(rounded, self.vector(integer)), self._fill(integer, shift))
        scale = builder.bitcast(builder.add(bits, self._fill(integer, one)), self.type)
        tiny = builder.fcmp_ordered("<", x, self.constant(lowest))
        return builder.select(tiny, self.constant(0.0), self.multiply(series, scale))

    def kept(self, counter: Any, seed: Any, bound: Any) -> Any:
        """One bit a lane: the hash of counter + lane is not below the bound (see `graphkit.kernels.dropout`)."""
        builder, wide, word = self.builder, self.vector(_INT64), self.vector(_INT32)
        ramp = ir.Constant(_INT64, 0) if self.width == 1 else ir.Constant(wide, list(range(self.width)))
        numbers = builder.add(self.splat(builder.add(counter, self.index)), ramp)
        low_seed = self.splat(builder.trunc(seed, _INT32))
        high_seed = self.splat(builder.trunc(builder.lshr(seed, _INT64(32)), _INT32))
        high = builder.trunc(builder.lshr(numbers, self._fill(_INT64, 32)), word)
        state = self._mix(builder.xor(builder.trunc(numbers, word), low_seed))
        state = builder.add(state, builder.mul(high, self._fill(_INT32, 0x9E3779B1)))
        state = self._mix(builder.add(state, high_seed))
        return builder.icmp_unsigned(">=", builder.zext(state, wide), self.splat(bound))

    def _mix(self, state: Any) -> Any:
        builder = self.builder
        for shift, factor in ((16, 0x7FEB352D), (15, 0x846CA68B), (16, None)):
            state = builder.xor(state, builder.lshr(state, self._fill(_INT32, shift)))
            if factor is not None:
                state = builder.mul(state, self._fill(_INT32, factor))
        return state

    def total(self, value: Any) -> Any:
        """Sum of the lanes."""
        if self.width == 1:
            return value
        name = f"llvm.vector.reduce.fadd.v{self.width}f{64 if self.double else 32}"
        declared = cgutils.get_or_insert_function(
            self.builder.module, ir.FunctionType(self.scalar, [self.scalar, self.type]), name
        )
        return self.builder.call(declared, [ir.Constant(self.scalar, -0.0), value], fastmath=("reassoc",))


def each_chunk(context: Any, builder: Any, signature: Any, args: Any, body: Callable[[Lanes], Any]) -> None:
    """Runs `body` over chunks that cover the last argument's number of elements."""
    position = cgutils.alloca_once_value(builder, _INT64(0))
    for width in _WIDTHS:
        _stage(context, builder, signature, args, width, position, body)


def sum_chunks(context: Any, builder: Any, signature: Any, args: Any, body: Callable[[Lanes], Any]) -> Any:
    """The sum of the chunks that `body` returns, over all lanes."""
    position = cgutils.alloca_once_value(builder, _INT64(0))
    scalar = Lanes(context, builder, signature, args, 1, None).scalar
    total = cgutils.alloca_once_value(builder, ir.Constant(scalar, 0.0))
    for width in _WIDTHS:
        lanes = Lanes(context, builder, signature, args, width, None)
        fits = builder.icmp_signed("<=", builder.add(builder.load(position), _INT64(width)), args[-1])
        with builder.if_then(fits):
            partial = cgutils.alloca_once(builder, lanes.type)
            builder.store(lanes.constant(0.0), partial)

            def accumulate(chunk: Lanes, partial: Any = partial) -> None:
                builder.store(chunk.add(builder.load(partial), body(chunk)), partial)

            _stage(context, builder, signature, args, width, position, accumulate)
            builder.store(builder.fadd(builder.load(total), lanes.total(builder.load(partial))), total)
    return builder.load(total)


def _stage(
    context: Any, builder: Any, signature: Any, args: Any, width: int, position: Any, body: Callable[[Lanes], Any]
) -> None:
    head = builder.append_basic_block(f"head{width}")
    inside = builder.append_basic_block(f"chunk{width}")
    after = builder.append_basic_block(f"after{width}")
    builder.branch(head)
    builder.position_at_end(head)
    index = builder.load(position)
    following = builder.add(index, _INT64(width))
    builder.cbranch(builder.icmp_signed("<=", following, args[-1]), inside, after)
    builder.position_at_end(inside)
    body(Lanes(context, builder, signature, args, width, index))
    builder.store(following, position)
    builder.branch(head)
    builder.position_at_end(after)


def _done(context: Any) -> Any:
    return context.get_dummy_value()


@vector_op
def axpy(typing, out, o, x, xo, a, n):  # type: ignore[no-untyped-def]
    """Computes out += a * x over n elements."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        def body(v: Lanes) -> None:
            v.store(0, v.multiply_add(v.splat(args[4]), v.load(2), v.load(0)))

        each_chunk(context, builder, signature, args, body)
        return _done(context)

    return types.void(out, types.intp, x, types.intp, out.dtype, types.intp), codegen


@vector_op
def add(typing, out, o, x, xo, n):  # type: ignore[no-untyped-def]
    """Computes out += x over n elements."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        each_chunk(context, builder, signature, args, lambda v: v.store(0, v.add(v.load(0), v.load(2))))
        return _done(context)

    return types.void(out, types.intp, x, types.intp, types.intp), codegen


@vector_op
def add_product(typing, out, o, x, xo, y, yo, n):  # type: ignore[no-untyped-def]
    """Computes out += x * y over n elements."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        each_chunk(
            context, builder, signature, args, lambda v: v.store(0, v.multiply_add(v.load(2), v.load(4), v.load(0)))
        )
        return _done(context)

    return types.void(out, types.intp, x, types.intp, y, types.intp, types.intp), codegen


@vector_op
def product(typing, out, o, x, xo, y, yo, n):  # type: ignore[no-untyped-def]
    """Computes out = x * y over n elements."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        each_chunk(context, builder, signature, args, lambda v: v.store(0, v.multiply(v.load(2), v.load(4))))
        return _done(context)

    return types.void(out, types.intp, x, types.intp, y, types.intp, types.intp), codegen


@vector_op
def scaled(typing, out, o, x, xo, a, n):  # type: ignore[no-untyped-def]
    """Computes out = a * x over n elements."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        each_chunk(context, builder, signature, args, lambda v: v.store(0, v.multiply(v.splat(args[4]), v.load(2))))
        return _done(context)

    return types.void(out, types.intp, x, types.intp, out.dtype, types.intp), codegen


@vector_op
def scale(typing, out, o, a, n):  # type: ignore[no-untyped-def]
    """Computes out *= a over n elements."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        each_chunk(context, builder, signature, args, lambda v: v.store(0, v.multiply(v.load(0), v.splat(args[2]))))
        return _done(context)

    return types.void(out, types.intp, out.dtype, types.intp), codegen


@vector_op
def dot(typing, x, xo, y, yo, n):  # type: ignore[no-untyped-def]
    """Inner product over n elements."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return sum_chunks(context, builder, signature, args, lambda v: v.multiply(v.load(0), v.load(2)))

    return x.dtype(x, types.intp, y, types.intp, types.intp), codegen


@vector_op
def keep_larger(typing, out, o, x, xo, winner, wo, a, k, n):  # type: ignore[no-untyped-def]
    """Where a * x > out, or a * x is the first NaN: out = a * x and winner = k."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        def body(v: Lanes) -> None:
            value, best = v.multiply(v.load(2), v.splat(args[6])), v.load(0)
            first_nan = builder.and_(
                builder.fcmp_unordered("uno", value, value), builder.fcmp_ordered("ord", best, best)
            )
            better = builder.or_(builder.fcmp_ordered(">", value, best), first_nan)
            v.store(0, builder.select(better, value, best))
            v.store(4, builder.select(better, v.splat(args[7]), v.load(4)))

        each_chunk(context, builder, signature, args, body)
        return _done(context)

    return types.void(out, types.intp, x, types.intp, winner, types.intp, out.dtype, winner.dtype, types.intp), codegen


@vector_op
def add_won(typing, out, o, x, xo, winner, wo, a, k, n):  # type: ignore[no-untyped-def]
    """Computes out += a * x where winner == k."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        def body(v: Lanes) -> None:
            won = builder.icmp_signed("==", v.load(4), v.splat(args[7]))
            value = v.multiply(v.load(2), v.splat(args[6]))
            v.store(0, v.add(v.load(0), builder.select(won, value, v.constant(0.0))))

        each_chunk(context, builder, signature, args, body)
        return _done(context)

    return types.void(out, types.intp, x, types.intp, winner, types.intp, out.dtype, winner.dtype, types.intp), codegen


@vector_op
def fetch_ahead(typing, x, col, k, end, n):  # type: ignore[no-untyped-def]
    """Asks for the row of n elements of x that entry k + 8 names in `col`; `end` is one past the block's last entry.

    Rows are gathered from places the hardware cannot foresee. This is no inlined Python function, because numba would
    count references to its arrays, an atomic operation, at every entry.
    """

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        rows, columns = (context.make_array(signature.args[at])(context, builder, args[at]) for at in (0, 1))
        later = builder.add(args[2], _INT64(_AHEAD))
        kinds = [ir.IntType(8).as_pointer(), _INT32, _INT32, _INT32]
        function = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(ir.VoidType(), kinds), "llvm.prefetch.p0"
        )
        with builder.if_then(builder.icmp_signed("<", later, args[3])):
            row = context.cast(builder, builder.load(builder.gep(columns.data, [later])), col.dtype, types.int64)
            first = builder.bitcast(builder.gep(rows.data, [builder.mul(row, args[4])]), kinds[0])
            size = builder.mul(args[4], _INT64(x.dtype.bitwidth // 8))
            with cgutils.for_range(builder, builder.udiv(builder.add(size, _INT64(63)), _INT64(64))) as loop:
                line = builder.gep(first, [builder.mul(loop.index, _INT64(64))])
                builder.call(function, [line, _INT32(0), _INT32(3), _INT32(1)])  # a read, to all levels, of data
        return _done(context)

    return types.void(x, col, types.intp, types.intp, types.intp), codegen
