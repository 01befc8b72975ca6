"""Positional and structural encodings of nodes, computed once for all graphs of a dataset."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse import linalg

from graphkit.errors import ConfigError
from graphkit.kernels.cpu import return_walks as compiled
from graphkit.kernels.pool import run_range
from graphkit.kernels.ragged import Ragged
from graphkit.transforms.structures import Cost, Graphs

VERSION = 1
COLUMNS = 64
"""Walks that start together in a graph."""
DENSE_UP_TO = 400
"""Largest graph whose Laplacian is diagonalised densely, together with all others of its size."""
_PATIENCE = 20
"""Restarts of plain Lanczos iterations."""


class RandomWalkPE:
    """Return probabilities of random walks of 1 to `steps` steps: array `walk_pe` [N, steps].

    Dwivedi et al., "Graph Neural Networks with Learnable Structural and Positional Representations", ICLR 2022 (arXiv
    2110.07875), equation 6: diag((D^-1 A)^k).

    Args:
        steps: K.

    Raises:
        ConfigError: no step.

    Example:
        >>> import torch
        >>> pair = Graphs(torch.tensor([[0, 1], [1, 0]]), torch.tensor([0, 2]))
        >>> RandomWalkPE(2).compute(pair)["walk_pe"].values.tolist()
        [[0.0, 1.0], [0.0, 1.0]]
    """

    def __init__(self, steps: int = 20) -> None:
        if steps < 1:
            raise ConfigError(f"random walks take at least 1 step, got {steps}")
        self.steps = steps

    def count(self, graphs: Graphs) -> Cost:
        """Returns the bytes of the array."""
        return Cost(4 * graphs.num_nodes * self.steps, f"{graphs.num_nodes:,} nodes x {self.steps} steps")

    def compute(self, graphs: Graphs) -> Mapping[str, Ragged]:
        """Returns the array `walk_pe`."""
        source, target = graphs.edge_index.numpy()
        nodes = graphs.num_nodes
        adjacency = sparse.csr_matrix((np.ones(len(source)), (source, target)), shape=(nodes, nodes))
        found = return_probabilities(adjacency, graphs.ptr.numpy(), self.steps).astype(np.float32)
        return {"walk_pe": Ragged(torch.from_numpy(found), graphs.ptr)}


def return_probabilities(adjacency: sparse.csr_matrix, ptr: NDArray[Any], steps: int) -> NDArray[Any]:
    """Returns diag((D^-1 A)^k) for k = 1..steps, [N, steps]; a node without edges never returns.

    Graph by graph, and column by column of the powers, E_g * n_g multiplications a step, in memory that stays in cache.
    On undirected graphs S = D^-1/2 A D^-1/2 has the same diagonals, and diag(S^(a + b)) is the column-wise product of
    S^a and S^b: half the steps do.

    Example:
        >>> return_probabilities(sparse.csr_matrix([[0.0, 1.0], [1.0, 0.0]]), np.array([0, 2]), 2).tolist()
        [[0.0, 1.0], [0.0, 1.0]]
    """
    nodes = adjacency.shape[0]
    degree = np.asarray(adjacency.sum(1)).ravel()
    share = np.divide(1.0, degree, out=np.zeros(nodes), where=degree > 0)
    symmetric = (adjacency != adjacency.T).nnz == 0
    side = sparse.diags(np.sqrt(share))
    step = (side @ adjacency @ side if symmetric else sparse.diags(share) @ adjacency).tocsr()
    sizes = np.diff(ptr)
    parts = -(-sizes // COLUMNS)
    graph = np.repeat(np.arange(len(sizes)), parts)
    low = (np.arange(len(graph)) - np.repeat(np.cumsum(parts) - parts, parts)) * COLUMNS
    width = int(min(COLUMNS, sizes.max(initial=0)))
    found = np.zeros((nodes, steps))
    work = max(1, step.nnz * width * steps // max(1, len(graph)))
    arrays = (ptr.astype(np.int64), step.indptr, step.indices, step.data, steps, symmetric, width, found)
    run_range(len(graph), compiled.return_walks, graph, low, *arrays, work=work)
    return found


class LaplacianPE:
    """Eigenvectors of the normalised Laplacian with the smallest eigenvalues: array `laplacian_pe` [N, K].

    Dwivedi et al., "Benchmarking Graph Neural Networks" (arXiv 2003.00982), section 4.1: L = I - D^-1/2 A D^-1/2 of the
    undirected graph, the constant vector of a connected graph left out. Vectors have length one, and the sign that
    makes their largest entry positive; where it is not unique, models draw signs while they train. Graphs of one size
    are diagonalised together, large ones by a sparse solver; what a small graph lacks is zero in `laplacian_pe` and -1
    in `laplacian_values` [N, K], which repeats a graph's eigenvalues at its nodes.

    Args:
        vectors: K.

    Raises:
        ConfigError: no vector.

    Example:
        >>> import torch
        >>> pair = Graphs(torch.tensor([[0, 1], [1, 0]]), torch.tensor([0, 2]))
        >>> LaplacianPE(2).compute(pair)["laplacian_values"].values[0].tolist()
        [2.0, -1.0]
    """

    def __init__(self, vectors: int = 10) -> None:
        if vectors < 1:
            raise ConfigError(f"at least 1 eigenvector is needed, got {vectors}")
        self.vectors = vectors

    def count(self, graphs: Graphs) -> Cost:
        """Returns the bytes of both arrays."""
        return Cost(8 * graphs.num_nodes * self.vectors, f"{graphs.num_nodes:,} nodes x {self.vectors} eigenvectors")

    def compute(self, graphs: Graphs) -> Mapping[str, Ragged]:
        """Returns the arrays `laplacian_pe` and `laplacian_values`."""
        ptr, nodes = graphs.ptr.numpy(), graphs.num_nodes
        laplacian = _laplacian(graphs)
        vectors, values = np.zeros((nodes, self.vectors)), np.full((nodes, self.vectors), -1.0)
        sizes = np.diff(ptr)
        for size in np.unique(sizes[sizes > 1]).tolist():
            members = np.flatnonzero(sizes == size)
            pieces = [members] if size > DENSE_UP_TO else np.array_split(members, -(-len(members) * size**2 // 10**7))
            for piece in pieces:
                rows = ptr[piece][:, None] + np.arange(size)  # [B, size]
                if size > DENSE_UP_TO:
                    found = [
                        _smallest(laplacian[low : low + size, low : low + size], self.vectors) for low in ptr[piece]
                    ]
                    value, vector = (np.stack(part) for part in zip(*found, strict=True))
                else:
                    value, vector = np.linalg.eigh(_blocks(laplacian, rows))
                kept = min(self.vectors, size - 1)
                vectors[rows, :kept] = _signed(vector[:, :, 1 : kept + 1])
                values[rows, :kept] = value[:, None, 1 : kept + 1]
        arrays = {"laplacian_pe": vectors, "laplacian_values": values}
        return {name: Ragged(torch.from_numpy(array.astype(np.float32)), graphs.ptr) for name, array in arrays.items()}


def _laplacian(graphs: Graphs) -> sparse.csr_matrix:
    source, target = graphs.edge_index.numpy()
    nodes = graphs.num_nodes
    one_way = sparse.csr_matrix((np.ones(len(source)), (source, target)), shape=(nodes, nodes))
    adjacency = one_way.maximum(one_way.T).tocsr()
    degree = np.asarray(adjacency.sum(1)).ravel()
    scale = sparse.diags(np.divide(1.0, np.sqrt(degree), out=np.zeros(nodes), where=degree > 0))
    return (sparse.identity(nodes) - scale @ adjacency @ scale).tocsr()


def _blocks(matrix: sparse.csr_matrix, rows: NDArray[Any]) -> NDArray[Any]:
    """The diagonal blocks [B, size, size] of equally large graphs."""
    count, size = rows.shape
    part = matrix[rows.ravel()].tocoo()
    blocks = np.zeros((count, size, size))
    first = np.repeat(rows[:, 0], size)
    blocks[part.row // size, part.row % size, part.col - first[part.row]] = part.data
    return blocks


def _smallest(laplacian: sparse.csr_matrix, vectors: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """The smallest eigenvalues and vectors of one large graph.

    Plain Lanczos iterations find them where they lie apart, as in random graphs, whose factors would fill up; where
    they lie close together, as in grids and paths, iterations with the factors of L + 0.01 do, and the factors stay
    sparse.
    """
    start = np.random.default_rng(0).standard_normal(laplacian.shape[0])  # the same vectors every time
    try:
        far, wide = (sparse.identity(len(start)) * 2.0 - laplacian).tocsr(), min(6 * vectors + 20, len(start))
        values, found = linalg.eigsh(far, k=vectors + 1, which="LA", v0=start, ncv=wide, maxiter=_PATIENCE)
        values = 2.0 - values
    except linalg.ArpackNoConvergence:
        values, found = linalg.eigsh(laplacian.tocsc(), k=vectors + 1, sigma=-0.01, which="LM", v0=start)
    order = np.argsort(values)
    return values[order], found[:, order]


def _signed(vectors: NDArray[Any]) -> NDArray[Any]:
    """Turns every vector [B, size, K] so that its entry of largest size, the first of equals, is positive."""
    size = np.round(np.abs(vectors), 6)
    largest = np.take_along_axis(vectors, size.argmax(1)[:, None], axis=1)
    return vectors * np.where(largest < 0, -1.0, 1.0)
