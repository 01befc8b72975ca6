from __future__ import annotations

from typing import Any

import networkx as nx
import numpy as np
import pytest
from scipy.sparse.csgraph import shortest_path

from graphkit.errors import ConfigError, GraphValidationError
from graphkit.scorers import SCORERS
from graphkit.scorers.katz import Katz, TruncatedKatz
from graphkit.scorers.proximity import PersonalizedPageRank, ShortestPath, SimRank

NAMES = ("katz", "katz-truncated", "ppr", "shortest-path", "simrank")
GRAPHS = [(12, 14), (30, 90), (9, 0), (40, 60)]


def drawn(nodes: int, edges: int) -> Any:
    """Repeats, loops and both directions occur; the last two nodes are isolated."""
    return np.random.default_rng(nodes).integers(0, nodes - 2, (2, edges))


def adjacency(message: Any, nodes: int) -> Any:
    a = np.zeros((nodes, nodes))
    a[message[0], message[1]] = a[message[1], message[0]] = 1
    np.fill_diagonal(a, 0)
    return a


def everywhere(model: Any, message: Any, nodes: int) -> Any:
    model.fit(message, nodes)
    return model.score(np.indices((nodes, nodes)).reshape(2, -1)).reshape(nodes, nodes)


@pytest.mark.parametrize(("nodes", "edges"), GRAPHS)
def test_katz_is_the_dense_inverse(nodes: int, edges: int) -> None:
    message = drawn(nodes, edges)
    a = adjacency(message, nodes)
    for beta in (0.005, 0.9 / max(np.linalg.eigvalsh(a)[-1], 1.0)):
        exact = np.linalg.inv(np.eye(nodes) - beta * a) - np.eye(nodes)
        np.testing.assert_allclose(everywhere(Katz(beta), message, nodes), exact, rtol=1e-9, atol=1e-14)


def test_katz_is_precise_where_scores_are_tiny() -> None:
    nodes, beta = 60, 0.005
    path = np.stack([np.arange(nodes - 1), np.arange(1, nodes)])
    model = Katz(beta)
    model.fit(path, nodes)
    far = model.score(np.array([[0], [nodes - 1]]))[0]
    # On a path the resolvent is a ratio of Chebyshev polynomials of the second kind: beta^d / det(I - beta A).
    assert far == pytest.approx(beta ** (nodes - 1) / np.linalg.det(np.eye(nodes) - beta * adjacency(path, nodes)))


def test_a_katz_score_depends_on_its_pair_alone() -> None:
    message = drawn(40, 160)
    model = Katz(0.05)
    whole = everywhere(model, message, 40)
    assert model.score(np.array([[3], [17]]))[0].tobytes() == whole[3, 17].tobytes()


@pytest.mark.parametrize("length", [1, 2, 3, 5])
@pytest.mark.parametrize(("nodes", "edges"), GRAPHS)
def test_short_walks_are_those_of_matrix_powers(nodes: int, edges: int, length: int) -> None:
    message = drawn(nodes, edges)
    a = adjacency(message, nodes)
    expected = sum(0.05**step * np.linalg.matrix_power(a, step) for step in range(1, length + 1))
    found = everywhere(TruncatedKatz(0.05, length), message, nodes)
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    np.testing.assert_array_equal(found, found.T)


@pytest.mark.parametrize(("nodes", "edges"), GRAPHS)
def test_page_rank_is_within_its_bound_of_networkx(nodes: int, edges: int) -> None:
    message = drawn(nodes, edges)
    a = adjacency(message, nodes)
    graph = nx.from_numpy_array(a)
    exact = np.zeros((nodes, nodes))
    for node in range(nodes):
        ranks = nx.pagerank(graph, alpha=0.85, personalization={node: 1}, tol=1e-14, max_iter=500)
        exact[node] = [ranks[other] for other in range(nodes)]
    for eps in (1e-3, 1e-9):
        found = everywhere(PersonalizedPageRank(eps=eps), message, nodes)
        np.testing.assert_array_equal(found, found.T)
        missing = exact + exact.T - found
        degree = a.sum(1)
        assert (missing >= -1e-10).all()
        assert (missing <= eps * (degree[:, None] + degree[None]) + 1e-10).all()


@pytest.mark.parametrize(("nodes", "edges"), GRAPHS)
def test_steps_are_those_of_scipy(nodes: int, edges: int) -> None:
    message = drawn(nodes, edges)
    steps = shortest_path(adjacency(message, nodes), unweighted=True)
    np.fill_diagonal(steps, np.inf)  # a node and itself are no link
    np.testing.assert_array_equal(everywhere(ShortestPath(), message, nodes), 1 / steps)
    np.testing.assert_array_equal(everywhere(ShortestPath(2), message, nodes), np.where(steps <= 2, 1 / steps, 0))


@pytest.mark.parametrize(("nodes", "edges"), GRAPHS)
def test_similarities_are_those_of_networkx(nodes: int, edges: int) -> None:
    message = drawn(nodes, edges)
    a = adjacency(message, nodes)
    found = everywhere(SimRank(tolerance=1e-7), message, nodes)
    expected = nx.simrank_similarity(nx.from_numpy_array(a), importance_factor=0.8, tolerance=1e-9)
    wanted = np.array([[expected[i][j] for j in range(nodes)] for i in range(nodes)])
    np.testing.assert_allclose(found, wanted, atol=1e-4)  # networkx stops at relative changes of 1e-5
    mean = a / np.maximum(a.sum(1, keepdims=True), 1)
    equation = 0.8 * mean @ found @ mean.T
    np.fill_diagonal(equation, 1.0)
    np.testing.assert_allclose(found, equation, atol=2e-7)


@pytest.mark.parametrize("name", NAMES)
def test_bad_pairs_are_named_and_no_pairs_are_fine(name: str) -> None:
    model: Any = SCORERS.get(name)()
    model.fit(np.array([[0, 1], [1, 2]]), 4)
    assert model.score(np.empty((2, 0), dtype=np.int64)).shape == (0,)
    with pytest.raises(GraphValidationError, match="pair 1 is 0 - 4, but nodes are numbered 0..3"):
        model.score(np.array([[0, 0], [1, 4]]))
    with pytest.raises(GraphValidationError, match="whole numbers"):
        model.score(np.array([[0.0], [1.0]]))


def test_options_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"no limit for beta = 0.5.*below 0.5, or use katz-truncated"):
        Katz(0.5).fit(np.array([[0, 0, 0, 0], [1, 2, 3, 4]]), 5)
    with pytest.raises(ConfigError, match="above its limit of 3 nodes"):
        SimRank(max_nodes=3).fit(np.array([[0], [1]]), 4)
    for build in (
        lambda: Katz(0.0),
        lambda: TruncatedKatz(length=0),
        lambda: PersonalizedPageRank(alpha=1.0),
        lambda: PersonalizedPageRank(eps=0.0),
        lambda: ShortestPath(0),
        lambda: SimRank(decay=1.0),
    ):
        with pytest.raises(ConfigError):
            build()


def test_large_graphs_take_the_same_largest_eigenvalue() -> None:
    ring = np.stack([np.arange(100), (np.arange(100) + 1) % 100])  # eigenvalue 2
    Katz(0.499).fit(ring, 100)
    with pytest.raises(ConfigError, match="largest eigenvalue is 2"):
        Katz(0.501).fit(ring, 100)


def test_katz_columns_that_are_kept_are_those_that_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    ring = np.stack([np.arange(90), (np.arange(90) * 7 + 1) % 90])
    pairs = np.random.default_rng(0).integers(90, size=(2, 400))
    kept, fresh = Katz(0.1), Katz(0.1)
    kept.fit(ring, 90)
    monkeypatch.setattr("graphkit.scorers.katz._KEPT", 0)
    fresh.fit(ring, 90)
    assert kept._kept is not None and fresh._kept is None
    for part in (pairs[:, :30], pairs):  # a later call finds some of its columns
        assert np.array_equal(kept.score(part), fresh.score(part))
