"""The probe reads what is there, nothing else, and minimises liblinear's objective."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from graphkit.embeddings.probe import probe, probe_scores
from graphkit.errors import ConfigError, GraphValidationError, ShapeError

RNG = np.random.default_rng(0)
LABELS = (RNG.random((300, 6)) < [0.5, 0.3, 0.2, 0.2, 0.1, 0.1]).astype(np.float64)
LABELS[LABELS.sum(1) == 0, 0] = 1


def test_labels_as_vectors_score_one() -> None:
    found = probe(LABELS, LABELS, percents=[50], shuffles=3, c=10.0)
    assert [(score.micro, score.macro) for score in found] == [(1.0, 1.0)] * 3


def test_random_vectors_score_at_the_frequency_baseline() -> None:
    vectors = np.random.default_rng(1).normal(size=(300, 4))
    found = np.mean([score.micro for score in probe(vectors, LABELS, percents=[50], c=1e-3)])
    constant = np.mean([score.micro for score in probe(np.zeros((300, 1)), LABELS, percents=[50])])
    assert abs(found - constant) < 0.03


@pytest.mark.parametrize("c", [0.1, 1.0])
def test_equals_liblinear(c: float) -> None:
    x, y = RNG.normal(size=(120, 10)), (RNG.random(120) < 0.3).astype(float)
    due = LogisticRegression(C=c, solver="liblinear", tol=1e-8).fit(x, y).decision_function(x)
    np.testing.assert_allclose(probe_scores(x, y[:, None], np.arange(120), c=c)[:, 0], due, atol=1e-2)


def test_a_label_without_training_nodes_is_never_predicted() -> None:
    labels = np.array([[1, 0], [1, 0], [1, 1], [1, 1]])
    scores = probe_scores(np.ones((4, 1)), labels, [0, 1])
    assert (scores[:, 0] > scores[:, 1]).all() and np.isfinite(scores).all()


def test_splits_are_those_of_the_protocols() -> None:
    from graphkit.evaluation import PROTOCOLS, evaluate

    vectors = RNG.normal(size=(300, 5))
    train, valid, test = PROTOCOLS["probe-50"].generate(LABELS, 2)
    assert len(valid) == 0 and len(train) == 150 and set(PROTOCOLS["probe-10"].generate(LABELS, 2)[0]) < set(train)
    due = evaluate("micro-f1-top-k", probe_scores(vectors, LABELS, train)[test], LABELS[test])
    assert [score.micro for score in probe(vectors, LABELS, percents=[50], shuffles=3)][2] == due


def test_bad_input_is_refused() -> None:
    with pytest.raises(ConfigError, match="above 0"):
        probe_scores(np.ones((2, 1)), np.ones((2, 1)), [0], c=0.0)
    with pytest.raises(ShapeError, match=r"\[3, 1\]"):
        probe_scores(np.ones((3, 1)), np.ones((2, 1)), [0])
    with pytest.raises(ShapeError, match=r"0\.\.1"):
        probe_scores(np.ones((2, 1)), np.ones((2, 1)), [2])
    with pytest.raises(GraphValidationError, match="node 1"):
        probe_scores(np.array([[0.0], [np.nan]]), np.ones((2, 1)), [0])
    with pytest.raises(GraphValidationError, match="0 or 1"):
        probe_scores(np.ones((2, 1)), np.full((2, 1), np.nan), [0])
    with pytest.raises(ShapeError, match="too few"):
        probe(np.ones((4, 1)), np.ones((4, 1)), percents=[10])
