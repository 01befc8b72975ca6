"""The record of one benchmark cell, strictly typed, and how records become one row of a table.

A record says everything needed to trust or repeat the number: data fingerprint, split digest, protocol hash, resolved
specification, versions and hardware. NaN cannot be stored, and records of different rules cannot be averaged.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from graphkit.config import check_type, stable_hash, type_hints
from graphkit.errors import ConfigError, DataError, NonFiniteScores

SCHEMA_VERSION = 2
"""Raised whenever a field is added, removed or changes meaning. Records of version 1 lack `evaluation` and are read."""

Status = Literal["ok", "partial", "failed"]


@dataclass(frozen=True)
class Result:
    """What one (dataset, model, protocol, seed) cell gave, or why it gave nothing.

    Args:
        dataset: card name.
        model: model-card name.
        protocol: protocol id; `protocol_hash` is its hash.
        metric: a name that `metric_named` knows, the unit of `test`, `valid` and `train` (fractions stay fractions).
        seed: the run's seed; `split` is the split index it used.
        status: `ok`; `partial` when only a fraction of the epochs ran (never comparable); `failed`.
        test: score on the test nodes; None exactly when the run failed.
        valid: score on the validation nodes at the selected epoch, where the protocol has any.
        error: why the run failed, one line; empty otherwise.
        dataset_fingerprint: digest of the processed graph; `split_sha256` is that of the split.
        evaluation: how the number was computed beyond metric and split: `negatives` (their digest), `ties`,
            `batch_size`, `freshness`, and what else explains it; empty where nodes or graphs are scored one by one.
        files: where the data came from: `files` (raw file name to `{"sha256": ...}`), `reader`, `reader_version`,
            `options`, `prepare` and more.
        spec: the resolved run specification; its hash without the seed is `spec_hash`.
        parameters: trainable parameters.
        epochs: epochs run; `best_epoch` is the selected one, from 0.
        train_seconds: all training steps; `seconds_per_epoch` is their mean, compile time included.
        peak_memory_mb: largest resident memory of the process (or allocated on the accelerator), in 10^6 bytes.
        versions: package name to version.
        environment: hardware, threads, determinism flags.
        git_commit: commit of the code, with `+dirty` when the tree had changes; empty when unknown.
        started: ISO 8601 time with zone; `finished` likewise.

    Raises:
        NonFiniteScores: a number is NaN or infinite.
        ConfigError: fields contradict each other.

    Example:
        >>> Result("cora", "gat", "planetoid-public", "ab", "accuracy", 0, 0, "ok", test=0.83, valid=0.8).spec_hash[:8]
        '44136fa3'
    """

    dataset: str
    model: str
    protocol: str
    protocol_hash: str
    metric: str
    seed: int
    split: int
    status: Status
    test: float | None = None
    valid: float | None = None
    train: float | None = None
    error: str = ""
    dataset_fingerprint: str = ""
    split_sha256: str = ""
    evaluation: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, Any] = field(default_factory=dict)
    spec: Mapping[str, Any] = field(default_factory=dict)
    parameters: int | None = None
    epochs: int | None = None
    best_epoch: int | None = None
    train_seconds: float | None = None
    eval_seconds: float | None = None
    seconds_per_epoch: float | None = None
    peak_memory_mb: float | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, Any] = field(default_factory=dict)
    git_commit: str = ""
    started: str = ""
    finished: str = ""
    schema_version: int = SCHEMA_VERSION

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if isinstance(value, float) and not math.isfinite(value):
                raise NonFiniteScores(f"result field {name} is {value}: a diverged run is `failed`, not a number")
        if self.status == "failed" and (self.test is not None or not self.error):
            raise ConfigError("a failed result has an error and no test score")
        if self.status != "failed" and (self.test is None or self.error):
            raise ConfigError(f"a result with status {self.status!r} has a test score and no error")

    @functools.cached_property
    def spec_hash(self) -> str:
        """The digest that the seeds of one cell share."""
        return cell_hash(self.spec)

    def to_json(self) -> str:
        """Returns the record as indented JSON with a final newline."""
        values = {entry.name: _plain(getattr(self, entry.name)) for entry in dataclasses.fields(self)}
        return json.dumps({**values, "spec_hash": self.spec_hash}, indent=2, allow_nan=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Result:
        """Reads a record back, refusing whatever `to_json` would not write; version 1 is taken up to this one.

        Raises:
            DataError: not JSON, another schema version, unknown or missing fields, wrong types, NaN, or a
                specification that does not have the hash written beside it.
        """
        try:
            values = json.loads(text, parse_constant=_refuse_constant)
        except ValueError as error:
            raise DataError(f"not a result record: {error}") from error
        if not isinstance(values, dict):
            raise DataError(f"not a result record: a JSON object was due, got {type(values).__name__}")
        version = values.get("schema_version")
        if version == 1:
            values |= {"schema_version": SCHEMA_VERSION, "evaluation": {}}
        elif version != SCHEMA_VERSION:
            raise DataError(f"result record of schema version {version!r}; this graphkit reads 1 and {SCHEMA_VERSION}")
        written = values.pop("spec_hash", None)
        hints = type_hints(cls)
        for what, names in (("unknown", values.keys() - hints.keys()), ("missing", hints.keys() - values.keys())):
            if names:
                raise DataError(f"result record has {what} fields: {', '.join(sorted(names))}")
        try:
            result = cls(**{name: check_type(value, hints[name], name) for name, value in values.items()})
        except (ConfigError, NonFiniteScores) as error:
            raise DataError(f"not a valid result record: {error}") from error
        if written != result.spec_hash:
            raise DataError("result record's spec does not match its spec_hash; the file was edited")
        return result


def cell_hash(spec: Mapping[str, Any]) -> str:
    """Returns the sha256 of a resolved specification without its seed: what the runs of one cell have in common.

    Example:
        >>> cell_hash({"protocol": "ogb", "seed": 1}) == cell_hash({"seed": 7, "protocol": "ogb"})
        True
    """
    return stable_hash({key: _plain(value) for key, value in spec.items() if key != "seed"})


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    return value


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is no number")
