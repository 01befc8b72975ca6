"""Compiled SiLU and its first two derivatives."""

from __future__ import annotations

from typing import Any

from numba import njit, types

from graphkit.kernels.cpu.simd import Lanes, each_chunk, vector_op

_jit = njit(cache=True, nogil=True, error_model="numpy")


def _sigmoid(v: Lanes, x: Any) -> Any:
    """1 / (1 + exp(-x)); -x is bounded, because `Lanes.exp` must not overflow."""
    turned = v.multiply(x, v.constant(-1.0))
    large = v.builder.fcmp_ordered(">", turned, v.constant(80.0))
    power = v.exp(v.builder.select(large, v.constant(80.0), turned))
    return v.builder.fdiv(v.constant(1.0), v.add(power, v.constant(1.0)))


@vector_op
def silu_of(typing, out, o, x, xo, n):  # type: ignore[no-untyped-def]
    """Computes out = x s(x)."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        each_chunk(
            context, builder, signature, args, lambda v: v.store(0, v.multiply(v.load(2), _sigmoid(v, v.load(2))))
        )
        return context.get_dummy_value()

    return types.void(out, types.intp, x, types.intp, types.intp), codegen


@vector_op
def silu_and_slope(typing, out, o, slope, so, x, xo, n):  # type: ignore[no-untyped-def]
    """Computes out = x s and slope = s (1 + x (1 - s)), s the sigmoid of x."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        def body(v: Lanes) -> None:
            x, one = v.load(4), v.constant(1.0)
            s = _sigmoid(v, x)
            v.store(0, v.multiply(x, s))
            v.store(2, v.multiply(s, v.multiply_add(x, v.subtract(one, s), one)))

        each_chunk(context, builder, signature, args, body)
        return context.get_dummy_value()

    return types.void(out, types.intp, slope, types.intp, x, types.intp, types.intp), codegen


@vector_op
def _slope(typing, out, o, g, go, x, xo, n):  # type: ignore[no-untyped-def]
    """Computes out = g s (1 + x (1 - s)), s the sigmoid of x."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        def body(v: Lanes) -> None:
            x, one = v.load(4), v.constant(1.0)
            s = _sigmoid(v, x)
            slope = v.multiply(s, v.multiply_add(x, v.subtract(one, s), one))
            v.store(0, v.multiply(v.load(2), slope))

        each_chunk(context, builder, signature, args, body)
        return context.get_dummy_value()

    return types.void(out, types.intp, g, types.intp, x, types.intp, types.intp), codegen


@vector_op
def _both(typing, slope, so, curve, co, h, ho, g, go, x, xo, n):  # type: ignore[no-untyped-def]
    """Computes slope = h s (1 + x (1 - s)) and curve = h g s (1 - s) (2 + x (1 - 2 s)): the derivatives of `_slope`."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        def body(v: Lanes) -> None:
            h, x, one = v.load(4), v.load(8), v.constant(1.0)
            s = _sigmoid(v, x)
            rest = v.subtract(one, s)
            v.store(0, v.multiply(h, v.multiply(s, v.multiply_add(x, rest, one))))
            bend = v.multiply_add(x, v.subtract(rest, s), v.constant(2.0))
            v.store(2, v.multiply(v.multiply(h, v.load(6)), v.multiply(v.multiply(s, rest), bend)))

        each_chunk(context, builder, signature, args, body)
        return context.get_dummy_value()

    pair = (types.intp,)
    return types.void(slope, *pair, curve, *pair, h, *pair, g, *pair, x, *pair, types.intp), codegen


@_jit
def silu_rows(first, last, block, x, out):  # type: ignore[no-untyped-def]
    """The function."""
    silu_of(out, first, x, first, last - first)


@_jit
def slope_rows(first, last, block, grad, x, out):  # type: ignore[no-untyped-def]
    """A gradient times the slope."""
    _slope(out, first, grad, first, x, first, last - first)


@_jit
def curve_rows(first, last, block, outer, grad, x, slope, curve):  # type: ignore[no-untyped-def]
    """The gradients of `slope_rows`."""
    _both(slope, first, curve, first, outer, first, grad, first, x, first, last - first)
