"""Graphs that break loaders elsewhere: without nodes, of one node, without edges, in parts; and budgets."""

from __future__ import annotations

import pytest
import torch
from torch_geometric.data import Data

from graphkit.config import RunSpec
from graphkit.data.graphs import GraphDataset
from graphkit.errors import BudgetExceeded
from graphkit.training import run


def odd(kind: int) -> Data:
    edges = [
        torch.zeros(2, 0, dtype=torch.long),
        torch.zeros(2, 0, dtype=torch.long),
        torch.zeros(2, 0, dtype=torch.long),
        torch.tensor([[0, 1, 2, 3], [1, 0, 3, 2]]),
        torch.tensor([[0, 1, 1, 2, 2, 0], [1, 0, 2, 1, 0, 2]]),
    ][kind]
    nodes = (0, 1, 3, 5, 3)[kind]
    return Data(
        x=torch.ones(nodes, 2), edge_index=edges, edge_attr=torch.ones(edges.size(1), 1), y=torch.tensor([kind % 2])
    )


@pytest.fixture
def dataset(monkeypatch: pytest.MonkeyPatch) -> GraphDataset:
    found = GraphDataset.from_graphs([odd(k % 5) for k in range(50)])
    monkeypatch.setattr(run, "dataset_for", lambda spec: found)
    return found


def spec_of(*settings: str) -> RunSpec:
    plain = ["head.name=graph", "data.batch_size=4", "train.epochs=2", "protocol=folds-10"]
    return RunSpec().with_overrides([*plain, "encoder.options.hidden_channels=8", *settings])


@pytest.mark.parametrize(
    ("encoder", "readout"),
    [("gin", readout) for readout in ("sum", "mean", "max", "attention", "set")]
    + [(encoder, "sum") for encoder in ("gcn", "gat", "pathnn", "subgraph")],
)
def test_they_train_and_score(dataset: GraphDataset, encoder: str, readout: str) -> None:
    result = run.train_labels(spec_of(f"encoder.name={encoder}", f'head.options.readout="{readout}"'))
    assert result.status == "ok"


def test_edge_features_of_graphs_without_edges(dataset: GraphDataset) -> None:
    spec = spec_of("encoder.name=pathnn", 'encoder.options.kind="ap"', "data.edge_features=true")
    assert run.train_labels(spec).status == "ok"


def test_too_many_paths_are_refused_with_their_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    full = torch.combinations(torch.arange(30)).t()
    clique = Data(x=torch.ones(30, 2), edge_index=torch.cat([full, full.flip(0)], dim=1), y=torch.tensor([0]))
    other = Data(x=torch.ones(1, 2), edge_index=torch.zeros(2, 0, dtype=torch.long), y=torch.tensor([1]))
    found = GraphDataset.from_graphs([clique, other] * 10)
    monkeypatch.setattr(run, "dataset_for", lambda spec: found)
    settings = ["encoder.name=pathnn", 'encoder.options.kind="ap"', "encoder.options.length=4", "data.budget_mb=100"]
    with pytest.raises(BudgetExceeded, match=r"would take [\d,]+ bytes \(171,007,200 paths of 4 edges\)"):
        run.train_labels(spec_of(*settings))
    capped = spec_of(*settings, "encoder.options.max_per_root=5", "train.epochs=1")
    assert run.train_labels(capped).status == "ok"
