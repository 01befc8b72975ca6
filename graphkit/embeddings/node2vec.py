"""node2vec: skip-gram over second-order random walks."""

from __future__ import annotations

from scipy import sparse

from graphkit.embeddings.base import Vectors
from graphkit.embeddings.deepwalk import DeepWalk, embed_walks


class Node2Vec(DeepWalk):
    """Places nodes as DeepWalk does, by walks that turn back or stay near by choice.

    Grover and Leskovec: "node2vec: Scalable Feature Learning for Networks", KDD 2016 (arXiv 1607.00653), section 3.2;
    steps are drawn by rejection (`random_walks`), so that memory stays linear in the edges.

    Args:
        dimension: d.
        p: the higher, the rarer a walk turns back.
        q: the higher, the closer a walk stays to where it came from.
        walks: walks from every node, one a pass.
        length: nodes of a walk.
        window: the largest distance of a pair in a walk.
        negatives: K a pair.
        learning_rate: of the first step; falls to 0.
        seed: of walks, first vectors and negatives.

    Shapes:
        graph [N, N]; returns [N, d] float32.

    Raises:
        ConfigError: an option below 1, or a learning rate, p or q not above 0.

    Example:
        >>> import networkx as nx
        >>> Node2Vec(16, p=0.25, q=0.25, walks=2, length=20).fit_transform(nx.karate_club_graph()).shape
        (34, 16)
    """

    def __init__(
        self,
        dimension: int = 128,
        p: float = 1.0,
        q: float = 1.0,
        walks: int = 10,
        length: int = 80,
        window: int = 10,
        negatives: int = 5,
        learning_rate: float = 0.025,
        seed: int = 0,
    ) -> None:
        super().__init__(dimension, walks, length, window, negatives, learning_rate, seed)
        self.p, self.q = p, q

    def embed(self, adjacency: sparse.csr_matrix) -> Vectors:
        """Returns the vectors; see the class."""
        return embed_walks(self, adjacency, p=self.p, q=self.q)
