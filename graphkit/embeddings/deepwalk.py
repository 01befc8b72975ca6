"""DeepWalk: skip-gram over uniform random walks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from graphkit.embeddings.base import NodeEmbedding, Vectors
from graphkit.embeddings.skipgram import train, window_layout
from graphkit.embeddings.walks import random_walks
from graphkit.errors import ConfigError


class DeepWalk(NodeEmbedding):
    """Places nodes so that inner products tell which nodes meet within a window of a random walk.

    Perozzi, Al-Rfou, Skiena: "DeepWalk: Online Learning of Social Representations", KDD 2014 (arXiv 1403.6652), with
    negative sampling in place of the hierarchical softmax.

    Args:
        dimension: d.
        walks: walks from every node, one a pass.
        length: nodes of a walk.
        window: the largest distance of a pair in a walk; a pair at distance k counts (window - k + 1) / window.
        negatives: K a pair.
        learning_rate: of the first step; falls to 0.
        seed: of walks, first vectors and negatives.

    Shapes:
        graph [N, N]; returns [N, d] float32. Weighted edges are walked in proportion to their weight.

    Raises:
        ConfigError: an option below 1, or a learning rate not above 0.

    Example:
        >>> import networkx as nx
        >>> DeepWalk(16, walks=2).fit_transform(nx.karate_club_graph()).shape
        (34, 16)
    """

    def __init__(
        self,
        dimension: int = 128,
        walks: int = 80,
        length: int = 40,
        window: int = 10,
        negatives: int = 5,
        learning_rate: float = 0.025,
        seed: int = 0,
    ) -> None:
        self.dimension, self.walks, self.length, self.window = dimension, walks, length, window
        self.negatives, self.learning_rate, self.seed = negatives, learning_rate, seed

    def embed(self, adjacency: sparse.csr_matrix) -> Vectors:
        """Returns the vectors; see the class."""
        return embed_walks(self, adjacency, p=1.0, q=1.0)


def embed_walks(model: DeepWalk, adjacency: sparse.csr_matrix, *, p: float, q: float) -> Vectors:
    """Returns the vectors of skip-gram over walks with the options of `model`; every pass starts once at every node."""
    for name in ("dimension", "walks", "length", "window", "negatives"):
        if getattr(model, name) < 1:
            raise ConfigError(f"{type(model).__name__}: {name} must be at least 1, got {getattr(model, name)}")
    if not 0 < model.learning_rate < np.inf:
        raise ConfigError(f"{type(model).__name__}: learning_rate must be above 0, got {model.learning_rate}")
    nodes = adjacency.shape[0]
    walk_seed, train_seed = np.random.SeedSequence(model.seed).generate_state(2, np.uint64).tolist()

    def one_pass(number: int) -> NDArray[np.int32]:
        key = np.random.SeedSequence([walk_seed, number])
        starts = np.random.default_rng(key).permutation(nodes)
        return random_walks(adjacency, starts, model.length, p=p, q=q, seed=int(key.generate_state(1, np.uint64)[0]))

    return train(
        one_pass,
        model.walks,
        window_layout(model.length, model.window),
        nodes,
        model.dimension,
        negatives=model.negatives,
        learning_rate=model.learning_rate,
        seed=train_seed,
    )
