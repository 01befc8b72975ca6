"""Graph attention with dynamic scores."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from graphkit.encoders.conv.loops import LoopFill, with_loops
from graphkit.encoders.linear import Linear, glorot
from graphkit.errors import ShapeError
from graphkit.kernels import CSRGraph, SparseFeatures, as_graph, gatv2_attention


class GATv2Conv(nn.Module):
    """Weighs every neighbour by a softmax over a . LeakyReLU(W_l x_j + W_r x_i [+ W_e e_ij]); values are W_l x_j.

    Brody, Alon, Yahav, ICLR 2022 (arXiv 2105.14491), eq. 7: the nonlinearity before the dot product lets every query
    rank the keys in its own way. Parameters are named as in PyG's `GATv2Conv`, so a state dict of either loads into
    the other.

    Args:
        in_channels: F.
        out_channels: C, width of one head.
        heads: H.
        concat: concatenate the heads; False averages them.
        negative_slope: of the LeakyReLU.
        dropout: rate at which attention coefficients are dropped in training.
        add_self_loops: replace all self-loops by one a node.
        edge_dim: D, width of the edge features, if there are any.
        fill_value: features of the added self-loops, a number, or "mean", "add", "max" or "min" of the node's other
            edges.
        bias: learn additive biases.
        share_weights: one matrix for both ends.
        residual: add a linear map of the input.

    Shapes:
        x [N, F], edge_index [2, E] or `CSRGraph`, edge_attr [E, D]; returns [N, H * C], or [N, C] averaged.

    Example:
        >>> import torch
        >>> GATv2Conv(3, 2, heads=4)(torch.ones(2, 3), torch.tensor([[0], [1]])).shape
        torch.Size([2, 8])
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        heads: int = 1,
        concat: bool = True,
        negative_slope: float = 0.2,
        dropout: float = 0.0,
        add_self_loops: bool = True,
        edge_dim: int | None = None,
        fill_value: LoopFill = "mean",
        bias: bool = True,
        share_weights: bool = False,
        residual: bool = False,
    ) -> None:
        super().__init__()
        self.heads, self.out_channels, self.concat = heads, out_channels, concat
        self.negative_slope, self.dropout, self.share_weights = negative_slope, dropout, share_weights
        self.add_self_loops, self.fill_value, self.edge_dim = add_self_loops, fill_value, edge_dim
        width = heads * out_channels if concat else out_channels
        self.lin_l = Linear(in_channels, heads * out_channels, bias=bias, glorot=True)
        self.lin_r = self.lin_l if share_weights else Linear(in_channels, heads * out_channels, bias=bias, glorot=True)
        self.att = nn.Parameter(torch.empty(1, heads, out_channels))
        self.lin_edge = None if edge_dim is None else Linear(edge_dim, heads * out_channels, bias=False, glorot=True)
        self.res = Linear(in_channels, width, bias=False, glorot=True) if residual else None
        self.bias = nn.Parameter(torch.zeros(width)) if bias else None
        glorot(self.att)

    def forward(
        self,
        x: Tensor | SparseFeatures,
        edge_index: Tensor | CSRGraph,
        edge_attr: Tensor | None = None,
        return_attention: bool = False,
    ) -> Any:
        """Returns the attended states; with `return_attention` also (graph, coefficients [E', H] in its edge order)."""
        graph = as_graph(edge_index, x.shape[0])
        if (edge_attr is None) != (self.edge_dim is None):
            raise ShapeError("GATv2Conv takes edge_attr exactly when it was built with edge_dim")
        if self.add_self_loops:
            graph, edge_attr = with_loops(graph, edge_attr, self.fill_value)
        shape = (-1, self.heads, self.out_channels)
        source = self.lin_l(x).view(shape)
        target = source if self.share_weights else self.lin_r(x).view(shape)
        out = gatv2_attention(
            graph,
            source,
            target,
            self.att[0],
            None if edge_attr is None else self.lin_edge(edge_attr).view(shape),
            self.negative_slope,
            self.dropout,
            self.training,
            return_attention,
        )
        out, alpha = out if return_attention else (out, None)
        out = out.flatten(1) if self.concat else out.mean(1)
        if self.res is not None:
            out = out + self.res(x)
        if self.bias is not None:
            out = out + self.bias
        return (out, (graph, alpha)) if return_attention else out
