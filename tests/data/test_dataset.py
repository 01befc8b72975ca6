from __future__ import annotations

import networkx
import numpy as np
import pytest
import torch
from torch_geometric.data import Data
from torch_geometric.utils import from_networkx

from graphkit.data import NodeDataset
from graphkit.errors import ConfigError, GraphValidationError, ProtocolError


def cycle(**fields: torch.Tensor) -> Data:
    nodes = torch.arange(20)
    base = {"x": torch.eye(20), "edge_index": torch.stack([nodes, (nodes + 1) % 20]), "y": nodes % 4}
    return Data(**{**base, **fields})


def test_own_data_gets_drawn_splits() -> None:
    dataset = NodeDataset.from_data(cycle(), name="mine")
    assert dataset.card.protocols == ("random-60-20-20",) and dataset.num_outputs == 4
    assert [len(part) for part in dataset.split(index=3).parts] == [12, 4, 4]
    assert dataset.card.metric == "accuracy" and dataset.provenance["source"] == "in memory"


@pytest.mark.parametrize("columns", [0, 3])
def test_masks_become_splits(columns: int) -> None:
    shape = (20, columns) if columns else (20,)
    masks = {key: torch.zeros(shape, dtype=torch.bool) for key in ("train_mask", "val_mask")}
    masks["train_mask"][:10], masks["val_mask"][10:15] = True, True
    test = torch.zeros(20, dtype=torch.bool)
    test[15:] = True
    dataset = NodeDataset.from_data(cycle(**masks, test_mask=test))
    assert dataset.card.protocols == ("given",) and dataset.num_splits() == max(columns, 1)
    np.testing.assert_array_equal(dataset.split().test, np.arange(15, 20))


def test_own_splits_and_targets() -> None:
    y = torch.zeros(20, 3)
    y[0, 1] = torch.nan
    dataset = NodeDataset.from_data(cycle(y=y), target="multilabel", splits={"mine": [([0, 1], [2], [3])]})
    assert (dataset.num_outputs, dataset.card.metric, dataset.split("mine").name) == (3, "roc-auc", "mine")
    binary = NodeDataset.from_data(cycle(y=torch.arange(20)[:, None] % 2), target="binary")
    assert binary.num_outputs == 1 and binary.raw.y.shape == (20,)


def test_networkx_graphs_come_through_pyg() -> None:
    graph = networkx.karate_club_graph()
    for _, attributes in graph.nodes(data=True):
        attributes["y"] = int(attributes.pop("club") == "Officer")
    data = from_networkx(graph)
    data.x = torch.eye(34)
    assert NodeDataset.from_data(data, target="binary").raw.num_edges == 156


def test_fingerprint_follows_content() -> None:
    first, same = NodeDataset.from_data(cycle()), NodeDataset.from_data(cycle())
    other = NodeDataset.from_data(cycle(y=torch.arange(20) % 5))
    assert first.fingerprint == same.fingerprint != other.fingerprint


@pytest.mark.parametrize(
    ("fields", "error", "message"),
    [
        ({"x": torch.full((20, 2), torch.nan)}, GraphValidationError, "mine: feature 0 of node 0 is NaN"),
        ({"edge_index": torch.tensor([[0], [20]])}, GraphValidationError, "edge 0 is 0 -> 20"),
        ({"y": torch.rand(20)}, GraphValidationError, "multiclass y must be int64"),
        ({"y": None}, ConfigError, "the Data object has no y"),
    ],
)
def test_broken_data_is_one_clear_error(fields: dict[str, torch.Tensor], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        NodeDataset.from_data(cycle(**fields), name="mine")


def test_overlapping_splits_are_refused() -> None:
    with pytest.raises(ProtocolError, match="in both train and test"):
        NodeDataset.from_data(cycle(), splits={"mine": [([0, 1], [2], [1])]})
