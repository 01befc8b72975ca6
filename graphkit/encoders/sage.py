"""GraphSAGE."""

from __future__ import annotations

from torch import Tensor, nn

from graphkit.encoders.base import Encoder, require_positive
from graphkit.encoders.conv import SAGEConv
from graphkit.encoders.conv.sage import Aggregation
from graphkit.encoders.linear import Activation, activation_of, drop
from graphkit.kernels import CSRGraph, SparseFeatures


class GraphSAGE(Encoder):
    """Stacks layers that keep a node's own state apart from the aggregate of its neighbours.

    Hamilton, Ying, Leskovec, NeurIPS 2017 (arXiv 1706.02216), algorithm 1.

    Args:
        in_channels: F.
        out_channels: C.
        hidden_channels: width between layers.
        num_layers: number of layers.
        aggregation: `mean`, `max` (of a linear layer and ReLU when `project`) or `lstm`.
        dropout: rate before every layer but the first.
        activation: between layers.
        normalize: scale every layer's states to unit length.
        project: pass neighbours through a linear layer and ReLU first.

    Example:
        >>> import torch
        >>> GraphSAGE(3, 2)(torch.ones(4, 3), torch.tensor([[0, 1], [1, 2]])).shape
        torch.Size([4, 2])
    """

    weighted = True

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        hidden_channels: int = 64,
        num_layers: int = 2,
        aggregation: Aggregation = "mean",
        dropout: float = 0.5,
        activation: Activation = "relu",
        normalize: bool = False,
        project: bool = False,
    ) -> None:
        super().__init__(in_channels, out_channels)
        require_positive(hidden_channels=hidden_channels, num_layers=num_layers)
        widths = [in_channels, *[hidden_channels] * (num_layers - 1), out_channels]
        self.convs = nn.ModuleList(
            SAGEConv(a, b, aggr=aggregation, normalize=normalize, project=project)
            for a, b in zip(widths, widths[1:], strict=False)
        )
        self.dropout, self.activation = dropout, activation_of(activation)

    def encode(
        self,
        x: Tensor | SparseFeatures,
        graph: CSRGraph,
        edge_attr: Tensor | None,
        edge_weight: Tensor | None = None,
    ) -> Tensor:
        """Returns the states of the last layer [N, C]."""
        for conv in self.convs[:-1]:
            x = drop(self.activation(conv(x, graph, edge_weight)), self.dropout, self.training)
        return self.convs[-1](x, graph, edge_weight)
