from __future__ import annotations

from pathlib import Path

import networkx as nx
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from torch_geometric.data import Data

from graphkit.errors import ConfigError, DataError, ShapeError
from graphkit.estimators import (
    GraphClassifier,
    GraphRegressor,
    LinkPredictor,
    NodeClassifier,
    from_networkx,
    load_estimator,
    to_networkx,
)

QUICK = {"epochs": 40, "lr": 0.02}


@pytest.fixture(scope="module")
def club() -> nx.Graph:
    return nx.karate_club_graph()


@pytest.fixture(scope="module")
def sides(club: nx.Graph) -> NDArray[np.str_]:
    return np.array([club.nodes[node]["club"] for node in club])


def shapes(count: int) -> tuple[list[Data], NDArray[np.str_]]:
    graphs = [nx.cycle_graph(3 + size) for size in range(count)] + [nx.star_graph(2 + size) for size in range(count)]
    for graph in graphs:
        nx.set_node_attributes(graph, {node: [float(degree)] for node, degree in graph.degree()}, "x")
    return [from_networkx(graph) for graph in graphs], np.repeat(["ring", "star"], count)


def test_every_kind_of_graph_gives_the_same_classifier(club: nx.Graph, sides: NDArray[np.str_]) -> None:
    x = np.eye(34)
    matrix = nx.to_scipy_sparse_array(club, weight=None)
    data = from_networkx(club)
    found = []
    for graph in (club, sparse.csr_matrix(matrix), data):
        model = NodeClassifier("gcn", train=QUICK).fit(graph, sides, x=x, nodes=np.arange(0, 34, 2))
        found.append(model.predict_proba())
        assert model.score(graph, sides, x=x) > 0.8
        assert set(model.predict()) <= {"Mr. Hi", "Officer"}
    assert np.allclose(found[0], found[1], atol=1e-5) and np.allclose(found[0], found[2], atol=1e-5)


def test_unknown_labels_are_not_used_and_masks_are(club: nx.Graph, sides: NDArray[np.str_]) -> None:
    partial = np.where(np.arange(34) % 3 == 0, sides.astype(object), None)
    one = NodeClassifier("gcn", train=QUICK).fit(club, partial, x=np.eye(34)).predict_proba()
    two = NodeClassifier("gcn", train=QUICK).fit(club, sides, x=np.eye(34), nodes=np.arange(34) % 3 == 0)
    assert np.array_equal(one, two.predict_proba())
    codes = torch.from_numpy((sides == "Officer").astype(np.int64))
    data = Data(x=torch.eye(34), edge_index=from_networkx(club).edge_index, y=codes)
    data.train_mask = torch.arange(34) % 3 == 0
    assert np.array_equal(NodeClassifier("gcn", train=QUICK).fit(data).predict_proba(), one)


def test_a_classifier_predicts_on_graphs_it_has_not_seen(club: nx.Graph, sides: NDArray[np.str_]) -> None:
    degree = np.array([[degree, 1.0] for _, degree in club.degree()])
    model = NodeClassifier("sage", train=QUICK).fit(club, sides, x=degree)
    assert model.predict(nx.path_graph(5), x=np.ones((5, 2))).shape == (5,)
    with pytest.raises(ShapeError, match="fitted on 2 features, got 3"):
        model.predict(nx.path_graph(5), x=np.ones((5, 3)))


@pytest.mark.parametrize("kind", ["nodes", "graphs", "numbers", "links"])
def test_a_saved_estimator_comes_back_and_predicts_the_same(
    kind: str, tmp_path: Path, club: nx.Graph, sides: NDArray[np.str_]
) -> None:
    x = np.eye(34)
    graphs, names = shapes(8)
    pairs = [[0, 1], [14, 26]]
    if kind == "nodes":
        model = NodeClassifier("gat", train=QUICK).fit(club, sides, x=x)
        before = model.predict_proba(club, x=x)
    elif kind == "graphs":
        model = GraphClassifier("gin", train=QUICK).fit(graphs, names)
        before = model.predict_proba(graphs)
    elif kind == "numbers":
        model = GraphRegressor("gin", train=QUICK).fit(graphs, [graph.num_nodes for graph in graphs])
        before = model.predict(graphs)
    else:
        model = LinkPredictor("gcn", train=QUICK).fit(club, x=x)
        before = model.predict_proba(pairs)
    back = load_estimator(model.save(tmp_path / "model.safetensors"))
    assert type(back) is type(model) and back.get_params() == model.get_params()
    assert back.dataset_fingerprint_ == model.dataset_fingerprint_
    if kind == "nodes":
        with pytest.raises(ConfigError, match="give predict the graph"):
            back.predict()
        after = back.predict_proba(club, x=x)
    elif kind == "links":
        after = back.observe(club, x=x).predict_proba(pairs)
    else:
        after = back.predict_proba(graphs) if kind == "graphs" else back.predict(graphs)
    assert np.array_equal(before, after)


def test_graphs_are_told_apart_and_counted() -> None:
    graphs, names = shapes(12)
    assert GraphClassifier("gin", train=QUICK).fit(graphs, names).score(graphs, names) > 0.9
    sizes = np.array([[graph.num_nodes, -2.0 * graph.num_nodes] for graph in graphs])
    model = GraphRegressor("gin", train={"epochs": 150, "lr": 0.01}).fit(graphs, sizes)
    assert model.predict(graphs).shape == (24, 2) and model.score(graphs, sizes) > 0.5


def test_links_are_told_from_other_pairs() -> None:
    groups = nx.planted_partition_graph(4, 15, 0.6, 0.02, seed=1)
    x = np.eye(4)[np.arange(60) // 15] + np.random.default_rng(0).normal(0, 0.1, (60, 4))
    model = LinkPredictor("gcn", train=QUICK).fit(groups, x=x)
    others = list(nx.non_edges(groups))
    pairs = np.array([*groups.edges, *others])
    assert model.score(pairs, np.repeat([1, 0], [groups.number_of_edges(), len(others)])) > 0.85
    assert model.predict(np.zeros((0, 2))).shape == (0,)
    with pytest.raises(ShapeError, match="0 to 59"):
        model.predict([[0, 60]])
    with pytest.raises(ShapeError, match=r"\[B, 2\]"):
        model.predict([0, 1])


def test_settings_are_those_of_scikit_learn(club: nx.Graph) -> None:
    model = NodeClassifier("gat", options={"heads": 4}, seed=3)
    assert clone(model).get_params() == model.get_params()
    with pytest.raises(NotFittedError):
        model.predict(club)
    with pytest.raises(NotFittedError):
        model.save("nowhere")


@pytest.mark.parametrize(
    ("y", "more", "message"),
    [
        (np.zeros(34), {}, "nothing to tell apart"),
        (np.arange(34.0) * np.nan, {}, "0 labelled examples are too few"),
        (np.arange(34) % 2, {"nodes": [99]}, "numbered 0 to 33"),
        (np.arange(3), {}, r"y must be \[34\]"),
        (None, {}, "there are no labels"),
    ],
)
def test_bad_labels_are_one_clear_error(club: nx.Graph, y: object, more: dict[str, object], message: str) -> None:
    with pytest.raises((ConfigError, ShapeError), match=message):
        NodeClassifier("gcn", train=QUICK).fit(club, y, x=np.eye(34), **more)


def test_what_is_no_graph_or_no_model_is_refused(club: nx.Graph, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="a graph is a"):
        NodeClassifier("gcn").fit([1, 2], [0, 1])
    with pytest.raises(ConfigError, match="no node features"):
        NodeClassifier("gcn").fit(club, np.arange(34) % 2)
    (tmp_path / "other.safetensors").write_bytes(b"nothing")
    with pytest.raises(DataError, match="no saved estimator"):
        load_estimator(tmp_path / "other.safetensors")
    with pytest.raises(DataError):
        load_estimator(tmp_path / "absent.safetensors")


def test_graphs_go_to_networkx_and_back(club: nx.Graph) -> None:
    named = nx.relabel_nodes(club, {node: f"member {node}" for node in club})
    back = to_networkx(from_networkx(named), side=np.arange(34))
    assert set(back.edges) == set(named.edges) or nx.utils.graphs_equal(nx.Graph(back.edges), nx.Graph(named.edges))
    assert back.nodes["member 3"]["side"] == 3 and not back.is_directed()
    assert to_networkx(Data(edge_index=torch.tensor([[0], [1]]), num_nodes=2)).is_directed()
