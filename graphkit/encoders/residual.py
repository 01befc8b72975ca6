"""The residual shell that graphs with heterophily need, around a plain convolution."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from graphkit.encoders.base import Encoder, require_choice, require_positive
from graphkit.encoders.linear import Linear, drop
from graphkit.encoders.norm import Norm, make_norm
from graphkit.errors import ConfigError
from graphkit.kernels import CSRGraph, SparseFeatures, gat_attention, spmm

Layer = Literal["gat", "sage", "gcn", "none"]


class ResidualShell(Encoder):
    """Wraps an aggregation in normalisation, a feed-forward network and a residual connection, layer by layer.

    Platonov et al., ICLR 2023 (arXiv 2302.11640), section 4: x + FFN(aggregate(norm(x))). With `separate` the network
    reads a node's own state beside the aggregate of its neighbours instead of mixing both; that is GAT-sep, and the
    GraphSAGE of that paper. Their setting is hidden 512, 8 heads, 5 layers, learning rate 3e-5, 1000 steps.

    Args:
        in_channels: F.
        out_channels: C.
        layer: `gat`, `sage` (mean), `gcn`, or `none` for a residual MLP that never looks at the graph.
        separate: keep a node's own state apart; without it every node gets a self-loop.
        hidden_channels: width of the states; divisible by `heads` for `gat`.
        num_layers: number of residual layers.
        heads: attention heads of `gat`.
        expansion: hidden width of the feed-forward networks, in multiples of `hidden_channels`.
        dropout: rate inside the feed-forward networks and after the input layer.
        attention_dropout: rate at which attention coefficients are dropped.
        norm: before every layer and at the end.

    Raises:
        ConfigError: the heads do not divide the width.

    Example:
        >>> import torch
        >>> ResidualShell(3, 2, hidden_channels=16)(torch.ones(4, 3), torch.tensor([[0, 1], [1, 2]])).shape
        torch.Size([4, 2])
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        layer: Layer = "gat",
        separate: bool = True,
        hidden_channels: int = 512,
        num_layers: int = 5,
        heads: int = 8,
        expansion: int = 1,
        dropout: float = 0.2,
        attention_dropout: float = 0.0,
        norm: Norm = "layer",
    ) -> None:
        super().__init__(in_channels, out_channels)
        require_positive(hidden_channels=hidden_channels, num_layers=num_layers, heads=heads, expansion=expansion)
        require_choice(Layer, layer=layer)
        if layer == "gat" and hidden_channels % heads:
            raise ConfigError(f"{heads} heads do not divide hidden_channels = {hidden_channels}")
        self.dropout = dropout
        self.first = Linear(in_channels, hidden_channels)
        self.blocks = nn.ModuleList(
            _Block(layer, separate, hidden_channels, heads, expansion, dropout, attention_dropout, norm)
            for _ in range(num_layers)
        )
        self.norm = make_norm(norm, hidden_channels)
        self.last = nn.Linear(hidden_channels, out_channels)

    def encode(self, x: Tensor | SparseFeatures, graph: CSRGraph, edge_attr: Tensor | None) -> Tensor:
        """Returns the states behind the output layer [N, C]."""
        state = functional.gelu(drop(self.first(x), self.dropout, self.training))
        for block in self.blocks:
            state = state + block(state, graph)
        return self.last(self.norm(state))


class _Block(nn.Module):
    def __init__(
        self,
        layer: Layer,
        separate: bool,
        width: int,
        heads: int,
        expansion: int,
        dropout: float,
        attention_dropout: float,
        norm: Norm,
    ) -> None:
        super().__init__()
        self.layer, self.separate, self.heads = layer, separate and layer != "none", heads
        self.attention_dropout, self.dropout = attention_dropout, dropout
        self.norm = make_norm(norm, width)
        if layer == "gat":
            self.value = nn.Linear(width, width)
            self.score_source, self.score_target = nn.Linear(width, heads), nn.Linear(width, heads, bias=False)
        self.first = nn.Linear(width * (2 if self.separate else 1), width * expansion)
        self.last = nn.Linear(width * expansion, width)

    def forward(self, x: Tensor, graph: CSRGraph) -> Tensor:
        x = self.norm(x)
        x = self.value(x) if self.layer == "gat" else x
        message = self._aggregate(x, graph if self.separate else graph.with_remaining_self_loops())
        x = torch.cat([x, message], dim=-1) if self.separate else message
        x = functional.gelu(drop(self.first(x), self.dropout, self.training))
        return drop(self.last(x), self.dropout, self.training)

    def _aggregate(self, x: Tensor, graph: CSRGraph) -> Tensor:
        if self.layer == "none":
            return x
        if self.layer == "sage":
            return spmm(graph, x, reduce="mean")
        if self.layer == "gcn":
            normed, weight = graph.gcn_norm(self_loops=False, dtype=x.dtype)
            return spmm(normed, x, weight)
        value = x.view(len(x), self.heads, -1)
        source, target = self.score_source(x), self.score_target(x)
        return gat_attention(
            graph, value, source, target, dropout=self.attention_dropout, training=self.training
        ).flatten(1)
