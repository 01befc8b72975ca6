from __future__ import annotations

import json
from typing import Any

import pytest

from graphkit.config import RunSpec
from graphkit.errors import ConfigError, DataError, NonFiniteScores
from graphkit.evaluation import Result, cell_hash


def make(**changes: Any) -> Result:
    values: dict[str, Any] = {
        "dataset": "cora",
        "model": "gat",
        "protocol": "planetoid-public",
        "protocol_hash": "ab",
        "metric": "accuracy",
        "seed": 3,
        "split": 0,
        "status": "ok",
        "test": 0.83,
        "valid": 0.8,
        "spec": RunSpec(seed=3).to_dict(),
        "files": {"reader": "planetoid", "files": {"ind.cora.x": {"sha256": "00"}}},
        "versions": {"torch": "2.6"},
        "environment": {"threads": 2},
        "epochs": 200,
        "train_seconds": 3.5,
    }
    return Result(**{**values, **changes})


def edited(**changes: Any) -> str:
    return json.dumps({**json.loads(make().to_json()), **changes})


def test_a_record_survives_the_round_trip() -> None:
    result = make()
    text = result.to_json()
    assert text.endswith("}\n")
    assert Result.from_json(text) == result
    assert Result.from_json(text).to_json() == text
    failed = make(status="failed", test=None, valid=None, error="non-finite loss at epoch 7")
    assert Result.from_json(failed.to_json()) == failed


def test_the_cell_hash_ignores_the_seed_and_nothing_else() -> None:
    assert make().spec_hash == make(spec=RunSpec(seed=8).to_dict()).spec_hash == cell_hash(RunSpec().to_dict())
    assert make().spec_hash != make(spec=RunSpec().with_overrides(["train.lr=0.2"]).to_dict()).spec_hash
    assert cell_hash({"a": (1, 2), "b": {"c": 1}}) == cell_hash({"b": {"c": 1}, "a": [1, 2]})


@pytest.mark.parametrize("field", ["test", "valid", "train", "train_seconds", "peak_memory_mb"])
@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_nan_is_refused(field: str, bad: float) -> None:
    with pytest.raises(NonFiniteScores, match=f"{field} is"):
        make(**{field: bad})


@pytest.mark.parametrize(
    "changes",
    [
        {"status": "failed", "error": "x"},
        {"status": "failed", "test": None},
        {"test": None},
        {"error": "x"},
        {"status": "partial", "test": None},
    ],
)
def test_status_and_fields_agree(changes: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        make(**changes)


def test_a_record_of_version_1_is_read() -> None:
    old = {key: value for key, value in json.loads(make().to_json()).items() if key != "evaluation"}
    assert Result.from_json(json.dumps({**old, "schema_version": 1})) == make()


def test_how_a_number_was_computed_is_kept() -> None:
    how = {"negatives": "ab", "ties": "average", "batch_size": 200, "negatives_per_positive": {"least": 998}}
    assert Result.from_json(make(evaluation=how).to_json()).evaluation == how


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (make().to_json()[:200], "not a result record"),
        ("", "not a result record"),
        ("[]", "a JSON object was due, got list"),
        (edited(schema_version=3), "schema version 3; this graphkit reads 1 and 2"),
        (edited(schema_version=None), "schema version None"),
        (edited(tset=0.8), "unknown fields: tset"),
        (json.dumps({k: v for k, v in json.loads(edited()).items() if k != "test"}), "missing fields: test"),
        (edited(seed="3"), "seed takes int"),
        (edited(test="0.8"), "test takes"),
        (edited(status="done"), "status"),
        (edited(test=None), "has a test score"),
        (edited().replace("0.83", "NaN"), "NaN is no number"),
        (edited().replace("0.83", "1e999"), "test must be a finite number, got inf"),
        (edited(spec_hash="00"), "does not match its spec_hash"),
        (edited(spec={"protocol": "ogb"}), "does not match its spec_hash"),
    ],
)
def test_reading_is_strict(text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        Result.from_json(text)
