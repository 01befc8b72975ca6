from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from graphkit.errors import GraphValidationError
from graphkit.scorers import SCORERS
from graphkit.scorers.pairs import CommonNeighbors

PAIRS = ("cn", "aa", "ra", "jaccard", "pa")


def drawn(nodes: int, edges: int, seed: int) -> Any:
    return np.random.default_rng(seed).integers(0, nodes, (2, edges))


def dense(name: str, message: Any, nodes: int) -> Any:
    """The definitions on a dense matrix."""
    a = np.zeros((nodes, nodes))
    a[message[0], message[1]] = a[message[1], message[0]] = 1
    np.fill_diagonal(a, 0)
    d = a.sum(1)
    with np.errstate(divide="ignore", invalid="ignore"):
        log = np.where(d > 1, 1 / np.log(d), 0)
        common = a @ a
        return {
            "cn": common,
            "aa": a @ np.diag(log) @ a,
            "ra": a @ np.diag(np.where(d > 0, 1 / d, 0)) @ a,
            "jaccard": np.nan_to_num(common / (d[:, None] + d[None] - common)),
            "pa": np.outer(d, d),
        }[name]


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize(("nodes", "edges"), [(12, 20), (40, 300), (30, 0)])
def test_scores_are_those_of_the_dense_matrix(name: str, nodes: int, edges: int) -> None:
    message = drawn(nodes, edges, seed=nodes)
    model = SCORERS.get(name)()
    model.fit(message, nodes)  # type: ignore[call-arg, arg-type]
    pairs = np.indices((nodes, nodes)).reshape(2, -1)
    expected = dense(name, message, nodes)[pairs[0], pairs[1]]
    np.testing.assert_allclose(model.score(pairs), expected, rtol=1e-12, atol=1e-12)  # type: ignore[call-arg]


@pytest.mark.parametrize("name", PAIRS)
def test_a_hub_is_searched_to_the_same_bits(name: str) -> None:
    hub = np.stack([np.zeros(400, dtype=np.int64), np.arange(1, 401)])
    message = np.concatenate([hub, drawn(401, 600, seed=2)], axis=1)
    model = SCORERS.get(name)()
    model.fit(message, 401)  # type: ignore[call-arg, arg-type]
    pairs = np.stack([np.zeros(401, dtype=np.int64), np.arange(401)])
    there, back = model.score(pairs), model.score(pairs[::-1])  # type: ignore[call-arg]
    assert there.tobytes() == back.tobytes()
    np.testing.assert_allclose(there, dense(name, message, 401)[0], rtol=1e-12)


def test_repeats_directions_and_loops_do_not_count() -> None:
    model = CommonNeighbors()
    model.fit(np.array([[0, 1, 1, 2, 1, 0], [1, 0, 2, 1, 1, 1]]), 3)
    assert model.col.tolist() == [1, 0, 2, 1] and model.score(np.array([[0], [2]])).tolist() == [1.0]


def test_nodes_that_are_not_there_are_refused() -> None:
    model = CommonNeighbors()
    with pytest.raises(GraphValidationError, match="edge 0 is 0 - 3, but nodes are numbered 0..2"):
        model.fit(np.array([[0], [3]]), 3)
    model.fit(np.array([[0], [1]]), 3)
    with pytest.raises(GraphValidationError, match="pair 1 is -1 - 2"):
        model.score(np.array([[0, -1], [1, 2]]))
    with pytest.raises(GraphValidationError, match="whole numbers"):
        model.score(np.array([[0.5], [1.0]]))
