"""FastRP is its equation, and its random matrix has the density and values it says."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone

from graphkit.embeddings.fastrp import FastRP, random_projection
from graphkit.errors import ConfigError, GraphValidationError, UnknownNameError


def dense_reference(
    adjacency: np.ndarray, projection: np.ndarray, weights: tuple[float, ...], alpha: float, normalise: bool
) -> np.ndarray:
    """The equation of the class, every matrix dense and in float64."""
    degree = adjacency.sum(1)
    safe = np.where(degree > 0, degree, 1.0)
    step = adjacency / safe[:, None]
    power = np.diag(np.where(degree > 0, safe**alpha, 0.0)) @ projection
    total = np.zeros_like(projection)
    for weight in weights:
        power = step @ power
        length = np.linalg.norm(power, axis=1, keepdims=True)
        total += weight * (power / np.where(length > 0, length, 1.0) if normalise else power)
    spread = total.std(0)
    return (total - total.mean(0)) / np.where(spread > 0, spread, 1.0)


@pytest.mark.parametrize("normalise", [True, False])
@pytest.mark.parametrize("projection", ["code", "paper"])
@pytest.mark.parametrize("weights", [(1.0,), (1.0, 2.0), (0.0, 0.0, 7.81, 45.28), (0.0, 1.0, 0.0)])
def test_equals_the_dense_equation(normalise: bool, projection: str, weights: tuple[float, ...]) -> None:
    graph = nx.gnp_random_graph(50, 0.1, seed=2)
    graph.add_node(50)  # without edges
    for number, (a, b) in enumerate(graph.edges):
        graph[a][b]["weight"] = 1.0 + number % 3
    adjacency = nx.to_numpy_array(graph)
    model = FastRP(16, weights, -0.628, normalise, projection, seed=5)  # type: ignore[arg-type]
    start = random_projection(51, 16, projection, 5).toarray()  # type: ignore[arg-type]
    due = dense_reference(adjacency, start, weights, -0.628, normalise)
    np.testing.assert_allclose(model.fit_transform(graph), due, atol=2e-4)


@pytest.mark.parametrize(("projection", "density"), [("code", 0.02), ("paper", 1 / 3)])
def test_entries_of_the_random_matrix(projection: str, density: float) -> None:
    matrix = random_projection(2500, 40, projection, 1)  # type: ignore[arg-type]
    cells = 2500 * 40
    spread = np.sqrt(cells * density * (1 - density))
    assert abs(matrix.nnz - density * cells) < 4 * spread
    value = np.sqrt(3.0) if projection == "paper" else np.sqrt(1 / (0.02 * 40))
    np.testing.assert_allclose(np.abs(matrix.data), value)
    assert abs(np.sign(matrix.data).sum()) < 4 * np.sqrt(matrix.nnz)
    rows = np.diff(matrix.indptr)
    assert rows.std() == pytest.approx(np.sqrt(40 * density * (1 - density)), rel=0.1)


def test_follows_scikit_learn_and_the_seed() -> None:
    graph = nx.karate_club_graph()
    model = FastRP(8, seed=3)
    first = model.fit(graph).embedding_
    np.testing.assert_array_equal(first, clone(model).fit_transform(graph))
    assert first.dtype == np.float32 and (first != FastRP(8, seed=4).fit_transform(graph)).any()
    assert model.get_params()["alpha"] == -0.5


def test_bad_options_and_graphs_are_refused() -> None:
    graph = nx.path_graph(4)
    for model in (FastRP(0), FastRP(4, (0.0, 0.0)), FastRP(4, (float("nan"),))):
        with pytest.raises(ConfigError, match="FastRP needs"):
            model.fit(graph)
    with pytest.raises(UnknownNameError, match="paper"):
        FastRP(4, projection="papr").fit(graph)  # type: ignore[arg-type]
    with pytest.raises(GraphValidationError, match="no edge"):
        FastRP(4).fit(sparse.csr_matrix((3, 3)))
