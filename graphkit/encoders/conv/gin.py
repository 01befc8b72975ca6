"""Graph isomorphism convolution, with and without edge features."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from graphkit.encoders.base import require_positive
from graphkit.encoders.linear import Activation, Linear, activation_of, dense
from graphkit.encoders.norm import Norm, make_norm
from graphkit.errors import ShapeError
from graphkit.kernels import CSRGraph, SparseFeatures, as_graph, spmm
from graphkit.kernels.edge_messages import SharedRows, relu_messages


class GINConv(nn.Module):
    r"""Sums the neighbours and passes the sum through a network of two layers.

    Xu et al., "How Powerful are Graph Neural Networks?", ICLR 2019 (arXiv 1810.00826), equation 4.1; with edge features
    Hu et al., ICLR 2020 (arXiv 1905.12265), equation 3 of the appendix.

        h_v' = MLP((1 + eps) h_v + sum_u h_u)                     or, with edges,
        h_v' = MLP((1 + eps) h_v + sum_u relu(h_u + W e_uv))

    Without edge features the first linear map is taken before the sum, which is the same and reads narrow states.

    Args:
        in_channels: F.
        out_channels: C.
        hidden_channels: width inside the network; 0 takes `out_channels`.
        edge_dim: number of features of an edge; None for none.
        train_eps: learn eps, which starts at 0.
        norm: inside the network.
        activation: inside the network.

    Example:
        >>> GINConv(3, 2)(torch.ones(4, 3), torch.tensor([[0, 1], [1, 2]])).shape
        torch.Size([4, 2])
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        hidden_channels: int = 0,
        edge_dim: int | None = None,
        train_eps: bool = False,
        norm: Norm = "batch",
        activation: Activation = "relu",
    ) -> None:
        super().__init__()
        hidden = hidden_channels or out_channels
        require_positive(in_channels=in_channels, out_channels=out_channels, hidden_channels=hidden)
        self.first, self.last = Linear(in_channels, hidden), Linear(hidden, out_channels)
        self.norm, self.activation = make_norm(norm, hidden), activation_of(activation)
        self.edge = None if edge_dim is None else nn.Linear(edge_dim, in_channels)
        self.eps = nn.Parameter(torch.zeros(1)) if train_eps else None

    def forward(
        self,
        x: Tensor | SparseFeatures,
        edge_index: Tensor | CSRGraph,
        edge_attr: Tensor | SharedRows | None = None,
    ) -> Tensor:
        """Maps x [N, F], E edges and edge_attr [E, edge_dim] to [N, C]."""
        graph = as_graph(edge_index, x.size(0))
        if self.edge is None:
            states = (
                functional.linear(x, self.first.weight) if isinstance(x, Tensor) else self.first(x) - self.first.bias
            )
            states = self._own(states) + spmm(graph, states) + self.first.bias
        else:
            if edge_attr is None:
                raise ShapeError("GINConv was built with edge_dim; pass edge_attr")
            x = dense(x)
            received = relu_messages(x, SharedRows.of(edge_attr).map(self.edge), graph)
            states = self.first(self._own(x) + received)
        return self.last(self.activation(self.norm(states)))

    def _own(self, x: Tensor) -> Tensor:
        return x if self.eps is None else (1 + self.eps) * x
