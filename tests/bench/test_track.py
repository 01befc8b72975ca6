from __future__ import annotations

from pathlib import Path

import pytest

from graphkit.bench import track
from graphkit.bench.worker import run_one
from graphkit.config import RunSpec
from graphkit.errors import ConfigError, UnknownNameError

SPEC = RunSpec().with_overrides(["data.name=karate", "encoder.name=gcn", "protocol=generator", "train.epochs=3"])


def run(root: Path, kind: str) -> Path:
    folder = root / "karate" / "gcn" / "generator-0" / "seed-0"
    assert run_one(SPEC, folder, "gcn", lambda event: None, 1, track=kind)[0].status == "ok"
    return folder


def test_a_tracker_nobody_knows_or_has_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UnknownNameError, match="mlflow"):
        track.check_tracker("mflow")
    monkeypatch.setattr(track.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"graphkit\[track\]"):
        track.check_tracker("tensorboard")


def test_tensorboard_gets_every_epoch_and_the_test_score(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(run(tmp_path, "tensorboard") / "tensorboard")).Reload()
    assert [point.step for point in events.Scalars("loss")] == [0, 1, 2]
    assert len(events.Scalars("test/accuracy")) == 1


def test_mlflow_gets_settings_and_scores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mlflow = pytest.importorskip("mlflow")
    pytest.importorskip("sqlalchemy")
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    run(tmp_path, "mlflow")
    client = mlflow.MlflowClient(f"sqlite:///{tmp_path / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("karate/generator")
    (found,) = client.search_runs([experiment.experiment_id])
    assert found.data.params["encoder.name"] == "gcn" and found.info.status == "FINISHED"
    assert len(client.get_metric_history(found.info.run_id, "loss")) == 3 and "test" in found.data.metrics
