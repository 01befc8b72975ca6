"""The graph attention network with dynamic scores."""

from __future__ import annotations

from torch import Tensor, nn

from graphkit.encoders.base import Encoder, require_positive
from graphkit.encoders.conv import GATv2Conv
from graphkit.encoders.linear import Activation, Embedding, activation_of, drop
from graphkit.kernels import CSRGraph, SparseFeatures


class GATv2(Encoder):
    """Stacks attention whose ranking of neighbours depends on the node that attends.

    Brody, Alon, Yahav, ICLR 2022 (arXiv 2105.14491).

    Args:
        in_channels: F.
        out_channels: C.
        hidden_channels: width of one hidden head.
        num_layers: number of attention layers.
        heads: heads of the hidden layers, concatenated.
        output_heads: heads of the last layer, averaged.
        dropout: rate before every layer, on the input too.
        attention_dropout: rate at which attention coefficients are dropped.
        share_weights: one matrix for both ends of an edge.
        activation: between layers.
        negative_slope: of the LeakyReLU inside the attention.
        add_self_loops: let every node attend to itself.
        edge_dim: D, width of the edge features, if there are any.
        residual: add a linear map of each layer's input to its output.
        embedding_channels: width of learned vectors that the input features are first turned into, for one-hot
            features; None feeds the features to the first layer.

    Example:
        >>> import torch
        >>> GATv2(3, 2)(torch.ones(4, 3), torch.tensor([[0, 1], [1, 2]])).shape
        torch.Size([4, 2])
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        hidden_channels: int = 8,
        num_layers: int = 2,
        heads: int = 8,
        output_heads: int = 1,
        dropout: float = 0.6,
        attention_dropout: float = 0.6,
        share_weights: bool = False,
        activation: Activation = "elu",
        negative_slope: float = 0.2,
        add_self_loops: bool = True,
        edge_dim: int | None = None,
        residual: bool = False,
        embedding_channels: int | None = None,
    ) -> None:
        super().__init__(in_channels, out_channels, edge_dim)
        require_positive(hidden_channels=hidden_channels, num_layers=num_layers, heads=heads, output_heads=output_heads)
        self.dropout, self.activation = dropout, activation_of(activation)
        self.embedding: Embedding | None = None
        if embedding_channels is not None:
            require_positive(embedding_channels=embedding_channels)
            self.embedding = Embedding(in_channels, embedding_channels)
        first = in_channels if embedding_channels is None else embedding_channels
        self.convs = nn.ModuleList()
        for layer in range(num_layers):
            last = layer == num_layers - 1
            self.convs.append(
                GATv2Conv(
                    first if layer == 0 else hidden_channels * heads,
                    out_channels if last else hidden_channels,
                    heads=output_heads if last else heads,
                    concat=not last,
                    negative_slope=negative_slope,
                    dropout=attention_dropout,
                    share_weights=share_weights,
                    add_self_loops=add_self_loops,
                    edge_dim=edge_dim,
                    residual=residual,
                )
            )

    def encode(self, x: Tensor | SparseFeatures, graph: CSRGraph, edge_attr: Tensor | None) -> Tensor:
        """Returns the states of the last layer [N, C]."""
        x = x if self.embedding is None else self.embedding(x)
        for conv in self.convs[:-1]:
            x = self.activation(conv(drop(x, self.dropout, self.training), graph, edge_attr))
        return self.convs[-1](drop(x, self.dropout, self.training), graph, edge_attr)
