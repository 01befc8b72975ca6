"""Equality with the evaluators of the `ogb` package on 1,000 random cases each, and where graphkit differs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from graphkit.errors import NonFiniteScores, ShapeError
from graphkit.evaluation import evaluate, hits_at, mrr

pytest.importorskip("ogb")
torch = pytest.importorskip("torch")

CASES = range(1000)
LEVELS = (2, 5, 50, 10_000)
"""How many different scores a case has: from nearly all tied to hardly any."""


@pytest.fixture(scope="module")
def evaluators() -> dict[str, Any]:
    from ogb.graphproppred import Evaluator as GraphEvaluator
    from ogb.linkproppred import Evaluator as LinkEvaluator
    from ogb.nodeproppred import Evaluator as NodeEvaluator

    nodes = {name: NodeEvaluator(name) for name in ("ogbn-arxiv", "ogbn-proteins")}
    graphs = {name: GraphEvaluator(name) for name in ("ogbg-molhiv", "ogbg-molmuv", "ogbg-molesol")}
    links = {name: LinkEvaluator(name) for name in ("ogbl-ppa", "ogbl-collab", "ogbl-ddi", "ogbl-citation2")}
    return {**nodes, **graphs, **links, "ogbl-vessel": LinkEvaluator("ogbl-vessel")}


def generators() -> Any:
    return ((np.random.default_rng(case), LEVELS[case % len(LEVELS)]) for case in CASES)


def test_accuracy(evaluators: dict[str, Any]) -> None:
    for generator, levels in generators():
        scores, labels = generator.integers(levels, size=(20, 7)), generator.integers(7, size=20)
        theirs = evaluators["ogbn-arxiv"].eval({"y_true": labels[:, None], "y_pred": scores.argmax(1)[:, None]})
        assert evaluate("accuracy", scores, labels) == pytest.approx(theirs["acc"], abs=1e-12)


def test_roc_auc_of_one_task(evaluators: dict[str, Any]) -> None:
    for generator, levels in generators():
        scores = generator.integers(levels, size=(30, 1)).astype(float)
        labels = np.append(generator.integers(2, size=28), [0, 1])[:, None]
        theirs = evaluators["ogbg-molhiv"].eval({"y_true": labels, "y_pred": scores})["rocauc"]
        assert evaluate("roc-auc", scores, labels) == pytest.approx(theirs, abs=1e-12)


def tasks(generator: np.random.Generator, levels: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Three tasks with labels missing, the other columns unlabelled altogether."""
    scores = generator.integers(levels, size=(40, width)).astype(float)
    labels = np.full((40, width), np.nan)
    labels[:, :3] = generator.integers(2, size=(40, 3))
    labels[:, :3][generator.random((40, 3)) < 0.3] = np.nan
    labels[:2, 0] = [0, 1]
    return scores, labels


def test_average_precision_of_tasks_with_missing_labels(evaluators: dict[str, Any]) -> None:
    for generator, levels in generators():
        scores, labels = tasks(generator, levels, 17)
        theirs = evaluators["ogbg-molmuv"].eval({"y_true": labels, "y_pred": scores})["ap"]
        assert evaluate("average-precision", scores, labels) == pytest.approx(theirs, abs=1e-12)


def test_roc_auc_of_tasks_with_missing_labels(evaluators: dict[str, Any]) -> None:
    for generator, levels in generators():
        scores, labels = tasks(generator, levels, 112)
        theirs = evaluators["ogbn-proteins"].eval({"y_true": labels, "y_pred": scores})["rocauc"]
        assert evaluate("roc-auc", scores, labels) == pytest.approx(theirs, abs=1e-12)


def test_rmse(evaluators: dict[str, Any]) -> None:
    for generator, _ in generators():
        values, truth = generator.normal(size=(30, 1)), generator.normal(size=(30, 1))
        theirs = evaluators["ogbg-molesol"].eval({"y_true": truth, "y_pred": values})["rmse"]
        assert evaluate("rmse", values, truth) == pytest.approx(theirs, abs=1e-12)


@pytest.mark.parametrize(("name", "k"), [("ogbl-ddi", 20), ("ogbl-collab", 50), ("ogbl-ppa", 100)])
def test_hits(evaluators: dict[str, Any], name: str, k: int) -> None:
    for generator, levels in generators():
        pos, neg = generator.integers(levels, size=40), generator.integers(levels, size=k + generator.integers(60))
        pos, neg = pos.astype(np.float32), neg.astype(np.float32)
        theirs = evaluators[name].eval({"y_pred_pos": pos, "y_pred_neg": neg})[f"hits@{k}"]
        assert hits_at(k, pos, neg, "strict", shared=True).value == pytest.approx(theirs, abs=1e-12)


def test_roc_auc_of_links(evaluators: dict[str, Any]) -> None:
    for generator, levels in generators():
        pos, neg = generator.integers(levels, size=20).astype(float), generator.integers(levels, size=30).astype(float)
        theirs = evaluators["ogbl-vessel"].eval({"y_pred_pos": pos, "y_pred_neg": neg})["rocauc"]
        ours = evaluate("roc-auc", np.append(pos, neg), np.repeat([1, 0], [20, 30]))
        assert ours == pytest.approx(theirs, abs=1e-12)


def test_reciprocal_ranks_and_hits_of_own_negatives(evaluators: dict[str, Any]) -> None:
    for generator, levels in generators():
        pos = generator.integers(levels, size=8).astype(np.float32)
        neg = generator.integers(levels, size=(8, generator.integers(10, 50))).astype(np.float32)
        asked = {"y_pred_pos": torch.tensor(pos), "y_pred_neg": torch.tensor(neg)}
        theirs = evaluators["ogbl-citation2"].eval(asked)
        np.testing.assert_allclose(mrr(pos, neg).per_row, theirs["mrr_list"].numpy(), rtol=1e-6)
        for k in (1, 3, 10):
            assert np.array_equal(hits_at(k, pos, neg).per_row, theirs[f"hits@{k}_list"].numpy())


def test_a_diverged_model_is_perfect_there_and_refused_here(evaluators: dict[str, Any]) -> None:
    nan, neg = np.full(8, np.nan, dtype=np.float32), np.zeros((8, 20), dtype=np.float32)
    asked = {"y_pred_pos": torch.tensor(nan), "y_pred_neg": torch.tensor(neg)}
    assert float(evaluators["ogbl-citation2"].eval(asked)["mrr_list"].mean()) == 1.0
    with pytest.raises(NonFiniteScores):
        mrr(nan, neg)


def test_fewer_negatives_than_k_are_perfect_there_and_refused_here(evaluators: dict[str, Any]) -> None:
    pos, neg = np.zeros(5, dtype=np.float32), np.ones(49, dtype=np.float32)
    assert evaluators["ogbl-collab"].eval({"y_pred_pos": pos, "y_pred_neg": neg})["hits@50"] == 1.0
    with pytest.raises(ShapeError, match=r"got 49: no rank could miss.*OGB's answer"):
        hits_at(50, pos, neg, "strict", shared=True)


def test_the_numpy_path_of_mrr_fails_there_and_works_here(evaluators: dict[str, Any]) -> None:
    pos, neg = np.array([1.0, 0.0]), np.array([[0.0, 2.0], [0.0, 1.0]])
    with pytest.raises(TypeError, match="dim"):
        evaluators["ogbl-citation2"].eval({"y_pred_pos": pos, "y_pred_neg": neg})
    assert mrr(pos, neg).ranks.tolist() == [2.0, 2.5]
