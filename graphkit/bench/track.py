"""Experiment trackers as listeners: what the log of a cell gets, TensorBoard or MLflow get too, if asked."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from typing import Any, Literal, Protocol, get_args

from graphkit.config import RunSpec
from graphkit.errors import ConfigError, UnknownNameError
from graphkit.evaluation.results import Result

Kind = Literal["tensorboard", "mlflow"]
SCALARS = ("loss", "valid", "valid_loss", "lr")
"""Of an epoch, what is tracked."""


class Tracker(Protocol):
    """Listens to one cell."""

    def event(self, event: dict[str, Any]) -> None:
        """Takes one event of the log."""

    def close(self, result: Result) -> None:
        """Takes the record and ends the run."""


def check_tracker(kind: str) -> None:
    """Refuses a tracker that is not known or not installed, before anything runs.

    Raises:
        UnknownNameError: no such tracker.
        ConfigError: its package is missing.
    """
    if kind and kind not in get_args(Kind):
        raise UnknownNameError("tracker", kind, get_args(Kind))
    if kind and importlib.util.find_spec(kind) is None:
        raise ConfigError(f"--track {kind} needs {kind}: pip install 'graphkit[track]'")


def open_tracker(kind: str, folder: Path, spec: RunSpec, model: str) -> Tracker:
    """Returns the listener of a cell.

    Args:
        kind: `tensorboard` writes below `folder`; `mlflow` logs to MLFLOW_TRACKING_URI, or else to the database
            `mlflow.db` in the results folder; empty tracks nothing.
        folder: of the cell, `OUT/DATASET/MODEL/KEY/seed-K`.
        spec: its settings.
        model: what the record calls the model.
    """
    check_tracker(kind)
    if kind == "tensorboard":
        return _TensorBoard(folder)
    return _MLflow(folder, spec, model) if kind == "mlflow" else _Nothing()


class _Nothing:
    def event(self, event: dict[str, Any]) -> None:
        pass

    def close(self, result: Result) -> None:
        pass


class _TensorBoard:
    def __init__(self, folder: Path) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self._writer: Any = SummaryWriter(str(folder / "tensorboard"))

    def event(self, event: dict[str, Any]) -> None:
        for name in SCALARS if event["event"] == "epoch" else ():
            if name in event:
                self._writer.add_scalar(name, event[name], event["epoch"])

    def close(self, result: Result) -> None:
        if result.test is not None:
            self._writer.add_scalar(f"test/{result.metric}", result.test, result.epochs or 0)
        self._writer.close()


class _MLflow:
    def __init__(self, folder: Path, spec: RunSpec, model: str) -> None:
        import mlflow

        self._mlflow: Any = mlflow
        database = folder.resolve().parents[3] / "mlflow.db"
        mlflow.set_tracking_uri(os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{database}")
        mlflow.set_experiment(f"{spec.data.name}/{spec.protocol}")
        mlflow.start_run(run_name=f"{model}-seed-{spec.seed}")
        mlflow.log_params({name: str(value)[:500] for name, value in _flat(spec.to_dict()).items()})

    def event(self, event: dict[str, Any]) -> None:
        if event["event"] == "epoch":
            found = {name: event[name] for name in SCALARS if name in event}
            self._mlflow.log_metrics(found, step=event["epoch"])

    def close(self, result: Result) -> None:
        if result.test is not None:
            self._mlflow.log_metric("test", result.test)
        self._mlflow.end_run("FINISHED" if result.status != "failed" else "FAILED")


def _flat(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in values.items():
        found |= _flat(value, f"{prefix}{name}.") if isinstance(value, dict) else {f"{prefix}{name}": value}
    return found
