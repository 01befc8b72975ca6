"""Propagation without weights between the layers, the encoder of Neural Common Neighbor."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from graphkit.encoders.base import Encoder, require_choice, require_positive
from graphkit.encoders.linear import Linear, drop
from graphkit.kernels import CSRGraph, SparseFeatures, counter_dropout, spmm

Operator = Literal["gcn", "sum"]


class PureGCN(Encoder):
    """One linear map of the inputs, then L propagations without weights and a learned sum of their results.

    Wang, Yang and Zhang, "Neural Common Neighbor with Completion for Link Prediction", ICLR 2024 (arXiv 2302.00890),
    appendix; there `puregcn` and `puresum`.

        h_0 = drop(drop(x) W + b)      h_l = P h_{l-1} (+ h_{l-1})      out = sum_l w_l h_l

    P is D^-1/2 (A + I) D^-1/2 for `gcn` (D counts the self-loop), and A for `sum`.

    Args:
        in_channels: F.
        out_channels: C.
        hidden_channels: width of the states; another C than this adds a linear map at the end.
        num_layers: L.
        operator: `gcn` or `sum`.
        input_dropout: rate on the inputs.
        dropout: rate after the first map.
        tail_dropout: rate after the last propagation.
        residual: add h_{l-1} to every h_l.
        jump: learn the weights w_l, drawn from a standard normal distribution; otherwise the last layer is the result.
        input_map: without it the inputs are the states, and F must be `hidden_channels`.

    Raises:
        ConfigError: sizes are not positive, or F does not fit where there is no input map.

    Example:
        >>> PureGCN(3, 8, hidden_channels=8)(torch.ones(4, 3), torch.tensor([[0, 1], [1, 2]])).shape
        torch.Size([4, 8])
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        hidden_channels: int = 256,
        num_layers: int = 1,
        operator: Operator = "gcn",
        input_dropout: float = 0.0,
        dropout: float = 0.0,
        tail_dropout: float = 0.0,
        residual: bool = False,
        jump: bool = True,
        input_map: bool = True,
    ) -> None:
        super().__init__(in_channels, out_channels)
        require_positive(hidden_channels=hidden_channels, num_layers=num_layers)
        require_choice(Operator, operator=operator)
        width = hidden_channels if input_map else in_channels
        self.input = Linear(in_channels, hidden_channels) if input_map else None
        self.output = Linear(width, out_channels) if out_channels != width else None
        self.jump = nn.Parameter(torch.randn(num_layers)) if jump else None
        self.num_layers, self.operator, self.residual = num_layers, operator, residual
        self.input_dropout, self.dropout, self.tail_dropout = input_dropout, dropout, tail_dropout

    def encode(self, x: Tensor | SparseFeatures, graph: CSRGraph, edge_attr: Tensor | None) -> Tensor:
        """Returns the states [N, C]."""
        x = drop(x, self.input_dropout, self.training)
        if self.input is not None:
            x = self.input(x)
        elif isinstance(x, SparseFeatures):
            x = x.dense()
        x = counter_dropout(x, self.dropout, self.training)
        scale = (1.0 + graph.in_degree.to(x.dtype)).rsqrt().unsqueeze(-1)
        layers = []
        for layer in range(self.num_layers):
            before = x
            if self.operator == "gcn":
                scaled = scale * x
                x = scale * (spmm(graph, scaled) + scaled)
            else:
                x = spmm(graph, x)
            if layer + 1 == self.num_layers:
                x = counter_dropout(x, self.tail_dropout, self.training)
            x = x + before if self.residual else x
            layers.append(x)
        if self.jump is not None:
            x = sum(weight * state for weight, state in zip(self.jump, layers, strict=True))
        return x if self.output is None else self.output(x)
