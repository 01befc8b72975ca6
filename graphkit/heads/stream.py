"""Heads of temporal links: from states of sources and candidates to scores [B, K]."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from graphkit.kernels.pair_history import FEATURES


class ConcatMLP(nn.Module):
    """Scores w . relu(A z_u + B z_v + b) + c, the link predictor of the Temporal Graph Benchmark without its sigmoid.

    Args:
        in_channels: C.

    Shapes:
        source [B, C]; target [K, C] for all sources, or [B, K, C]; returns [B, K].

    Example:
        >>> head = ConcatMLP(4)
        >>> head(torch.ones(2, 4), torch.ones(3, 4)).shape, head(torch.ones(2, 4), torch.ones(2, 3, 4)).shape
        (torch.Size([2, 3]), torch.Size([2, 3]))
    """

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.source, self.target = nn.Linear(in_channels, in_channels), nn.Linear(in_channels, in_channels)
        self.out = nn.Linear(in_channels, 1)

    def forward(self, source: Tensor, target: Tensor) -> Tensor:
        """Returns scores; nothing of size [B, K, C] is made where no gradient is asked for."""
        left, right = self.source(source), self.target(target)
        if target.dim() == 2 and not torch.is_grad_enabled():
            from graphkit.kernels.cpu.pair_scores import relu_dot

            found = left.new_empty(len(left), len(right))
            relu_dot(left.numpy(), right.numpy(), self.out.weight[0].detach().numpy(), found.numpy())
            return found + self.out.bias
        scores: Tensor = self.out(torch.relu(left[:, None] + right)).squeeze(-1)
        return scores


class Dot(nn.Module):
    """Scores z_u . z_v. Shapes as `ConcatMLP`."""

    def __init__(self, in_channels: int) -> None:
        super().__init__()

    def forward(self, source: Tensor, target: Tensor) -> Tensor:
        """Returns scores."""
        return source @ target.T if target.dim() == 2 else torch.einsum("bc,bkc->bk", source, target)


class RecencyBranch(nn.Module):
    """Adds to a score what recency and popularity say of the pair, by a small network over `PairHistory.features`.

    The baselines without parameters that learned models must beat rank by these very numbers (Cornell et al., arXiv
    2502.04910), so a model that cannot see them starts behind.

    Args:
        hidden_channels: width of both hidden layers.

    Shapes:
        features [B, K, 10] return [B, K].
    """

    def __init__(self, hidden_channels: int = 32) -> None:
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(len(FEATURES), hidden_channels),
            nn.ReLU(),
            nn.Linear(hidden_channels, hidden_channels),
            nn.ReLU(),
            nn.Linear(hidden_channels, 1),
        )

    def forward(self, features: Tensor) -> Tensor:
        """Returns what is added to the scores."""
        added: Tensor = self.net(features).squeeze(-1)
        return added
