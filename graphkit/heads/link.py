"""Pair heads that look at the two states of a pair: dot product, bilinear form, and an MLP of the product."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from graphkit.errors import ConfigError
from graphkit.heads.context import PairContext


class PairHead(nn.Module):
    """Base class of heads that score pairs; a subclass writes `forward(context) -> [B]` raw scores (logits).

    Options are typed keyword arguments of the constructor after `in_channels`.

    Args:
        in_channels: C, width of the encoder's states.

    Raises:
        ConfigError: the width is not positive.
    """

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        if in_channels < 1:
            raise ConfigError(f"in_channels must be at least 1, got {in_channels}")
        self.in_channels = in_channels

    def forward(self, context: PairContext) -> Tensor:
        """Returns the raw score [B] of every pair."""
        raise TypeError(f"{type(self).__name__} must define forward(context)")

    def of_product(self, product: Tensor) -> Tensor:
        """Returns the raw score [B] of elementwise products of states [B, C], for heads that look at no more.

        Raises:
            ConfigError: the head looks at more.
        """
        raise ConfigError(
            f"{type(self).__name__} does not score products of states alone; take head dot or hadamard-mlp"
        )


class DotHead(PairHead):
    """Scores a pair by the product of its states, <h_i, h_j>; no parameters.

    Kipf and Welling, "Variational graph auto-encoders" (arXiv 1611.07308), eq. 2, before the sigmoid.

    Example:
        >>> from graphkit.kernels import CSRGraph
        >>> graph = CSRGraph.from_edge_index(torch.tensor([[0], [1]]), 2)
        >>> DotHead(2)(PairContext(torch.tensor([[0], [1]]), torch.ones(2, 2), graph, lambda x, graph: x)).tolist()
        [2.0]
    """

    def forward(self, context: PairContext) -> Tensor:
        """Returns <h_i, h_j> [B]."""
        return self.of_product(context.source * context.target)

    def of_product(self, product: Tensor) -> Tensor:
        """Returns the sum over states [B]."""
        return product.sum(-1)


class BilinearHead(PairHead):
    """Scores a pair by h_i^T W h_j + b; with a symmetric W the order of the two ends does not matter.

    Args:
        in_channels: C.
        symmetric: use (W + W^T) / 2, as an undirected link has no first end.

    Example:
        >>> BilinearHead(8).weight.shape
        torch.Size([8, 8])
    """

    def __init__(self, in_channels: int, symmetric: bool = True) -> None:
        super().__init__(in_channels)
        self.symmetric = symmetric
        self.weight = nn.Parameter(torch.empty(in_channels, in_channels))
        self.bias = nn.Parameter(torch.zeros(()))
        nn.init.xavier_uniform_(self.weight)

    def forward(self, context: PairContext) -> Tensor:
        """Returns h_i^T W h_j + b [B]."""
        weight = (self.weight + self.weight.t()) / 2 if self.symmetric else self.weight
        return (context.source @ weight * context.target).sum(-1) + self.bias


class HadamardHead(PairHead):
    """Scores a pair by an MLP of the elementwise product h_i * h_j, the predictor of the OGB examples.

    Hu et al., "Open Graph Benchmark", NeurIPS 2020 (arXiv 2005.00687), link prediction baselines.

    Args:
        in_channels: C.
        hidden_channels: width between the layers; 0 takes C.
        num_layers: number of linear maps, at least 1.
        dropout: probability after every hidden layer.

    Raises:
        ConfigError: an option is out of range.

    Example:
        >>> sum(layer.weight.numel() for layer in HadamardHead(8, num_layers=2).layers)
        72
    """

    def __init__(self, in_channels: int, hidden_channels: int = 0, num_layers: int = 3, dropout: float = 0.0) -> None:
        super().__init__(in_channels)
        if num_layers < 1 or hidden_channels < 0 or not 0.0 <= dropout <= 1.0:
            raise ConfigError(
                "num_layers must be at least 1, hidden_channels not negative and dropout a probability, got "
                f"{num_layers}, {hidden_channels} and {dropout}"
            )
        widths = [in_channels, *[hidden_channels or in_channels] * (num_layers - 1), 1]
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in zip(widths, widths[1:], strict=False))
        self.dropout = dropout

    def forward(self, context: PairContext) -> Tensor:
        """Returns the MLP of h_i * h_j [B]."""
        return self.of_product(context.source * context.target)

    def of_product(self, product: Tensor) -> Tensor:
        """Returns the MLP of products [B]."""
        for layer in self.layers[:-1]:
            product = functional.dropout(functional.relu(layer(product)), self.dropout, self.training)
        score: Tensor = self.layers[-1](product)
        return score.squeeze(-1)
