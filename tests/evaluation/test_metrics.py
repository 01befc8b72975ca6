from __future__ import annotations

from contextlib import nullcontext

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as oracle

from graphkit.errors import NonFiniteScores, ShapeError, UnknownNameError
from graphkit.evaluation import METRICS, evaluate

CLASSIFICATION = ["accuracy", "balanced-accuracy", "macro-f1", "micro-f1"]


def random_case(seed: int, rows: int = 60, classes: int = 4) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    return generator.normal(size=(rows, classes)), generator.integers(classes, size=rows)


@pytest.mark.parametrize("seed", range(20))
def test_multiclass_equals_sklearn(seed: int) -> None:
    scores, labels = random_case(seed, rows=5 + seed)
    chosen = scores.argmax(axis=1)
    assert evaluate("accuracy", scores, labels) == pytest.approx(oracle.accuracy_score(labels, chosen))
    with pytest.warns(UserWarning) if set(chosen) - set(labels) else nullcontext():
        assert evaluate("balanced-accuracy", scores, labels) == pytest.approx(
            oracle.balanced_accuracy_score(labels, chosen)
        )
    for average in ("macro", "micro"):
        expected = oracle.f1_score(labels, chosen, average=average)
        assert evaluate(f"{average}-f1", scores, labels) == pytest.approx(expected)


@pytest.mark.parametrize("levels", [2, 5, 1000])
@pytest.mark.parametrize("seed", range(20))
def test_auc_and_ap_equal_sklearn_with_ties(seed: int, levels: int) -> None:
    generator = np.random.default_rng(seed)
    scores = generator.integers(levels, size=50).astype(np.float32)
    labels = np.append(generator.integers(2, size=48), [0, 1])
    assert evaluate("roc-auc", scores, labels) == pytest.approx(oracle.roc_auc_score(labels, scores), abs=1e-12)
    expected = oracle.average_precision_score(labels, scores)
    assert evaluate("average-precision", scores[:, None], labels) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("seed", range(10))
def test_multilabel_averages_tasks_and_leaves_nan_out(seed: int) -> None:
    generator = np.random.default_rng(seed)
    scores = generator.normal(size=(40, 3))
    labels = generator.integers(2, size=(40, 3)).astype(float)
    labels[:2] = [[0, 0, 0], [1, 1, 1]]
    labels[5:20, 0] = np.nan
    labels[:, 2] = 1.0  # one class only: no AUC, skipped
    for name, score in (("roc-auc", oracle.roc_auc_score), ("average-precision", oracle.average_precision_score)):
        tasks = [score(labels[known, t], scores[known, t]) for t in (0, 1) for known in [~np.isnan(labels[:, t])]]
        assert evaluate(name, scores, labels) == pytest.approx(np.mean(tasks))
    known = ~np.isnan(labels)
    accuracies = [np.mean((scores[known[:, t], t] > 0) == labels[known[:, t], t]) for t in range(3)]
    assert evaluate("accuracy", scores, labels) == pytest.approx(np.mean(accuracies))


def test_multilabel_f1_equals_sklearn() -> None:
    generator = np.random.default_rng(0)
    scores, labels = generator.normal(size=(50, 4)), generator.integers(2, size=(50, 4))
    for average in ("macro", "micro"):
        expected = oracle.f1_score(labels, scores > 0, average=average)
        assert evaluate(f"{average}-f1", scores, labels) == pytest.approx(expected)


def test_f1_of_a_task_never_predicted_and_never_labelled_is_zero() -> None:
    assert evaluate("micro-f1", [[-1.0], [-1.0]], [[0], [0]]) == 0.0
    assert evaluate("macro-f1", [[-1.0, 1.0]], [[0, 1]]) == 0.5


def test_regression_equals_sklearn_and_skips_unlabelled_entries() -> None:
    generator = np.random.default_rng(1)
    scores, labels = generator.normal(size=30), generator.normal(size=30)
    assert evaluate("rmse", scores, labels) == pytest.approx(oracle.root_mean_squared_error(labels, scores))
    assert evaluate("mae", scores, labels) == pytest.approx(oracle.mean_absolute_error(labels, scores))
    assert evaluate("mae", [[1.0, 2.0], [3.0, 9.0]], [[0.0, 2.5], [2.0, np.nan]]) == 0.75


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_row_order_never_matters(data: st.DataObject) -> None:
    rows = data.draw(st.integers(2, 30))
    scores = np.array(data.draw(st.lists(st.integers(-3, 3), min_size=rows, max_size=rows)), dtype=float)
    labels = np.array([0, 1, *data.draw(st.lists(st.integers(0, 1), min_size=rows - 2, max_size=rows - 2))])
    order = np.array(data.draw(st.permutations(range(rows))))
    for name in [*CLASSIFICATION, "roc-auc", "average-precision"]:
        assert evaluate(name, scores[order], labels[order]) == pytest.approx(evaluate(name, scores, labels), abs=1e-12)


@given(st.lists(st.tuples(st.integers(-5, 5), st.booleans()), min_size=2, max_size=40))
@settings(max_examples=100, deadline=None)
def test_auc_is_antisymmetric_and_ignores_monotone_maps(rows: list[tuple[int, bool]]) -> None:
    scores, labels = np.array([row[0] for row in rows], dtype=float), np.array([row[1] for row in rows])
    if labels.all() or not labels.any():
        return
    value = evaluate("roc-auc", scores, labels)
    pairs = [(p > n) + (p == n) / 2 for p in scores[labels] for n in scores[~labels]]
    assert value == pytest.approx(np.mean(pairs), abs=1e-12)
    assert evaluate("roc-auc", -scores, labels) == pytest.approx(1 - value, abs=1e-12)
    assert evaluate("roc-auc", np.exp(scores), labels) == value


def test_a_constant_scorer_has_auc_one_half_and_ap_the_base_rate() -> None:
    labels = np.array([0, 0, 0, 1])
    assert evaluate("roc-auc", np.zeros(4), labels) == 0.5
    assert evaluate("average-precision", np.zeros(4), labels) == 0.25


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("name", sorted(METRICS))
def test_non_finite_scores_never_become_a_number(name: str, bad: float) -> None:
    with pytest.raises(NonFiniteScores, match="1 of 3 scores"):
        evaluate(name, [0.0, 1.0, bad], [0, 1, 1])


@pytest.mark.parametrize(
    ("name", "scores", "labels", "message"),
    [
        ("accuracy", np.zeros((0, 3)), np.zeros(0), "empty"),
        ("accuracy", np.zeros((4, 3)), np.zeros(3), "do not fit"),
        ("accuracy", np.zeros((4, 3)), np.zeros((4, 1)), "do not fit"),
        ("accuracy", np.zeros((4, 3)), np.zeros((4, 2)), "do not fit"),
        ("accuracy", np.zeros(()), np.zeros(()), "do not fit"),
        ("accuracy", np.zeros((2, 2, 2)), np.zeros(2), "do not fit"),
        ("accuracy", np.zeros((1, 3)), [3], r"0\.\.2"),
        ("accuracy", np.zeros((1, 3)), [-1], r"0\.\.2"),
        ("accuracy", np.zeros((1, 3)), [0.5], "whole numbers"),
        ("accuracy", np.zeros(1), [np.nan], "whole numbers"),
        ("accuracy", np.zeros((1, 2)), [[0, 2]], "0, 1, or NaN"),
        ("accuracy", np.zeros((2, 2)), np.full((2, 2), np.nan), "no task has a labelled row"),
        ("accuracy", np.array(["a"]), [0], "real numbers"),
        ("roc-auc", np.zeros((4, 3)), [0, 1, 2, 0], "got multiclass"),
        ("roc-auc", np.zeros(3), [1, 1, 1], "every one of 3 labels is positive"),
        ("average-precision", np.zeros(3), [0, 0, 0], "is negative"),
        ("average-precision", np.zeros((3, 1)), [[0], [0], [0]], "no task has both classes"),
        ("rmse", np.zeros(2), [1.0, np.nan], "must be finite"),
        ("rmse", np.zeros((2, 3)), [0, 1], "got multiclass"),
        ("mae", np.zeros((2, 1)), [[np.nan], [np.nan]], "every target is NaN"),
    ],
)
def test_bad_input_is_one_clear_error(name: str, scores: np.ndarray, labels: np.ndarray, message: str) -> None:
    with pytest.raises(ShapeError, match=message):
        evaluate(name, scores, labels)


def test_an_unknown_metric_gets_a_suggestion() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'roc-auc'"):
        evaluate("rocauc", [0.0], [0])
    assert "rocauc" not in METRICS
    assert len(METRICS) == len(list(METRICS)) == 12


def test_values_are_plain_python_floats() -> None:
    labels = np.array([0, 1, 1])
    for name in METRICS:
        shape = (3, 1) if METRICS[name].targets == {"multilabel"} else (3,)
        scores = np.array([0.1, 0.2, -0.3], dtype=np.float32).reshape(shape)
        assert type(evaluate(name, scores, labels.reshape(shape))) is float


def test_top_k_metrics_give_every_row_as_many_labels_as_it_has() -> None:
    rng = np.random.default_rng(4)
    labels = (rng.random((40, 7)) < 0.3).astype(float)
    scores = rng.normal(size=(40, 7))
    chosen = np.full((40, 7), -1.0)
    for row in range(40):
        chosen[row, np.argsort(-scores[row])[: int(labels[row].sum())]] = 1.0
    for kind in ("micro-f1", "macro-f1"):
        assert evaluate(f"{kind}-top-k", scores, labels) == evaluate(kind, chosen, labels)
    labels[3, 2] = np.nan
    with pytest.raises(ShapeError, match="without unlabelled"):
        evaluate("micro-f1-top-k", scores, labels)
