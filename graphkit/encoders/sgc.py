"""Simplified graph convolution."""

from __future__ import annotations

import weakref

from torch import Tensor

from graphkit.encoders.base import Encoder
from graphkit.encoders.linear import Linear, dense, drop
from graphkit.errors import ConfigError
from graphkit.kernels import CSRGraph, SparseFeatures, spmm


class SGC(Encoder):
    """A linear map of S^K X, S the normalised adjacency with self-loops.

    Wu et al., ICML 2019 (arXiv 1902.07153), eq. 8. S^K X has no parameters, so it is computed once for each pair of
    features and graph and kept as long as both live; an epoch then costs one linear layer.

    Args:
        in_channels: F.
        out_channels: C.
        hops: K.
        dropout: rate on the propagated features.

    Example:
        >>> import torch
        >>> SGC(3, 2)(torch.ones(4, 3), torch.tensor([[0, 1], [1, 2]])).shape
        torch.Size([4, 2])
    """

    def __init__(self, in_channels: int, out_channels: int, hops: int = 2, dropout: float = 0.0) -> None:
        super().__init__(in_channels, out_channels)
        if hops < 0:
            raise ConfigError(f"hops must not be negative, got {hops}")
        self.hops, self.dropout = hops, dropout
        self.lin = Linear(in_channels, out_channels)
        self._kept: tuple[weakref.ref, weakref.ref, int, Tensor] | None = None

    def encode(self, x: Tensor | SparseFeatures, graph: CSRGraph, edge_attr: Tensor | None) -> Tensor:
        """Returns the class scores [N, C]."""
        return self.lin(drop(self.propagate(x, graph), self.dropout, self.training))

    def propagate(self, x: Tensor | SparseFeatures, graph: CSRGraph) -> Tensor:
        """Returns S^K X [N, F]."""
        version = x._version if isinstance(x, Tensor) and not x.is_inference() else 0
        kept = self._kept
        if kept is not None and kept[0]() is x and kept[1]() is graph and kept[2] == version:
            return kept[3]
        states = dense(x)
        looped, weight = graph.gcn_norm(dtype=states.dtype)
        for _ in range(self.hops):
            states = spmm(looped, states, weight)
        # Inference tensors count no versions, and a result made of them could not be trained on later.
        inference = states.is_inference() or (isinstance(x, Tensor) and x.is_inference())
        if not states.requires_grad and not inference:
            self._kept = (weakref.ref(x, self._forget), weakref.ref(graph, self._forget), version, states)
        return states

    def _forget(self, reference: weakref.ref) -> None:
        if self._kept is not None and any(reference is kept for kept in self._kept[:2]):
            self._kept = None

    def __getstate__(self) -> dict:
        return {**super().__getstate__(), "_kept": None}
