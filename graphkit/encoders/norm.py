"""Normalisations that options name."""

from __future__ import annotations

from typing import Literal

from torch import nn

from graphkit.encoders.base import require_choice

Norm = Literal["none", "layer", "batch"]


def make_norm(kind: Norm, channels: int) -> nn.Module:
    """Returns the normalisation of [N, C] states called `kind`."""
    require_choice(Norm, norm=kind)
    if kind == "none":
        return nn.Identity()
    return nn.LayerNorm(channels) if kind == "layer" else nn.BatchNorm1d(channels)
