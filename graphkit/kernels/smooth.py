"""SiLU whose first and second derivatives are one pass over the numbers each: losses on forces need both."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from graphkit.kernels.arrays import flat
from graphkit.kernels.cpu.smooth import curve_rows, silu_rows, slope_rows
from graphkit.kernels.pool import run_range

_WORK = 12
"""Elementary operations of an exponential, about."""


def silu(x: Tensor) -> Tensor:
    """Returns x sigmoid(x), differentiable to any order.

    Example:
        >>> silu(torch.zeros(2)).tolist()
        [0.0, 0.0]
    """
    if x.device.type != "cpu" or x.dtype not in (torch.float32, torch.float64):
        return torch.nn.functional.silu(x)
    return _SiLU.apply(x)


class _SiLU(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        out = torch.empty_like(x, memory_format=torch.contiguous_format)
        run_range(x.numel(), silu_rows, flat(x), out.view(-1).numpy(), work=_WORK)
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return _Slope.apply(grad, *ctx.saved_tensors)


class _Slope(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, grad: Tensor, x: Tensor) -> Tensor:
        ctx.save_for_backward(grad, x)
        out = torch.empty_like(x, memory_format=torch.contiguous_format)
        run_range(x.numel(), slope_rows, flat(grad), flat(x), out.view(-1).numpy(), work=_WORK)
        return out

    @staticmethod
    def backward(ctx: Any, outer: Tensor) -> Any:
        grad, x = ctx.saved_tensors
        if torch.is_grad_enabled():  # a third derivative is wanted: spell the formulas out
            s = torch.sigmoid(x)
            slope, curve = s * (1 + x * (1 - s)), s * (1 - s) * (2 + x * (1 - 2 * s))
            return outer * slope, outer * grad * curve
        slope, curve = (torch.empty_like(x, memory_format=torch.contiguous_format) for _ in range(2))
        arrays = flat(outer), flat(grad), flat(x), slope.view(-1).numpy(), curve.view(-1).numpy()
        run_range(x.numel(), curve_rows, *arrays, work=_WORK)
        return slope, curve
