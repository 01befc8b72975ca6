"""Batch normalisation of rows that stand for several copies each."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from graphkit.kernels.arrays import Array
from graphkit.kernels.pool import run_range

_BLOCKS = 32  # the most that `run_range` makes


def weighted_norm(
    x: Tensor, share: Tensor, weight: Tensor, bias: Tensor, eps: float = 1e-5, relu: bool = False
) -> tuple[Tensor, Tensor, Tensor]:
    """Computes (x - m) / sqrt(v + eps) * weight + bias with m = sum_i p_i x_i and v = sum_i p_i (x_i - m)^2.

    Args:
        x: [R, C] float32 or float64.
        share: [R] p, which add up to one.
        weight: [C].
        bias: [C].
        eps: added to the variance.
        relu: cut the result off at zero.

    Returns:
        The result [R, C]; m and v [C], without gradient.

    Example:
        >>> x = torch.tensor([[0.0], [2.0]])
        >>> weighted_norm(x, torch.tensor([0.25, 0.75]), torch.ones(1), torch.zeros(1))[1].tolist()
        [1.5]
    """
    if x.device.type == "cpu" and x.dtype in (torch.float32, torch.float64):
        out, mean, var = _Norm.apply(x.contiguous(), share.to(x.dtype), weight, bias, eps, relu)
        return out, mean, var
    return reference(x, share, weight, bias, eps, relu)


def reference(
    x: Tensor, share: Tensor, weight: Tensor, bias: Tensor, eps: float = 1e-5, relu: bool = False
) -> tuple[Tensor, Tensor, Tensor]:
    """The same in plain torch, on any device; arguments as in `weighted_norm`."""
    mean = share @ x
    centred = x - mean
    var = share @ centred.square()
    out = centred * ((var + eps).rsqrt() * weight) + bias
    return (out.relu() if relu else out), mean.detach(), var.detach()


class _Norm(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, share: Tensor, weight: Tensor, bias: Tensor, eps: float, relu: bool) -> Any:
        from graphkit.kernels.cpu import weighted_norm as compiled

        rows, width = x.shape
        sums, squares = np.zeros((_BLOCKS, width)), np.zeros((_BLOCKS, width))
        run_range(rows, compiled.moments, x.detach().numpy(), share.numpy(), sums, squares, work=width)
        mean = sums.sum(0)
        var = np.maximum(squares.sum(0) - mean * mean, 0.0)
        rate = 1.0 / np.sqrt(var + eps)
        kind = x.detach().numpy().dtype
        scale = (rate * weight.detach().numpy()).astype(kind)
        shift = (bias.detach().numpy() - mean * rate * weight.detach().numpy()).astype(kind)
        out = torch.empty_like(x)
        run_range(rows, compiled.scale_shift, x.detach().numpy(), scale, shift, relu, out.numpy(), work=width)
        ctx.save_for_backward(x, share)
        ctx.kept = (mean, rate, scale, shift, relu)
        found = torch.from_numpy(mean).to(x.dtype), torch.from_numpy(var).to(x.dtype)
        ctx.mark_non_differentiable(*found)
        return out, *found

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor, *_: Any) -> Any:
        from graphkit.kernels.cpu import weighted_norm as compiled

        x, share = ctx.saved_tensors
        mean, rate, scale, shift, relu = ctx.kept
        rows, width = x.shape
        values, given = x.detach().numpy(), grad.contiguous().numpy()
        center: Array = mean.astype(values.dtype)
        sums, along = np.zeros((_BLOCKS, width)), np.zeros((_BLOCKS, width))
        run_range(rows, compiled.gradient_sums, values, given, scale, shift, center, relu, sums, along, work=width)
        total, slope = sums.sum(0), along.sum(0)
        out = torch.empty_like(x)
        ends = total.astype(values.dtype), (slope * rate * rate).astype(values.dtype)
        run_range(
            rows,
            compiled.gradient,
            values,
            given,
            share.numpy(),
            scale,
            shift,
            center,
            relu,
            *ends,
            out.numpy(),
            work=width,
        )
        return out, None, torch.from_numpy(slope * rate).to(x.dtype), torch.from_numpy(total).to(x.dtype), None, None
