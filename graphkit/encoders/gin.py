"""Graph isomorphism network."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from graphkit.encoders.base import Edges, Encoder, require_choice, require_positive
from graphkit.encoders.conv.gin import GINConv
from graphkit.encoders.linear import Activation, activation_of
from graphkit.encoders.norm import Norm, make_norm
from graphkit.kernels import CSRGraph, SparseFeatures, counter_dropout

Jump = Literal["last", "cat"]


class GIN(Encoder):
    """Stacks graph isomorphism convolutions, each followed by a normalisation, an activation and dropout.

    Xu et al., ICLR 2019 (arXiv 1810.00826); with edge features (GINE) as in the Open Graph Benchmark's molecules (Hu et
    al., NeurIPS 2020). As powerful as the 1-WL test, no more.

    Args:
        in_channels: F.
        out_channels: C.
        hidden_channels: width between layers.
        num_layers: number of convolutions.
        expansion: width inside a convolution's network, in multiples of its result.
        dropout: rate after every layer.
        jump: `last` returns the last layer's states, `cat` a linear map of all layers' states.
        train_eps: learn the weight of a node's own state.
        norm: inside and after every convolution.
        activation: inside and between layers; not after the last.
        edge_dim: number of features of an edge; None for none.

    Example:
        >>> import torch
        >>> GIN(3, 2, hidden_channels=8)(torch.ones(4, 3), torch.tensor([[0, 1], [1, 2]])).shape
        torch.Size([4, 2])
    """

    shares_rows = True

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        hidden_channels: int = 64,
        num_layers: int = 5,
        expansion: int = 1,
        dropout: float = 0.5,
        jump: Jump = "last",
        train_eps: bool = False,
        norm: Norm = "batch",
        activation: Activation = "relu",
        edge_dim: int | None = None,
    ) -> None:
        super().__init__(in_channels, out_channels, edge_dim)
        require_positive(hidden_channels=hidden_channels, num_layers=num_layers, expansion=expansion)
        require_choice(Jump, jump=jump)
        last = hidden_channels if jump == "cat" else out_channels
        widths = [in_channels, *[hidden_channels] * (num_layers - 1), last]
        self.convs = nn.ModuleList(
            GINConv(a, b, expansion * b, edge_dim, train_eps, norm, activation)
            for a, b in zip(widths, widths[1:], strict=False)
        )
        self.norms = nn.ModuleList(make_norm(norm, width) for width in widths[1:])
        self.join = nn.Linear(hidden_channels * num_layers, out_channels) if jump == "cat" else None
        self.dropout, self.activation = dropout, activation_of(activation)

    def encode(self, x: Tensor | SparseFeatures, graph: CSRGraph, edge_attr: Edges) -> Tensor:
        """Returns the states [N, C]."""
        layers = []
        for number, (conv, norm) in enumerate(zip(self.convs, self.norms, strict=True)):
            x = norm(conv(x, graph, edge_attr))
            if number + 1 < len(self.convs) or self.join is not None:
                x = self.activation(x)
            x = counter_dropout(x, self.dropout, self.training)
            layers.append(x)
        return layers[-1] if self.join is None else self.join(torch.cat(layers, dim=1))
