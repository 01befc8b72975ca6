"""Transforms: node features computed once from the graph, before any training.

A transform is a module with a `VERSION` and a function `(x, edge_index, **options) -> [N, F'] float32`. `Precompute`
names one with its options; its `key` belongs in the name of whatever file caches the outcome.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from graphkit.config import stable_hash
from graphkit.registry import Registry

FeatureTransform = Callable[..., NDArray[np.float32]]

TRANSFORMS: Registry[FeatureTransform] = Registry(
    "transform", {"sgc": "graphkit.transforms.propagate:sgc_propagate"}, group="graphkit.transforms"
)


@dataclass(frozen=True)
class Precompute:
    """One transform with its options: a pure function of features and edges.

    Args:
        name: a name in `TRANSFORMS`.
        options: keyword arguments of the transform.

    Example:
        >>> Precompute("sgc", {"hops": 1}).apply(np.eye(2), [[0, 1], [1, 0]]).shape
        (2, 2)
    """

    name: str
    options: Mapping[str, Any] = field(default_factory=dict)

    def apply(self, x: NDArray[Any] | sparse.csr_matrix, edge_index: ArrayLike) -> NDArray[np.float32]:
        """Returns the new [N, F'] float32 features."""
        return TRANSFORMS.get(self.name)(x, edge_index, **self.options)

    def key(self, fingerprint: str) -> str:
        """Returns a sha256 hex digest of the data it is applied to, the transform, its version and its options."""
        module = sys.modules[TRANSFORMS.get(self.name).__module__]
        return stable_hash([fingerprint, self.name, getattr(module, "VERSION", 0), dict(self.options)])
