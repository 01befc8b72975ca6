"""The GraphSAGE layer of Hamilton et al."""

from __future__ import annotations

from typing import Literal

from torch import Tensor, nn
from torch.nn import functional

from graphkit.encoders.conv.lstm import LSTMAggregation
from graphkit.encoders.linear import Linear, dense
from graphkit.errors import ConfigError
from graphkit.kernels import CSRGraph, SparseFeatures, as_graph, gather_max, sparse_linear, spmm

Aggregation = Literal["mean", "max", "lstm"]


class SAGEConv(nn.Module):
    """x'_i = W_r x_i + W_l AGG_j x_j (Hamilton et al. 2017, arXiv 1706.02216, algorithm 1); parameters as in PyG.

    A mean commutes with W_l, so W_l is applied first where that makes the states narrower or the features are sparse.

    Args:
        in_channels: F.
        out_channels: C.
        aggregation: "mean", "max", or "lstm" over the neighbours in edge order.
        normalize: scale every result to unit length.
        root_weight: add W_r x_i.
        project: pass neighbours through a learnt ReLU layer first ("max" with it is the paper's pooling aggregator).
        bias: learn an additive [C] bias.

    Raises:
        ConfigError: unknown `aggregation`.

    Example:
        >>> import torch
        >>> SAGEConv(4, 2, "max")(torch.ones(3, 4), torch.tensor([[0, 1], [1, 2]])).shape
        torch.Size([3, 2])
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        aggregation: Aggregation = "mean",
        normalize: bool = False,
        root_weight: bool = True,
        project: bool = False,
        bias: bool = True,
    ) -> None:
        super().__init__()
        if aggregation not in ("mean", "max", "lstm"):
            raise ConfigError(f"unknown aggregation {aggregation!r}; use one of mean, max, lstm")
        self.in_channels, self.out_channels = in_channels, out_channels
        self.aggregation, self.normalize = aggregation, normalize
        self.aggr_module = LSTMAggregation(in_channels) if aggregation == "lstm" else None
        self.lin = Linear(in_channels, in_channels) if project else None
        self.lin_l = Linear(in_channels, out_channels, bias=bias)
        self.lin_r = Linear(in_channels, out_channels, bias=False) if root_weight else None

    def forward(self, x: Tensor | SparseFeatures, edge_index: Tensor | CSRGraph) -> Tensor:
        """Aggregates neighbours.

        Args:
            x: [N, F].
            edge_index: [2, E] or a CSRGraph.

        Returns:
            [N, C].
        """
        graph = as_graph(edge_index, x.size(0))
        out = self._neighbours(x if self.lin is None else self.lin(x).relu(), graph)
        if self.lin_r is not None:
            out = out + self.lin_r(x)
        return functional.normalize(out, dim=-1) if self.normalize else out

    def _neighbours(self, x: Tensor | SparseFeatures, graph: CSRGraph) -> Tensor:
        narrows = isinstance(x, SparseFeatures) or self.out_channels < self.in_channels
        if self.aggregation == "mean" and narrows:
            weight, bias = self.lin_l.weight, self.lin_l.bias
            mapped = sparse_linear(x, weight) if isinstance(x, SparseFeatures) else functional.linear(x, weight)
            out = spmm(graph, mapped, reduce="mean")
            return out if bias is None else out + bias
        states = dense(x)
        if self.aggr_module is not None:
            return self.lin_l(self.aggr_module(states, graph))
        return self.lin_l(
            gather_max(graph, states) if self.aggregation == "max" else spmm(graph, states, reduce="mean")
        )
