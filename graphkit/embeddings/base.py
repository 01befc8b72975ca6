"""What an embedding is asked to do."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.base import BaseEstimator

from graphkit.embeddings.adjacency import as_adjacency
from graphkit.errors import GraphValidationError, NonFiniteScores

Vectors = NDArray[np.float32]


class NodeEmbedding(BaseEstimator):
    """An estimator in the sense of scikit-learn: `get_params`, `set_params` and `sklearn.base.clone` work.

    A subclass keeps its options under the names of its constructor's arguments, `seed` among them, and defines `embed`.
    """

    embedding_: Vectors

    def embed(self, adjacency: sparse.csr_matrix) -> Vectors:
        """Returns [N, d] float32 vectors of an [N, N] float32 adjacency; equal seeds give equal vectors."""
        raise TypeError(f"{type(self).__name__} must define embed(adjacency)")

    def fit(self, graph: Any, y: None = None) -> NodeEmbedding:
        """Embeds the nodes of a graph and keeps the vectors as `embedding_`. Arguments as in `fit_transform`."""
        adjacency = as_adjacency(graph)
        if adjacency.nnz == 0:
            raise GraphValidationError(
                f"{type(self).__name__} places nodes by their edges, but the graph has {adjacency.shape[0]} nodes and "
                "no edge"
            )
        found = np.ascontiguousarray(self.embed(adjacency), dtype=np.float32)
        bad = np.flatnonzero(~np.isfinite(found).all(axis=1))
        if len(bad):
            raise NonFiniteScores(
                f"{type(self).__name__} gave NaN or infinity for {len(bad)} nodes, node {bad[0]} first; "
                "lower its learning rate"
            )
        self.embedding_ = found
        return self

    def fit_transform(self, graph: Any, y: None = None) -> Vectors:
        """Returns the [N, d] float32 vectors of the nodes of a graph.

        Args:
            graph: see `as_adjacency`.
            y: for scikit-learn's sake; not looked at.

        Raises:
            GraphValidationError: a broken graph, or one without edges.
            ConfigError: an option out of range.
            NonFiniteScores: training diverged.
        """
        return self.fit(graph).embedding_
