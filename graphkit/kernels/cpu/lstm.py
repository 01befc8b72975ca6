"""One step of an LSTM over rows that are gathered and summed on the fly: no [rows, inputs] array is made."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from numba import njit, types

from graphkit.kernels.cpu.activations import _sigmoid, _tanh
from graphkit.kernels.cpu.simd import Lanes, each_chunk, vector_op

_jit = njit(cache=True, nogil=True, error_model="numpy")


@contextlib.contextmanager
def _gate(v: Lanes, number: int) -> Iterator[None]:
    """Moves the chunk to gate `number`: the four gates of a row lie side by side."""
    index, width = v.index, v.args[-1]
    v.index = v.builder.add(index, v.builder.mul(width, width.type(number)))
    try:
        yield
    finally:
        v.index = index


def _load(v: Lanes, number: int, position: int) -> Any:
    with _gate(v, number):
        return v.load(position)


def _store(v: Lanes, number: int, value: Any) -> None:
    with _gate(v, number):
        v.store(0, value)


@vector_op
def lstm_cell(typing, gates, o, node, no, recurrent, ro, extra, eo, more, mo, old, co, cell, so, state, ho, n):  # type: ignore[no-untyped-def]
    """Gates = node + recurrent + extra + more, activated; cell = f * old + i * g; state = o * tanh(cell)."""
    given = [position for position, array in ((4, recurrent), (6, extra), (8, more)) if isinstance(array, types.Array)]

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        def body(v: Lanes) -> None:
            found = []
            for number in range(4):
                value = _load(v, number, 2)
                for position in given:
                    value = v.add(value, _load(v, number, position))
                value = _tanh(v, value, None)[0] if number == 2 else _sigmoid(v, value, None)[0]
                _store(v, number, value)
                found.append(value)
            into, forget, new, out = found
            cell_value = v.multiply(into, new)
            if isinstance(old, types.Array):
                cell_value = v.multiply_add(forget, v.load(10), cell_value)
            v.store(12, cell_value)
            v.store(14, v.multiply(out, _tanh(v, cell_value, None)[0]))

        each_chunk(context, builder, signature, args, body)
        return context.get_dummy_value()

    pair = types.intp
    rows = (gates, pair, node, pair, recurrent, pair, extra, pair, more, pair, old, pair, cell, pair, state, pair, pair)
    return types.void(*rows), codegen


@vector_op
def lstm_cell_grad(typing, out, oo, gates, o, old, co, cell, so, grad_h, go, grad_c, gc, before, bo, n):  # type: ignore[no-untyped-def]
    """Gradient of the summed gates to `out`, and of the old cell to `before` where there is one."""
    recurrent = isinstance(old, types.Array)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        def body(v: Lanes) -> None:
            into, forget, new, output = (_load(v, number, 2) for number in range(4))
            one, grad_h_value = v.constant(1.0), v.load(8)
            squashed = _tanh(v, v.load(6), None)[0]
            slope = v.subtract(one, v.multiply(squashed, squashed))
            grad = v.multiply_add(v.multiply(grad_h_value, output), slope, v.load(10))
            parts = [
                v.multiply(v.multiply(grad, new), v.multiply(into, v.subtract(one, into))),
                v.constant(0.0),
                v.multiply(v.multiply(grad, into), v.subtract(one, v.multiply(new, new))),
                v.multiply(v.multiply(grad_h_value, squashed), v.multiply(output, v.subtract(one, output))),
            ]
            if recurrent:
                parts[1] = v.multiply(v.multiply(grad, v.load(4)), v.multiply(forget, v.subtract(one, forget)))
                v.store(12, v.multiply(grad, forget))
            for number, value in enumerate(parts):
                _store(v, number, value)

        each_chunk(context, builder, signature, args, body)
        return context.get_dummy_value()

    pair = types.intp
    rows = (out, pair, gates, pair, old, pair, cell, pair, grad_h, pair, grad_c, pair, before, pair, pair)
    return types.void(*rows), codegen


@_jit
def forward(first, last, block, node, at, recurrent, old, parent, extra, e_at, more, m_at, gates, cell, state, n):  # type: ignore[no-untyped-def]
    """Rows `first` to `last` of a step; index arrays say which row of each addend belongs to a row of the step."""
    for row in range(first, last):
        before = parent[row] if recurrent is not None else 0
        e = e_at[row] if extra is not None else 0
        m = m_at[row] if more is not None else 0
        lstm_cell(
            gates,
            row * 4 * n,
            node,
            at[row] * 4 * n,
            recurrent,
            before * 4 * n,
            extra,
            e * 4 * n,
            more,
            m * 4 * n,
            old,
            before * n,
            cell,
            row * n,
            state,
            row * n,
            n,
        )


@_jit
def backward(first, last, block, gates, old, parent, cell, grad_h, grad_c, out, before, n):  # type: ignore[no-untyped-def]
    """Gradients of the gates [M, 4 n] and of the old cells, row by row, for rows `first` to `last`."""
    for row in range(first, last):
        p = parent[row] if old is not None else 0
        at, wide = row * n, row * 4 * n
        lstm_cell_grad(out, wide, gates, wide, old, p * n, cell, at, grad_h, at, grad_c, at, before, at, n)
