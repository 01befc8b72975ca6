"""The layer of GraphSAGE: own state and aggregated neighbours, each with its own weights."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from graphkit.encoders.base import require_choice
from graphkit.encoders.linear import Linear, dense
from graphkit.errors import ConfigError
from graphkit.kernels import CSRGraph, SparseFeatures, as_graph, gather_max, sparse_linear, spmm

Aggregation = Literal["mean", "max", "lstm"]


class SAGEConv(nn.Module):
    """Computes W_r x_i + W_l AGG_j x_j + b, AGG over the sources of incoming edges.

    Hamilton, Ying, Leskovec, NeurIPS 2017 (arXiv 1706.02216), algorithm 1. Parameters are named as in PyG's `SAGEConv`,
    so a state dict of either loads into the other.

    Args:
        in_channels: F.
        out_channels: C.
        aggr: `mean`, `max` or `lstm`. The LSTM reads the neighbours in the order of the edge list and stops at the last
            one; PyG's goes on over padding, so there a node's state depends on the largest degree of the batch.
        normalize: scale the result to unit length.
        root_weight: include W_r x_i.
        project: pass neighbours through a linear layer and ReLU first (the pooling aggregator of the paper).
        bias: learn b.

    Shapes:
        x [N, F], edge_index [2, E] or `CSRGraph`, edge_weight [E] (means alone are weighted); returns [N, C].

    Raises:
        ConfigError: edge weights for another aggregation than the mean.

    Example:
        >>> import torch
        >>> SAGEConv(3, 2)(torch.ones(2, 3), torch.tensor([[0], [1]])).shape
        torch.Size([2, 2])
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        aggr: Aggregation = "mean",
        normalize: bool = False,
        root_weight: bool = True,
        project: bool = False,
        bias: bool = True,
    ) -> None:
        super().__init__()
        require_choice(Aggregation, aggr=aggr)
        self.in_channels, self.out_channels = in_channels, out_channels
        self.aggr, self.normalize = aggr, normalize
        self.lin = Linear(in_channels, in_channels) if project else None
        self.aggr_module = LSTMAggregation(in_channels) if aggr == "lstm" else None
        self.lin_l = Linear(in_channels, out_channels, bias=bias)
        self.lin_r = Linear(in_channels, out_channels, bias=False) if root_weight else None

    def forward(
        self, x: Tensor | SparseFeatures, edge_index: Tensor | CSRGraph, edge_weight: Tensor | None = None
    ) -> Tensor:
        """Returns the new states [N, C]."""
        if edge_weight is not None and self.aggr != "mean":
            raise ConfigError(f"edge weights are for the mean; aggregation {self.aggr!r} takes none")
        graph = as_graph(edge_index, x.shape[0])
        states = x if self.lin is None else self.lin(x).relu()
        out = self._aggregate(states, graph, edge_weight)
        if self.lin_r is not None:
            dense_root = isinstance(x, Tensor)
            out = out.addmm_(x, self.lin_r.weight.t()) if dense_root else out + self.lin_r(x)
        return functional.normalize(out, dim=-1) if self.normalize else out

    def _aggregate(self, x: Tensor | SparseFeatures, graph: CSRGraph, weight: Tensor | None) -> Tensor:
        if self.aggr == "mean" and (isinstance(x, SparseFeatures) or self.out_channels < self.in_channels):
            # The mean commutes with the linear map, so it runs over the narrower of the two widths.
            projected = (
                sparse_linear(x, self.lin_l.weight) if isinstance(x, SparseFeatures) else x @ self.lin_l.weight.t()
            )
            out = weighted_mean(graph, projected, weight)
            return out if self.lin_l.bias is None else out + self.lin_l.bias
        x = dense(x)
        if self.aggr_module is not None:
            return self.lin_l(self.aggr_module(x, graph))
        return self.lin_l(gather_max(graph, x) if self.aggr == "max" else weighted_mean(graph, x, weight))


def weighted_mean(graph: CSRGraph, x: Tensor, weight: Tensor | None = None) -> Tensor:
    """Returns sum_e w_e x_e / sum_e w_e over the incoming edges of every node, 0 where their weights add up to 0.

    Args:
        graph: N nodes and E edges.
        x: [N, F] floating.
        weight: [E] not negative, in edge order; ones if None.

    Example:
        >>> graph = CSRGraph.from_edge_index(torch.tensor([[0, 1], [2, 2]]), 3)
        >>> weighted_mean(graph, torch.tensor([[0.0], [4.0], [9.0]]), torch.tensor([1.0, 3.0])).tolist()
        [[0.0], [0.0], [3.0]]
    """
    if weight is None:
        return spmm(graph, x, reduce="mean")
    weight = weight.to(x.dtype)
    total = spmm(graph, x.new_ones(graph.num_sources, 1), weight)
    return spmm(graph, x, weight) / torch.where(total > 0, total, 1.0)


class LSTMAggregation(nn.Module):
    """Runs an LSTM over the sources of every node's incoming edges; the last hidden state is the aggregate.

    Sequences are packed, so the work is one LSTM step an edge and nothing is padded.

    Shapes:
        x [N, F]; returns [N, F], zero where no edge arrives.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.lstm = nn.LSTM(channels, channels, batch_first=True)

    def forward(self, x: Tensor, graph: CSRGraph) -> Tensor:
        """Returns the aggregates [N, F]."""
        degree = graph.in_degree
        nodes = degree.argsort(descending=True, stable=True)
        nodes = nodes[: int((degree > 0).sum())]
        out = x.new_zeros(graph.num_nodes, x.size(1))
        if not len(nodes):
            return out
        rank = torch.empty_like(degree)
        rank[nodes] = torch.arange(len(nodes), device=x.device)
        row = graph.row.long()
        step = torch.arange(graph.num_edges, device=x.device) - graph.rowptr.long()[row]
        order = (step * len(nodes) + rank[row]).argsort()
        packed = nn.utils.rnn.PackedSequence(x[graph.col.long()[order]], torch.bincount(step).cpu())
        _, (hidden, _) = self.lstm(packed)
        return out.index_copy(0, nodes, hidden[0])
