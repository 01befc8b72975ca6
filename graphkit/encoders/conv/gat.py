"""The graph attention layer of Velickovic et al."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from graphkit.encoders.conv.loops import FillValue, with_loops
from graphkit.encoders.linear import Linear
from graphkit.kernels import CSRGraph, SparseFeatures, as_graph, gat_attention


class GATConv(nn.Module):
    """Attention over incoming edges (Velickovic et al. 2018, arXiv 1710.10903, eqs. 1 to 6); parameters as in PyG.

    With g = W x and an edge j to i of features e, the logit is LeakyReLU(a_src . g_j + a_dst . g_i + a_edge . W_e e).
    W_e and a_edge are multiplied first, so no [E, H * C] tensor exists.

    Args:
        in_channels: F.
        out_channels: C of one head.
        heads: H.
        concat: join the heads to [N, H * C], else average them to [N, C].
        negative_slope: slope of the LeakyReLU below zero.
        dropout: probability that an attention coefficient is dropped.
        value_dropout: probability that an entry of the summed states W x is dropped, as in the authors' program.
        add_self_loops: let every node attend to itself, once.
        edge_dim: number of edge features, or None.
        fill_value: edge features of an added self-loop: a number, or "mean", "add", "max", "min" of the other edges.
        bias: learn an additive bias.
        residual: add a linear map of the input.

    Example:
        >>> import torch
        >>> GATConv(4, 2, heads=3)(torch.ones(3, 4), torch.tensor([[0, 1], [1, 2]])).shape
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
        residual: bool = False,
        value_dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.in_channels, self.out_channels, self.heads, self.concat = in_channels, out_channels, heads, concat
        self.negative_slope, self.dropout, self.value_dropout = negative_slope, dropout, value_dropout
        self.add_self_loops, self.edge_dim, self.fill_value = add_self_loops, edge_dim, fill_value
        width = out_channels * (heads if concat else 1)
        self.lin = Linear(in_channels, heads * out_channels, bias=False, glorot=True)
        self.att_src = attention_vector(heads, out_channels)
        self.att_dst = attention_vector(heads, out_channels)
        self.lin_edge = None if edge_dim is None else Linear(edge_dim, heads * out_channels, bias=False, glorot=True)
        self.att_edge = None if edge_dim is None else attention_vector(heads, out_channels)
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
        states = self.lin(x).view(-1, self.heads, self.out_channels)
        result = gat_attention(
            graph,
            functional.dropout(states, self.value_dropout, self.training),
            (states * self.att_src).sum(-1),
            (states * self.att_dst).sum(-1),
            self._edge_score(edge_attr),
            negative_slope=self.negative_slope,
            dropout=self.dropout,
            training=self.training,
            return_attention=return_attention,
        )
        out, attention = result if return_attention else (result, None)
        out = finish(out, self.concat, x, self.res, self.bias)
        return (out, (graph.edge_index(), attention)) if return_attention else out

    def _edge_score(self, edge_attr: Tensor | None) -> Tensor | None:
        if edge_attr is None:
            return None
        assert self.lin_edge is not None
        weight = self.lin_edge.weight.view(self.heads, self.out_channels, -1)
        return edge_attr @ (weight * self.att_edge.squeeze(0).unsqueeze(-1)).sum(1).t()


def attention_vector(heads: int, channels: int) -> nn.Parameter:
    """A learnt [1, H, C] vector, drawn as PyG draws it (Glorot over the last two axes)."""
    bound = (6.0 / (heads + channels)) ** 0.5
    return nn.Parameter(torch.empty(1, heads, channels).uniform_(-bound, bound))


def finish(
    out: Tensor, concat: bool, x: Tensor | SparseFeatures, residual: Linear | None, bias: Tensor | None
) -> Tensor:
    """Joins or averages the heads [N, H, C], then adds the residual map of x and the bias."""
    out = out.flatten(1) if concat else out.mean(1)
    if residual is not None:
        out = out + residual(x)
    return out if bias is None else out + bias
