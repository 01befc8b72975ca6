"""Diagnostics against loops over pairs of nodes, hand-made graphs and published values."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from torch_geometric.utils import homophily

from graphkit.data.cards import load_card
from graphkit.data.diagnostics import diagnose
from graphkit.data.raw import LocalFile
from graphkit.data.readers import READERS
from graphkit.errors import GraphValidationError, ShapeError


def random_graph(seed: int, nodes: int = 30, classes: int = 4, p: float = 0.12) -> tuple[NDArray, NDArray]:
    rng = np.random.default_rng(seed)
    upper = np.triu(rng.random((nodes, nodes)) < p, k=1)
    return np.stack(np.nonzero(upper | upper.T)), rng.integers(classes, size=nodes)


def neighbours_of(edges: NDArray, nodes: int) -> list[list[int]]:
    found: list[set[int]] = [set() for _ in range(nodes)]
    for a, b in edges.T:
        if a != b:
            found[a].add(int(b))
            found[b].add(int(a))
    return [sorted(one) for one in found]


def slow_informativeness(edges: NDArray, y: NDArray) -> float:
    pairs = [(y[v], y[u]) for v, near in enumerate(neighbours_of(edges, len(y))) for u in near]
    ends = [a for a, _ in pairs]
    joint = 0.0
    for pair in set(pairs):
        p = pairs.count(pair) / len(pairs)
        joint -= p * math.log(p)
    single = -sum(ends.count(c) / len(ends) * math.log(ends.count(c) / len(ends)) for c in set(ends))
    return 2 - joint / single


def slow_adjusted(edges: NDArray, y: NDArray) -> float:
    near = neighbours_of(edges, len(y))
    twice = sum(map(len, near))
    edge = sum(y[u] == y[v] for v, one in enumerate(near) for u in one) / twice
    chance = sum((sum(len(near[v]) for v in range(len(y)) if y[v] == c) / twice) ** 2 for c in set(y))
    return (edge - chance) / (1 - chance)


def slow_class_homophily(edges: NDArray, y: NDArray) -> float:
    near = neighbours_of(edges, len(y))
    total = 0.0
    for c in set(y):
        members = [v for v in range(len(y)) if y[v] == c]
        degree = sum(len(near[v]) for v in members)
        share = sum(y[u] == c for v in members for u in near[v]) / degree if degree else 0.0
        total += max(share - len(members) / len(y), 0.0)
    return total / (len(set(y)) - 1)


def slow_similarity(edges: NDArray, y: NDArray) -> NDArray:
    near = neighbours_of(edges, len(y))
    classes = y.max() + 1
    histogram = [np.bincount(y[one], minlength=classes).astype(float) for one in near]
    out = np.zeros((classes, classes))
    for a in range(classes):
        for b in range(classes):
            values = []
            for i in np.flatnonzero(y == a):
                for j in np.flatnonzero(y == b):
                    length = np.linalg.norm(histogram[i]) * np.linalg.norm(histogram[j])
                    values.append(histogram[i] @ histogram[j] / length if length else 0.0)
            out[a, b] = np.mean(values)
    return out


@pytest.mark.parametrize("seed", range(4))
def test_matches_loops(seed: int) -> None:
    edges, y = random_graph(seed)
    found = diagnose(edges, y, 30).labels
    assert found is not None
    assert found.adjusted_homophily == pytest.approx(slow_adjusted(edges, y))
    assert found.label_informativeness == pytest.approx(slow_informativeness(edges, y))
    assert found.class_homophily == pytest.approx(slow_class_homophily(edges, y))
    np.testing.assert_allclose(found.neighbourhood_similarity, slow_similarity(edges, y), atol=1e-12)


@pytest.mark.parametrize("seed", range(4))
def test_matches_pyg_on_undirected_graphs(seed: int) -> None:
    import torch

    edges, y = random_graph(seed, p=0.3)
    found = diagnose(edges, y, 30).labels
    assert found is not None
    arguments = torch.from_numpy(edges), torch.from_numpy(y)
    assert found.edge_homophily == pytest.approx(homophily(*arguments, method="edge"))
    assert found.node_homophily == pytest.approx(homophily(*arguments, method="node"), rel=1e-5)
    assert found.class_homophily == pytest.approx(homophily(*arguments, method="edge_insensitive"), rel=1e-5)


def test_directions_loops_and_duplicates_do_not_change_label_measures() -> None:
    edges, y = random_graph(0)
    one_way = edges[:, edges[0] < edges[1]]
    loops = np.stack([np.arange(5), np.arange(5)])
    messy = np.concatenate([one_way, one_way[:, :3], loops], axis=1)
    assert diagnose(messy, y, 30).labels == diagnose(edges, y, 30).labels


def test_extremes() -> None:
    pair_of_edges = [[0, 1, 2, 3], [1, 0, 3, 2]]
    perfect = diagnose(pair_of_edges, [0, 0, 1, 1], 4).labels
    opposite = diagnose(pair_of_edges, [0, 1, 0, 1], 4).labels
    assert perfect is not None
    assert opposite is not None
    assert (perfect.edge_homophily, perfect.adjusted_homophily, perfect.label_informativeness) == (1.0, 1.0, 1.0)
    assert (opposite.edge_homophily, opposite.adjusted_homophily, opposite.label_informativeness) == (0.0, -1.0, 1.0)
    assert perfect.neighbourhood_similarity == ((1.0, 0.0), (0.0, 1.0))


def test_structure_counts() -> None:
    #  0 -> 1 twice, 1 -> 0, 2 -> 2, 3 -> 4; node 5 alone
    found = diagnose([[0, 0, 1, 2, 3], [1, 1, 0, 2, 4]], None, 6, np.eye(6, dtype=np.float32))
    assert (found.num_edges, found.self_loops, found.duplicate_edges, found.isolated_nodes) == (5, 1, 1, 2)
    assert (found.components, found.largest_component, found.is_undirected) == (4, 2, False)
    assert (found.max_degree, found.mean_degree) == (1, pytest.approx(4 / 6))
    assert found.feature_density == pytest.approx(1 / 6)
    assert found.labels is None


def test_unlabelled_nodes_are_left_out() -> None:
    found = diagnose([[0, 1, 1, 2], [1, 0, 2, 1]], [0, 0, -1], 3).labels
    assert found is not None
    assert found.class_counts == (2,)
    assert found.edge_homophily == 1.0
    assert math.isnan(found.adjusted_homophily)  # a single class: nothing to adjust by


def test_a_graph_without_edges_has_no_homophily() -> None:
    found = diagnose(np.empty((2, 0), dtype=np.int64), [0, 1, 1], 3)
    assert (found.isolated_nodes, found.components, found.is_undirected) == (3, 3, True)
    plain = found.to_dict()
    assert plain["labels"]["edge_homophily"] is None
    json.dumps(plain, allow_nan=False)


def test_refuses_what_does_not_fit() -> None:
    with pytest.raises(GraphValidationError, match="there are 2 nodes"):
        diagnose([[0], [2]], None, 2)
    with pytest.raises(ShapeError, match="3 labels for 2 nodes"):
        diagnose([[0], [1]], [0, 1, 2], 2)
    with pytest.raises(ShapeError, match=r"\[2, E\]"):
        diagnose([0, 1], None, 2)


@pytest.mark.mirror
@pytest.mark.parametrize(
    ("name", "folder", "edge", "adjusted", "informativeness"),
    [
        ("minesweeper", "heterophilous/npz", 0.68, 0.01, 0.00),
        ("cora", "citation/Cora/raw", 0.81, 0.77, 0.59),
        ("citeseer", "citation/CiteSeer/raw", 0.74, 0.67, 0.45),
    ],
)
def test_published_values(
    mirror: Path, name: str, folder: str, edge: float, adjusted: float, informativeness: float
) -> None:
    card = load_card(name)
    files = {entry.path: LocalFile(mirror / folder / entry.path) for entry in card.files}
    graph = READERS.get(card.reader)(files, card)
    found = diagnose(graph.edge_index, graph.y, graph.num_nodes).labels
    assert found is not None
    assert round(found.edge_homophily, 2) == edge
    assert round(found.adjusted_homophily, 2) == adjusted
    assert round(found.label_informativeness, 2) == informativeness
