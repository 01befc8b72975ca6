"""The block of Mamba-1."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from graphkit.encoders.base import require_positive
from graphkit.encoders.mixers.base import SequenceMixer
from graphkit.kernels.scan import causal_convolution, selective_scan
from graphkit.kernels.sequences import Sequences

STEP_RANGE = (1e-3, 0.1)
"""Step sizes that a fresh block starts with, drawn evenly on a logarithmic scale (the authors' program)."""


class MambaMixer(SequenceMixer):
    r"""A selective state space behind a short convolution, gated by a second branch.

    Gu and Dao, "Mamba" (arXiv 2312.00752), section 3.4, with the initial values of the authors' program:

        x, z = W_in u     x = silu(conv(x))     d, B, C = W_x x     dt = softplus(W_dt d + b_dt)
        h_t = exp(dt A) h_(t-1) + dt B x        y = C h + D x       out = W_out (y * silu(z))

    A = -exp(log_a), log_a starting at log(1..N) in every channel. Packed: no padding, nothing crosses a boundary.

    Args:
        channels: C.
        states: N, states a channel.
        taps: K, width of the convolution.
        expansion: inner width in multiples of C.

    Example:
        >>> mixer = MambaMixer(96)
        >>> sum(parameter.numel() for parameter in mixer.parameters())
        34080
        >>> mixer(torch.ones(5, 96), Sequences(torch.tensor([0, 2, 5]))).shape
        torch.Size([5, 96])
    """

    def __init__(self, channels: int, states: int = 16, taps: int = 4, expansion: int = 1) -> None:
        super().__init__(channels)
        require_positive(channels=channels, states=states, taps=taps, expansion=expansion)
        inner, rank = expansion * channels, math.ceil(channels / 16)
        self.sizes = (rank, states, states)
        self.into = nn.Linear(channels, 2 * inner, bias=False)
        self.taps, self.taps_bias = nn.Parameter(torch.empty(inner, taps)), nn.Parameter(torch.empty(inner))
        self.select = nn.Linear(inner, sum(self.sizes), bias=False)
        self.step = nn.Linear(rank, inner)
        self.log_a = nn.Parameter(torch.arange(1.0, states + 1).log().repeat(inner, 1))
        self.log_a.no_decay = True
        self.skip = nn.Parameter(torch.ones(inner))
        self.out = nn.Linear(inner, channels, bias=False)
        for parameter in (self.taps, self.taps_bias):  # as torch.nn.Conv1d with one channel a group
            nn.init.uniform_(parameter, -(taps**-0.5), taps**-0.5)
        nn.init.uniform_(self.step.weight, -(rank**-0.5), rank**-0.5)
        with torch.no_grad():
            self.step.bias.copy_(inverse_softplus(draw_steps(inner)))

    def mix(self, x: Tensor, sequences: Sequences) -> Tensor:
        """Returns the mixed tokens [T, C]."""
        x, gate = self.into(x).chunk(2, dim=1)
        x = functional.silu(causal_convolution(x, self.taps, self.taps_bias, sequences))
        low, b, c = self.select(x).split(self.sizes, dim=1)
        dt = functional.softplus(self.step(low))
        y = selective_scan(x, dt, -self.log_a.exp(), b, c, self.skip, sequences)
        return self.out(y * functional.silu(gate))


def draw_steps(count: int) -> Tensor:
    """Draws step sizes [count] evenly on a logarithmic scale."""
    low, high = (math.log(bound) for bound in STEP_RANGE)
    return torch.exp(low + torch.rand(count) * (high - low)).clamp(min=1e-4)


def inverse_softplus(y: Tensor) -> Tensor:
    """Returns x with softplus(x) = y."""
    return y + torch.log(-torch.expm1(-y))
