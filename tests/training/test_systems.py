"""Cells of particles and molecules, from specification to record."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from graphkit.config import RunSpec
from graphkit.data import load_dataset
from graphkit.data.cards import Card
from graphkit.data.systems import RawSystems, SystemDataset
from graphkit.errors import ConfigError
from graphkit.seeds import SeedStreams
from graphkit.training import run_cell
from graphkit.training.system_feed import SystemFeed
from graphkit.training.systems import by_subset

SMALL = "data.options={train=40, valid=10, test=10, train_drawn=40}"
GRAPHS = "data.options={train=40, valid=10, test=10}"


def spec(*settings: str) -> RunSpec:
    return RunSpec().with_overrides(["data.batch_size=10", "train.epochs=3", *settings])


@pytest.mark.parametrize("encoder", ["egnn", "straight-line", "radial-field", "point-gnn"])
def test_particles_end_to_end(encoder: str) -> None:
    given = spec("data.name=nbody", SMALL, f"encoder.name={encoder}", "head.name=position", "train.lr=0.001")
    result = run_cell(given)
    assert result.metric == "mse" and 0 < result.test < 10 and result.test == run_cell(given).test


def test_graphs_end_to_end() -> None:
    options = "encoder.options={hidden_channels=16, plain_first=true, shrink=0.001}"
    result = run_cell(spec("data.name=graph-autoencoder", GRAPHS, "encoder.name=egnn", options, "head.name=distance"))
    assert result.metric == "f1" and 0 <= result.test <= 1


def test_a_head_of_another_task_is_refused() -> None:
    with pytest.raises(ConfigError, match="not for trajectory"):
        run_cell(spec("data.name=nbody", SMALL, "encoder.name=egnn", "head.name=distance"))


def test_batches_hold_the_systems_asked_for() -> None:
    dataset = load_dataset("graph-autoencoder", options={"train": 20, "valid": 10, "test": 10})
    feed = SystemFeed(dataset, dataset.split(), spec("data.name=graph-autoencoder"), SeedStreams(0))
    batch = feed.batch(np.array([13, 2]))
    raw = dataset.raw
    for number, start in zip((13, 2), batch.points.ptr.tolist(), strict=False):
        first, last = raw.ptr[number], raw.ptr[number + 1]
        own = (raw.edge_index[0] >= first) & (raw.edge_index[0] < last)
        due = set(map(tuple, (raw.edge_index[:, own] - first + start).T.tolist()))
        edges = batch.points.edges
        chosen = (batch.targets["edges"] > 0) & (edges.target >= start) & (edges.target < start + last - first)
        found = set(zip(edges.source[chosen].tolist(), edges.target[chosen].tolist(), strict=True))
        assert found == due


def test_noise_of_an_epoch_is_its_own_and_repeats() -> None:
    dataset = load_dataset("graph-autoencoder", options={"train": 20, "valid": 10, "test": 10})
    feed = SystemFeed(dataset, dataset.split(), spec("data.name=graph-autoencoder"), SeedStreams(0))
    one, again, other = (torch.cat([b.points.pos for b in feed.train_batches(e)]) for e in (0, 0, 1))
    assert torch.equal(one, again) and not torch.equal(one[:7], other[:7])


def test_errors_are_told_apart_by_subset() -> None:
    points = {"z": np.ones(5, dtype=np.int64), "pos": np.zeros((5, 3)), "forces": np.zeros((5, 3))}
    systems = {"energy": np.zeros(3), "subset": np.array([0, 1, 1])}
    raw = RawSystems(np.array([0, 2, 3, 5]), points, systems, facts={"subsets": ["near", "far"]})
    dataset = SystemDataset(Card(name="small", task="energy-forces", protocols=("generator",)), raw, "", {})
    predicted = {
        "energy": np.array([1.0, 2.0, 4.0]),
        "forces": np.repeat([[1.0], [1.0], [3.0], [3.0], [3.0]], 3, axis=1),
    }
    zeros = {key: np.zeros_like(value) for key, value in predicted.items()}
    found = by_subset(dataset, np.array([0, 1, 2]), predicted, zeros, 0.0)["subsets"]
    assert found["near"]["forces_mae"] == 1.0 and found["far"]["forces_mae"] == 3.0
    assert found["near"]["energy_mae"] == 1.0 and found["far"]["energy_mae"] == 3.0
