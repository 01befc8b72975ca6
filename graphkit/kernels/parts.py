"""Products of fields of several components with factors of their parts; differentiable to any order.

States are [C, N, F], factors [K, N, F], and `parts` gives the factor of every component. Scaling states and summing
their products part by part are each other's derivatives.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from graphkit.kernels.arrays import flat
from graphkit.kernels.cpu import messages as compiled
from graphkit.kernels.messages import Parts, _compiled, _part_array
from graphkit.kernels.pool import run_range


def scale_parts(states: Tensor, factor: Tensor, parts: Parts) -> Tensor:
    """Returns factor[parts[c]] * states[c], [C, N, F].

    Example:
        >>> scale_parts(torch.ones(4, 2, 3), torch.ones(2, 2, 3), (0, 1, 1, 1)).shape
        torch.Size([4, 2, 3])
    """
    return _Scale.apply(states, factor, parts)


def dot_parts(left: Tensor, right: Tensor, parts: Parts) -> Tensor:
    """Returns [K, N, F] sums of left[c] * right[c] over the components c of every part.

    Example:
        >>> dot_parts(torch.ones(4, 2, 3), torch.ones(4, 2, 3), (0, 1, 1, 1))[:, 0, 0].tolist()
        [1.0, 3.0]
    """
    return _Dot.apply(left, right, parts)


class _Scale(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, states: Tensor, factor: Tensor, parts: Parts) -> Tensor:
        ctx.save_for_backward(states, factor)
        ctx.parts = parts
        if not _compiled(states):
            return states * factor[list(parts)]
        out = torch.empty_like(states, memory_format=torch.contiguous_format)
        size = states[0].numel()
        numbers = flat(factor), flat(states), out.view(-1).numpy()
        run_range(size, compiled.scale_parts, _part_array(parts), *numbers, size, work=len(parts))
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        states, factor = ctx.saved_tensors
        return (
            _Scale.apply(grad, factor, ctx.parts) if ctx.needs_input_grad[0] else None,
            _Dot.apply(grad, states, ctx.parts) if ctx.needs_input_grad[1] else None,
            None,
        )


class _Dot(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, left: Tensor, right: Tensor, parts: Parts) -> Tensor:
        ctx.save_for_backward(left, right)
        ctx.parts = parts
        out = left.new_empty(max(parts) + 1, *left.shape[1:])
        if not _compiled(left):
            return out.zero_().index_add_(0, torch.tensor(parts, device=left.device), left * right)
        size = left[0].numel()
        numbers = flat(left), flat(right), out.view(-1).numpy()
        run_range(size, compiled.dot_parts, _part_array(parts), *numbers, size, work=len(parts))
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        left, right = ctx.saved_tensors
        return (
            _Scale.apply(right, grad, ctx.parts) if ctx.needs_input_grad[0] else None,
            _Scale.apply(left, grad, ctx.parts) if ctx.needs_input_grad[1] else None,
            None,
        )
