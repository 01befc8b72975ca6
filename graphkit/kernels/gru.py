"""A GRU step over rows in which inputs that many rows share are gathered by the kernel, not copied."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from graphkit.errors import ShapeError
from graphkit.kernels.arrays import flat
from graphkit.kernels.cpu import gru as compiled


def gru_step(held: Tensor, given: Tensor, peer: Tensor, place: Tensor, old: Tensor) -> Tensor:
    """Computes new = (1 - z) c + z old, the cell of `torch.nn.GRUCell` from products that are already made.

        r, z = sigmoid(held[0, 1] + given[0, 1] + peer[0, 1])        c = tanh(given[2] + peer[2] + held[2] + r held[3])

    What depends on the old state alone comes in `held`: its part of r, z and c, then the part that r scales.

    Args:
        held: [R, 4 C].
        given: [R, 3 C].
        peer: [P, 3 C], read through `place`.
        place: [R] int64.
        old: [R, C]; no gradient flows to it from here.

    Returns:
        [R, C].

    Raises:
        ShapeError: the widths do not fit.

    Example:
        >>> gru_step(torch.zeros(2, 8), torch.zeros(2, 6), torch.zeros(1, 6), torch.tensor([0, 0]), torch.ones(2, 2))
        tensor([[0.5000, 0.5000],
                [0.5000, 0.5000]])
    """
    rows, width = old.shape
    if held.shape != (rows, 4 * width) or given.shape != (rows, 3 * width) or peer.shape[1:] != (3 * width,):
        shapes = [list(part.shape) for part in (held, given, peer)]
        raise ShapeError(f"a step over states {[rows, width]} got {shapes[0]}, {shapes[1]} and {shapes[2]}")
    found: Tensor = _Step.apply(held, given, peer, place, old)
    return found


def gru_step_reference(held: Tensor, given: Tensor, peer: Tensor, place: Tensor, old: Tensor) -> Tensor:
    """The same by plain torch operations, the oracle of its tests."""
    width = old.shape[1]
    sums = held[:, : 3 * width] + given + peer[place]
    reset, update = sums[:, : 2 * width].sigmoid().chunk(2, dim=1)
    fresh = torch.tanh(sums[:, 2 * width :] + reset * held[:, 3 * width :])
    return (1 - update) * fresh + update * old


class _Step(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, held: Tensor, given: Tensor, peer: Tensor, place: Tensor, old: Tensor) -> Tensor:
        new, gates, old = torch.empty_like(old), torch.empty_like(held), old.contiguous()
        sums = flat(held), flat(given), flat(peer)
        compiled.forward(sums[0], sums[1], sums[2], place.numpy(), flat(old), flat(gates), flat(new), old.shape[1])
        ctx.save_for_backward(gates, old, place)
        ctx.peers = len(peer)
        return new

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Any:
        gates, old, place = ctx.saved_tensors
        width = old.shape[1]
        sums, peer = torch.empty_like(gates), gates.new_zeros(ctx.peers, 3 * width)
        compiled.backward(flat(gates), flat(old), place.numpy(), flat(grads[0]), flat(sums), flat(peer), width)
        return sums, sums[:, : 3 * width], peer, None, None
