"""Causal depthwise convolution over packed sequences in Triton; a tap that would leave its sequence counts as zero."""

from __future__ import annotations

from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor
from torch.autograd.function import once_differentiable

from graphkit.kernels.sequences import Sequences

_TOKENS, _CHANNELS = 16, 64
_PROGRAMS = 1024
"""Most programs a block of channels, each with a partial sum of the gradients of the weights."""


@triton.jit(do_not_specialize=["tokens", "channels"])
def convolve(  # type: ignore[no-untyped-def]
    place, x, weight, bias, out, tokens, channels, TAPS: tl.constexpr, BT: tl.constexpr, BD: tl.constexpr
):  # fmt: skip
    """Computes out [T, D] from x [T, D], weight [K, D], the tap of the token itself first, and bias [D]."""
    d = tl.program_id(1) * BD + tl.arange(0, BD)[None, :]
    start = tl.load(bias + d, mask=d < channels, other=0.0)
    for low in range(tl.program_id(0) * BT, tokens, tl.num_programs(0) * BT):
        t = low + tl.arange(0, BT)[:, None]
        # How many taps reach into the sequence; none for channels and tokens that are not there.
        reach = tl.where(d < channels, tl.load(place + t, mask=t < tokens, other=-1) + 1, 0)
        row = t.to(tl.int64) * channels + d
        total = tl.zeros([BT, BD], x.dtype.element_ty) + start
        for j in tl.static_range(TAPS):
            tap = tl.load(weight + j * channels + d, mask=d < channels, other=0.0)
            total += tap * tl.load(x + (row - j * channels), mask=j < reach, other=0.0)
        tl.store(out + row, total, mask=reach > 0)


@triton.jit(do_not_specialize=["tokens", "channels"])
def convolve_back(  # type: ignore[no-untyped-def]
    place, left, x, weight, grad, grad_x, grad_weight, grad_bias, tokens, channels,
    TAPS: tl.constexpr, BT: tl.constexpr, BD: tl.constexpr,
):  # fmt: skip
    """Computes grad_x [T, D], and a partial sum a program: grad_weight [programs, K, D] and grad_bias [programs, D]."""
    d = tl.program_id(1) * BD + tl.arange(0, BD)[None, :]
    program = tl.program_id(0).to(tl.int64)
    sums = ()
    for _ in tl.static_range(TAPS + 1):
        sums = sums + (tl.zeros([1, BD], x.dtype.element_ty),)  # type: ignore[assignment]
    for low in range(tl.program_id(0) * BT, tokens, tl.num_programs(0) * BT):
        t = low + tl.arange(0, BT)[:, None]
        reach = tl.where(d < channels, tl.load(place + t, mask=t < tokens, other=-1) + 1, 0)
        ahead = tl.where(d < channels, tl.load(left + t, mask=t < tokens, other=0), 0)
        row = t.to(tl.int64) * channels + d
        slope = tl.load(grad + row, mask=reach > 0, other=0.0)
        total, added = tl.zeros([BT, BD], x.dtype.element_ty), ()
        for j in tl.static_range(TAPS):
            tap = tl.load(weight + j * channels + d, mask=d < channels, other=0.0)
            total += tap * tl.load(grad + (row + j * channels), mask=j < ahead, other=0.0)
            seen = tl.load(x + (row - j * channels), mask=j < reach, other=0.0)
            added = added + (sums[j] + tl.sum(slope * seen, axis=0, keep_dims=True),)  # type: ignore[assignment]
        sums = added + (sums[TAPS] + tl.sum(slope, axis=0, keep_dims=True),)  # type: ignore[assignment]
        tl.store(grad_x + row, total, mask=reach > 0)
    for j in tl.static_range(TAPS):
        tl.store(grad_weight + (program * TAPS + j) * channels + d, sums[j], mask=d < channels)
    tl.store(grad_bias + program * channels + d, sums[TAPS], mask=d < channels)


class Convolution(torch.autograd.Function):
    """The convolution of `kernels.scan.causal_convolution`: x, weight and bias of one type, float32 or float64."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, sequences: Sequences) -> Tensor:
        """Returns y [T, D]."""
        x, taps, bias = (one.contiguous() for one in (x, weight.flip(1).t(), bias))
        out = torch.empty_like(x)
        _launch(convolve, x, taps, sequences.place, x, taps, bias, out)
        ctx.save_for_backward(x, taps)
        ctx.sequences = sequences
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        """Returns the gradients of x, weight and bias."""
        (x, taps), sequences = ctx.saved_tensors, ctx.sequences
        programs, grad_x = _programs(x), torch.empty_like(x)
        grad_taps, grad_bias = (x.new_empty((programs, *shape)) for shape in (taps.shape, taps.shape[1:]))
        inputs = (sequences.place, sequences.left, x, taps, grad.contiguous())
        _launch(convolve_back, x, taps, *inputs, grad_x, grad_taps, grad_bias)
        return grad_x, grad_taps.sum(0).t().flip(1), grad_bias.sum(0), None


def _programs(x: Tensor) -> int:
    return min(triton.cdiv(len(x), _TOKENS), _PROGRAMS)


def _launch(kernel: Any, x: Tensor, taps: Tensor, *arguments: Tensor) -> None:
    if x.numel():
        wide = min(_CHANNELS, triton.next_power_of_2(x.size(1)))
        with torch.cuda.device_of(x):
            grid = (_programs(x), triton.cdiv(x.size(1), wide))
            kernel[grid](*arguments, *x.shape, TAPS=len(taps), BT=_TOKENS, BD=wide)
