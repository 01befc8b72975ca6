"""Graphs of any library as one scipy matrix."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from graphkit.errors import ConfigError, GraphValidationError


def as_adjacency(graph: Any) -> sparse.csr_matrix:
    """Returns the [N, N] adjacency of a graph; entry (i, j) is the weight of the edge from i to j.

    Args:
        graph: a scipy sparse matrix or array; a networkx graph, whose nodes are numbered in their order of iteration;
            or an object with `edge_index` [2, E] and `num_nodes`, such as a PyG `Data`, with `edge_weight` [E] if any.

    Returns:
        float32 weights, rows sorted, weights of repeated edges added up, no stored zeros.

    Raises:
        ConfigError: no such graph.
        GraphValidationError: not square, a weight that is negative or not finite, or an edge to a node out of range.

    Example:
        >>> import networkx as nx
        >>> as_adjacency(nx.path_graph(3)).toarray().tolist()
        [[0.0, 1.0, 0.0], [1.0, 0.0, 1.0], [0.0, 1.0, 0.0]]
    """
    if sparse.issparse(graph):
        matrix = sparse.csr_matrix(graph)
    elif hasattr(graph, "edge_index"):
        matrix = _from_edges(graph)
    elif hasattr(graph, "adjacency") and hasattr(graph, "nodes"):
        import networkx as nx

        matrix = sparse.csr_matrix(nx.to_scipy_sparse_array(graph, format="csr")) if len(graph) else _empty()
    else:
        raise ConfigError(
            f"a graph is a scipy sparse matrix, a networkx graph or a PyG Data, got {type(graph).__name__}"
        )
    if matrix.shape[0] != matrix.shape[1]:
        raise GraphValidationError(f"an adjacency is square, got shape {list(matrix.shape)}")
    if matrix.dtype.kind not in "buif":
        raise GraphValidationError(f"edge weights must be real numbers, got {matrix.dtype}")
    matrix = matrix.astype(np.float32)  # a copy, so that the caller's matrix stays as it is
    matrix.sum_duplicates()
    bad = np.flatnonzero(~(np.isfinite(matrix.data) & (matrix.data >= 0)))
    if len(bad):
        row = int(np.searchsorted(matrix.indptr, bad[0], side="right")) - 1
        raise GraphValidationError(
            f"the edge from {row} to {matrix.indices[bad[0]]} has weight {matrix.data[bad[0]]}; "
            "weights must be finite and not negative"
        )
    matrix.eliminate_zeros()
    return matrix


def _from_edges(graph: Any) -> sparse.csr_matrix:
    edges = _numpy(graph.edge_index)
    nodes = int(graph.num_nodes)
    if edges.ndim != 2 or len(edges) != 2 or edges.dtype.kind not in "iu":
        raise GraphValidationError(f"edge_index must be whole numbers [2, E], got {edges.dtype} {list(edges.shape)}")
    if edges.size and (edges.min() < 0 or edges.max() >= nodes):
        raise GraphValidationError(
            f"edge_index names nodes {edges.min()}..{edges.max()}, but nodes are numbered 0..{nodes - 1}"
        )
    weight = getattr(graph, "edge_weight", None)
    values = np.ones(edges.shape[1], np.float32) if weight is None else _numpy(weight).reshape(-1)
    if len(values) != edges.shape[1]:
        raise GraphValidationError(f"{len(values)} edge weights for {edges.shape[1]} edges")
    return sparse.coo_matrix((values, (edges[0], edges[1])), shape=(nodes, nodes)).tocsr()


def _numpy(values: Any) -> NDArray[Any]:
    return np.asarray(values.detach().cpu() if hasattr(values, "detach") else values)


def _empty() -> sparse.csr_matrix:
    return sparse.csr_matrix((0, 0), dtype=np.float32)
