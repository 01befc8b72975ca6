"""Two processes that share batches give what one process gives; what cannot be shared is refused in words."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest
import torch

from graphkit.cli.main import main
from graphkit.config import RunSpec
from graphkit.data.cards import load_card
from graphkit.data.load import load_dataset
from graphkit.errors import ConfigError
from graphkit.seeds import SeedStreams
from graphkit.training import parallel
from graphkit.training.build import build_model
from graphkit.training.feeds import make_feed
from graphkit.training.loop import node_step
from graphkit.training.parallel import Team, launch
from graphkit.training.run import run_cell
from graphkit.training.system_feed import SystemFeed
from graphkit.training.systems import build_system_model, step
from graphkit.training.tasks import check_parallel

pytest.importorskip("lightning_fabric")
GRAPHS = ["data.name=ring-transfer", "encoder.name=gcn", "data.options={distance=3, graphs=20}", "data.batch_size=5"]
BODIES = [
    "data.name=nbody",
    "encoder.name=egnn",
    "head.name=position",
    "data.batch_size=5",
    "data.options={train=12, valid=4, test=4, train_drawn=12, steps=4100}",
]
SAMPLED = ["data.name=karate", "encoder.name=sage", "data.batch_size=4", "data.fanout=[-1,-1]"]


def spec_of(*lines: str) -> RunSpec:
    dropped = ["encoder.options.dropout=0.0"] if "encoder.name=egnn" not in lines else []
    return RunSpec().with_overrides([*lines, *dropped, "train.epochs=2", "train.select=last"])


def first_gradients(spec: RunSpec, team: Team | None) -> dict[str, Any]:
    """Returns the loss and the gradients of the first batch, of one process's share of it where there is a team."""
    share, streams, device = team.share if team else (0, 1), SeedStreams(0), torch.device("cpu")
    dataset: Any = load_dataset(spec.data.name, options=dict(spec.data.options))
    if spec.head.name == "position":
        model: Any = build_system_model(spec, dataset, streams)
        feed: Any = SystemFeed(dataset, dataset.split(), spec, streams, cutoff=0.0, share=share)
    else:
        model = build_model(spec, dataset, streams)
        feed = make_feed(dataset, dataset.split(), spec.data, streams, device, model.encoder.requires, share)
    wrapped = team.wrap(model.train()) if team else model.train()
    loss, examples = (step if spec.head.name == "position" else node_step)(wrapped, next(iter(feed.train_batches(0))))
    loss, value, _ = team.weigh(loss, examples) if team else (loss, loss.item(), examples)
    loss.backward()
    return {
        "loss": value,
        **{name: one.grad.tolist() for name, one in model.named_parameters() if one.grad is not None},
    }


@pytest.mark.parametrize("lines", [GRAPHS, BODIES, SAMPLED], ids=["graphs", "points", "sampled"])
def test_two_processes_have_the_gradient_of_one(lines: list[str]) -> None:
    spec = spec_of(*lines)
    alone, shared = first_gradients(spec, None), launch(lambda team: first_gradients(spec, team), 2)
    assert alone.keys() == shared.keys()
    for name, values in alone.items():
        torch.testing.assert_close(torch.tensor(shared[name]), torch.tensor(values), rtol=1e-4, atol=1e-6)


def test_forks_of_a_process_whose_threads_have_worked_take_one_thread_each(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel, "_PATIENCE", 1.0)
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(4)
        torch.ones(1 << 20).exp_()  # starts the threads, for which a fork would wait for ever
        threads, total = launch(lambda team: (torch.get_num_threads(), float(torch.ones(1 << 20).sum())), 2)
    finally:
        torch.set_num_threads(before)
    assert (threads, total) == (1, float(1 << 20))


@pytest.mark.parametrize("lines", [GRAPHS, BODIES], ids=["graphs", "points"])
def test_two_processes_give_what_one_gives(lines: list[str], tmp_path: Path) -> None:
    spec = spec_of(*lines)
    alone, shared = run_cell(spec), run_cell(spec, tmp_path, devices=2)
    assert (shared.test, shared.valid) == (pytest.approx(alone.test, rel=1e-3), pytest.approx(alone.valid, rel=1e-3))
    assert {path.name for path in tmp_path.iterdir()} == {"best.safetensors", "last.ckpt"}


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
