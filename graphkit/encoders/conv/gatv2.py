"""The dynamic graph attention layer of Brody et al."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from graphkit.encoders.conv.gat import attention_vector, finish
from graphkit.encoders.conv.loops import FillValue, with_loops
from graphkit.encoders.linear import Linear
from graphkit.kernels import CSRGraph, SparseFeatures, as_graph, gatv2_attention


class GATv2Conv(nn.Module):
    """Attention whose ranking of keys depends on the query (Brody et al. 2022, arXiv 2105.14491, eq. 7).

    The logit of an edge j to i of features e is a . LeakyReLU(W_l x_j + W_r x_i + W_e e). Parameters as in PyG.

    Args:
        in_channels: F.
        out_channels: C of one head.
        heads: H.
        concat: join the heads to [N, H * C], else average them to [N, C].
        negative_slope: slope of the LeakyReLU below zero.
        dropout: probability that an attention coefficient is dropped.
        add_self_loops: let every node attend to itself, once.
        edge_dim: number of edge features, or None.
        fill_value: edge features of an added self-loop: a number, or "mean", "add", "max", "min" of the other edges.
        bias: learn additive biases.
        share_weights: use one matrix as W_l and W_r.
        residual: add a linear map of the input.

    Example:
        >>> import torch
        >>> GATv2Conv(4, 2, heads=3)(torch.ones(3, 4), torch.tensor([[0, 1], [1, 2]])).shape
        torch.Size([3, 6])
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
        fill_value: FillValue = "mean",
        bias: bool = True,
        share_weights: bool = False,
        residual: bool = False,
    ) -> None:
        super().__init__()
        self.in_channels, self.out_channels, self.heads, self.concat = in_channels, out_channels, heads, concat
        self.negative_slope, self.dropout, self.share_weights = negative_slope, dropout, share_weights
        self.add_self_loops, self.edge_dim, self.fill_value = add_self_loops, edge_dim, fill_value
        width = out_channels * (heads if concat else 1)
        self.lin_l = Linear(in_channels, heads * out_channels, bias=bias, glorot=True)
        self.lin_r = self.lin_l if share_weights else Linear(in_channels, heads * out_channels, bias=bias, glorot=True)
        self.att = attention_vector(heads, out_channels)
        self.lin_edge = None if edge_dim is None else Linear(edge_dim, heads * out_channels, bias=False, glorot=True)
        self.res = Linear(in_channels, width, bias=False, glorot=True) if residual else None
        self.bias = nn.Parameter(torch.zeros(width)) if bias else None

    def forward(
        self,
        x: Tensor | SparseFeatures,
        edge_index: Tensor | CSRGraph,
        edge_attr: Tensor | None = None,
        return_attention: bool = False,
    ) -> Tensor | tuple[Tensor, tuple[Tensor, Tensor]]:
        """Attends over incoming edges.

        Args:
            x: [N, F].
            edge_index: [2, E] or a CSRGraph.
            edge_attr: [E, edge_dim] in edge order; not used without `edge_dim`.
            return_attention: also return the edges [2, E'] and their coefficients [E', H].

        Returns:
            [N, H * C], or [N, C] without `concat`.
        """
        graph = as_graph(edge_index, x.size(0))
        edge_attr = None if self.edge_dim is None else edge_attr
        if self.add_self_loops:
            graph, edge_attr = with_loops(graph, edge_attr, self.fill_value)
        source = self.lin_l(x).view(-1, self.heads, self.out_channels)
        target = source if self.share_weights else self.lin_r(x).view(-1, self.heads, self.out_channels)
        edge = None if edge_attr is None else self.lin_edge(edge_attr).view(-1, self.heads, self.out_channels)
        result = gatv2_attention(
            graph,
            source,
            target,
            self.att,
            edge,
            negative_slope=self.negative_slope,
            dropout=self.dropout,
            training=self.training,
            return_attention=return_attention,
        )
        out, attention = result if return_attention else (result, None)
        out = finish(out, self.concat, x, self.res, self.bias)
        return (out, (graph.edge_index(), attention)) if return_attention else out
