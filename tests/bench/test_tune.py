from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from graphkit.bench.matrix import Job, plan
from graphkit.bench.tune import default_space, read_space, tune
from graphkit.bench.worker import failed_result
from graphkit.errors import ConfigError, RunFailed, UnknownNameError
from graphkit.evaluation import Result


class Peak:
    """Stands for training: validation is best at a rate of 0.01."""

    def __init__(self) -> None:
        self.seen: list[float] = []

    def __call__(self, jobs: Sequence[Job]) -> list[Result]:
        (job,) = jobs
        self.seen.append(job.spec.train.lr)
        if job.spec.train.lr > 0.04:
            return [failed_result(job.spec, job.model, "non-finite loss")]
        value = 1.0 / (1.0 + abs(job.spec.train.lr - 0.01))
        return [Result("karate", job.model, "generator", "a", "accuracy", 0, 0, "ok", test=0.0, valid=value)]


def job() -> Job:
    return plan(["karate"], ["gcn"], [3, 4])[0]


@pytest.mark.parametrize("tuner", ["random", "tpe"])
def test_a_search_keeps_what_validates_best_and_says_what_it_spent(tuner: str) -> None:
    if tuner == "tpe":
        pytest.importorskip("optuna")
    peak = Peak()
    found = tune(job(), 12, tuner, None, peak)
    good = [rate for rate in peak.seen if rate <= 0.04]
    assert len(peak.seen) == 12 and peak.seen[0] == job().spec.train.lr
    assert found.spec.train.lr == min(good, key=lambda rate: abs(rate - 0.01))
    assert found.model == f"gcn@{tuner}-12" and found.seeds == (3, 4)
    assert found.spec.tuning["trials"] == 12 and found.spec.tuning["seed"] == 3
    assert found == tune(job(), 12, tuner, None, Peak())


def test_a_space_is_read_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "space.toml"
    path.write_text(
        '"train.lr" = { low = 1e-3, high = 1e-2, log = true }\n[encoder.options]\nhidden_channels = [8, 16]\n'
    )
    space = read_space(path)
    assert space["encoder.options.hidden_channels"].choices == (8, 16) and space["train.lr"].log
    peak = Peak()
    assert tune(job(), 5, "random", space, peak).spec.encoder.options["hidden_channels"] in (8, 16, 64)
    assert all(1e-3 <= rate <= 1e-2 for rate in peak.seen[1:])


@pytest.mark.parametrize("text", ["", "a = 3", '"train.lr" = { low = 0, high = 1, log = true }', '"train.lr" = []'])
def test_a_space_that_says_nothing_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "space.toml").write_text(text)
    with pytest.raises(ConfigError):
        read_space(tmp_path / "space.toml")


def test_what_cannot_be_tuned_is_refused() -> None:
    with pytest.raises(UnknownNameError, match="tpe"):
        tune(job(), 5, "tpo", None, Peak())
    with pytest.raises(ConfigError, match="at least 2"):
        tune(job(), 1, "random", None, Peak())
    with pytest.raises(ConfigError, match="not trained"):
        tune(plan(["usair"], ["cn"], [0])[0], 5, "random", None, Peak())
    with pytest.raises(RunFailed, match="all 3 trials"):
        tune(job(), 3, "random", None, lambda jobs: [failed_result(jobs[0].spec, "gcn", "broke")])


def test_the_default_space_knows_the_encoder() -> None:
    assert "encoder.options.num_layers" in default_space("gcn")
    assert set(default_space("sgc")) == {"train.lr", "train.weight_decay", "encoder.options.dropout"}
