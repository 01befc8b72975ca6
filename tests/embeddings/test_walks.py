"""Walks stay on edges, follow the exact transition probabilities, and depend on the seed alone."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
from scipy import sparse, stats

from graphkit.embeddings.adjacency import as_adjacency
from graphkit.embeddings.walks import random_walks
from graphkit.errors import ConfigError, GraphValidationError

GRAPHS = [nx.karate_club_graph(), nx.star_graph(8), nx.gnp_random_graph(60, 0.05, seed=1, directed=True)]


def exact_second_order(adjacency: np.ndarray, p: float, q: float) -> np.ndarray:
    """[N, N, N]: the chance to go from u to v, having come from t, by the definition."""
    nodes = len(adjacency)
    chance = np.zeros((nodes, nodes, nodes))
    for t in range(nodes):
        for u in range(nodes):
            for v in range(nodes):
                bias = 1 / p if v == t else 1.0 if adjacency[t, v] else 1 / q
                chance[t, u, v] = adjacency[u, v] * bias
    total = chance.sum(-1, keepdims=True)
    return np.divide(chance, total, out=np.zeros_like(chance), where=total > 0)


@pytest.mark.parametrize("graph", GRAPHS)
@pytest.mark.parametrize(("p", "q"), [(1.0, 1.0), (0.25, 0.25), (4.0, 0.5)])
def test_every_step_is_an_edge(graph: nx.Graph, p: float, q: float) -> None:
    matrix = as_adjacency(graph)
    walks = random_walks(matrix, np.arange(matrix.shape[0]), 20, p=p, q=q, seed=3)
    here, there = walks[:, :-1].ravel(), walks[:, 1:].ravel()
    moved = there >= 0
    assert (np.asarray(matrix[here[moved], there[moved]]) > 0).all()
    stuck = (here >= 0) & ~moved
    assert (np.diff(matrix.indptr)[here[stuck]] == 0).all() and (there[here < 0] == -1).all()


@pytest.mark.parametrize(("p", "q"), [(0.25, 0.25), (4.0, 0.5), (0.5, 4.0), (1.0, 1.0)])
@pytest.mark.parametrize("weighted", [False, True])
def test_transitions_are_the_exact_ones(p: float, q: float, weighted: bool) -> None:
    graph = nx.house_x_graph()
    if weighted:
        for number, (a, b) in enumerate(graph.edges):
            graph[a][b]["weight"] = 1.0 + number
    matrix = as_adjacency(graph)
    walks = random_walks(matrix, np.arange(2000) % 5, 100, p=p, q=q, seed=0)
    triples = np.stack([walks[:, :-2].ravel(), walks[:, 1:-1].ravel(), walks[:, 2:].ravel()])
    counts = np.zeros((5, 5, 5))
    np.add.at(counts, tuple(triples), 1)
    expected = exact_second_order(matrix.toarray(), p, q) * counts.sum(-1, keepdims=True)
    possible = expected > 0
    assert not counts[~possible].any()
    statistic = ((counts - expected)[possible] ** 2 / expected[possible]).sum()
    freedom = possible.sum() - (counts.sum(-1) > 0).sum()
    assert stats.chi2.sf(statistic, freedom) > 1e-3


def test_long_walks_visit_nodes_by_degree() -> None:
    matrix = as_adjacency(nx.karate_club_graph().to_undirected())
    matrix.data[:] = 1.0
    walks = random_walks(matrix, np.arange(3400) % 34, 60, seed=1)
    share = np.diff(matrix.indptr) / matrix.nnz
    counts = np.bincount(walks[:, -1], minlength=34)  # one node a walk, so that counts are independent
    assert stats.chisquare(counts, share * counts.sum()).pvalue > 1e-3


@pytest.mark.parametrize("p", [1.0, 0.5])
def test_walks_do_not_depend_on_threads_or_company(p: float) -> None:
    matrix = as_adjacency(nx.karate_club_graph())
    starts = np.arange(5000) % 34
    one, two = (random_walks(matrix, starts, 12, p=p, seed=7, threads=threads) for threads in (1, 3))
    np.testing.assert_array_equal(one, two)
    np.testing.assert_array_equal(one[:40], random_walks(matrix, starts[:40], 12, p=p, seed=7))
    assert (one != random_walks(matrix, starts, 12, p=p, seed=8)).any()


def test_isolated_nodes_end_a_walk() -> None:
    assert random_walks(sparse.csr_matrix((2, 2)), [1], 3).tolist() == [[1, -1, -1]]
    assert random_walks(sparse.csr_matrix((2, 2)), [1], 3, p=0.5).tolist() == [[1, -1, -1]]
    assert random_walks(sparse.csr_matrix((2, 2)), [], 3).shape == (0, 3)


@pytest.mark.parametrize("bad", [{"length": 0}, {"p": 0.0}, {"q": -1.0}, {"q": float("nan")}])
def test_bad_options_are_refused(bad: dict[str, float]) -> None:
    with pytest.raises(ConfigError):
        random_walks(as_adjacency(nx.path_graph(3)), [0], **{"length": 3, **bad})  # type: ignore[arg-type]


def test_starts_must_be_nodes() -> None:
    with pytest.raises(GraphValidationError, match=r"0\.\.2"):
        random_walks(as_adjacency(nx.path_graph(3)), [3], 2)
