"""Orders in which a sequence model reads the nodes of a graph, computed once for all graphs of a dataset."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse import csgraph

from graphkit.errors import UnknownNameError
from graphkit.kernels.ragged import Ragged
from graphkit.transforms.positional import LaplacianPE
from graphkit.transforms.structures import Cost, Graphs

VERSION = 1
Order = Literal["degree", "pagerank", "eigenvector", "rcm", "hac"]
_STEPS = 100
_VECTORS = 8
_LEAST = 1e-3
"""Smallest eigenvalue that counts: those of the components of a graph are zero."""


class NodeOrder:
    """The place of every node in a fixed order of its graph: array `order` [N], 0 first.

    * `degree`: ascending degree, hubs last so that they have seen everything (Graph-Mamba, arXiv 2402.00789, section
      4.2);
    * `pagerank`: ascending PageRank with teleport 0.15 (GMN, arXiv 2402.08678, section 4 names PPR);
    * `eigenvector`: ascending eigenvector centrality, of A + I, whose powers converge on bipartite graphs too;
    * `rcm`: reverse Cuthill-McKee (George and Liu 1981), where neighbours stand close to one another;
    * `hac`: the leaves, depth first, of a hierarchical affinity clustering (Bateni et al., NeurIPS 2017) by the
      distance of Laplacian eigenvectors, each divided by the root of its eigenvalue: the tokenisation DFS of GSM++
      (arXiv 2411.15671).

    Degree, PageRank and eigenvector centrality break ties by one another, and what is still tied by node number: the
    order follows the nodes through a renumbering unless nodes are alike in all three.

    Args:
        kind: which.

    Raises:
        UnknownNameError: no such order.

    Example:
        >>> import torch
        >>> path = Graphs(torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]]), torch.tensor([0, 3]))
        >>> NodeOrder("degree").compute(path)["order"].values.tolist()
        [0, 2, 1]
    """

    def __init__(self, kind: Order = "degree") -> None:
        if kind not in get_args(Order):
            raise UnknownNameError("node order", kind, get_args(Order))
        self.kind = kind

    def count(self, graphs: Graphs) -> Cost:
        """Returns the bytes of one place a node."""
        return Cost(8 * graphs.num_nodes, f"{graphs.num_nodes:,} places")

    def compute(self, graphs: Graphs) -> Mapping[str, Ragged]:
        """Returns the array `order`."""
        ptr = graphs.ptr.numpy()
        graph_of = np.repeat(np.arange(len(ptr) - 1), np.diff(ptr))
        adjacency = _adjacency(graphs)
        keys = _keys(adjacency, graph_of)
        match self.kind:
            case "rcm":
                place = np.argsort(csgraph.reverse_cuthill_mckee(adjacency, symmetric_mode=True))
                columns: list[NDArray[Any]] = [place]
            case "hac":
                columns = clusters(adjacency, _profile(graphs), keys)
            case _:
                names = [self.kind, *(name for name in keys if name != self.kind)]
                columns = [keys[name] for name in names]
        order = np.lexsort([*reversed(columns), graph_of])
        places = np.empty(len(order), dtype=np.int64)
        places[order] = np.arange(len(order)) - ptr[graph_of[order]]
        return {"order": Ragged(torch.from_numpy(places), graphs.ptr)}


def _adjacency(graphs: Graphs) -> sparse.csr_matrix:
    """The union as a symmetric matrix [N, N] of zeros and ones without loops."""
    source, target = graphs.edge_index.numpy()
    nodes = graphs.num_nodes
    one_way = sparse.csr_matrix((np.ones(len(source)), (target, source)), shape=(nodes, nodes))
    adjacency = one_way.maximum(one_way.T).tocsr()
    adjacency.setdiag(0)
    adjacency.eliminate_zeros()
    adjacency.data[:] = 1.0
    return adjacency


def _keys(adjacency: sparse.csr_matrix, graph_of: NDArray[Any]) -> dict[str, NDArray[Any]]:
    """Degree, eigenvector centrality and PageRank [N], rounded so that equal nodes are equal in spite of rounding."""
    nodes = len(graph_of)
    sizes = np.maximum(np.bincount(graph_of, minlength=1), 1)[graph_of] if nodes else np.ones(0)
    degree = np.diff(adjacency.indptr).astype(float)
    share = np.divide(1.0, degree, out=np.zeros(nodes), where=degree > 0)
    rank, central = 1.0 / sizes, 1.0 / np.sqrt(sizes)
    for _ in range(_STEPS):
        lost = np.bincount(graph_of, weights=np.where(degree == 0, rank, 0.0))[graph_of] if nodes else rank
        rank = 0.15 / sizes + 0.85 * (adjacency @ (rank * share) + lost / sizes)
        central = adjacency @ central + central
        length = np.sqrt(np.bincount(graph_of, weights=central**2))[graph_of] if nodes else central
        central = central / np.maximum(length, 1e-300)
    return {"degree": degree, "pagerank": np.round(rank, 10), "eigenvector": np.round(central, 8)}


def clusters(
    adjacency: sparse.csr_matrix, profile: NDArray[Any], keys: Mapping[str, NDArray[Any]]
) -> list[NDArray[Any]]:
    """Clusters level by level: every cluster joins its most similar neighbour until a component is one cluster.

    Args:
        adjacency: [N, N] symmetric; only neighbours join.
        profile: [N, K] what similarity is measured by; that of a cluster is the mean over its nodes.
        keys: `degree`, `pagerank` and `eigenvector` [N], which break ties.

    Returns:
        Columns [N] for a lexicographic sort, the coarsest level first and the nodes' own keys last; the clusters of a
        level are numbered by their mean PageRank, so that the tree's order does not depend on node numbers.
    """
    nodes = adjacency.shape[0]
    source, target = (part.astype(np.int64) for part in adjacency.nonzero())
    cluster, mass = np.arange(nodes), np.ones(nodes)
    levels: list[NDArray[Any]] = []
    while len(source):
        gap = np.square(profile[source] - profile[target]).sum(1)
        weight = np.round(np.bincount(cluster, weights=keys["pagerank"]), 8)
        best = np.lexsort((target, -weight[target], np.round(gap, 5), source))
        first = np.flatnonzero(np.diff(source[best], prepend=-1))
        chosen = best[first]
        joined = sparse.csr_matrix((np.ones(len(chosen)), (source[chosen], target[chosen])), shape=(len(mass),) * 2)
        count, label = csgraph.connected_components(joined, directed=False)
        total = np.bincount(label, weights=mass, minlength=count)
        merged = np.zeros((count, profile.shape[1]))
        np.add.at(merged, label, profile * mass[:, None])
        profile, mass, cluster = merged / total[:, None], total, label[cluster]
        levels.append(cluster)
        source, target = label[source], label[target]
        pairs = np.unique(np.stack([source, target])[:, source != target], axis=1)
        source, target = pairs
    columns = [_by_mean(level, keys["pagerank"]) for level in reversed(levels)]
    return [*columns, keys["pagerank"], keys["degree"], keys["eigenvector"]]


def _by_mean(label: NDArray[Any], key: NDArray[Any]) -> NDArray[Any]:
    """Renumbers clusters by the mean key of their nodes, then by size."""
    size = np.bincount(label)
    mean = np.round(np.bincount(label, weights=key) / size, 10)
    place = np.empty(len(size), dtype=np.int64)
    place[np.lexsort((size, mean))] = np.arange(len(size))
    return place[label]


def _profile(graphs: Graphs) -> NDArray[Any]:
    """Where nodes lie [N, 8]: close together if a diffusion hardly tells them apart."""
    arrays = LaplacianPE(_VECTORS).compute(graphs)
    vectors, values = (arrays[name].values.numpy().astype(float) for name in ("laplacian_pe", "laplacian_values"))
    return np.where(values >= _LEAST, vectors / np.sqrt(np.maximum(values, _LEAST)), 0.0)
