"""The first layer of categorical inputs: atoms and bonds become vectors that any encoder takes as features."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from graphkit.encoders.base import require_positive
from graphkit.errors import ConfigError, ShapeError
from graphkit.kernels.edge_messages import SharedRows


class CategoryEmbedding(nn.Module):
    """One learned vector a category of every column; the vectors of the columns add up.

    The AtomEncoder and BondEncoder of the Open Graph Benchmark (Hu et al., NeurIPS 2020), for any columns.

    Args:
        sizes: number of categories of each column.
        channels: C, width of the result.

    Raises:
        ConfigError: no column, or a size below one.

    Example:
        >>> CategoryEmbedding([119, 5], 8)(torch.tensor([[5, 0], [7, 1]])).shape
        torch.Size([2, 8])
    """

    def __init__(self, sizes: Sequence[int], channels: int) -> None:
        super().__init__()
        require_positive(channels=channels)
        if not sizes or min(sizes) < 1:
            raise ConfigError(f"categories need columns of at least one value each, got sizes {list(sizes)}")
        self.sizes = tuple(sizes)
        self.weight = nn.Parameter(torch.empty(sum(sizes), channels))
        first = [sum(sizes[:column]) for column in range(len(sizes))]
        self.register_buffer("first", torch.tensor(first), persistent=False)
        for start, size in zip(first, sizes, strict=True):
            nn.init.xavier_uniform_(self.weight.data[start : start + size])

    def forward(self, codes: Tensor) -> Tensor:
        """Maps categories [N, D] to vectors [N, C].

        Raises:
            ShapeError: another number of columns.
        """
        if codes.dim() != 2 or codes.size(1) != len(self.sizes):
            raise ShapeError(f"built for {len(self.sizes)} columns of categories, got {list(codes.shape)}")
        if not len(codes):
            return self.weight.new_zeros(0, self.weight.size(1))
        return functional.embedding_bag(codes + self.first, self.weight, mode="sum")

    def shared(self, codes: Tensor) -> SharedRows:
        """Maps categories [N, D] to vectors [N, C] that are kept once a combination of categories.

        Raises:
            ShapeError: another number of columns.
        """
        if codes.dim() != 2 or codes.size(1) != len(self.sizes) or not len(codes):
            return SharedRows(self(codes))
        kinds, index = _distinct(codes)
        return SharedRows(self(kinds), index)


def _distinct(codes: Tensor) -> tuple[Tensor, Tensor]:
    """The distinct rows [R, D] of categories [N, D], and where each row is among them [N]."""
    counts = (codes.amax(0) + 1).tolist()
    if math.prod(counts) >= 2**62 or bool((codes < 0).any()):  # what is no category is refused by the look-up
        rows, index = torch.unique(codes, dim=0, return_inverse=True)
        return rows, index
    # one number a row: sorting numbers takes a tenth of the time of sorting rows
    steps = torch.tensor([math.prod(counts[column + 1 :]) for column in range(len(counts))], device=codes.device)
    numbers, index = torch.unique((codes * steps).sum(1), return_inverse=True)
    return numbers.unsqueeze(1) // steps % torch.tensor(counts, device=codes.device), index
