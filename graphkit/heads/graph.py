"""The graph head: node states become one vector a graph, and that vector the scores of the graph."""

from __future__ import annotations

from typing import Literal, get_args

import torch
from torch import Tensor, nn
from torch.nn import functional

from graphkit.errors import ConfigError
from graphkit.heads.node import Kind, Loss, NodeHead, Target
from graphkit.heads.readout import Readout, make_readout

Norm = Literal["none", "batch"]


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
        norm: "batch" normalises the pooled state over the graphs of a batch, and again inside the "mlp": vectors of
            graphs that differ in their last digits alone, as those of strongly regular graphs do, then differ as much
            as any. A batch of one graph takes the running statistics.

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
        norm: Norm = "none",
    ) -> None:
        if norm not in get_args(Norm):
            raise ConfigError(f"unknown norm {norm!r} of a graph head; use one of {', '.join(get_args(Norm))}")
        if readout != "none" and readout not in get_args(Readout):
            raise ConfigError(f"unknown readout {readout!r}; use one of none, {', '.join(get_args(Readout))}")
        pool = None if readout == "none" else make_readout(readout, in_channels)
        width = in_channels if pool is None else pool.out_channels
        super().__init__(width, num_outputs, kind, target, hidden_channels, dropout, loss, activation="relu")
        self.readout: nn.Module | None = pool
        self.norm = GraphBatchNorm(width) if norm == "batch" else None
        if norm == "batch" and kind == "mlp":
            self.layers.insert(1, GraphBatchNorm(hidden_channels or width))

    def forward(self, x: Tensor, ptr: Tensor | None = None) -> Tensor:
        """Maps states [N, C] and graph offsets [G + 1] to raw scores [G, num_outputs]."""
        if self.readout is not None:
            if ptr is None:
                ptr = torch.tensor([0, len(x)], device=x.device)
            x = self.readout(x, ptr)
        return super().forward(x if self.norm is None else self.norm(x))


class GraphBatchNorm(nn.BatchNorm1d):
    """Batch normalisation over graphs; a batch of one graph, whose variance is zero, takes the running statistics.

    Variances below 1e-8, not 1e-5, count as none: graphs may differ in the fourth digit of single precision.

    Example:
        >>> GraphBatchNorm(2)(torch.ones(1, 2)).shape
        torch.Size([1, 2])
    """

    def __init__(self, channels: int) -> None:
        super().__init__(channels, eps=1e-8)

    def forward(self, x: Tensor) -> Tensor:
        """Maps [G, C] to [G, C]."""
        if len(x) > 1 or not self.training:
            return super().forward(x)
        assert self.running_mean is not None and self.running_var is not None
        return functional.batch_norm(x, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps)
