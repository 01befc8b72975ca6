"""Topological Concentration: how much the neighbourhoods of a node's neighbours overlap with its own.

Wang, Zhao, Zhao, Derr: "A Topological Perspective on Demystifying GNN-Based Link Prediction Performance", ICLR 2024
(arXiv 2310.04612). It tells nodes whose links are easy to predict from those whose links are not, better than degree
does; the difference between that of the training links and that of the test links is a shift of topology.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from graphkit.data.diagnostics import simple_undirected
from graphkit.errors import ConfigError, GraphValidationError, ShapeError

_jit = njit(cache=True, nogil=True)
Values = NDArray[np.float64]


def concentration(
    edge_index: ArrayLike,
    num_nodes: int,
    links: ArrayLike | None = None,
    *,
    hops: int = 1,
    decay: float | None = None,
) -> Values:
    """Returns the Topological Concentration of every node.

        TC(i) = mean over links (i, j) of I(i, j)
        I(i, j) = sum_(a, b <= hops) b^(a + b - 2) sum_(u in H_j^b) c_i^a(u)  /  sum_(a, b) b^(a + b - 2) sum_u c_i^a(u)

    c_i^a(u) counts the walks of a steps from i to u, H_j^b holds the nodes that b steps from j reach, b is the decay.
    With the graph's own links the denominator leaves out the step to j itself; with one hop TC is then the clustering
    coefficient.

    Args:
        edge_index: [2, E] edges a model sees; directions, repeats and self loops do not count.
        num_nodes: N.
        links: [2, B] links that are averaged over, such as those of test, each at both ends; None takes the edges.
        hops: K. Two hops keep the pairs of nodes within two steps; for more on large graphs take
            `approximate_concentration`.
        decay: default 1 / mean degree.

    Returns:
        [N] float64 in 0..1; 0 for nodes without links or without edges.

    Raises:
        ConfigError: hops below 1, or a decay that is negative or not finite.
        GraphValidationError: an edge or link names no node.
        ShapeError: edges or links are no [2, E] whole numbers.

    Example:
        >>> concentration([[0, 1, 2, 2], [1, 2, 0, 3]], 4).tolist()
        [1.0, 1.0, 0.3333333333333333, 0.0]
    """
    graph, ends, own = _graphs(edge_index, num_nodes, links)
    beta = _decay(graph, decay)
    if hops < 1:
        raise ConfigError(f"concentration looks at least one hop far, got hops = {hops}")
    reached = graph.astype(bool).tocsr()
    near = graph.astype(np.float64)
    for step in range(1, hops):
        reached = (reached @ graph).astype(bool)
        near = near + beta**step * reached.astype(np.float64)
    near = near.tocsr()
    near.sort_indices()
    powers = beta ** np.arange(hops)
    out = np.zeros(num_nodes)
    csr = (graph.indptr, graph.indices, near.indptr, near.indices, near.data, ends.indptr, ends.indices)
    _concentrations(*csr, powers, own, out)
    return out


def approximate_concentration(
    edge_index: ArrayLike,
    num_nodes: int,
    links: ArrayLike | None = None,
    *,
    hops: int = 1,
    decay: float | None = None,
    dimension: int = 64,
    seed: int = 0,
) -> Values:
    """Returns an estimate of how alike the neighbourhoods of linked nodes are, in time linear in edges and links.

        ATC(i) = mean over links (i, j) of s_i . s_j        S = sum_(k = 1..hops) decay^(k - 1) (D^-1 A)^k R

    R holds [N, d] normal numbers of variance 1 / d, so that inner products estimate overlaps; their error falls as
    1 / sqrt(d). It is no estimate of TC's value, but orders nodes as TC does.

    Args:
        edge_index: as in `concentration`, and so are num_nodes, links, hops and decay.
        num_nodes: N.
        links: [2, B] links that are averaged over; None takes the edges.
        hops: K.
        decay: default 1 / mean degree.
        dimension: d.
        seed: of R.

    Returns:
        [N] float64; 0 for nodes without links or without edges. Errors as in `concentration`.

    Example:
        >>> approximate_concentration([[0, 1, 2, 2], [1, 2, 0, 3]], 4, dimension=4096).round(1).tolist()
        [0.2, 0.2, 0.1, 0.0]
    """
    graph, ends, _ = _graphs(edge_index, num_nodes, links)
    beta = _decay(graph, decay)
    if hops < 1 or dimension < 1:
        raise ConfigError(f"hops and dimension must be at least 1, got {hops} and {dimension}")
    degree = np.diff(graph.indptr)
    step = sparse.diags(1.0 / np.maximum(degree, 1)) @ graph
    state = np.random.default_rng(seed).normal(scale=dimension**-0.5, size=(num_nodes, dimension))
    total = np.zeros_like(state)
    for k in range(hops):
        state = step @ state
        total += beta**k * state
    count = np.maximum(np.diff(ends.indptr), 1)
    estimate: Values = np.einsum("nd,nd->n", total, ends @ total) / count
    return np.where(degree > 0, estimate, 0.0)


def _graphs(
    edge_index: ArrayLike, num_nodes: int, links: ArrayLike | None
) -> tuple[sparse.csr_matrix, sparse.csr_matrix, bool]:
    """Returns the graph, the graph of the links, and whether they are the same."""
    graph = simple_undirected(_checked(edge_index, num_nodes, "edge"), num_nodes)
    graph.sort_indices()
    if links is None:
        return graph, graph, True
    ends = simple_undirected(_checked(links, num_nodes, "link"), num_nodes)
    return graph, ends, False


def _checked(pairs: ArrayLike, num_nodes: int, what: str) -> NDArray[np.int64]:
    array: NDArray[Any] = np.asarray(pairs)
    if array.ndim != 2 or len(array) != 2 or (array.size and array.dtype.kind not in "iu"):
        raise ShapeError(f"{what}s must be whole numbers [2, E], got {array.dtype} {list(array.shape)}")
    if array.size and (array.min() < 0 or array.max() >= num_nodes):
        raise GraphValidationError(f"{what}s name {array.min()}..{array.max()}, but nodes are 0..{num_nodes - 1}")
    return array.astype(np.int64)


def _decay(graph: sparse.csr_matrix, decay: float | None) -> float:
    if decay is None:
        return graph.shape[0] / graph.nnz if graph.nnz else 1.0
    if not 0 <= decay < np.inf:
        raise ConfigError(f"decay must be finite and not negative, got {decay}")
    return float(decay)


@_jit
def _concentrations(  # type: ignore[no-untyped-def]
    rowptr, col, near_ptr, near_col, near_value, link_ptr, link_col, powers, own, out
):
    """Counts the walks from each node once, then looks the surroundings of each of its links up in the counts."""
    nodes = len(rowptr) - 1
    walks, before, after = np.zeros(nodes), np.zeros(nodes), np.zeros(nodes)
    touched, frontier, reached = np.empty(nodes, np.int64), np.empty(nodes, np.int64), np.empty(nodes, np.int64)
    seen = np.zeros(nodes, np.bool_)
    outer = powers.sum()
    for i in range(nodes):
        links = link_ptr[i + 1] - link_ptr[i]
        if links == 0 or rowptr[i + 1] == rowptr[i]:
            continue
        many, size = 0, 1
        frontier[0], before[i] = i, 1.0
        for power in powers:
            count = 0
            for f in range(size):
                u = frontier[f]
                for slot in range(rowptr[u], rowptr[u + 1]):
                    v = col[slot]
                    if after[v] == 0.0:
                        reached[count] = v
                        count += 1
                    after[v] += before[u]
                before[u] = 0.0
            for f in range(count):
                v = reached[f]
                frontier[f], before[v] = v, after[v]
                if not seen[v]:
                    seen[v] = True
                    touched[many] = v
                    many += 1
                walks[v] += power * after[v]
                after[v] = 0.0
            size = count
        for f in range(size):
            before[frontier[f]] = 0.0
        shared, total = 0.0, 0.0
        for slot in range(link_ptr[i], link_ptr[i + 1]):
            j = link_col[slot]
            for k in range(near_ptr[j], near_ptr[j + 1]):
                shared += walks[near_col[k]] * near_value[k]
        for f in range(many):
            total += walks[touched[f]]
            walks[touched[f]], seen[touched[f]] = 0.0, False
        total = total * outer - (1.0 if own else 0.0)
        if total > 0.0:
            out[i] = shared / (total * links)
