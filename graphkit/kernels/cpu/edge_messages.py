"""Compiled sums of relu(state + row of a table) over compressed rows, and their gradients."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, types

from graphkit.kernels.cpu.simd import Lanes, add, each_chunk, fetch_ahead, vector_op

_jit = njit(cache=True, nogil=True, error_model="numpy")


@vector_op
def _add_relu(typing, out, o, x, xo, row, ro, n):  # type: ignore[no-untyped-def]
    """Computes out += relu(x + row) over n elements; NaN stays NaN."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        def body(v: Lanes) -> None:
            v.store(0, v.add(v.load(0), v.maximum(v.add(v.load(2), v.load(4)), v.constant(0.0))))

        each_chunk(context, builder, signature, args, body)
        return context.get_dummy_value()

    return types.void(out, types.intp, x, types.intp, row, types.intp, types.intp), codegen


@vector_op
def _add_where_positive(typing, out, o, grad, go, x, xo, row, ro, n):  # type: ignore[no-untyped-def]
    """Computes out += grad where x + row > 0, over n elements."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        def body(v: Lanes) -> None:
            positive = builder.fcmp_ordered(">", v.add(v.load(4), v.load(6)), v.constant(0.0))
            v.store(0, v.add(v.load(0), builder.select(positive, v.load(2), v.constant(0.0))))

        each_chunk(context, builder, signature, args, body)
        return context.get_dummy_value()

    pair = (types.intp,)
    return types.void(out, *pair, grad, *pair, x, *pair, row, *pair, types.intp), codegen


@_jit
def forward(first, last, block, rowptr, col, kind, x, table, out, width, copies):  # type: ignore[no-untyped-def]
    """Computes out[i] = sum of relu(x[j] + table[kind]) over the row, or of x[j] where the kind is -1."""
    end, wide = rowptr[last], width * copies
    for i in range(first, last):
        out[i * wide : (i + 1) * wide] = 0.0
        for k in range(rowptr[i], rowptr[i + 1]):
            fetch_ahead(x, col, k, end, wide)
            source, row = np.int64(col[k]) * wide, np.int64(kind[k]) * width
            if row < 0:
                add(out, i * wide, x, source, wide)
            else:
                for c in range(0, wide, width):
                    _add_relu(out, i * wide + c, x, source + c, table, row, width)


@_jit
def backward_states(first, last, block, rowptr, col, kind, grad, x, table, out, width, copies):  # type: ignore[no-untyped-def]
    """The gradient of the states, over the rows of the transpose."""
    end, wide = rowptr[last], width * copies
    for j in range(first, last):
        out[j * wide : (j + 1) * wide] = 0.0
        for k in range(rowptr[j], rowptr[j + 1]):
            fetch_ahead(grad, col, k, end, wide)
            target, row = np.int64(col[k]) * wide, np.int64(kind[k]) * width
            if row < 0:
                add(out, j * wide, grad, target, wide)
            else:
                for c in range(0, wide, width):
                    _add_where_positive(out, j * wide + c, grad, target + c, x, j * wide + c, table, row, width)


@_jit
def backward_table(first, last, block, rowptr, slot, target, source, grad, x, table, out, width, copies):  # type: ignore[no-untyped-def]
    """The gradient of the table, over its rows: the slots of a row are those of its kind."""
    wide = width * copies
    for r in range(first, last):
        row = r * width
        out[row : row + width] = 0.0
        for k in range(rowptr[r], rowptr[r + 1]):
            i, j = np.int64(target[slot[k]]) * wide, np.int64(source[slot[k]]) * wide
            for c in range(0, wide, width):
                _add_where_positive(out, row, grad, i + c, x, j + c, table, row, width)
