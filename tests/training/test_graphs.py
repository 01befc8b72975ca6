"""Cells of graphs, from a dataset to a record: every target, categories, structures, and the epoch all folds share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch_geometric.data import Data

from graphkit.config import RunSpec
from graphkit.data.graphs import GraphDataset
from graphkit.encoders import ENCODERS
from graphkit.encoders.base import Encoder
from graphkit.errors import BudgetExceeded, ConfigError
from graphkit.evaluation.results import Result
from graphkit.evaluation.summaries import aggregate
from graphkit.kernels.ragged import Ragged
from graphkit.seeds import SeedStreams
from graphkit.training import run
from graphkit.training.build import build_model
from graphkit.training.feeds import make_feed
from graphkit.transforms.structures import STRUCTURES, Cost, Graphs, Requirement, attach

VERSION = 1


class Degrees:
    """In-degree of every node, and the ends of every edge."""

    def count(self, graphs: Graphs) -> Cost:
        return Cost(8 * (graphs.num_nodes + 2 * graphs.edge_index.size(1)), "degrees")

    def compute(self, graphs: Graphs) -> dict[str, Ragged]:
        degree = torch.bincount(graphs.edge_index[1], minlength=graphs.num_nodes)
        return {
            "test_degree": Ragged(degree, graphs.ptr),
            "test_ends": Ragged(graphs.edge_index.t().contiguous(), graphs.edge_ptr, "node"),
        }


class ReadsDegrees(Encoder):
    """States are degrees, which it compares with the batch it is given."""

    reads_structure = True

    def __init__(self, in_channels: int, out_channels: int, hidden_channels: int = 4) -> None:
        super().__init__(in_channels, out_channels)
        self.scale = torch.nn.Parameter(torch.ones(out_channels))

    @property
    def requires(self) -> tuple[Requirement, ...]:
        return (Requirement("test-degrees"),)

    def encode(self, x: Any, graph: Any, edge_attr: Any, structure: Any) -> torch.Tensor:
        assert torch.equal(structure["test_degree"], graph.in_degree.long())
        ends = structure["test_ends"]
        assert torch.equal(ends[graph.edge_id.long(), 0], graph.col.long()) and "batch" in structure
        return structure["test_degree"].to(x.dtype).unsqueeze(-1) * self.scale


@pytest.fixture(autouse=True, scope="module")
def _registered() -> Iterator[None]:
    STRUCTURES.register("test-degrees", Degrees)
    ENCODERS.register("test-degrees", ReadsDegrees)
    yield


def cycles(target: str = "multiclass", categories: bool = False) -> GraphDataset:
    """60 cycles with or without a chord, which is the label."""
    graphs = []
    for k in range(60):
        n, chord = 5 + k % 4, k % 2
        nodes = torch.arange(n)
        edges = torch.stack([nodes, (nodes + 1) % n])
        if chord:
            edges = torch.cat([edges, torch.tensor([[0], [2]])], dim=1)
        edges = torch.cat([edges, edges.flip(0)], dim=1)
        y = {"multiclass": [chord], "binary": [chord], "regression": [float(chord)]}
        label = torch.tensor(y.get(target, [float(chord), 1.0 - chord if k % 3 else float("nan")]))
        graphs.append(Data(x=torch.ones(n, 2), edge_index=edges, edge_attr=torch.ones(edges.size(1), 3), y=label))
    parts = np.split(np.random.default_rng(0).permutation(60), [36, 48])
    dataset = GraphDataset.from_graphs(graphs, target=target, splits={"folds-10": [tuple(parts)]})
    if categories:
        raw = dataset.raw
        raw.x, raw.x_sizes = np.ones((raw.num_nodes, 2), dtype=np.int64), (3, 2)
        raw.edge_attr, raw.edge_sizes = np.zeros((raw.num_edges, 1), dtype=np.int64), (2,)
    return dataset


def spec_of(*settings: str, encoder: str = "gin") -> RunSpec:
    plain = [f"encoder.name={encoder}", "encoder.options.hidden_channels=8", "head.name=graph", "data.batch_size=16"]
    return RunSpec().with_overrides([*plain, "train.epochs=3", "protocol=folds-10", *settings])


@pytest.mark.parametrize("target", ["multiclass", "binary", "multilabel", "regression"])
def test_every_target_trains(target: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "dataset_for", lambda spec: cycles(target))
    result = run.train_labels(spec_of())
    assert result.status == "ok" and result.split_sha256 and result.epochs == 3


def test_chords_are_learnt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "dataset_for", lambda spec: cycles())
    result = run.train_labels(spec_of("train.epochs=40", "encoder.options.dropout=0.0", "encoder.options.num_layers=2"))
    assert result.test == 1.0


def test_categories_of_nodes_and_edges_are_embedded() -> None:
    dataset = cycles(categories=True)
    spec = spec_of("data.edge_features=true", "data.input_channels=6")
    model = build_model(spec, dataset, SeedStreams(0))
    assert model.encoder.in_channels == 6 and model.encoder.edge_dim == 6
    feed = make_feed(dataset, dataset.split(), spec.data, SeedStreams(0), torch.device("cpu"))
    (batch, *_) = feed.train_batches(0)
    batch.scores(model).sum().backward()
    assert all(parameter.grad is not None for parameter in model.parameters())


def test_edge_features_need_an_encoder_that_takes_them() -> None:
    with pytest.raises(ConfigError, match="takes no edge features"):
        build_model(spec_of("data.edge_features=true", encoder="gcn"), cycles(), SeedStreams(0))


def test_structures_are_cut_with_the_graphs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "dataset_for", lambda spec: cycles())
    assert run.train_labels(spec_of(encoder="test-degrees")).status == "ok"
    with pytest.raises(BudgetExceeded, match=r"would take [\d,]+ bytes \(.*data.budget_mb"):
        run.train_labels(spec_of("data.budget_mb=0", "encoder.options.hidden_channels=5", encoder="test-degrees"))


def test_a_user_s_data_gets_what_the_encoder_requires() -> None:
    encoder, data = ReadsDegrees(2, 3), cycles().graph(1)
    assert encoder(attach(data, encoder.requires)).x.shape == (data.num_nodes, 3)


def test_scores_do_not_depend_on_the_batch() -> None:
    dataset, spec = cycles(), spec_of("encoder.options.dropout=0.0")
    model = build_model(spec, dataset, SeedStreams(0)).eval()
    found = []
    for size in (1, 7, 0):
        sized = spec.with_overrides([f"data.batch_size={size}"])
        feed = make_feed(dataset, dataset.split(), sized.data, SeedStreams(0), torch.device("cpu"))
        found.append(torch.cat([batch.scores(model) for batch in feed.eval_batches("test")]))
    torch.testing.assert_close(found[0], found[1])
    torch.testing.assert_close(found[0], found[2])


def test_one_epoch_for_all_folds() -> None:
    shared = {"dataset": "mutag", "model": "gin", "protocol": "tu-gin", "protocol_hash": "h", "metric": "accuracy"}
    runs = [
        Result(**shared, seed=k, split=k, status="ok", test=curve[-1], evaluation={"curve": curve})
        for k, curve in enumerate([[0.5, 0.9, 0.7], [0.6, 0.7, 0.8]])
    ]
    (row,) = aggregate(runs)
    assert row.test_mean == pytest.approx(0.8) and row.test_values == (0.9, 0.7)


def test_a_budget_is_kept_before_anything_is_allocated() -> None:
    with pytest.raises(BudgetExceeded, match=r"degrees.*data.budget_mb"):
        Requirement("test-degrees").compute(Graphs.of(cycles().data), budget_mb=0)
