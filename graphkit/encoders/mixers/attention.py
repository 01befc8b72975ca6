"""Multi-head attention inside every sequence."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from graphkit.encoders.base import require_positive
from graphkit.encoders.mixers.base import SequenceMixer
from graphkit.errors import ConfigError
from graphkit.kernels.sequences import Sequences


class AttentionMixer(SequenceMixer):
    """Every token attends to all tokens of its sequence, whatever their order.

    Vaswani et al., NeurIPS 2017 (arXiv 1706.03762), section 3.2.2; the global layer of GraphGPS (arXiv 2205.12454).
    Sequences are served in groups of about equal length, padded inside a group only; memory grows with the square of a
    sequence's length.

    Args:
        channels: C.
        heads: divide `channels`.
        dropout: rate on the attention coefficients.

    Raises:
        ConfigError: the heads do not divide the width.

    Example:
        >>> AttentionMixer(4)(torch.ones(5, 4), Sequences(torch.tensor([0, 2, 5]))).shape
        torch.Size([5, 4])
    """

    def __init__(self, channels: int, heads: int = 4, dropout: float = 0.0) -> None:
        super().__init__(channels)
        require_positive(channels=channels, heads=heads)
        if channels % heads:
            raise ConfigError(f"{heads} heads do not divide {channels} channels")
        self.heads, self.dropout = heads, dropout
        self.into, self.out = nn.Linear(channels, 3 * channels), nn.Linear(channels, channels)

    def mix(self, x: Tensor, sequences: Sequences) -> Tensor:
        """Returns the attended tokens [T, C]."""
        projected = self.into(x)
        out = torch.zeros_like(x)
        for group in length_groups(sequences):
            places = torch.arange(int(sequences.length[group].max()), device=x.device)
            real = places < sequences.length[group].unsqueeze(1)  # [B, L]
            tokens = (sequences.ptr[group].unsqueeze(1) + places)[real]
            padded = projected.new_zeros(*real.shape, projected.size(1))
            padded[real] = projected[tokens]
            query, key, value = padded.unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
            attended = functional.scaled_dot_product_attention(
                query,
                key,
                value,
                attn_mask=None if bool(real.all()) else real[:, None, None],
                dropout_p=self.dropout if self.training else 0.0,
            )
            out = out.index_copy(0, tokens, attended.transpose(1, 2).flatten(2)[real])
        return self.out(out)


def length_groups(sequences: Sequences) -> list[Tensor]:
    """Returns the non-empty sequences in groups whose lengths lie between two powers of two.

    Example:
        >>> [group.tolist() for group in length_groups(Sequences(torch.tensor([0, 3, 3, 12, 14])))]
        [[3], [0], [2]]
    """
    length = sequences.length
    level = torch.ceil(torch.log2(length.clamp(min=1).double())).long()
    level = torch.where(length > 0, level, -1)
    return [(level == one).nonzero().squeeze(-1) for one in level.unique().tolist() if one >= 0]
