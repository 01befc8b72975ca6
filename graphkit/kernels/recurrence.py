"""The recurrence h_t = a_t h_(t - 1) + b_t over packed sequences in plain torch, on any device.

Two orders of work. `time-major` sorts the sequences by length: step t is one operation over the sequences that are
longer than t, and there are as many steps as the longest has tokens. `chunked` cuts the tokens into chunks of equal
length: all chunks advance together, then the state is carried from chunk to chunk. Many short sequences suit the first,
few long ones the second.
"""

from __future__ import annotations

import math
from typing import Any, Literal, get_args

import torch
from torch import Tensor

from graphkit.errors import ShapeError, UnknownNameError
from graphkit.kernels.sequences import Sequences

Order = Literal["time-major", "chunked"]


def order_for(sequences: Sequences) -> Order:
    """Returns the order with the fewer steps: the longest sequence, against twice the root of all tokens."""
    return "time-major" if sequences.longest <= 2 * math.isqrt(max(sequences.num_tokens, 1)) else "chunked"


def linear_recurrence(a: Tensor, b: Tensor, sequences: Sequences, order: Order | None = None) -> Tensor:
    """Computes h_t = a_t * h_(t - 1) + b_t, h before the first token of every sequence being zero.

    The backward pass is the same recurrence run from the end: g_t = grad_t + a_(t + 1) g_(t + 1), then
    da_t = g_t h_(t - 1) and db_t = g_t.

    Args:
        a: [T, ...] floating.
        b: like `a`.
        sequences: of T tokens.
        order: of the work; None takes the one with the fewer steps.

    Returns:
        h, like `a`.

    Raises:
        ShapeError: `a`, `b` and `sequences` do not fit.

    Example:
        >>> import torch
        >>> linear_recurrence(torch.full((4,), 0.5), torch.ones(4), Sequences(torch.tensor([0, 3, 4]))).tolist()
        [1.0, 1.5, 1.75, 1.0]
    """
    if a.shape != b.shape or len(a) != sequences.num_tokens:
        raise ShapeError(f"{sequences.num_tokens} tokens need a and b alike, got {list(a.shape)} and {list(b.shape)}")
    order = order or order_for(sequences)
    if order not in get_args(Order):
        raise UnknownNameError("order of work", order, get_args(Order))
    result: Tensor = _Recurrence.apply(a, b, sequences, order)
    return result


class _Recurrence(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, a: Tensor, b: Tensor, sequences: Sequences, order: Order) -> Tensor:
        h = _RUN[order](a, b, sequences)
        ctx.save_for_backward(a, h)
        ctx.sequences, ctx.order = sequences, order
        return h

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, None, None]:
        (a, h), sequences = ctx.saved_tensors, ctx.sequences
        turn = sequences.reverse
        shape = (-1, *[1] * (a.dim() - 1))
        follower = (torch.arange(len(a), device=a.device) + 1).clamp(max=max(len(a) - 1, 0))
        later = torch.where((sequences.left > 1).view(shape), a[follower], 0.0)
        g = _RUN[ctx.order](later[turn], grad[turn], sequences)[turn]
        before = torch.where((sequences.place > 0).view(shape), h.roll(1, 0), 0.0)
        return g * before, g, None, None


def _time_major(a: Tensor, b: Tensor, sequences: Sequences) -> Tensor:
    order, starts = sequences.by_place
    a, h = a[order], b[order]
    for low, middle, high in zip(starts, starts[1:], starts[2:], strict=False):
        h[middle:high].addcmul_(a[middle:high], h[low : low + high - middle])
    out = torch.empty_like(h)
    out[order] = h
    return out


def _chunked(a: Tensor, b: Tensor, sequences: Sequences) -> Tensor:
    tokens = len(a)
    length = max(math.isqrt(tokens), 1)
    rest = -tokens % length
    shape = (-1, *[1] * (a.dim() - 1))
    a = torch.where((sequences.place > 0).view(shape), a, 0.0)
    if rest:
        a, b = (torch.cat([one, one.new_zeros(rest, *one.shape[1:])]) for one in (a, b))
    reach = a.reshape(-1, length, *a.shape[1:]).clone()
    h = b.reshape(reach.shape).clone()
    for step in range(1, length):
        h[:, step].addcmul_(reach[:, step], h[:, step - 1])
        reach[:, step] *= reach[:, step - 1]
    carried = torch.empty_like(h[:, 0])
    state = carried.new_zeros(carried.shape[1:])
    for chunk in range(len(h)):
        carried[chunk] = state
        state = torch.addcmul(h[chunk, -1], reach[chunk, -1], state)
    h.addcmul_(reach, carried.unsqueeze(1))
    return h.reshape(-1, *a.shape[1:])[:tokens]


_RUN = {"time-major": _time_major, "chunked": _chunked}
