"""A gated recurrent unit over packed sequences."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from graphkit.encoders.mixers.base import SequenceMixer
from graphkit.kernels.sequences import Sequences


class GRUMixer(SequenceMixer):
    """The recurrent mixer that state spaces are measured against: one GRU layer of width C.

    Cho et al., EMNLP 2014 (arXiv 1406.1078). Sequences are handed to `torch.nn.GRU` place by place, without padding.

    Args:
        channels: C.

    Example:
        >>> GRUMixer(4)(torch.ones(5, 4), Sequences(torch.tensor([0, 2, 5]))).shape
        torch.Size([5, 4])
    """

    def __init__(self, channels: int) -> None:
        super().__init__(channels)
        self.gru = nn.GRU(channels, channels)

    def mix(self, x: Tensor, sequences: Sequences) -> Tensor:
        """Returns the hidden states [T, C]."""
        if not len(x):
            return x
        order, starts = sequences.by_place
        packed = nn.utils.rnn.PackedSequence(x[order], torch.tensor(starts).diff())
        hidden, _ = self.gru(packed)
        return torch.empty_like(hidden.data).index_copy(0, order, hidden.data)
