"""Graph attention with additive (static) scores."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from graphkit.encoders.conv.loops import LoopFill, with_loops
from graphkit.encoders.linear import Linear, drop, glorot
from graphkit.errors import ShapeError
from graphkit.kernels import CSRGraph, SparseFeatures, as_graph, gat_attention


class GATConv(nn.Module):
    """Weighs neighbours by a softmax over LeakyReLU(a_target . g_i + a_source . g_j [+ a_edge . W_e e_ij]), g = W x.

    Velickovic et al., ICLR 2018 (arXiv 1710.10903), eqs. 1 to 6. Parameters are named as in PyG's `GATConv`, so a state
    dict of either loads into the other. The softmax, the weighted sum and both gradients are one fused kernel.

    Args:
        in_channels: F.
        out_channels: C, width of one head.
        heads: H.
        concat: concatenate the heads; False averages them.
        negative_slope: of the LeakyReLU.
        dropout: rate at which attention coefficients are dropped in training.
        feature_dropout: rate at which the projected values are dropped in training; the authors' code has it, PyG's
            layer does not.
        add_self_loops: replace all self-loops by one a node.
        edge_dim: D, width of the edge features, if there are any.
        fill_value: features of the added self-loops, a number, or "mean", "add", "max" or "min" of the node's other
            edges.
        bias: learn an additive bias.
        residual: add a linear map of the input.

    Shapes:
        x [N, F], edge_index [2, E] or `CSRGraph`, edge_attr [E, D]; returns [N, H * C], or [N, C] averaged.

    Example:
        >>> import torch
        >>> GATConv(3, 2, heads=4)(torch.ones(2, 3), torch.tensor([[0], [1]])).shape
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
        feature_dropout: float = 0.0,
        add_self_loops: bool = True,
        edge_dim: int | None = None,
        fill_value: LoopFill = "mean",
        bias: bool = True,
        residual: bool = False,
    ) -> None:
        super().__init__()
        self.heads, self.out_channels, self.concat = heads, out_channels, concat
        self.negative_slope, self.dropout, self.feature_dropout = negative_slope, dropout, feature_dropout
        self.add_self_loops, self.fill_value, self.edge_dim = add_self_loops, fill_value, edge_dim
        width = heads * out_channels if concat else out_channels
        self.lin = Linear(in_channels, heads * out_channels, bias=False, glorot=True)
        self.att_src = nn.Parameter(torch.empty(1, heads, out_channels))
        self.att_dst = nn.Parameter(torch.empty(1, heads, out_channels))
        self.lin_edge = None if edge_dim is None else Linear(edge_dim, heads * out_channels, bias=False, glorot=True)
        self.att_edge = None if edge_dim is None else nn.Parameter(torch.empty(1, heads, out_channels))
        self.res = Linear(in_channels, width, bias=False, glorot=True) if residual else None
        self.bias = nn.Parameter(torch.zeros(width)) if bias else None
        for attention in (self.att_src, self.att_dst, self.att_edge):
            if attention is not None:
                glorot(attention)

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
            raise ShapeError("GATConv takes edge_attr exactly when it was built with edge_dim")
        if self.add_self_loops:
            graph, edge_attr = with_loops(graph, edge_attr, self.fill_value)
        value = self.lin(x).view(-1, self.heads, self.out_channels)
        source, target = head_scores(value, self.att_src, self.att_dst)
        value = drop(value, self.feature_dropout, self.training)
        out = gat_attention(
            graph,
            value,
            source,
            target,
            self._edge_score(edge_attr),
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

    def _edge_score(self, edge_attr: Tensor | None) -> Tensor | None:
        if edge_attr is None:
            return None
        # a_edge . (W_e e) = (a_edge W_e) . e, so the projected edges [E, H * C] need not exist.
        weight = self.lin_edge.weight.view(self.heads, self.out_channels, -1)
        return edge_attr @ torch.einsum("hc,hcd->dh", self.att_edge[0], weight)


def head_scores(value: Tensor, *attentions: Tensor) -> tuple[Tensor, ...]:
    """Returns <value[i, h], attention[h]> for each attention vector, as one product with a block-diagonal matrix.

    A product [N, H * C] x [H * C, 2 H] reads the values once, forward and backward; the elementwise form writes a
    tensor of their size for every attention vector.

    Shapes:
        value [N, H, C], attentions [1, H, C] each; returns a contiguous [N, H] each.
    """
    heads = value.size(1)
    blocks = torch.cat([torch.block_diag(*attention[0]).t() for attention in attentions], dim=1)
    return tuple(part.contiguous() for part in (value.flatten(1) @ blocks).split(heads, dim=1))
