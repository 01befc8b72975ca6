"""One step of a GRU over rows whose inputs come in three parts, one of them gathered, with its gradient."""

from __future__ import annotations

from typing import Any

from numba import njit, types

from graphkit.kernels.cpu.activations import _sigmoid, _tanh
from graphkit.kernels.cpu.lstm import _load, _store
from graphkit.kernels.cpu.simd import Lanes, add, each_chunk, vector_op

_jit = njit(cache=True, nogil=True, error_model="numpy")


@vector_op
def gru_cell(typing, gates, o, held, ho, given, go, peer, po, old, co, new, no, n):  # type: ignore[no-untyped-def]
    """Gates (r, z, c, h) of `held` + `given` + `peer`, and new = (1 - z) c + z old with c = tanh(. + r h)."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        def body(v: Lanes) -> None:
            sums = [v.add(v.add(_load(v, number, 2), _load(v, number, 4)), _load(v, number, 6)) for number in range(3)]
            reset, update = (_sigmoid(v, value, None)[0] for value in sums[:2])
            memory = _load(v, 3, 2)
            fresh = _tanh(v, v.multiply_add(reset, memory, sums[2]), None)[0]
            for number, value in enumerate((reset, update, fresh, memory)):
                _store(v, number, value)
            v.store(10, v.multiply_add(update, v.subtract(v.load(8), fresh), fresh))

        each_chunk(context, builder, signature, args, body)
        return context.get_dummy_value()

    pair = types.intp
    rows = (gates, pair, held, pair, given, pair, peer, pair, old, pair, new, pair, pair)
    return types.void(*rows), codegen


@vector_op
def gru_cell_grad(typing, out, o, gates, go, old, co, grad, no, n):  # type: ignore[no-untyped-def]
    """Gradient of the four sums; the first three are those of what was given too."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        def body(v: Lanes) -> None:
            reset, update, fresh, memory = (_load(v, number, 2) for number in range(4))
            one, change = v.constant(1.0), v.load(6)
            inner = v.multiply(v.multiply(change, v.subtract(one, update)), v.subtract(one, v.multiply(fresh, fresh)))
            slope = v.multiply(reset, v.subtract(one, reset))
            _store(v, 0, v.multiply(v.multiply(inner, memory), slope))
            slope = v.multiply(update, v.subtract(one, update))
            _store(v, 1, v.multiply(v.multiply(change, v.subtract(v.load(4), fresh)), slope))
            _store(v, 2, inner)
            _store(v, 3, v.multiply(inner, reset))

        each_chunk(context, builder, signature, args, body)
        return context.get_dummy_value()

    pair = types.intp
    rows = (out, pair, gates, pair, old, pair, grad, pair, pair)
    return types.void(*rows), codegen


@_jit
def forward(held, given, peer, place, old, gates, new, n):  # type: ignore[no-untyped-def]
    """All rows; row r reads row place[r] of `peer`. Arrays are flat: held and gates 4 n a row, given and peer 3 n."""
    for r in range(len(place)):
        gru_cell(gates, r * 4 * n, held, r * 4 * n, given, r * 3 * n, peer, place[r] * 3 * n, old, r * n, new, r * n, n)


@_jit
def backward(gates, old, place, grad, out, peer_out, n):  # type: ignore[no-untyped-def]
    """Gradients of the sums [R, 4 n], and those of `peer` added up over the rows that read it."""
    for r in range(len(place)):
        gru_cell_grad(out, r * 4 * n, gates, r * 4 * n, old, r * n, grad, r * n, n)
        add(peer_out, place[r] * 3 * n, out, r * 4 * n, 3 * n)
