from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from graphkit.config import RunSpec
from graphkit.encoders import ENCODERS
from graphkit.encoders.base import Encoder
from graphkit.errors import ConfigError, NonFiniteScores, ProtocolError, UnknownNameError
from graphkit.heads.node import NodeHead
from graphkit.kernels import CSRGraph, SparseFeatures, spmm
from graphkit.training.build import NodeModel
from graphkit.training.run import run_cell


class MeanEncoder(Encoder):
    """One mean over neighbours between two linear maps, with dropout, so that random state matters."""

    def __init__(self, in_channels: int, out_channels: int, hidden_channels: int = 8, gain: float = 1.0) -> None:
        super().__init__(in_channels, out_channels)
        self.first, self.last = nn.Linear(in_channels, hidden_channels), nn.Linear(hidden_channels, out_channels)
        self.gain = gain

    def encode(self, x: Tensor | SparseFeatures, graph: CSRGraph, edge_attr: Tensor | None) -> Tensor:
        dense = x.dense() if isinstance(x, SparseFeatures) else x
        hidden = nn.functional.dropout(self.first(dense).relu(), 0.5, self.training)
        return self.gain * self.last(hidden + spmm(graph, hidden, reduce="mean"))


@pytest.fixture(scope="module", autouse=True)
def mean_encoder() -> Iterator[None]:
    if "test-mean" not in ENCODERS:
        ENCODERS.register("test-mean", MeanEncoder)
    yield


def spec(*assignments: str) -> RunSpec:
    base = ["data.name=karate", "encoder.name=test-mean", "train.epochs=12", "train.lr=0.05"]
    return RunSpec().with_overrides([*base, *assignments])


class Stop(Exception):
    """Stands for a process that dies."""


@pytest.mark.parametrize("last", [0, 4, 11])
def test_going_on_after_a_stop_gives_the_same_bits(tmp_path: Path, last: int) -> None:
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    for folder in (whole, broken):
        folder.mkdir()

    def die(event: dict[str, object]) -> None:
        if event.get("event") == "epoch" and event["epoch"] == last:
            raise Stop

    expected = run_cell(spec(), whole)
    with pytest.raises(Stop):
        run_cell(spec(), broken, on_event=die)
    events: list[dict[str, object]] = []
    resumed = run_cell(spec(), broken, on_event=events.append)
    assert {"event": "resumed", "epoch": last + 1} in events
    assert (resumed.test, resumed.valid, resumed.best_epoch) == (expected.test, expected.valid, expected.best_epoch)
    assert (whole / "best.safetensors").read_bytes() == (broken / "best.safetensors").read_bytes()


def test_equal_seeds_agree_and_others_do_not() -> None:
    losses: list[list[object]] = []
    for seed in (0, 0, 1):
        events: list[dict[str, object]] = []
        run_cell(spec(f"seed={seed}"), on_event=events.append)
        losses.append([event["loss"] for event in events if event["event"] == "epoch"])
    assert losses[0] == losses[1] != losses[2]


def test_the_record_says_what_was_run() -> None:
    result = run_cell(spec("seed=3"), model_name="mean")
    assert (result.dataset, result.model, result.protocol, result.seed) == ("karate", "mean", "generator", 3)
    assert result.status == "ok" and result.split == 0 and result.epochs == 12
    assert result.parameters == 34 * 8 + 8 + 8 * 2 + 2
    assert result.dataset_fingerprint and result.split_sha256
    assert json.loads(result.to_json())["spec"]["train"]["epochs"] == 12


def test_a_limited_run_is_partial() -> None:
    result = run_cell(spec("limit=0.2"))
    assert (result.status, result.epochs) == ("partial", 3)


def test_the_global_random_state_and_determinism_flags_are_put_back() -> None:
    torch.use_deterministic_algorithms(False)
    run_cell(spec())
    assert not torch.are_deterministic_algorithms_enabled()


def test_divergence_is_an_error_not_a_score() -> None:
    with pytest.raises(NonFiniteScores, match="epoch 0"):
        run_cell(spec("encoder.options.gain=1e39"))


@pytest.mark.parametrize(
    ("assignment", "error", "message"),
    [
        ("encoder.options.hiden_channels=8", UnknownNameError, "hidden_channels"),
        ("encoder.options.hidden_channels=wide", ConfigError, "hidden_channels"),
        ("train.device=cuda:99", ConfigError, "cuda:99"),
        ("protocol=geom-gcn-10", ProtocolError, "generator"),
        ("data.split=1", ProtocolError, "split"),
        ("data.batch_size=4", ConfigError, "fanout"),
        ("data.fanout=[2]", ConfigError, "batch_size"),
    ],
)
def test_bad_settings_are_refused(assignment: str, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        run_cell(spec(assignment))


def test_edge_features_go_only_to_encoders_that_take_them() -> None:
    model = NodeModel(MeanEncoder(3, 2), NodeHead(2, 2))
    assert model(torch.ones(2, 3), torch.tensor([[0], [1]]), torch.ones(1, 4)).shape == (2, 2)
