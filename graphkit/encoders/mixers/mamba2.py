"""The block of Mamba-2."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from graphkit.encoders.base import require_positive
from graphkit.encoders.mixers.base import SequenceMixer
from graphkit.encoders.mixers.mamba import draw_steps, inverse_softplus
from graphkit.errors import ConfigError
from graphkit.kernels.scan import causal_convolution
from graphkit.kernels.sequences import Sequences
from graphkit.kernels.ssd import ssd_scan


class Mamba2Mixer(SequenceMixer):
    r"""A state space whose heads decay by one number a token, computed as matrix products.

    Dao and Gu, "Transformers are SSMs" (arXiv 2405.21060), section 7: all of gate, input, B, C and step are read from
    the block's input, so they cost one product; input, B and C pass the convolution; the gated result is normalised.

        z, x, B, C, d = W u      x, B, C = silu(conv(x, B, C))      dt = softplus(d + b_dt)
        h_t = exp(dt a) h_(t-1) + dt B x^T      y = C h + D x      out = W_out rmsnorm(y * silu(z))

    Args:
        channels: C.
        heads: H; divide the inner width.
        states: N, states a channel.
        taps: width of the convolution.
        expansion: inner width in multiples of C.

    Raises:
        ConfigError: the heads do not divide the inner width.

    Example:
        >>> Mamba2Mixer(16)(torch.ones(5, 16), Sequences(torch.tensor([0, 2, 5]))).shape
        torch.Size([5, 16])
    """

    def __init__(self, channels: int, heads: int = 4, states: int = 64, taps: int = 4, expansion: int = 1) -> None:
        super().__init__(channels)
        require_positive(channels=channels, heads=heads, states=states, taps=taps, expansion=expansion)
        inner = expansion * channels
        if inner % heads:
            raise ConfigError(f"{heads} heads do not divide the inner width {inner}")
        self.heads, mixed = heads, inner + 2 * states
        self.sizes, self.mixed_sizes = (inner, mixed, heads), (inner, states, states)
        self.into = nn.Linear(channels, sum(self.sizes), bias=False)
        self.taps, self.taps_bias = nn.Parameter(torch.empty(mixed, taps)), nn.Parameter(torch.empty(mixed))
        self.step_bias = nn.Parameter(inverse_softplus(draw_steps(heads)))
        self.log_a = nn.Parameter(torch.empty(heads).uniform_(1.0, 16.0).log())
        self.log_a.no_decay = True
        self.skip = nn.Parameter(torch.ones(heads))
        self.norm = nn.RMSNorm(inner, eps=1e-5)
        self.out = nn.Linear(inner, channels, bias=False)
        for parameter in (self.taps, self.taps_bias):
            nn.init.uniform_(parameter, -(taps**-0.5), taps**-0.5)

    def mix(self, x: Tensor, sequences: Sequences) -> Tensor:
        """Returns the mixed tokens [T, C]."""
        gate, mixed, step = self.into(x).split(self.sizes, dim=1)
        mixed = functional.silu(causal_convolution(mixed, self.taps, self.taps_bias, sequences))
        value, b, c = mixed.split(self.mixed_sizes, dim=1)
        dt = functional.softplus(step + self.step_bias)
        heads = value.unflatten(1, (self.heads, -1))
        y = ssd_scan(heads, dt, -self.log_a.exp(), b, c, self.skip, sequences).flatten(1)
        return self.out(self.norm(y * functional.silu(gate)))
