"""The record of a finished cell, as all runners write it."""

from __future__ import annotations

from typing import Any

import torch

from graphkit.config import RunSpec
from graphkit.evaluation import Protocol, Result
from graphkit.training.loop import FitResult
from graphkit.training.session import peak_memory_of


def record_of(
    spec: RunSpec,
    dataset: Any,
    protocol: Protocol,
    metric: str,
    model: str,
    *,
    split: int,
    fitted: FitResult | None = None,
    device: torch.device | None = None,
    **more: Any,
) -> Result:
    """Returns the record of a cell that ran to its end.

    Args:
        spec: the cell; its `limit` decides between `ok` and `partial`.
        dataset: any dataset: `name`, `fingerprint` and `provenance` are read.
        protocol: the rules that held.
        metric: what `test` and `valid` are.
        model: what the table calls the model.
        split: number of the split.
        fitted: what the loop returned, where one ran: epochs and times.
        device: whose memory is meant; the process's, unless an accelerator.
        more: further fields of `Result`: `test`, `valid`, `split_sha256`, `evaluation`, `parameters`, and times that no
            loop measured.

    Raises:
        NonFiniteScores: a score is NaN or infinite.
        ConfigError: fields contradict each other.
    """
    if fitted is not None:
        times = {"epochs": fitted.epochs, "best_epoch": fitted.best_epoch, "train_seconds": fitted.train_seconds}
        mean = fitted.train_seconds / fitted.epochs
        more = {**times, "eval_seconds": fitted.eval_seconds, "seconds_per_epoch": mean, **more}
    return Result(
        dataset=dataset.name,
        model=model,
        protocol=protocol.id,
        protocol_hash=protocol.hash,
        metric=metric,
        seed=spec.seed,
        split=split,
        status="ok" if spec.limit >= 1 else "partial",
        dataset_fingerprint=dataset.fingerprint,
        files=dataset.provenance,
        spec=spec.to_dict(),
        peak_memory_mb=peak_memory_of(device or torch.device("cpu")),
        **more,
    )
