from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from graphkit.errors import ProtocolError
from graphkit.evaluation import Result
from graphkit.evaluation.summaries import aggregate

SCORED = {"negatives": "n1", "ties": "average"}


def run(seed: int, test: float | None = 0.8, **changes: Any) -> Result:
    values: dict[str, Any] = {
        "dataset": "cora",
        "model": "gat",
        "protocol": "geom-gcn-10",
        "protocol_hash": "ab",
        "metric": "accuracy",
        "split": seed % 10,
        "split_sha256": f"split {seed % 10}",
        "dataset_fingerprint": "f1",
        "status": "ok" if test is not None else "failed",
        "error": "" if test is not None else "non-finite loss at epoch 7",
        "spec": {"protocol": "geom-gcn-10", "seed": seed},
        "evaluation": SCORED,
    }
    return Result(seed=seed, test=test, **{**values, **changes})


def test_mean_sample_std_and_interval() -> None:
    tests = [0.80, 0.82, 0.81, 0.85]
    (row,) = aggregate([run(k, v, valid=v - 0.1, seconds_per_epoch=1.0, parameters=7) for k, v in enumerate(tests)])
    assert row.test_mean == pytest.approx(np.mean(tests))
    assert row.test_std == pytest.approx(np.std(tests, ddof=1))
    assert row.valid_mean == pytest.approx(np.mean(tests) - 0.1)
    assert row.ci95 is not None and row.ci95[0] < row.test_mean < row.ci95[1]
    assert (row.seeds, row.splits, row.status, row.failed) == ((0, 1, 2, 3), (0, 1, 2, 3), "ok", ())
    assert (row.parameters, row.seconds_per_epoch, row.peak_memory_mb, row.epochs) == (7, 1.0, None, None)


def test_one_seed_has_no_spread() -> None:
    (row,) = aggregate([run(0)])
    assert (row.test_mean, row.test_std, row.ci95, row.valid_mean) == (0.8, None, None, None)


def test_failures_are_named_and_left_out_of_the_mean() -> None:
    (row,) = aggregate([run(2, None), run(0, 0.8), run(1, 0.9)])
    assert row.test_mean == pytest.approx(0.85)
    assert row.seeds == (0, 1)
    assert row.failed == ((2, "non-finite loss at epoch 7"),)
    assert row.status == "1 of 3 failed: seed 2, non-finite loss at epoch 7"


def test_nothing_but_failures_has_no_number() -> None:
    (row,) = aggregate([run(0, None, dataset_fingerprint="", split_sha256="")])
    assert (row.test_mean, row.test_std, row.valid_mean, row.ci95, row.seeds) == (None, None, None, None, ())


def test_partial_runs_say_so() -> None:
    assert aggregate([run(0, status="partial")])[0].status.startswith("partial")


def test_rows_are_sorted_and_order_does_not_matter() -> None:
    runs = [run(k, 0.1 * k, model=model) for model in ("sage", "gat") for k in (1, 2, 3)]
    assert [row.model for row in aggregate(runs)] == ["gat", "sage"]
    assert aggregate(runs) == aggregate(runs[::-1])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"protocol_hash": "cd"}, "differ in protocol_hash"),
        ({"protocol": "ogb"}, "differ in protocol: "),
        ({"metric": "roc-auc"}, "differ in metric"),
        ({"dataset_fingerprint": "f2"}, r"dataset_fingerprint: f1 \(seed 0 of gat\) against f2 \(seed 1 of gat\)"),
        ({"dataset_fingerprint": ""}, r"f1 \(seed 0 of gat\) against \(none\)"),
        ({"split": 0, "evaluation": {"negatives": "n2", "ties": "average"}}, r"differ in negatives: n1 .* against n2 "),
        ({"evaluation": {"negatives": "n1", "ties": "strict"}}, r"differ in ties: average .* against strict "),
        ({"evaluation": {**SCORED, "batch_size": 1}}, r"differ in batch_size: \(none\) .* against 1 "),
        ({"evaluation": {**SCORED, "freshness": "event"}}, r"differ in freshness: \(none\) .* against event "),
        ({"spec": {"protocol": "geom-gcn-10", "train": {"lr": 1.0}}}, "differ in spec_hash"),
        ({"seed": 0}, "seed 0 occurs twice"),
        ({"split": 0, "split_sha256": "other"}, r"split 0 is not the same .*: split 0 \(seed 0 of gat\) against other"),
    ],
)
def test_results_of_different_rules_have_no_mean(changes: dict[str, Any], message: str) -> None:
    seed = changes.pop("seed", 1)
    with pytest.raises(ProtocolError, match=message):
        aggregate([run(0), run(seed, **changes)])


def test_every_split_may_have_negatives_of_its_own() -> None:
    (row,) = aggregate([run(0), run(1, evaluation={**SCORED, "negatives": "n2"})])
    assert row.seeds == (0, 1) and not row.deterministic


def test_a_row_without_chance_says_so() -> None:
    (row,) = aggregate([run(k, evaluation={**SCORED, "deterministic": True}) for k in (0, 1)])
    assert row.deterministic


def test_a_run_that_failed_early_need_not_know_the_data() -> None:
    early = run(1, None, dataset_fingerprint="", split_sha256="")
    assert aggregate([run(0), early])[0].dataset_fingerprint == "f1"


def test_what_only_explains_a_number_may_differ() -> None:
    (row,) = aggregate([run(k, 0.8, evaluation={**SCORED, "predictions": f"file {k}"}) for k in (0, 1)])
    assert row.test_mean == pytest.approx(0.8)


def test_a_failed_run_need_not_know_its_negatives() -> None:
    assert aggregate([run(0), run(1, None, evaluation={})])[0].seeds == (0,)


def test_runs_of_a_fold_are_averaged_first_where_the_protocol_says_so() -> None:
    tests = [0.5, 0.7, 0.6, 0.9, 0.8, 0.7]  # folds 0, 1, 2 and again
    rows = [
        aggregate([run(k + 7 * (k > 2), v, split=k % 3, protocol=name) for k, v in enumerate(tests)])[0]
        for name in ("tu-errica", "geom-gcn-10")
    ]
    assert rows[0].test_mean == pytest.approx(0.7) and rows[0].test_std == pytest.approx(
        np.std([0.7, 0.75, 0.65], ddof=1)
    )
    assert rows[1].test_std == pytest.approx(np.std(tests, ddof=1))
    assert rows[0].test_values == tuple(tests)
