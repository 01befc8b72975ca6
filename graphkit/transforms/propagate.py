"""Feature propagation before training, Wu et al., "Simplifying Graph Convolutional Networks", ICML 2019.

S^K X has no parameters (arXiv 1902.07153, equation 8), so it is computed once; training is then logistic regression.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from graphkit.errors import ConfigError, ShapeError

VERSION = 1


def sgc_propagate(x: NDArray[Any] | sparse.csr_matrix, edge_index: ArrayLike, hops: int = 2) -> NDArray[np.float32]:
    """Computes S^K X with S = D^-1/2 (A + I) D^-1/2, as PyG's `SGConv` does before its linear layer.

    Row i of A holds the sources of edges into node i; D counts them and the self loop. A self loop in the graph is not
    added twice. Parallel edges count each.

    Args:
        x: [N, F] features, dense or scipy CSR.
        edge_index: [2, E] integers, row 0 sources and row 1 targets.
        hops: K, at least 0.

    Returns:
        [N, F] dense float32.

    Raises:
        ShapeError: `edge_index` is not [2, E], or names a node that `x` lacks.
        ConfigError: `hops` is negative.

    Example:
        >>> sgc_propagate(np.eye(2, dtype=np.float32), [[0, 1], [1, 0]], hops=1).tolist()
        [[0.5, 0.5], [0.5, 0.5]]
    """
    if hops < 0:
        raise ConfigError(f"hops must be at least 0, got {hops}")
    propagate = gcn_matrix(np.asarray(edge_index, dtype=np.int64), x.shape[0])
    states: NDArray[np.float32] = (x if isinstance(x, np.ndarray) else x.toarray()).astype(np.float32)
    for _ in range(hops):
        states = propagate @ states
    return states


def gcn_matrix(edge_index: NDArray[np.int64], num_nodes: int) -> sparse.csr_matrix:
    """Builds S of Kipf and Welling (arXiv 1609.02907) as an [N, N] float32 CSR matrix; rows are targets."""
    if edge_index.ndim != 2 or len(edge_index) != 2:
        raise ShapeError(f"edge_index must be [2, E], got shape {list(edge_index.shape)}")
    if edge_index.size and (edge_index.min() < 0 or edge_index.max() >= num_nodes):
        raise ShapeError(f"edge_index names nodes {edge_index.min()}..{edge_index.max()}, but x has {num_nodes} rows")
    source, target = edge_index[:, edge_index[0] != edge_index[1]]
    nodes = np.arange(num_nodes)
    rows, columns = np.concatenate([target, nodes]), np.concatenate([source, nodes])
    scale = 1.0 / np.sqrt(np.bincount(rows, minlength=num_nodes))
    weight = (scale[rows] * scale[columns]).astype(np.float32)
    return sparse.csr_matrix((weight, (rows, columns)), shape=(num_nodes, num_nodes))
