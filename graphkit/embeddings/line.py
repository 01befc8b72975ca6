"""LINE: skip-gram over single edges, of first and of second order."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from graphkit.embeddings.base import NodeEmbedding, Vectors
from graphkit.embeddings.skipgram import edge_layout, train
from graphkit.errors import ConfigError, UnknownNameError

Order = Literal["first", "second", "both"]
_EDGES = 20
"""Edges that share their negatives."""
_PASS = 1 << 18


class LINE(NodeEmbedding):
    """Places nodes so that the ends of an edge are near (first order) or share their neighbours (second order).

    Tang, Qu, Wang, Zhang, Yan, Mei: "LINE: Large-scale Information Network Embedding", WWW 2015 (arXiv 1503.03578),
    equations 3 and 7: for an edge (i, j), drawn in proportion to its weight, and K negatives n,

        log s(u_i . v_j) + sum_n log s(-u_i . v_n)        with v = u for the first order.

    Args:
        dimension: d; with both orders each takes one half.
        order: `first`, `second`, or `both`, the concatenation of vectors of unit length.
        samples: edges drawn a node, for every order; both directions of an edge are trained.
        negatives: K an edge.
        learning_rate: of the first step; falls to 0.
        seed: of edges, first vectors and negatives.

    Shapes:
        graph [N, N]; returns [N, d] float32. Negatives are drawn by degree to the power 3/4.

    Raises:
        ConfigError: an option below 1, an odd dimension for both orders, or a learning rate not above 0.
        UnknownNameError: no such order.

    Example:
        >>> import networkx as nx
        >>> LINE(16, samples=20).fit_transform(nx.karate_club_graph()).shape
        (34, 16)
    """

    def __init__(
        self,
        dimension: int = 128,
        order: Order = "both",
        samples: int = 1000,
        negatives: int = 5,
        learning_rate: float = 0.025,
        seed: int = 0,
    ) -> None:
        self.dimension, self.order, self.samples = dimension, order, samples
        self.negatives, self.learning_rate, self.seed = negatives, learning_rate, seed

    def embed(self, adjacency: sparse.csr_matrix) -> Vectors:
        """Returns the vectors; see the class."""
        if self.order not in get_args(Order):
            raise UnknownNameError("order of LINE", self.order, get_args(Order))
        for name in ("dimension", "samples", "negatives"):
            if getattr(self, name) < 1:
                raise ConfigError(f"LINE: {name} must be at least 1, got {getattr(self, name)}")
        if not 0 < self.learning_rate < np.inf:
            raise ConfigError(f"LINE: learning_rate must be above 0, got {self.learning_rate}")
        if self.order == "both" and self.dimension % 2:
            raise ConfigError(f"LINE: both orders share the dimension evenly, got {self.dimension}")
        orders = ("first", "second") if self.order == "both" else (self.order,)
        parts = [self._train(adjacency, order, self.dimension // len(orders)) for order in orders]
        if len(parts) == 1:
            return parts[0]
        return np.concatenate([_unit_rows(part) for part in parts], axis=1)

    def _train(self, adjacency: sparse.csr_matrix, order: str, dimension: int) -> Vectors:
        edges = adjacency.tocoo()
        running = np.cumsum(edges.data, dtype=np.float64)
        nodes = adjacency.shape[0]
        rows = max(1, -(-self.samples * nodes // _EDGES))
        passes = -(-rows * _EDGES // _PASS)
        each = -(-rows // passes)
        edge_seed, train_seed = np.random.SeedSequence([self.seed, len(order)]).generate_state(2, np.uint64).tolist()

        def one_pass(number: int) -> NDArray[np.int32]:
            rng = np.random.default_rng(np.random.SeedSequence([edge_seed, number]))
            drawn = np.searchsorted(running, rng.random(each * _EDGES) * running[-1], side="right")
            drawn = np.minimum(drawn, len(running) - 1)
            pairs: NDArray[np.int32] = np.stack([edges.row[drawn], edges.col[drawn]], axis=1).astype(np.int32)
            return pairs.reshape(each, 2 * _EDGES)

        degree = np.asarray(adjacency.sum(axis=0) + adjacency.sum(axis=1).T, dtype=np.float64).ravel()
        return train(
            one_pass,
            passes,
            edge_layout(_EDGES),
            nodes,
            dimension,
            negatives=self.negatives,
            learning_rate=self.learning_rate,
            shared=order == "first",
            noise=degree**0.75,
            seed=train_seed,
        )


def _unit_rows(x: Vectors) -> Vectors:
    length = np.linalg.norm(x, axis=1, keepdims=True)
    return np.divide(x, length, out=np.zeros_like(x), where=length > 0)
