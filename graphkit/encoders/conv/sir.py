"""The soft-injective, relational convolution of SIR-GCN."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from graphkit.encoders.linear import ACTIVATIONS, Activation, Linear
from graphkit.errors import ConfigError
from graphkit.kernels import CSRGraph, SparseFeatures, as_graph, pair_sum

Aggregation = Literal["sum", "mean", "max", "sym"]


class SIRConv(nn.Module):
    """x'_u = AGG_v W_R s(W_Q x_u + W_K x_v + W_E e_uv) (Lim et al. 2024, arXiv 2403.13022, eq. 5).

    W_R is linear, so sums and means take it after the aggregation: O(E D) instead of O(E D C). The biases belong to Q
    and R; that of R is added once a node, so isolated nodes receive it too.

    Args:
        in_channels: F.
        hidden_channels: D, width inside the activation.
        out_channels: C.
        aggregation: "sum", "mean", "sym" (a sum with weights (deg_in(u) deg_out(v))^-1/2, degrees at least 1), or
            "max", whose maximum is taken after W_R and costs O(E C) memory.
        activation: s.
        edge_dim: number of edge features, or None.
        dropout: probability that an entry of the projected query, key or edge state is dropped.
        bias: learn additive biases.

    Raises:
        ConfigError: unknown `aggregation` or `activation`.

    Example:
        >>> import torch
        >>> SIRConv(4, 8, 2, "sym")(torch.ones(3, 4), torch.tensor([[0, 1], [1, 2]])).shape
        torch.Size([3, 2])
    """

    def __init__(
        self,
        in_channels: int,
        hidden_channels: int,
        out_channels: int,
        aggregation: Aggregation = "sum",
        activation: Activation = "gelu",
        edge_dim: int | None = None,
        dropout: float = 0.0,
        bias: bool = True,
    ) -> None:
        super().__init__()
        if aggregation not in ("sum", "mean", "max", "sym"):
            raise ConfigError(f"unknown aggregation {aggregation!r}; use one of sum, mean, max, sym")
        if activation not in ACTIVATIONS:
            raise ConfigError(f"unknown activation {activation!r}; use one of {', '.join(ACTIVATIONS)}")
        self.aggregation, self.activation, self.dropout = aggregation, activation, dropout
        self.query = Linear(in_channels, hidden_channels, bias=bias)
        self.key = Linear(in_channels, hidden_channels, bias=False)
        self.edge = None if edge_dim is None else Linear(edge_dim, hidden_channels, bias=False)
        self.relation = Linear(hidden_channels, out_channels, bias=bias)

    def forward(
        self, x: Tensor | SparseFeatures, edge_index: Tensor | CSRGraph, edge_attr: Tensor | None = None
    ) -> Tensor:
        """Convolves node states.

        Args:
            x: [N, F].
            edge_index: [2, E] or a CSRGraph.
            edge_attr: [E, edge_dim] in edge order.

        Returns:
            [N, C].
        """
        graph = as_graph(edge_index, x.size(0))
        query, key = self._drop(self.query(x)), self._drop(self.key(x))
        edge = None if self.edge is None or edge_attr is None else self._drop(self.edge(edge_attr))
        if self.aggregation == "max":
            return self._max(graph, query, key, edge)
        weight = symmetric_weight(graph, query.dtype) if self.aggregation == "sym" else None
        reduce = "mean" if self.aggregation == "mean" else "sum"
        return self.relation(pair_sum(graph, query, key, edge, self.activation, weight, reduce))

    def _max(self, graph: CSRGraph, query: Tensor, key: Tensor, edge: Tensor | None) -> Tensor:
        targets = graph.row.long()
        states = query.index_select(0, targets) + key.index_select(0, graph.col)
        if edge is not None:
            states = states + graph.to_slots(edge)
        messages = functional.linear(ACTIVATIONS[self.activation](states), self.relation.weight)
        out = messages.new_zeros(graph.num_nodes, messages.size(1))
        index = targets.unsqueeze(-1).expand_as(messages)
        out = out.scatter_reduce(0, index, messages, "amax", include_self=False)
        return out if self.relation.bias is None else out + self.relation.bias

    def _drop(self, x: Tensor) -> Tensor:
        return functional.dropout(x, self.dropout, self.training)


def symmetric_weight(graph: CSRGraph, dtype: torch.dtype) -> Tensor:
    """(deg_in(u) deg_out(v))^-1/2 [E] of every edge v to u, in edge order, with degrees clamped to at least one."""
    source, target = graph.edge_index()
    degrees = graph.out_degree.clamp(min=1)[source] * graph.in_degree.clamp(min=1)[target]
    return degrees.to(dtype).rsqrt()
