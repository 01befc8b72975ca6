"""Activations of a sum of two or three rows and their derivatives, chosen by number at run time."""

from __future__ import annotations

import math
from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.core import cgutils

from graphkit.kernels.cpu.simd import Lanes, each_chunk, sum_chunks, vector_op

CODES = {
    name: code for code, name in enumerate(("identity", "relu", "leaky_relu", "elu", "gelu", "silu", "tanh", "sigmoid"))
}


def _activate(v: Lanes, x: Any, code: Any, slope: Any, derivative: bool) -> Any:
    """The activation of a chunk, or its derivative: a switch whose branches the processor predicts perfectly."""
    builder = v.builder
    result = cgutils.alloca_once(builder, v.type)
    builder.store(v.constant(1.0) if derivative else x, result)
    for name, emit in _EMITTERS.items():
        chosen = builder.icmp_signed("==", code, ir.Constant(code.type, CODES[name]))
        with builder.if_then(chosen):
            builder.store(emit(v, x, slope)[int(derivative)], result)
    return builder.load(result)


def _not_above(v: Lanes, x: Any, bound: float) -> Any:
    """The smaller of x and a bound, NaN kept: `Lanes.exp` must not overflow."""
    return v.builder.select(v.builder.fcmp_ordered(">", x, v.constant(bound)), v.constant(bound), x)


def _relu(v: Lanes, x: Any, slope: Any) -> tuple[Any, Any]:
    below = v.builder.fcmp_ordered("<=", x, v.constant(0.0))
    select = v.builder.select
    return select(below, v.constant(0.0), x), select(below, v.constant(0.0), v.constant(1.0))


def _leaky_relu(v: Lanes, x: Any, slope: Any) -> tuple[Any, Any]:
    return v.leaky(x, slope), v.leaky_slope(x, slope)


def _elu(v: Lanes, x: Any, slope: Any) -> tuple[Any, Any]:
    above, power = v.builder.fcmp_ordered(">", x, v.constant(0.0)), v.exp(_not_above(v, x, 0.0))
    below = v.subtract(power, v.constant(1.0))
    return v.builder.select(above, x, below), v.builder.select(above, v.constant(1.0), power)


def _sigmoid(v: Lanes, x: Any, slope: Any) -> tuple[Any, Any]:
    power = v.exp(_not_above(v, v.multiply(x, v.constant(-1.0)), 80.0))
    gate = v.builder.fdiv(v.constant(1.0), v.add(power, v.constant(1.0)))
    return gate, v.multiply(gate, v.subtract(v.constant(1.0), gate))


def _silu(v: Lanes, x: Any, slope: Any) -> tuple[Any, Any]:
    gate, derivative = _sigmoid(v, x, slope)
    return v.multiply(x, gate), v.multiply_add(x, derivative, gate)


def _tanh(v: Lanes, x: Any, slope: Any) -> tuple[Any, Any]:
    gate, _ = _sigmoid(v, v.multiply(x, v.constant(2.0)), slope)
    value = v.subtract(v.multiply(gate, v.constant(2.0)), v.constant(1.0))
    return value, v.subtract(v.constant(1.0), v.multiply(value, value))


def _gelu(v: Lanes, x: Any, slope: Any) -> tuple[Any, Any]:
    half = v.constant(0.5)
    bell = v.exp(v.multiply(v.multiply(x, x), v.constant(-0.5)))
    share = v.multiply_add(half, _erf(v, v.multiply(x, v.constant(math.sqrt(0.5)))), half)
    density = v.multiply(bell, v.constant(1.0 / math.sqrt(2.0 * math.pi)))
    return v.multiply(x, share), v.multiply_add(x, density, share)


def _erf(v: Lanes, x: Any) -> Any:
    """float64: the C library, lane by lane. float32: Abramowitz and Stegun 7.1.26, within 1.5e-7."""
    builder = v.builder
    if v.double:
        function = cgutils.get_or_insert_function(builder.module, ir.FunctionType(v.scalar, [v.scalar]), "erf")
        if v.width == 1:
            return builder.call(function, [x])
        result = ir.Constant(v.type, ir.Undefined)
        for lane in range(v.width):
            at = ir.Constant(ir.IntType(32), lane)
            result = builder.insert_element(result, builder.call(function, [builder.extract_element(x, at)]), at)
        return result
    negative = builder.fcmp_ordered("<", x, v.constant(0.0))
    size = builder.select(negative, v.multiply(x, v.constant(-1.0)), x)
    one = v.constant(1.0)
    t = builder.fdiv(one, v.multiply_add(size, v.constant(0.3275911), one))
    series = v.constant(1.061405429)
    for coefficient in (-1.453152027, 1.421413741, -0.284496736, 0.254829592):
        series = v.multiply_add(series, t, v.constant(coefficient))
    tail = v.multiply(v.multiply(series, t), v.exp(v.multiply(v.multiply(size, size), v.constant(-1.0))))
    value = v.subtract(one, tail)
    return builder.select(negative, v.multiply(value, v.constant(-1.0)), value)


_EMITTERS = {
    "relu": _relu,
    "leaky_relu": _leaky_relu,
    "elu": _elu,
    "gelu": _gelu,
    "silu": _silu,
    "tanh": _tanh,
    "sigmoid": _sigmoid,
}


def _mixed(v: Lanes, first: int, with_edge: bool) -> Any:
    total = v.add(v.load(first), v.load(first + 2))
    return v.add(total, v.load(first + 4)) if with_edge else total


@vector_op
def act_axpy(typing, out, o, x, xo, y, yo, e, eo, a, code, slope, n):  # type: ignore[no-untyped-def]
    """Computes out += a * act(x + y + e); e is an array, or None for none."""
    with_edge = isinstance(e, types.Array)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        def body(v: Lanes) -> None:
            value = _activate(v, _mixed(v, 2, with_edge), args[9], args[10], False)
            v.store(0, v.multiply_add(v.splat(args[8]), value, v.load(0)))

        each_chunk(context, builder, signature, args, body)
        return context.get_dummy_value()

    pair, number = (types.intp,), out.dtype
    return types.void(out, *pair, x, *pair, y, *pair, e, *pair, number, types.intp, number, types.intp), codegen


@vector_op
def act_slope_axpy(typing, out, o, g, go, x, xo, y, yo, e, eo, a, code, slope, n):  # type: ignore[no-untyped-def]
    """Computes out += a * g * act'(x + y + e)."""
    with_edge = isinstance(e, types.Array)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        def body(v: Lanes) -> None:
            value = _activate(v, _mixed(v, 4, with_edge), args[11], args[12], True)
            v.store(0, v.multiply_add(v.multiply(v.splat(args[10]), v.load(2)), value, v.load(0)))

        each_chunk(context, builder, signature, args, body)
        return context.get_dummy_value()

    pair, number = (types.intp,), out.dtype
    rows = (out, *pair, g, *pair, x, *pair, y, *pair, e, *pair)
    return types.void(*rows, number, types.intp, number, types.intp), codegen


@vector_op
def act_dot(typing, g, go, x, xo, y, yo, e, eo, code, slope, n):  # type: ignore[no-untyped-def]
    """<g, act(x + y + e)>."""
    with_edge = isinstance(e, types.Array)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        def body(v: Lanes) -> Any:
            return v.multiply(v.load(0), _activate(v, _mixed(v, 2, with_edge), args[8], args[9], False))

        return sum_chunks(context, builder, signature, args, body)

    pair, number = (types.intp,), g.dtype
    return number(g, *pair, x, *pair, y, *pair, e, *pair, types.intp, number, types.intp), codegen
