"""Compiled dropout of a flat array by counter."""

from __future__ import annotations

from typing import Any

from numba import njit, types

from graphkit.kernels.cpu.simd import Lanes, each_chunk, vector_op

_jit = njit(cache=True, nogil=True, error_model="numpy")


@vector_op
def _dropped(typing, out, o, x, xo, counter, seed, bound, factor, n):  # type: ignore[no-untyped-def]
    """Computes out = x * factor where the hash of (seed, counter + lane) keeps the element, else x * 0."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        def body(v: Lanes) -> None:
            kept = v.kept(args[4], args[5], args[6])
            v.store(0, v.multiply(v.load(2), builder.select(kept, v.splat(args[7]), v.constant(0.0))))

        each_chunk(context, builder, signature, args, body)
        return context.get_dummy_value()

    wide = types.int64
    return types.void(out, types.intp, x, types.intp, wide, wide, wide, out.dtype, types.intp), codegen


@_jit
def drop_range(first, last, block, x, out, seed, bound, factor):  # type: ignore[no-untyped-def]
    """Elements first to last of `out`."""
    _dropped(out, first, x, first, first, seed, bound, factor, last - first)
