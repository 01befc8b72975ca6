"""Two processes that share batches give what one process gives; what cannot be shared is refused in words."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
import torch

from graphkit.cli.main import main
from graphkit.config import RunSpec
from graphkit.data.cards import load_card
from graphkit.errors import ConfigError
from graphkit.training.checkpoint import CheckpointFile
from graphkit.training.run import run_cell
from graphkit.training.tasks import check_parallel

pytest.importorskip("lightning_fabric")
GRAPHS = ["data.name=ring-transfer", "encoder.name=gat", "data.options={distance=3, graphs=20}", "data.batch_size=5"]
BODIES = [
    "data.name=nbody",
    "encoder.name=egnn",
    "head.name=position",
    "data.batch_size=5",
    "data.options={train=12, valid=4, test=4, train_drawn=12, steps=4100}",
]
SAMPLED = ["data.name=karate", "encoder.name=gcn", "data.batch_size=4", "data.fanout=[-1,-1]"]


def spec_of(*lines: str) -> RunSpec:
    dropped = ["encoder.options.dropout=0.0"] if "encoder.name=egnn" not in lines else []
    return RunSpec().with_overrides([*lines, *dropped, "train.epochs=2", "train.select=last"])


@pytest.mark.parametrize("lines", [GRAPHS, BODIES, SAMPLED], ids=["graphs", "points", "sampled"])
def test_two_processes_give_what_one_gives(lines: list[str], tmp_path: Path) -> None:
    spec = spec_of(*lines)
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    alone = run_cell(spec, tmp_path / "one")
    shared = run_cell(spec, tmp_path / "two", devices=2)
    assert shared.test == pytest.approx(alone.test, rel=1e-5)
    assert shared.valid == pytest.approx(alone.valid, rel=1e-5)
    states = [CheckpointFile(tmp_path / name / "last.ckpt").load() for name in ("one", "two")]
    assert all(state is not None for state in states)
    for name, tensor in states[0].tensors.items():  # type: ignore[union-attr]
        if name.startswith("model/"):
            torch.testing.assert_close(states[1].tensors[name], tensor, rtol=1e-4, atol=1e-6)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("dataset", "lines", "reason"),
    [
        ("karate", ["encoder.name=gcn"], "everything at once"),
        ("karate", ["encoder.name=gcn", "data.batch_size=1"], "a batch of 1 cannot be shared among 2"),
        ("karate", ["encoder.name=gcn", "protocol=random-85-5-10"], "link data"),
        ("repeat-process", ["encoder.name=tgn"], "temporal-link data"),
        ("karate", ["scorer.name=cn", "protocol=random-85-5-10"], "models without training"),
    ],
)
def test_what_cannot_be_shared_out_is_refused(dataset: str, lines: list[str], reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        check_parallel(load_card(dataset), "mine", RunSpec().with_overrides([f"data.name={dataset}", *lines]), 2)


def test_batch_normalisation_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="batch normalisation"):
        run_cell(spec_of("encoder.name=gin", *GRAPHS[0:1], *GRAPHS[2:]), devices=2)


def test_a_missing_engine_is_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "lightning_fabric" else find(name))
    assert main(["bench", "run", "-d", "karate", "-m", "gcn", "--devices", "2"]) == 2
    assert "pip install 'graphkit[dist]'" in capsys.readouterr().err
