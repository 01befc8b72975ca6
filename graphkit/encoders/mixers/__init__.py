"""Sequence mixers: modules that let the tokens of packed sequences look at each other, by name."""

from __future__ import annotations

from typing import Literal

from torch import nn

from graphkit.encoders.base import require_choice
from graphkit.encoders.mixers.attention import AttentionMixer
from graphkit.encoders.mixers.base import Bidirectional, SequenceMixer
from graphkit.encoders.mixers.gru import GRUMixer
from graphkit.encoders.mixers.mamba import MambaMixer
from graphkit.encoders.mixers.mamba2 import Mamba2Mixer

Mixer = Literal["mamba", "mamba2", "gru", "attention", "none"]

__all__ = [
    "AttentionMixer",
    "Bidirectional",
    "GRUMixer",
    "Mamba2Mixer",
    "MambaMixer",
    "Mixer",
    "SequenceMixer",
    "make_mixer",
]


def make_mixer(
    kind: Mixer, channels: int, *, heads: int = 4, states: int = 16, expansion: int = 1, bidirectional: bool = False
) -> nn.Module | None:
    """Returns the mixer called `kind`, or None for `none`.

    Args:
        kind: `mamba`, `mamba2`, `gru`, `attention` (which has no direction) or `none`.
        channels: C.
        heads: of `attention` and `mamba2`.
        states: N of the state spaces.
        expansion: inner width of the state spaces in multiples of C.
        bidirectional: run a second mixer from the end, with weights of its own.

    Example:
        >>> make_mixer("mamba", 8, bidirectional=True).__class__.__name__
        'Bidirectional'
    """
    require_choice(Mixer, mixer=kind)

    def make() -> SequenceMixer:
        match kind:
            case "mamba":
                return MambaMixer(channels, states=states, expansion=expansion)
            case "mamba2":
                return Mamba2Mixer(channels, heads=heads, states=states, expansion=expansion)
            case "gru":
                return GRUMixer(channels)
            case _:
                return AttentionMixer(channels, heads=heads)

    if kind == "none":
        return None
    return Bidirectional(make(), make()) if bidirectional and kind != "attention" else make()
