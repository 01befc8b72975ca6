"""Selective scan on a GPU: how the kernels of `scan_short` and `scan_long` are launched, forward and backward."""

from __future__ import annotations

from typing import Any

import torch
import triton
from torch import Tensor
from torch.autograd.function import once_differentiable

from graphkit.kernels.gpu import plan, scan_long, scan_short
from graphkit.kernels.sequences import Sequences

PROGRAMS = 1024
"""Most programs a block of channels, each with a partial sum of the gradients of A and of the skip."""
CELLS = 128
"""States of a block of channels: four a thread of one warp, 64 where a stretch of them and its factors are held."""


class Scan(torch.autograd.Function):
    """The scan of `kernels.scan.selective_scan`: six tensors of one type, float32 or float64, and sequences."""

    @staticmethod
    def forward(
        ctx: Any, u: Tensor, dt: Tensor, a: Tensor, b: Tensor, c: Tensor, skip: Tensor, sequences: Sequences
    ) -> Tensor:
        """Returns y [T, D]."""
        u, dt, a, b, c, skip = (one.contiguous() for one in (u, dt, a, b, c, skip))
        # Without gradients only chunks need a state to start from.
        every = plan.STRETCH if any(ctx.needs_input_grad) else plan.CHUNK
        cut, launch, y = plan.pieces_of(sequences, every), _Launch(a), torch.empty_like(u)
        kept = u.new_empty((cut.slots, *a.shape))
        ends, spans = (u.new_empty((cut.chunks.size(1), *shape)) for shape in (a.shape, skip.shape))
        launch.summaries(cut, u, dt, a, b, ends, spans, kept, every, back=False)
        inputs = (u, dt, a, b, c, skip, cut.pieces, cut.pieces.size(1))
        launch(scan_short.forward, cut.pieces.size(1), *inputs, y, kept, EVERY=every, STRETCH=plan.STRETCH)
        ctx.save_for_backward(u, dt, a, b, c, skip, kept, spans)
        ctx.cut = cut
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        """Returns the gradients of all six tensors."""
        (u, dt, a, b, c, skip, kept, spans), cut = ctx.saved_tensors, ctx.cut
        launch, grad = _Launch(a), grad.contiguous()
        ends, arriving = (u.new_empty((len(spans), *a.shape)) for _ in range(2))
        launch.summaries(cut, grad, dt, a, c, ends, spans, arriving, plan.STRETCH, back=True)
        grad_u, grad_dt = torch.empty_like(u), torch.empty_like(dt)
        grad_b, grad_c = (u.new_empty((launch.blocks, *b.shape)) for _ in range(2))
        count = cut.pieces.size(1)
        grad_a, grad_skip = (u.new_empty((min(count, PROGRAMS), *one.shape)) for one in (a, skip))
        inputs = (u, dt, a, b, c, skip, cut.pieces, count, kept, arriving, grad)
        outputs = (grad_u, grad_dt, grad_a, grad_b, grad_c, grad_skip, len(u))
        launch(scan_short.backward, count, *inputs, *outputs, STRETCH=plan.STRETCH)
        return grad_u, grad_dt, grad_a.sum(0), grad_b.sum(0), grad_c.sum(0), grad_skip.sum(0), None


class _Launch:
    """Runs kernels over blocks of channels that fit the states [D, N]."""

    def __init__(self, a: Tensor) -> None:
        channels, states = a.shape
        high = triton.next_power_of_2(max(states, 1))
        wide = min(max(CELLS // high, 1), triton.next_power_of_2(max(channels, 1)))
        self.device, self.blocks = a, triton.cdiv(channels, wide)
        self.sizes = {"D": channels, "N": states, "BD": wide, "BN": high}

    def __call__(self, kernel: Any, count: int, *arguments: Any, programs: int = 0, **constants: Any) -> None:
        """Launches a kernel for so many pieces, where there is any work, in at most PROGRAMS programs unless told."""
        if count and self.blocks:
            with torch.cuda.device_of(self.device):
                grid = (min(count, programs or PROGRAMS), self.blocks)
                kernel[grid](*arguments, **self.sizes, **constants, num_warps=1)

    def summaries(
        self, cut: plan.Pieces, value: Tensor, dt: Tensor, a: Tensor, weight: Tensor, ends: Tensor, spans: Tensor,
        out: Tensor, every: int, *, back: bool,
    ) -> None:  # fmt: skip
        """Gives every chunk of a long sequence the state before it; or what arrives from behind it."""
        chunks, long = (cut.chunks, len(spans)), len(cut.chunk_ptr) - 1
        summary = (value, dt, a, weight, *chunks, ends, spans)
        self(scan_long.summarise, len(spans), *summary, STRETCH=plan.STRETCH, BACK=back)
        walk = (a, *chunks, cut.chunk_ptr, ends, spans, out)
        self(scan_long.carry, long, *walk, programs=long, EVERY=every, BACK=back)
