"""The simplified graph convolution of Wu et al., with its propagated features remembered."""

from __future__ import annotations

import weakref
from typing import Any

from torch import Tensor, nn

from graphkit.encoders.linear import Linear, dense
from graphkit.errors import ConfigError
from graphkit.kernels import CSRGraph, SparseFeatures, as_graph, spmm


class PropagationCache:
    """Remembers the S^K X of one (features, graph) pair, for as long as both live and X is not changed in place.

    Example:
        >>> import torch
        >>> graph = CSRGraph.from_edge_index(torch.tensor([[0, 1], [1, 0]]), 2)
        >>> cache, x = PropagationCache(), torch.ones(2, 3)
        >>> cache.get(x, graph, 2) is cache.get(x, graph, 2)
        True
    """

    def __init__(self) -> None:
        self._key: tuple[Any, ...] = ()
        self._value: Tensor | None = None

    def get(self, x: Tensor | SparseFeatures, graph: CSRGraph, hops: int, add_self_loops: bool = True) -> Tensor:
        """Returns S^K X, computed if it is not the remembered one."""
        values = x.value if isinstance(x, SparseFeatures) else x
        version = -1 if values.is_inference() else values._version
        same = self._key[2:] == (version, hops, add_self_loops) and version >= 0
        if not (same and self._key[0]() is x and self._key[1]() is graph):
            self._value = propagate(dense(x), graph, hops, add_self_loops)
            self._key = (weakref.ref(x, self._forget), weakref.ref(graph, self._forget), version, hops, add_self_loops)
        assert self._value is not None
        return self._value

    def _forget(self, reference: Any) -> None:
        if any(reference is kept for kept in self._key):
            self._key, self._value = (), None

    def __getstate__(self) -> dict[str, Any]:  # copies and pickles of a model start empty
        return {"_key": (), "_value": None}

    def __deepcopy__(self, memo: dict[int, Any]) -> PropagationCache:
        return PropagationCache()


class SGConv(nn.Module):
    """X' = S^K X W + b with S = D^-1/2 (A + I) D^-1/2 (Wu et al. 2019, arXiv 1902.07153, eq. 8); parameters as in PyG.

    S^K X has no parameters. It is computed once for given features and graph, so an epoch costs one linear map.

    Args:
        in_channels: F.
        out_channels: C.
        hops: K (PyG calls it `K`).
        add_self_loops: use A + I instead of A.
        bias: learn an additive [C] bias.

    Raises:
        ConfigError: `hops` is negative.

    Example:
        >>> import torch
        >>> SGConv(4, 2, hops=2)(torch.ones(3, 4), torch.tensor([[0, 1], [1, 2]])).shape
        torch.Size([3, 2])
    """

    def __init__(
        self, in_channels: int, out_channels: int, hops: int = 1, add_self_loops: bool = True, bias: bool = True
    ) -> None:
        super().__init__()
        if hops < 0:
            raise ConfigError(f"hops must not be negative, got {hops}")
        self.in_channels, self.out_channels = in_channels, out_channels
        self.hops, self.add_self_loops = hops, add_self_loops
        self.lin = Linear(in_channels, out_channels, bias=bias)
        self._cache = PropagationCache()

    def forward(self, x: Tensor | SparseFeatures, edge_index: Tensor | CSRGraph) -> Tensor:
        """Maps propagated features.

        Args:
            x: [N, F]; nothing is remembered for features that need a gradient.
            edge_index: [2, E] or a CSRGraph.

        Returns:
            [N, C].
        """
        graph = as_graph(edge_index, x.size(0))
        if isinstance(x, Tensor) and x.requires_grad:
            return self.lin(propagate(x, graph, self.hops, self.add_self_loops))
        return self.lin(self._cache.get(x, graph, self.hops, self.add_self_loops))


def propagate(x: Tensor, graph: CSRGraph, hops: int, add_self_loops: bool = True) -> Tensor:
    """S^K X [N, F] for the symmetrically normalised adjacency S."""
    normalised, weight = graph.gcn_norm(self_loops=add_self_loops)
    for _ in range(hops):
        x = spmm(normalised, x, weight)
    return x
