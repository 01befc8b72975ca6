"""The graph head: node states become one vector a graph, and that vector the scores of the graph."""

from __future__ import annotations

from typing import Literal, get_args

import torch
from torch import Tensor, nn

from graphkit.errors import ConfigError
from graphkit.heads.node import Kind, Loss, NodeHead, Target
from graphkit.heads.readout import Readout, make_readout


class GraphHead(NodeHead):
    """Pools the states of every graph and scores the graph; loss and scores are those of the node head.

    Args:
        in_channels: C, width of the encoder's states.
        num_outputs: number of classes, labels or values; 1 if `target` is "binary".
        readout: `sum`, `mean`, `max`, `attention` or `set` (see `heads.readout`); `none` for encoders that return one
            state a graph.
        kind: "linear" maps the pooled state, "mlp" is Linear, ReLU, dropout, Linear.
        target: what is predicted.
        hidden_channels: width inside the "mlp"; 0 takes `in_channels`.
        dropout: probability before the last linear map.
        loss: of a regression, `l1` or `mse`.

    Raises:
        ConfigError: an unknown option, or widths that do not fit.

    Example:
        >>> head = GraphHead(16, 3, readout="mean")
        >>> head(torch.ones(5, 16), torch.tensor([0, 2, 5])).shape
        torch.Size([2, 3])
    """

    def __init__(
        self,
        in_channels: int,
        num_outputs: int,
        readout: Readout | Literal["none"] = "sum",
        kind: Kind = "mlp",
        target: Target = "multiclass",
        hidden_channels: int = 0,
        dropout: float = 0.0,
        loss: Loss = "l1",
    ) -> None:
        if readout != "none" and readout not in get_args(Readout):
            raise ConfigError(f"unknown readout {readout!r}; use one of none, {', '.join(get_args(Readout))}")
        pool = None if readout == "none" else make_readout(readout, in_channels)
        width = in_channels if pool is None else pool.out_channels
        super().__init__(width, num_outputs, kind, target, hidden_channels, dropout, loss, activation="relu")
        self.readout: nn.Module | None = pool

    def forward(self, x: Tensor, ptr: Tensor | None = None) -> Tensor:
        """Maps states [N, C] and graph offsets [G + 1] to raw scores [G, num_outputs]."""
        if self.readout is not None:
            if ptr is None:
                ptr = torch.tensor([0, len(x)], device=x.device)
            x = self.readout(x, ptr)
        return super().forward(x)
