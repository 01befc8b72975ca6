"""Vector operations of attention: logits, exponentials, dropout and their derivatives over heads or channels."""

from __future__ import annotations

from typing import Any

from numba import types

from graphkit.kernels.cpu.simd import Lanes, each_chunk, sum_chunks, vector_op


@vector_op
def add_two(typing, out, o, x, xo, y, yo, n):  # type: ignore[no-untyped-def]
    """Computes out = x + y."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        each_chunk(context, builder, signature, args, lambda v: v.store(0, v.add(v.load(2), v.load(4))))
        return context.get_dummy_value()

    return types.void(out, types.intp, x, types.intp, y, types.intp, types.intp), codegen


@vector_op
def leaky(typing, out, o, x, xo, slope, n):  # type: ignore[no-untyped-def]
    """Computes out = LeakyReLU(x)."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        each_chunk(context, builder, signature, args, lambda v: v.store(0, v.leaky(v.load(2), args[4])))
        return context.get_dummy_value()

    return types.void(out, types.intp, x, types.intp, out.dtype, types.intp), codegen


@vector_op
def raise_to(typing, out, o, x, xo, n):  # type: ignore[no-untyped-def]
    """Computes out = the larger of out and x; a NaN in x is passed over (its exponential will be NaN)."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        each_chunk(context, builder, signature, args, lambda v: v.store(0, v.maximum(v.load(0), v.load(2))))
        return context.get_dummy_value()

    return types.void(out, types.intp, x, types.intp, types.intp), codegen


@vector_op
def exp_below(typing, out, o, peak, po, total, to, n):  # type: ignore[no-untyped-def]
    """Computes out = exp(out - peak), and total += out."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        def body(v: Lanes) -> None:
            value = v.exp(v.subtract(v.load(0), v.load(2)))
            v.store(0, value)
            v.store(4, v.add(v.load(4), value))

        each_chunk(context, builder, signature, args, body)
        return context.get_dummy_value()

    return types.void(out, types.intp, peak, types.intp, total, types.intp, types.intp), codegen


@vector_op
def coefficients(typing, out, o, peak, po, inverse, io, n):  # type: ignore[no-untyped-def]
    """Computes out = exp(out - peak) * inverse: softmax from the two numbers kept for each row and head."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        def body(v: Lanes) -> None:
            v.store(0, v.multiply(v.exp(v.subtract(v.load(0), v.load(2))), v.load(4)))

        each_chunk(context, builder, signature, args, body)
        return context.get_dummy_value()

    return types.void(out, types.intp, peak, types.intp, inverse, types.intp, types.intp), codegen


@vector_op
def times(typing, out, o, x, xo, n):  # type: ignore[no-untyped-def]
    """Computes out *= x."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        each_chunk(context, builder, signature, args, lambda v: v.store(0, v.multiply(v.load(0), v.load(2))))
        return context.get_dummy_value()

    return types.void(out, types.intp, x, types.intp, types.intp), codegen


@vector_op
def drop(typing, out, o, counter, seed, bound, factor, n):  # type: ignore[no-untyped-def]
    """Multiplies out by factor where the hash of (seed, counter + lane) keeps it, else by zero (NaN stays NaN)."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        def body(v: Lanes) -> None:
            kept = v.kept(args[2], args[3], args[4])
            v.store(0, v.multiply(v.load(0), builder.select(kept, v.splat(args[5]), v.constant(0.0))))

        each_chunk(context, builder, signature, args, body)
        return context.get_dummy_value()

    wide = types.int64
    return types.void(out, types.intp, wide, wide, wide, out.dtype, types.intp), codegen


@vector_op
def logit_grad(typing, out, o, alpha, ao, dots, do, delta, lo, n):  # type: ignore[no-untyped-def]
    """Computes out = alpha * (dots - delta): the gradient through the softmax."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        def body(v: Lanes) -> None:
            v.store(0, v.multiply(v.load(2), v.subtract(v.load(4), v.load(6))))

        each_chunk(context, builder, signature, args, body)
        return context.get_dummy_value()

    pair = (types.intp,)
    return types.void(out, *pair, alpha, *pair, dots, *pair, delta, *pair, types.intp), codegen


@vector_op
def times_leaky_slope(typing, out, o, x, xo, slope, n):  # type: ignore[no-untyped-def]
    """Computes out *= the derivative of LeakyReLU at x."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        def body(v: Lanes) -> None:
            v.store(0, v.multiply(v.load(0), v.leaky_slope(v.load(2), args[4])))

        each_chunk(context, builder, signature, args, body)
        return context.get_dummy_value()

    return types.void(out, types.intp, x, types.intp, out.dtype, types.intp), codegen


def _mixed(v: Lanes, args: Any, with_edge: bool) -> Any:
    """The sum x + y (+ e) from the arguments at 2, 4 (and 6)."""
    total = v.add(v.load(2), v.load(4))
    return v.add(total, v.load(6)) if with_edge else total


def _with_edge(kind: Any) -> bool:
    return isinstance(kind, types.Array)


@vector_op
def leaky_dot(typing, att, ao, x, xo, y, yo, e, eo, slope, n):  # type: ignore[no-untyped-def]
    """<att, LeakyReLU(x + y + e)>; e is an array, or None for none."""
    with_edge = _with_edge(e)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        def body(v: Lanes) -> Any:
            return v.multiply(v.load(0), v.leaky(_mixed(v, args, with_edge), args[8]))

        return sum_chunks(context, builder, signature, args, body)

    pair = (types.intp,)
    return att.dtype(att, *pair, x, *pair, y, *pair, e, *pair, att.dtype, types.intp), codegen


@vector_op
def leaky_slope_axpy(typing, out, o, x, xo, y, yo, e, eo, att, ao, q, slope, n):  # type: ignore[no-untyped-def]
    """Computes out += q * att * the derivative of LeakyReLU at x + y + e."""
    with_edge = _with_edge(e)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        def body(v: Lanes) -> None:
            derivative = v.leaky_slope(_mixed(v, args, with_edge), args[11])
            factor = v.multiply(v.multiply(v.load(8), v.splat(args[10])), derivative)
            v.store(0, v.add(v.load(0), factor))

        each_chunk(context, builder, signature, args, body)
        return context.get_dummy_value()

    pair, number = (types.intp,), out.dtype
    return types.void(out, *pair, x, *pair, y, *pair, e, *pair, att, *pair, number, number, types.intp), codegen


@vector_op
def leaky_axpy(typing, out, o, x, xo, y, yo, e, eo, q, slope, n):  # type: ignore[no-untyped-def]
    """Computes out += q * LeakyReLU(x + y + e)."""
    with_edge = _with_edge(e)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        def body(v: Lanes) -> None:
            v.store(0, v.multiply_add(v.splat(args[8]), v.leaky(_mixed(v, args, with_edge), args[9]), v.load(0)))

        each_chunk(context, builder, signature, args, body)
        return context.get_dummy_value()

    pair, number = (types.intp,), out.dtype
    return types.void(out, *pair, x, *pair, y, *pair, e, *pair, number, number, types.intp), codegen
