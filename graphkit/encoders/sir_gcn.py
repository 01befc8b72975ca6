"""SIR-GCN: soft-isomorphic relational graph convolution."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from graphkit.encoders.base import Encoder, require_positive
from graphkit.encoders.conv import SIRConv
from graphkit.encoders.conv.sir import SIRReduce
from graphkit.encoders.linear import Activation, Linear, activation_of, drop
from graphkit.encoders.norm import Norm, make_norm
from graphkit.kernels import CSRGraph, SparseFeatures


class SIRGCN(Encoder):
    """Stacks convolutions whose messages are a nonlinear function of both ends of an edge.

    Lim, "SIR-GCN" (arXiv 2403.13022), eq. 5. `residual` wraps every convolution as the paper does on heterophilous
    graphs: norm, convolution, dropout, GELU, linear, dropout, plus the layer's input.

    Args:
        in_channels: F.
        out_channels: C.
        hidden_channels: width of states and messages.
        num_layers: number of convolutions.
        reduce: `sum`, `mean`, `max` or `sym` (scaled by both degrees).
        activation: inside the messages.
        dropout: rate inside the blocks.
        norm: before every convolution of a residual block.
        residual: use residual blocks between an input and an output linear layer.
        edge_dim: D, width of the edge features, if there are any.

    Example:
        >>> import torch
        >>> SIRGCN(3, 2)(torch.ones(4, 3), torch.tensor([[0, 1], [1, 2]])).shape
        torch.Size([4, 2])
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        hidden_channels: int = 64,
        num_layers: int = 1,
        reduce: SIRReduce = "sum",
        activation: Activation = "gelu",
        dropout: float = 0.0,
        norm: Norm = "layer",
        residual: bool = False,
        edge_dim: int | None = None,
    ) -> None:
        super().__init__(in_channels, out_channels, edge_dim)
        require_positive(hidden_channels=hidden_channels, num_layers=num_layers)
        self.dropout, self.activation, self.residual = dropout, activation_of(activation), residual
        width = hidden_channels
        if residual:
            ends = [(width, width)] * num_layers
            self.first, self.last = Linear(in_channels, width), nn.Linear(width, out_channels)
            self.norms = nn.ModuleList(make_norm(norm, width) for _ in range(num_layers + 1))
            self.mixes = nn.ModuleList(nn.Linear(width, width) for _ in range(num_layers))
        else:
            widths = [in_channels, *[width] * (num_layers - 1), out_channels]
            ends = list(zip(widths, widths[1:], strict=False))
        self.convs = nn.ModuleList(
            SIRConv(a, width, b, activation=activation, reduce=reduce, dropout=dropout, edge_dim=edge_dim)
            for a, b in ends
        )

    def encode(self, x: Tensor | SparseFeatures, graph: CSRGraph, edge_attr: Tensor | None) -> Tensor:
        """Returns the states of the last layer [N, C]."""
        if not self.residual:
            for conv in self.convs[:-1]:
                x = self.activation(conv(x, graph, edge_attr))
            return self.convs[-1](x, graph, edge_attr)
        state = functional.gelu(drop(self.first(x), self.dropout, self.training))
        for norm, conv, mix in zip(self.norms, self.convs, self.mixes, strict=False):
            message = conv(norm(state), graph, edge_attr)
            message = mix(functional.gelu(drop(message, self.dropout, self.training)))
            state = state + drop(message, self.dropout, self.training)
        return self.last(self.norms[-1](state))
