"""A dataset of graphs: laid out flat, checked, handed out whole and graph by graph."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch_geometric.data import Data

from graphkit.data.cards import Card
from graphkit.data.graph_checks import check, count, measure
from graphkit.data.graphs import GraphDataset, pack, unpack
from graphkit.data.leaks import check_dataset
from graphkit.data.raw import RawGraphs
from graphkit.errors import ConfigError, GraphValidationError

CARD = Card(name="three", task="graph-classification", protocols=("folds-10",))


def three(**changes: Any) -> RawGraphs:
    """A pair, a graph without nodes, and a path of three."""
    raw = RawGraphs(
        ptr=np.array([0, 2, 2, 5]),
        edge_index=np.array([[0, 1, 2, 3, 3, 4], [1, 0, 3, 2, 4, 3]]),
        x=np.arange(5, dtype=np.float32)[:, None],
        y=np.array([0, -1, 1]),
        splits={"own": [(np.array([0]), np.array([], dtype=np.int64), np.array([2]))]},
        edge_attr=np.array([[0], [0], [1], [1], [2], [2]]),
        edge_sizes=(3,),
        rejected=("row 7: not a molecule",),
        name="three",
    )
    return replace(raw, **changes)


def test_it_survives_the_cache() -> None:
    raw, again = three(), unpack(pack(three()), "three")
    for key, value in vars(raw).items():
        if key != "splits":
            np.testing.assert_array_equal(getattr(again, key), value, err_msg=key)
    assert [part.tolist() for part in again.splits["own"][0]] == [[0], [], [2]]


def test_counts_and_measures() -> None:
    assert check(three(), CARD) == count(three(), CARD)
    found = count(three(), CARD)
    assert (found["graphs"], found["nodes"], found["edges"], found["isolated"]) == (3, 5, 6, 0)
    told = measure(three(), CARD)
    assert told["smallest_graph"] == 0 and told["largest_graph"] == 3 and "row 7" in told["rejected"]


def test_single_graphs_are_numbered_from_0() -> None:
    dataset = GraphDataset(CARD, three(), "", {})
    first, none, path = (dataset.graph(index) for index in range(3))
    assert path.edge_index.tolist() == [[0, 1, 1, 2], [1, 0, 2, 1]] and path.x.ravel().tolist() == [2, 3, 4]
    assert path.edge_attr.ravel().tolist() == [1, 1, 2, 2] and path.y.tolist() == [1]
    assert none.num_nodes == 0 and none.edge_index.shape == (2, 0) and first.num_nodes == 2
    with pytest.raises(ConfigError, match="0 to 2"):
        dataset.graph(3)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"ptr": np.array([0, 2, 4])}, "ptr"),
        ({"ptr": np.array([0, 3, 3, 5])}, "edge 2 joins two graphs"),
        ({"edge_index": np.array([[3, 4, 0, 1, 3, 2], [4, 3, 1, 0, 2, 3]])}, "side by side"),
        ({"edge_index": np.array([[0, 1, 2, 3, 3, 9], [1, 0, 3, 2, 4, 3]])}, "edge 5 is 9 -> 3"),
        ({"x": np.full((5, 1), np.nan, dtype=np.float32)}, "NaN"),
        ({"x": np.array([[0], [1], [2], [3], [4]]), "x_sizes": (4,)}, "node feature 0 of node 4 is 4"),
        ({"edge_sizes": (2,)}, "edge feature 0 of edge 4 is 2"),
        ({"y": np.array([0, 1])}, "for 3 graphs"),
        ({"splits": {"own": [([0], [1], [2])]}}, "1 graphs without a label, graph 1 first"),
        ({"splits": {"own": [([0], [0], [2])]}}, "both train and valid"),
        ({"pos": np.zeros((4, 3), dtype=np.float32)}, "4 rows of pos"),
    ],
)
def test_what_is_broken_is_named(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(GraphValidationError, match=message):
        check(three(**changes), CARD)


def test_a_list_of_graphs_becomes_a_dataset() -> None:
    edges = torch.tensor([[0, 1], [1, 0]])
    graphs = [
        Data(x=torch.full((2, 1), float(k)), edge_index=edges, edge_attr=torch.ones(2, 4), y=torch.tensor([k % 2]))
        for k in range(20)
    ]
    dataset = GraphDataset.from_graphs(graphs, target="binary")
    assert dataset.num_outputs == 1 and dataset.card.metric == "roc-auc"
    assert torch.equal(dataset.graph(7).x, graphs[7].x) and torch.equal(dataset.graph(7).edge_index, edges)
    split = dataset.split(index=3)
    assert [len(part) for part in split.parts] == [16, 2, 2]
    assert not any(finding.leaks for found in check_dataset(dataset) for finding in found.findings)
    with pytest.raises(ConfigError, match="x, edge_index and y"):
        GraphDataset.from_graphs([Data(x=torch.ones(1, 1))])


def test_regression_targets_may_be_missing() -> None:
    pair = Data(x=torch.ones(2, 1), edge_index=torch.tensor([[0, 1], [1, 0]]), y=torch.tensor([1.5, torch.nan]))
    dataset = GraphDataset.from_graphs([pair], target="regression", splits={"own": [([0], [], [])]})
    assert dataset.num_outputs == 2 and dataset.card.metric == "mae"
