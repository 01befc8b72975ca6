"""A linear recurrence over the levels of a directed acyclic graph: all states of a level at once."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from graphkit.errors import ShapeError


def level_recurrence(entering: Tensor, weight: Tensor, lines: Tensor, level: Tensor) -> Tensor:
    """Computes s_e = entering_e + sum over lines (d, e) of weight_(d, e) s_d, level by level.

    There are as many steps as levels, whatever the number of graphs; the backward pass walks the levels down again and
    keeps nothing but the states.

    Args:
        entering: [E, H, ...] floating.
        weight: [L, H].
        lines: [L, 2] integer: from one state to another.
        level: [L] integer: every line into a state d is of a lower level than every line out of d.

    Returns:
        s, like `entering`.

    Raises:
        ShapeError: the shapes do not fit.

    Example:
        >>> import torch
        >>> half = torch.full((2, 1), 0.5)
        >>> lines = torch.tensor([[0, 1], [1, 2]])
        >>> level_recurrence(torch.ones(3, 1), half, lines, torch.tensor([1, 2])).flatten().tolist()
        [1.0, 1.5, 1.75]
    """
    if lines.shape != (len(weight), 2) or len(level) != len(weight) or weight.size(1) != entering.size(1):
        found = ", ".join(str(list(one.shape)) for one in (entering, weight, lines, level))
        raise ShapeError(f"entering [E, H, ...], weight [L, H], lines [L, 2] and level [L] are needed, got {found}")
    order = level.argsort(stable=True)
    steps = torch.unique_consecutive(level[order], return_counts=True)[1].tolist()
    result: Tensor = _Levels.apply(entering, weight, lines, order, steps)
    return result


class _Levels(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, entering: Tensor, weight: Tensor, lines: Tensor, order: Tensor, steps: list[int]) -> Tensor:
        states = entering.clone()
        for now in order.split(steps):
            source, target = lines[now].unbind(1)
            states.index_add_(0, target, _wide(weight[now], states) * states[source])
        ctx.save_for_backward(states, weight, lines, order)
        ctx.steps = steps
        return states

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        states, weight, lines, order = ctx.saved_tensors
        grad, grad_weight = grad.clone(), torch.zeros_like(weight)
        for now in reversed(order.split(ctx.steps)):
            source, target = lines[now].unbind(1)
            arriving = grad[target]
            grad_weight[now] = (
                (arriving * states[source]).flatten(2).sum(2) if grad.dim() > 2 else arriving * states[source]
            )
            grad.index_add_(0, source, _wide(weight[now], grad) * arriving)
        return grad, grad_weight, None, None, None


def _wide(weight: Tensor, states: Tensor) -> Tensor:
    return weight.view(*weight.shape, *[1] * (states.dim() - 2))
