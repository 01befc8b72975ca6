"""Skip-gram: the gradient is that of its loss, results depend on the seed alone, and communities come out."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
import torch
from sklearn.base import clone

from graphkit.embeddings import skipgram
from graphkit.embeddings.deepwalk import DeepWalk
from graphkit.embeddings.line import LINE
from graphkit.embeddings.node2vec import Node2Vec
from graphkit.errors import ConfigError, NonFiniteScores, UnknownNameError

CAVES = nx.connected_caveman_graph(6, 8)
SMALL = [
    DeepWalk(16, walks=20, length=20, window=4),
    Node2Vec(16, p=0.5, q=2.0, walks=20, length=20, window=4),
    LINE(16, samples=400),
    LINE(16, "second", samples=400),
]


@pytest.mark.parametrize(
    ("length", "window", "segment"), [(40, 10, 40), (80, 10, 40), (50, 3, 40), (7, 9, 40), (9, 2, 4)]
)
def test_every_pair_of_a_walk_counts_once(length: int, window: int, segment: int) -> None:
    layout = skipgram.window_layout(length, window, segment)
    found = np.zeros((length, length))
    for row, column, weight in zip(layout.rows, layout.columns, layout.weight, strict=True):
        found[row : row + weight.shape[0], column : column + weight.shape[1]] += weight
    distance = np.abs(np.subtract.outer(np.arange(length), np.arange(length)))
    due = np.where((distance > 0) & (distance <= window), (window - distance + 1) / window, 0.0)
    np.testing.assert_allclose(found, due, atol=1e-6)


@pytest.mark.parametrize("shared", [False, True])
def test_a_round_takes_the_step_of_its_loss(shared: bool) -> None:
    rng = np.random.default_rng(0)
    nodes = np.array([[0, 1, 2, 1, 4], [5, 3, -1, -1, -1]], dtype=np.int32)
    layout = skipgram.window_layout(5, 2)
    drawn = rng.integers(0, 6, (2, skipgram._SHARED)).astype(np.int32)
    start = [rng.normal(size=(6, 4)).astype(np.float32) for _ in range(2)]
    inputs = start[0].copy()
    outputs = inputs if shared else start[1].copy()
    buffers = skipgram._Buffers(layout, 4, 6)
    work = (nodes, drawn, layout.rows, layout.columns, layout.weight, buffers.low, buffers.high, 5)
    skipgram._round(None, 1, 0, 2, inputs, outputs, buffers, work)  # type: ignore[arg-type]
    skipgram._apply(0, 2, inputs, outputs, nodes, drawn, *buffers.gradients(layout), np.float32(1e-3))

    u = torch.tensor(start[0], dtype=torch.float64, requires_grad=True)
    v = u if shared else torch.tensor(start[1], dtype=torch.float64, requires_grad=True)
    loss = torch.zeros((), dtype=torch.float64)
    for sequence, walk in enumerate(nodes):
        for i, one in enumerate(walk):
            for j, other in enumerate(walk):
                weight = float(layout.weight[0, i, j])
                if one < 0 or other < 0 or not weight:
                    continue
                loss -= weight * torch.nn.functional.logsigmoid(u[one] @ v[other])
                for negative in drawn[sequence]:
                    share = weight * 5 / skipgram._SHARED
                    loss -= share * torch.nn.functional.logsigmoid(-(u[one] @ v[int(negative)]))
    loss.backward()
    np.testing.assert_allclose(inputs - start[0], -1e-3 * u.grad.numpy(), atol=3e-6)
    if not shared:
        np.testing.assert_allclose(outputs - start[1], -1e-3 * v.grad.numpy(), atol=3e-6)


@pytest.mark.parametrize("model", SMALL, ids=repr)
def test_communities_are_near_each_other(model: DeepWalk) -> None:
    x = model.fit_transform(CAVES)
    assert x.shape == (48, 16) and x.dtype == np.float32
    unit = x / np.linalg.norm(x, axis=1, keepdims=True)
    near = unit @ unit.T
    same = np.arange(48)[:, None] // 8 == np.arange(48) // 8
    np.fill_diagonal(near, np.nan)
    assert np.nanmean(near[same]) > np.nanmean(near[~same]) + 0.3


@pytest.mark.parametrize("model", SMALL, ids=repr)
def test_equal_seeds_agree_whatever_the_threads(model: DeepWalk, monkeypatch: pytest.MonkeyPatch) -> None:
    first = clone(model).fit_transform(CAVES)
    for module in ("skipgram", "walks"):
        monkeypatch.setattr(f"graphkit.embeddings.{module}.num_threads", lambda: 3)
    np.testing.assert_array_equal(first, clone(model).fit_transform(CAVES))
    assert (clone(model).set_params(seed=1).fit_transform(CAVES) != first).any()


def test_hubs_and_isolated_nodes_stay_finite() -> None:
    graph = nx.star_graph(3000)
    graph.add_node(3001)
    for model in (DeepWalk(8, walks=2, length=20, window=5), LINE(8, samples=50)):
        assert np.abs(model.fit_transform(graph)).max() < 100


def test_bad_options_are_refused() -> None:
    for model in (DeepWalk(0), Node2Vec(walks=0), DeepWalk(learning_rate=0.0), LINE(samples=0), LINE(3), Node2Vec(p=0)):
        with pytest.raises(ConfigError):
            model.fit(CAVES)
    with pytest.raises(UnknownNameError, match="second"):
        LINE(order="secnd").fit(CAVES)  # type: ignore[arg-type]


def test_divergence_is_an_error() -> None:
    class Broken(LINE):
        def embed(self, adjacency: object) -> np.ndarray:
            return np.full((48, 2), np.nan, dtype=np.float32)

    with pytest.raises(NonFiniteScores, match="48 nodes"):
        Broken().fit(CAVES)
