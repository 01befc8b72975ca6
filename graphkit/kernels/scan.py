"""Selective scans over packed sequences: Mamba-1 compiled, in Triton or in torch, and the convolution before it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from graphkit.errors import ConfigError, ShapeError, UnknownNameError
from graphkit.kernels import gpu
from graphkit.kernels.arrays import Array, as_computed, flat
from graphkit.kernels.pool import run_bounds
from graphkit.kernels.recurrence import linear_recurrence, order_for
from graphkit.kernels.sequences import Sequences

Backend = Literal["numba", "triton", "time-major", "chunked"]
_WIDTH = 48
"""Most channels of a block: three vectors of sixteen; a block's states must stay in the inner cache."""
_STRETCH = 16
"""Tokens between kept states."""
_BLOCKS = 32


def choose_backend(x: Tensor, sequences: Sequences) -> Backend:
    """Returns the backend that `selective_scan` takes.

    Compiled on a processor; on CUDA Triton's where it is installed; else the torch order of fewer steps.

    Example:
        >>> import torch
        >>> choose_backend(torch.ones(3, 2), Sequences(torch.tensor([0, 3])))
        'numba'
    """
    if x.device.type == "cpu":
        return "numba"
    return "triton" if gpu.runs_on(x.device) else order_for(sequences)


def selective_scan(
    u: Tensor,
    dt: Tensor,
    a: Tensor,
    b: Tensor,
    c: Tensor,
    skip: Tensor,
    sequences: Sequences,
    backend: Backend | Literal["auto"] = "auto",
) -> Tensor:
    """Runs the selective state space of Mamba-1 over every sequence, with a zero state before its first token.

    Gu and Dao: "Mamba: Linear-Time Sequence Modeling with Selective State Spaces", arXiv 2312.00752, algorithm 2, with
    the authors' code's B-bar = dt * B (Euler) instead of the zero-order hold that the paper prints:

        h_t = exp(dt_t A) * h_(t - 1) + (dt_t * u_t) B_t      y_t = h_t C_t + skip * u_t

    Args:
        u: [T, D] floating inputs.
        dt: [T, D] step sizes, not negative.
        a: [D, N] decay rates, not positive.
        b: [T, N] what enters the states.
        c: [T, N] what is read from them.
        skip: [D] share of the input that passes by.
        sequences: of T tokens.
        backend: `numba` (compiled, processor only) or `triton` (CUDA only): states are computed again in the backward
            pass, so nothing of size [T, D, N] exists; `time-major` or `chunked` (torch, `kernels.recurrence`); `auto`.

    Returns:
        y [T, D].

    Raises:
        ShapeError: the shapes do not fit.
        ConfigError: a step is negative or a rate positive, so that states would grow; or the backend cannot run
            where u is.

    Example:
        >>> import torch
        >>> sequences = Sequences(torch.tensor([0, 2, 3]))
        >>> ones = torch.ones(3, 1, dtype=torch.double)
        >>> y = selective_scan(ones, ones, -ones[:1], ones, ones, 0 * ones[0], sequences)
        >>> y.flatten().round(decimals=3).tolist()
        [1.0, 1.368, 1.0]
    """
    _check(u, dt, a, b, c, skip, sequences)
    chosen = choose_backend(u, sequences) if backend == "auto" else backend
    if chosen not in get_args(Backend):
        raise UnknownNameError("scan backend", chosen, get_args(Backend))
    if chosen == "numba":
        if u.device.type != "cpu":
            raise ConfigError(f"scan backend 'numba' runs on the processor, but u is on {u.device}; use 'auto'")
        inputs, restore = as_computed(u, dt, a, b, c, skip)
        return restore(_Scan.apply(*inputs, sequences))
    if chosen == "triton":
        gpu.require(u.device)
        from graphkit.kernels.gpu.scan import Scan

        inputs, restore = as_computed(u, dt, a, b, c, skip)
        return restore(Scan.apply(*inputs, sequences))
    factor = torch.exp(dt.unsqueeze(-1) * a)
    states = linear_recurrence(factor, (dt * u).unsqueeze(-1) * b.unsqueeze(1), sequences, chosen)
    return torch.einsum("tdn,tn->td", states, c) + skip * u


def causal_convolution(x: Tensor, weight: Tensor, bias: Tensor, sequences: Sequences) -> Tensor:
    """Convolves every channel along its sequence, looking back K - 1 tokens and never into another sequence.

        y_t = bias + sum_(j < K) weight_j * x_(t - j),   x before a sequence's first token being zero

    Args:
        x: [T, D] floating.
        weight: [D, K]; the last tap belongs to the token itself, as in `torch.nn.Conv1d` padded on the left.
        bias: [D].
        sequences: of T tokens.

    Returns:
        y [T, D].

    Raises:
        ShapeError: the shapes do not fit.

    Example:
        >>> import torch
        >>> sequences = Sequences(torch.tensor([0, 2, 4]))
        >>> causal_convolution(torch.ones(4, 1), torch.ones(1, 4), torch.zeros(1), sequences).flatten().tolist()
        [1.0, 2.0, 1.0, 2.0]
    """
    channels = x.size(-1)
    if x.shape != (sequences.num_tokens, channels) or len(weight) != channels or bias.shape != (channels,):
        found = f"x {list(x.shape)}, weight {list(weight.shape)}, bias {list(bias.shape)}"
        raise ShapeError(f"{sequences.num_tokens} tokens need x [T, D], weight [D, K] and bias [D], got {found}")
    if x.device.type == "cpu":
        inputs, restore = as_computed(x, weight, bias)
        return restore(_Convolution.apply(*inputs, sequences))
    if gpu.runs_on(x.device):
        from graphkit.kernels.gpu.convolution import Convolution

        inputs, restore = as_computed(x, weight, bias)
        return restore(Convolution.apply(*inputs, sequences))
    place = sequences.place.unsqueeze(-1)
    taps = weight.flip(1).unbind(1)
    return bias + sum(torch.where(place >= j, x.roll(j, 0), 0.0) * tap for j, tap in enumerate(taps))


class _Scan(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, u: Tensor, dt: Tensor, a: Tensor, b: Tensor, c: Tensor, skip: Tensor, sequences: Sequences
    ) -> Tensor:
        from graphkit.kernels.cpu import scan

        channels, states = a.shape
        plan = _plan(sequences, channels)
        wanted = any(ctx.needs_input_grad)
        kept = u.new_empty((int(plan.kept_ptr[-1]) if wanted else 0, states, channels))
        decay, y = a.t().contiguous(), torch.empty_like(u)
        arrays = [flat(one) for one in (u, dt, decay, b, c, skip)]
        sizes = (channels, states, _STRETCH)
        run_bounds(plan.bounds, u.numel() * states, scan.forward, *plan.arrays, *arrays, flat(y), flat(kept), *sizes)
        ctx.save_for_backward(u, dt, decay, b, c, skip, kept)
        ctx.plan, ctx.sizes = plan, sizes
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        from graphkit.kernels.cpu import scan

        (u, dt, decay, b, c, skip, kept), plan = ctx.saved_tensors, ctx.plan
        grad_u, grad_dt = torch.empty_like(u), torch.zeros_like(dt)
        grad_b, grad_c = (u.new_empty((len(plan.cuts) - 1, *b.shape)) for _ in range(2))
        blocks = len(plan.bounds) - 1
        grad_decay, grad_skip = u.new_zeros((blocks, *decay.shape)), u.new_zeros((blocks, *skip.shape))
        inputs = [flat(one) for one in (u, dt, decay, b, c, skip, kept, grad)]
        outputs = [flat(one) for one in (grad_u, grad_dt, grad_decay, grad_b, grad_c, grad_skip)]
        work = 3 * u.numel() * len(decay)
        run_bounds(plan.bounds, work, scan.backward, *plan.arrays, *inputs, *outputs, *ctx.sizes)
        return grad_u, grad_dt, grad_decay.sum(0).t(), grad_b.sum(0), grad_c.sum(0), grad_skip.sum(0), None


class _Convolution(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, sequences: Sequences) -> Tensor:
        from graphkit.kernels.cpu import scan

        taps, out = weight.flip(1).t().contiguous(), torch.empty_like(x)
        ctx.sizes = (weight.size(0), weight.size(1))
        arrays = (flat(sequences.place), flat(x), flat(taps), flat(bias), flat(out))
        run_bounds(_token_blocks(len(x)), out.numel() * taps.size(0), scan.convolve, *arrays, *ctx.sizes)
        ctx.save_for_backward(x, taps)
        ctx.sequences = sequences
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        from graphkit.kernels.cpu import scan

        (x, taps), sequences = ctx.saved_tensors, ctx.sequences
        bounds, grad_x = _token_blocks(len(x)), torch.zeros_like(x)
        grad_taps, grad_bias = (x.new_zeros((len(bounds) - 1, *shape)) for shape in (taps.shape, taps.shape[1:]))
        inputs = (flat(sequences.place), flat(sequences.left), flat(x), flat(taps), flat(grad))
        outputs = (flat(grad_x), flat(grad_taps), flat(grad_bias))
        run_bounds(bounds, 2 * x.numel() * taps.size(0), scan.convolve_back, *inputs, *outputs, *ctx.sizes)
        return grad_x, grad_taps.sum(0).t().flip(1), grad_bias.sum(0), None


@dataclass(frozen=True)
class _Plan:
    """Units of work (channel block by channel block, sequence by sequence), and how threads share them."""

    ptr: Array
    kept_ptr: Array
    cuts: Array
    bounds: list[int]

    @property
    def arrays(self) -> tuple[Array, Array, Array]:
        return self.ptr, self.kept_ptr, self.cuts


def _plan(sequences: Sequences, channels: int) -> _Plan:
    """The cut follows from lengths and channels alone, so results are the same for any number of threads."""
    plans: dict[int, _Plan] = sequences.__dict__.setdefault("_plans", {})
    if channels not in plans:
        ptr = sequences.ptr.numpy()
        length = np.diff(ptr)
        kept_ptr = np.concatenate([[0], np.cumsum(np.maximum(length - 1, 0) // _STRETCH)])
        lanes = -(-channels // 16)
        blocks = -(-channels // _WIDTH)
        cuts = np.minimum(np.arange(blocks + 1) * lanes // blocks * 16, channels)
        done = np.cumsum(np.tile(length + 1, blocks))
        parts = max(1, min(_BLOCKS, len(done), sequences.num_tokens // 256 * blocks))
        inner = np.searchsorted(done, done[-1] * np.arange(1, parts) / parts) + 1 if len(done) else []
        plans[channels] = _Plan(ptr, kept_ptr, cuts, [0, *np.unique(inner).astype(int).tolist(), len(done)])
    return plans[channels]


def _token_blocks(tokens: int) -> list[int]:
    blocks = max(1, min(_BLOCKS, tokens // 512))
    return [tokens * block // blocks for block in range(blocks + 1)]


def _check(u: Tensor, dt: Tensor, a: Tensor, b: Tensor, c: Tensor, skip: Tensor, sequences: Sequences) -> None:
    tokens = sequences.num_tokens
    channels, states = a.shape if a.dim() == 2 else (0, 0)
    wide, narrow = (tokens, channels), (tokens, states)
    if not (u.shape == dt.shape == wide and b.shape == c.shape == narrow and skip.shape == (channels,)):
        found = ", ".join(str(list(one.shape)) for one in (u, dt, a, b, c, skip))
        raise ShapeError(f"{tokens} tokens need u and dt [T, D], a [D, N], b and c [T, N] and skip [D]; got {found}")
    if tokens and bool(dt.detach().amin() < 0):
        raise ConfigError("dt holds a negative step; pass softplus(dt)")
    if bool((a.detach() > 0).any()):
        raise ConfigError("a holds a positive rate, so states would grow without bound; pass -exp(log_a)")
