"""Deep adaptive graph neural network."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from graphkit.encoders.base import Encoder, require_positive
from graphkit.encoders.linear import Linear, drop
from graphkit.kernels import CSRGraph, SparseFeatures, spmm


class DAGNN(Encoder):
    """Predicts classes first, propagates the predictions K hops, and lets every node weigh its K + 1 versions.

    Liu, Gao, Ji, KDD 2020 (arXiv 2007.09296), eq. 8: Z = MLP(x), H_k = S^k Z, s_k = sigmoid(H_k w + b), the result is
    sum_k s_k H_k. Transformation and propagation are apart, so many hops need no more parameters.

    Args:
        in_channels: F.
        out_channels: C.
        hidden_channels: width inside the MLP.
        hops: K.
        dropout: rate before each of the two linear layers.

    Example:
        >>> import torch
        >>> DAGNN(3, 2)(torch.ones(4, 3), torch.tensor([[0, 1], [1, 2]])).shape
        torch.Size([4, 2])
    """

    def __init__(
        self, in_channels: int, out_channels: int, hidden_channels: int = 64, hops: int = 10, dropout: float = 0.8
    ) -> None:
        super().__init__(in_channels, out_channels)
        require_positive(hidden_channels=hidden_channels, hops=hops)
        self.hops, self.dropout = hops, dropout
        self.first, self.last = Linear(in_channels, hidden_channels), Linear(hidden_channels, out_channels)
        self.gate = nn.Linear(out_channels, 1)

    def encode(self, x: Tensor | SparseFeatures, graph: CSRGraph, edge_attr: Tensor | None) -> Tensor:
        """Returns the gated predictions [N, C]."""
        hidden = self.first(drop(x, self.dropout, self.training)).relu()
        state = self.last(drop(hidden, self.dropout, self.training))
        looped, weight = graph.gcn_norm(dtype=state.dtype)
        states = [state]
        for _ in range(self.hops):
            states.append(spmm(looped, states[-1], weight))
        versions = torch.stack(states, dim=1)
        return (self.gate(versions).sigmoid().transpose(1, 2) @ versions).squeeze(1)
