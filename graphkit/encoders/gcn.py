"""The graph convolutional network of Kipf and Welling."""

from __future__ import annotations

from torch import Tensor, nn

from graphkit.encoders.base import Encoder, require_positive
from graphkit.encoders.conv import GCNConv
from graphkit.encoders.linear import Activation, activation_of, drop
from graphkit.kernels import CSRGraph, SparseFeatures


class GCN(Encoder):
    """Stacks graph convolutions D^-1/2 (A + I) D^-1/2 X W with an activation and dropout between them.

    Kipf and Welling, ICLR 2017 (arXiv 1609.02907), eq. 9.

    Args:
        in_channels: F.
        out_channels: C.
        hidden_channels: width between layers.
        num_layers: number of convolutions.
        dropout: rate before every layer, on the input too.
        activation: between layers.
        add_self_loops: give every node one self-loop.

    Example:
        >>> import torch
        >>> GCN(3, 2)(torch.ones(4, 3), torch.tensor([[0, 1], [1, 2]])).shape
        torch.Size([4, 2])
    """

    weighted = True

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        hidden_channels: int = 16,
        num_layers: int = 2,
        dropout: float = 0.5,
        activation: Activation = "relu",
        add_self_loops: bool = True,
    ) -> None:
        super().__init__(in_channels, out_channels)
        require_positive(hidden_channels=hidden_channels, num_layers=num_layers)
        widths = [in_channels, *[hidden_channels] * (num_layers - 1), out_channels]
        self.convs = nn.ModuleList(
            GCNConv(a, b, add_self_loops=add_self_loops) for a, b in zip(widths, widths[1:], strict=False)
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
            x = self.activation(conv(drop(x, self.dropout, self.training), graph, edge_weight))
        return self.convs[-1](drop(x, self.dropout, self.training), graph, edge_weight)
