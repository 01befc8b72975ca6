"""Node embeddings: vectors learnt from a graph alone, without features and without labels.

Every embedding follows scikit-learn: options in the constructor, `fit_transform(graph)` for [N, d] vectors. A graph is
a scipy sparse matrix, a networkx graph or a PyG `Data`. Packages of users add their own through the entry-point group
`graphkit.embeddings`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from graphkit.registry import Registry

if TYPE_CHECKING:
    from graphkit.embeddings.base import NodeEmbedding

EMBEDDINGS: Registry[type[NodeEmbedding]] = Registry(
    "embedding",
    {
        "fastrp": "graphkit.embeddings.fastrp:FastRP",
        "deepwalk": "graphkit.embeddings.deepwalk:DeepWalk",
        "node2vec": "graphkit.embeddings.node2vec:Node2Vec",
        "line": "graphkit.embeddings.line:LINE",
    },
    group="graphkit.embeddings",
)
