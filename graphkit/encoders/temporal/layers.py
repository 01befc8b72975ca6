"""Parts that temporal encoders share: encodings of time gaps, and the mixer block."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

Identity = Literal["none", "random", "learned"]
"""What tells nodes without features apart: nothing, fixed random rows, or learned rows."""


class CosineTime(nn.Module):
    """Learnable encoding of time gaps, cos(w dt + b), Xu et al., ICLR 2020 (arXiv 2002.07962).

    Frequencies start spread over nine orders of magnitude, as in the code of TGN, the fastest being 1 a unit. So
    gaps come in the finest unit that matters, such as `StreamInfo.time_gap`: what is shorter is not told apart.

    Args:
        channels: width.
        fixed: keeps frequencies fixed and phases 0: sqrt(channels)^(-i / sqrt(channels)), as GraphMixer asks (Cong et
            al., ICLR 2023, arXiv 2302.11636).

    Shapes:
        gaps [...] float64 or float32 returns [..., channels] float32.

    Example:
        >>> CosineTime(8)(torch.zeros(2, 3)).shape
        torch.Size([2, 3, 8])
    """

    def __init__(self, channels: int, fixed: bool = False) -> None:
        super().__init__()
        root = np.sqrt(channels)
        powers = -np.arange(channels) / root * np.log(root) if fixed else -np.linspace(0, 9, channels) * np.log(10)
        weight = torch.from_numpy(np.exp(powers)).float()
        self.weight = nn.Parameter(weight, requires_grad=not fixed)
        self.bias = nn.Parameter(torch.zeros(channels), requires_grad=not fixed)

    def forward(self, gaps: Tensor) -> Tensor:
        """Encodes gaps."""
        found: Tensor = _Cosine.apply(gaps.to(self.weight.dtype), self.weight, self.bias)
        return found


class _Cosine(torch.autograd.Function):
    """cos(gaps w + b); the gradient of w is one product with the gaps, and gaps have none."""

    @staticmethod
    def forward(ctx: Any, gaps: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        angle = torch.addcmul(bias, gaps.unsqueeze(-1), weight)
        if not any(ctx.needs_input_grad):
            return angle.cos_()
        ctx.save_for_backward(gaps, angle)
        return angle.cos()

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Any:
        gaps, angle = ctx.saved_tensors
        change = torch.sin(angle).mul_(grads[0]).flatten(0, -2)
        ends = torch.stack([gaps.flatten(), torch.ones_like(gaps.flatten())])
        weight, bias = -(ends @ change)
        return None, weight, bias


class MixerBlock(nn.Module):
    """MLP-Mixer block: a two-layer network over tokens, then one over channels, each after a norm, with residuals.

    Shapes:
        [Q, K, C] returns [Q, K, C].
    """

    def __init__(
        self, tokens: int, channels: int, token_factor: float = 0.5, factor: float = 4.0, dropout: float = 0.0
    ):
        super().__init__()
        self.token_norm, self.channel_norm = nn.LayerNorm(channels), nn.LayerNorm(channels)
        self.token_mix = mlp(tokens, max(1, int(token_factor * tokens)), tokens, dropout)
        self.channel_mix = mlp(channels, int(factor * channels), channels, dropout)

    def forward(self, x: Tensor) -> Tensor:
        """Mixes tokens, then channels."""
        x = x + self.token_mix(self.token_norm(x).transpose(1, 2)).transpose(1, 2)
        return x + self.channel_mix(self.channel_norm(x))


def mlp(inputs: int, hidden: int, outputs: int, dropout: float = 0.0) -> nn.Sequential:
    """Returns linear, GELU, dropout, linear, dropout."""
    return nn.Sequential(
        nn.Linear(inputs, hidden), nn.GELU(), nn.Dropout(dropout), nn.Linear(hidden, outputs), nn.Dropout(dropout)
    )
