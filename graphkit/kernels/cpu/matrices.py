"""Products of small matrices inside compiled kernels: tiles of a result stay in registers while the inner index runs.

A kernel that keeps a few dozen rows in the nearest cache multiplies them here, without leaving for a library. Numbers
of a result do not depend on how many rows are multiplied at once.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.core import cgutils

from graphkit.kernels.cpu.simd import vector_op

_INT64 = ir.IntType(64)
_BYTES = 64
"""Width of a tile: two vectors of 32 bytes, or one of 64."""
_ROWS = (6, 4, 1)
"""Rows of a tile: six of two vectors each leave room for one of `w` and one of `x` in 16 registers."""
_CONTRACT = ("contract",)


@vector_op
def add_product(typing, out, o, so, x, xo, sr, sk, w, wo, sw, rows, columns, inner):  # type: ignore[no-untyped-def]
    """Computes out[r, c] += sum_k x[r, k] w[k, c]; `columns` must be a multiple of 64 bytes.

    Matrices lie in flat arrays: element (r, k) of x at xo + r sr + k sk, so x may be read as its transpose; rows of
    `out` and `w` lie so and sw apart.
    """

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        whole = {position: args[position] for position in (2, 5, 6, 9, 10, 11, 12)}
        for array, start in ((0, 1), (3, 4), (7, 8)):
            data = context.make_array(signature.args[array])(context, builder, args[array]).data
            whole[array] = builder.gep(data, [args[start]])
        builder.call(_function(builder.module, context.get_data_type(out.dtype)), [whole[k] for k in sorted(whole)])
        return context.get_dummy_value()

    n = types.intp
    return types.void(out, n, n, x, n, n, n, w, n, n, n, n, n), codegen


def _function(module: Any, scalar: Any) -> Any:
    """The function of (out, so, x, sr, sk, w, sw, rows, columns, inner), one a module: inlined, it compiles slowly."""
    name = f"graphkit.add_product.{scalar}"
    if name in module.globals:
        return module.globals[name]
    pointer = scalar.as_pointer()
    kinds = [pointer, _INT64, pointer, _INT64, _INT64, pointer, _INT64, _INT64, _INT64, _INT64]
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), kinds), name)
    function.linkage = "linkonce_odr"
    function.attributes.add("noinline")
    out, so, x, sr, sk, w, sw, rows, columns, inner = function.args
    builder = ir.IRBuilder(function.append_basic_block("entry"))
    width = _INT64(_BYTES // (8 if scalar == ir.DoubleType() else 4))
    with cgutils.for_range_slice(builder, _INT64(0), columns, width, inc=True) as (column, _):
        row = cgutils.alloca_once_value(builder, _INT64(0))
        for height in _ROWS:
            test, inside, after = (builder.append_basic_block(f"{name}{height}") for name in ("test", "tile", "after"))
            builder.branch(test)
            builder.position_at_end(test)
            first = builder.load(row)
            following = builder.add(first, _INT64(height))
            builder.cbranch(builder.icmp_signed("<=", following, rows), inside, after)
            builder.position_at_end(inside)
            result = builder.gep(out, [builder.add(builder.mul(first, so), column)])
            factors = builder.gep(x, [builder.mul(first, sr)])
            _tile(builder, height, result, so, factors, sr, sk, builder.gep(w, [column]), sw, inner)
            builder.store(following, row)
            builder.branch(test)
            builder.position_at_end(after)
    builder.ret_void()
    return function


def _tile(builder: Any, height: int, out: Any, so: Any, x: Any, sr: Any, sk: Any, w: Any, sw: Any, inner: Any) -> None:
    """Adds a product to `height` rows of one width of columns."""
    scalar = x.type.pointee
    size = 8 if scalar == ir.DoubleType() else 4
    lanes = ir.VectorType(scalar, _BYTES // size)
    places = [
        builder.bitcast(builder.gep(out, [builder.mul(so, _INT64(row))]), lanes.as_pointer()) for row in range(height)
    ]
    starts = [builder.gep(x, [builder.mul(sr, _INT64(row))]) for row in range(height)]
    sums = [builder.load(place, align=size) for place in places]
    entry = builder.block
    test, inside, after = (builder.append_basic_block(name) for name in ("more", "inner", "done"))
    builder.branch(test)
    builder.position_at_end(test)
    k, carried = builder.phi(_INT64), [builder.phi(lanes) for _ in range(height)]
    builder.cbranch(builder.icmp_signed("<", k, inner), inside, after)
    builder.position_at_end(inside)
    pointer = builder.bitcast(builder.gep(w, [builder.mul(k, sw)]), lanes.as_pointer())
    row_of_w, step = builder.load(pointer, align=size), builder.mul(k, sk)
    for value, first, start in zip(carried, sums, starts, strict=True):
        factor = _splat(builder, builder.load(builder.gep(start, [step])), lanes)
        term = builder.fmul(factor, row_of_w, flags=_CONTRACT)
        value.add_incoming(first, entry)
        value.add_incoming(builder.fadd(term, value, flags=_CONTRACT), builder.block)
    k.add_incoming(_INT64(0), entry)
    k.add_incoming(builder.add(k, _INT64(1)), builder.block)
    builder.branch(test)
    builder.position_at_end(after)
    for place, value in zip(places, carried, strict=True):
        builder.store(value, place, align=size)


def _splat(builder: Any, value: Any, lanes: Any) -> Any:
    nothing = ir.Constant(lanes, ir.Undefined)
    first = builder.insert_element(nothing, value, ir.IntType(32)(0))
    return builder.shuffle_vector(first, nothing, ir.Constant(ir.VectorType(ir.IntType(32), lanes.count), None))
