from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as oracle

from graphkit.errors import ConfigError, NonFiniteScores, ShapeError, UnknownNameError
from graphkit.evaluation import METRICS, evaluate, hits_at, metric_named, mrr


@pytest.mark.parametrize("name", [*METRICS, "mrr", "hits@1", "hits@100", "ndcg@10", "roc-auc@batch-7"])
def test_every_metric_has_the_attributes_that_tables_read(name: str) -> None:
    metric = metric_named(name)
    assert metric.name == name
    assert (metric.higher_is_better, metric.fraction) == (
        (False, False) if name in ("rmse", "mae", "mse") else (True, True)
    )


def test_functions_of_ranks() -> None:
    ranks = [1.0, 2.5, 10.0, 10.5]
    assert metric_named("mrr").fn(ranks) == pytest.approx((1 + 1 / 2.5 + 1 / 10 + 1 / 10.5) / 4)
    assert metric_named("hits@10").fn(ranks) == 0.75
    assert metric_named("ndcg@10").fn(ranks) == pytest.approx((1 + 1 / np.log2(3.5) + 1 / np.log2(11)) / 4)
    assert type(metric_named("hits@10").fn(np.array([1]))) is float


@pytest.mark.parametrize("seed", range(5))
def test_ranks_give_what_scores_give(seed: int) -> None:
    generator = np.random.default_rng(seed)
    pos, neg = generator.integers(9, size=30), generator.integers(9, size=(30, 12))
    result = mrr(pos, neg)
    assert metric_named("mrr").fn(result.ranks) == result.value
    assert metric_named("hits@3").fn(result.ranks) == hits_at(3, pos, neg).value


@pytest.mark.parametrize(
    ("ranks", "error", "message"),
    [
        ([], ShapeError, r"\[B\] with B >= 1"),
        ([[1.0]], ShapeError, r"\[B\]"),
        ([0.5], ShapeError, "count from 1"),
        ([np.nan], NonFiniteScores, "1 ranks are NaN"),
        ([np.inf, 1.0], NonFiniteScores, "1 ranks"),
    ],
)
def test_bad_ranks_are_refused(ranks: list, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        metric_named("mrr").fn(ranks)


@pytest.mark.parametrize("name", ["hits@0", "hits@", "hits@1.5", "hits@-1", "MRR", "mrr@10", "ap@batch-200", "hits"])
def test_an_unknown_name_is_refused(name: str) -> None:
    with pytest.raises(UnknownNameError, match="unknown metric"):
        metric_named(name)


def test_labels_cannot_be_ranked() -> None:
    with pytest.raises(ConfigError, match=r"use graphkit\.evaluation\.mrr"):
        evaluate("hits@10", [0.5], [1])


@pytest.mark.parametrize("size", [1, 32, 200, 1000])
@pytest.mark.parametrize(
    ("name", "score"), [("average-precision", oracle.average_precision_score), ("roc-auc", oracle.roc_auc_score)]
)
def test_mean_over_batches_is_dyglibs(size: int, name: str, score: object) -> None:
    generator = np.random.default_rng(size)
    pos, neg = generator.integers(20, size=450) + 3.0, generator.integers(20, size=450) + 0.0
    theirs = []
    for start in range(0, 450, size):
        part = pos[start : start + size], neg[start : start + size]
        truth = np.concatenate([np.ones(len(part[0])), np.zeros(len(part[1]))])
        theirs.append(score(truth, np.concatenate(part)))
    scores, labels = np.concatenate([pos, neg]), np.repeat([1, 0], 450)
    value = evaluate(f"{name}@batch-{size}", scores, labels)
    assert value == pytest.approx(np.mean(theirs), abs=1e-12)
    interleaved = np.stack([pos, neg], axis=1).ravel(), np.tile([1, 0], 450)
    assert evaluate(f"{name}@batch-{size}", *interleaved) == value
    if size == 1000:
        assert value == pytest.approx(evaluate(name, scores, labels), abs=1e-12)


def test_drift_lifts_the_mean_over_batches_above_the_pooled_value() -> None:
    generator = np.random.default_rng(0)
    drift = np.linspace(0, 5, 1000)
    scores = np.concatenate([drift + generator.normal(size=1000) + 1, drift + generator.normal(size=1000)])
    labels = np.repeat([1, 0], 1000)
    assert evaluate("average-precision@batch-50", scores, labels) > evaluate("average-precision", scores, labels) + 0.05


def test_a_mean_over_batches_needs_one_negative_a_positive() -> None:
    with pytest.raises(ShapeError, match="pairs every positive with one negative, got 2 and 1"):
        evaluate("roc-auc@batch-2", [0.1, 0.2, 0.3], [1, 1, 0])
