"""The soft-isomorphic relational convolution of SIR-GCN."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from graphkit.encoders.base import require_choice
from graphkit.encoders.linear import Activation, Linear, drop
from graphkit.errors import ShapeError
from graphkit.kernels import CSRGraph, SparseFeatures, as_graph, pair_sum

SIRReduce = Literal["sum", "mean", "max", "sym"]


class SIRConv(nn.Module):
    """Aggregates W_r activation(W_q x_i + W_k x_j [+ W_e e_ij]) over incoming edges: every pair has its own message.

    Lim, "SIR-GCN" (arXiv 2403.13022), eq. 5. W_r is linear, so for `sum`, `mean` and `sym` it is applied once a node
    after the fused aggregation; its bias is added once a node, isolated nodes included.

    Args:
        in_channels: F.
        hidden_channels: width of the messages.
        out_channels: C.
        activation: of the pair.
        reduce: `sum`, `mean`, `max`, or `sym`: each message scaled by 1 / sqrt(in-degree of i * out-degree of j), each
            degree at least 1. `max` follows the authors and takes the maximum after W_r, at a cost of E * hidden * C.
        dropout: rate at which the projected query, key and edge states are dropped in training.
        edge_dim: D, width of the edge features, if there are any.
        bias: learn biases of W_q and W_r.

    Shapes:
        x [N, F], edge_index [2, E] or `CSRGraph`, edge_attr [E, D]; returns [N, C].

    Example:
        >>> import torch
        >>> SIRConv(3, 4, 2)(torch.ones(2, 3), torch.tensor([[0], [1]])).shape
        torch.Size([2, 2])
    """

    def __init__(
        self,
        in_channels: int,
        hidden_channels: int,
        out_channels: int,
        activation: Activation = "gelu",
        reduce: SIRReduce = "sum",
        dropout: float = 0.0,
        edge_dim: int | None = None,
        bias: bool = True,
    ) -> None:
        super().__init__()
        require_choice(SIRReduce, reduce=reduce)
        require_choice(Activation, activation=activation)
        self.activation, self.reduce, self.dropout, self.edge_dim = activation, reduce, dropout, edge_dim
        self.lin_query = Linear(in_channels, hidden_channels, bias=bias)
        self.lin_key = Linear(in_channels, hidden_channels, bias=False)
        self.lin_edge = None if edge_dim is None else Linear(edge_dim, hidden_channels, bias=False)
        self.lin_relation = Linear(hidden_channels, out_channels, bias=bias)

    def forward(
        self, x: Tensor | SparseFeatures, edge_index: Tensor | CSRGraph, edge_attr: Tensor | None = None
    ) -> Tensor:
        """Returns the new states [N, C]."""
        graph = as_graph(edge_index, x.shape[0])
        if (edge_attr is None) != (self.edge_dim is None):
            raise ShapeError("SIRConv takes edge_attr exactly when it was built with edge_dim")
        query = drop(self.lin_query(x), self.dropout, self.training)
        key = drop(self.lin_key(x), self.dropout, self.training)
        edge = None if edge_attr is None else drop(self.lin_edge(edge_attr), self.dropout, self.training)
        if self.reduce == "max":
            return self._max(graph, query, key, edge)
        weight = self._symmetric_weight(graph, query.dtype) if self.reduce == "sym" else None
        reduce = "mean" if self.reduce == "mean" else "sum"
        out = pair_sum(graph, query, key, edge, activation=self.activation, weight=weight, reduce=reduce)
        return self.lin_relation(out)

    def _max(self, graph: CSRGraph, query: Tensor, key: Tensor, edge: Tensor | None) -> Tensor:
        # One row an edge: pair_sum over a graph in which every edge has a target of its own.
        source, target = graph.edge_index()
        each = CSRGraph.from_edge_index(
            torch.stack([source, torch.arange(graph.num_edges, device=source.device)]),
            (graph.num_nodes, graph.num_edges),
        )
        messages = pair_sum(each, query[target], key, edge, activation=self.activation)
        messages = nn.functional.linear(messages, self.lin_relation.weight)
        index = target.unsqueeze(-1).expand_as(messages)
        out = messages.new_zeros(graph.num_nodes, messages.size(1))
        out = out.scatter_reduce(0, index, messages, "amax", include_self=False)
        return out if self.lin_relation.bias is None else out + self.lin_relation.bias

    def _symmetric_weight(self, graph: CSRGraph, dtype: torch.dtype) -> Tensor:
        source, target = graph.edge_index()
        into, out = graph.in_degree.clamp(min=1), graph.out_degree.clamp(min=1)
        return (into[target] * out[source]).to(dtype).rsqrt()
