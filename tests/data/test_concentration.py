"""Topological Concentration is its definition, node by node, and its estimate converges to what it estimates."""

from __future__ import annotations

from collections import Counter

import networkx as nx
import numpy as np
import pytest

from graphkit.data.concentration import approximate_concentration, concentration
from graphkit.errors import ConfigError, GraphValidationError, ShapeError


def edges_of(graph: nx.Graph) -> np.ndarray:
    return np.array(list(graph.edges), dtype=np.int64).reshape(-1, 2).T


def by_definition(graph: nx.Graph, links: nx.Graph, hops: int, beta: float, own: bool) -> np.ndarray:
    """Walks listed one by one, as the equation reads."""

    def walks(node: int) -> list[Counter[int]]:
        found, ends = [], Counter({node: 1})
        for _ in range(hops):
            step: Counter[int] = Counter()
            for u, times in ends.items():
                for v in graph[u]:
                    step[v] += times
            found.append(ends := step)
        return found

    out = np.zeros(len(graph))
    for i in graph:
        values = []
        for j in links[i]:
            mine, theirs = walks(i), walks(j)
            above = below = 0.0
            for a in range(hops):
                for b in range(hops):
                    above += beta ** (a + b) * sum(mine[a][u] for u in theirs[b])
                    below += beta ** (a + b) * (sum(mine[a].values()) - (own and a == b == 0))
            values.append(above / below if below > 0 else 0.0)
        out[i] = np.mean(values) if values and graph.degree(i) else 0.0
    return out


@pytest.mark.parametrize("hops", [1, 2, 3])
@pytest.mark.parametrize("own", [True, False])
@pytest.mark.parametrize("seed", range(4))
def test_equals_the_definition(hops: int, own: bool, seed: int) -> None:
    graph = nx.gnp_random_graph(24, 0.15, seed=seed)
    links = graph if own else nx.gnp_random_graph(24, 0.1, seed=seed + 100)
    found = concentration(edges_of(graph), 24, None if own else edges_of(links), hops=hops, decay=0.3)
    np.testing.assert_allclose(found, by_definition(graph, links, hops, 0.3, own), atol=1e-12)


def test_one_hop_is_the_clustering_coefficient() -> None:
    graph = nx.karate_club_graph()
    due = list(nx.clustering(graph).values())
    np.testing.assert_allclose(concentration(edges_of(graph), 34), due, atol=1e-12)


def test_directions_repeats_and_loops_do_not_count() -> None:
    edges = edges_of(nx.karate_club_graph())
    messy = np.concatenate([edges, edges[::-1], edges[:, :5], [[3], [3]]], axis=1)
    np.testing.assert_array_equal(concentration(messy, 34, hops=2), concentration(edges, 34, hops=2))


@pytest.mark.parametrize("hops", [1, 2])
def test_the_estimate_converges_to_the_overlap(hops: int) -> None:
    graph = nx.karate_club_graph()
    adjacency = nx.to_numpy_array(graph, weight=None)
    step = adjacency / adjacency.sum(1, keepdims=True)
    total = sum(0.2**k * np.linalg.matrix_power(step, k + 1) for k in range(hops))
    due = (adjacency * (total @ total.T)).sum(1) / adjacency.sum(1)
    found = approximate_concentration(edges_of(graph), 34, hops=hops, decay=0.2, dimension=200_000)
    np.testing.assert_allclose(found, due, atol=0.01)


def test_nodes_without_edges_or_links_get_zero() -> None:
    edges = np.array([[0, 1], [1, 2]])
    assert concentration(edges, 4, np.array([[0, 3], [2, 0]])).tolist() == [0.5, 0.0, 1.0, 0.0]
    assert concentration(np.empty((2, 0), np.int64), 3, hops=2).tolist() == [0.0, 0.0, 0.0]
    assert approximate_concentration(np.empty((2, 0), np.int64), 3).tolist() == [0.0, 0.0, 0.0]


def test_bad_input_is_refused() -> None:
    edges = np.array([[0], [1]])
    with pytest.raises(ConfigError, match="hops"):
        concentration(edges, 2, hops=0)
    with pytest.raises(ConfigError, match="decay"):
        concentration(edges, 2, decay=float("nan"))
    with pytest.raises(GraphValidationError, match=r"links name 0\.\.2"):
        concentration(edges, 2, np.array([[0], [2]]))
    with pytest.raises(ShapeError, match="whole numbers"):
        concentration(np.array([[0.5], [1.0]]), 2)
    with pytest.raises(ConfigError, match="dimension"):
        approximate_concentration(edges, 2, dimension=0)
