"""Message-passing kernels: messages flow from the sources (columns) to the targets (rows) of a `CSRGraph`."""

from graphkit.kernels.attention import gat_attention, gatv2_attention
from graphkit.kernels.csr import CSRGraph
from graphkit.kernels.feature_dropout import counter_dropout
from graphkit.kernels.graph_cache import as_graph
from graphkit.kernels.overlap import common_neighbors, exclusive_neighbors, find_edges, triangle_counts
from graphkit.kernels.pair import pair_sum
from graphkit.kernels.softmax import segment_softmax
from graphkit.kernels.sparse import SparseFeatures, sparse_linear
from graphkit.kernels.spmm import gather_max, spmm
from graphkit.kernels.subgraph import SubgraphBatch, enclosing_subgraphs

__all__ = [
    "CSRGraph",
    "SparseFeatures",
    "SubgraphBatch",
    "as_graph",
    "common_neighbors",
    "counter_dropout",
    "enclosing_subgraphs",
    "exclusive_neighbors",
    "find_edges",
    "gat_attention",
    "gather_max",
    "gatv2_attention",
    "pair_sum",
    "segment_softmax",
    "sparse_linear",
    "spmm",
    "triangle_counts",
]
