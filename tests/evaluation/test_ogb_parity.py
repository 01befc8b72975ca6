"""Equality with the evaluators of the Open Graph Benchmark's package, where it is installed."""

from __future__ import annotations

import numpy as np
import pytest

from graphkit.evaluation import evaluate, hits_at, mrr

pytest.importorskip("ogb")


@pytest.fixture(scope="module")
def evaluators() -> dict[str, object]:
    from ogb.graphproppred import Evaluator as GraphEvaluator
    from ogb.linkproppred import Evaluator as LinkEvaluator
    from ogb.nodeproppred import Evaluator as NodeEvaluator

    return {
        "arxiv": NodeEvaluator("ogbn-arxiv"),
        "proteins": NodeEvaluator("ogbn-proteins"),
        "molpcba": GraphEvaluator("ogbg-molpcba"),
        "molesol": GraphEvaluator("ogbg-molesol"),
        "collab": LinkEvaluator("ogbl-collab"),
        "citation2": LinkEvaluator("ogbl-citation2"),
    }


@pytest.mark.parametrize("seed", range(10))
def test_node_and_graph_metrics(evaluators: dict, seed: int) -> None:
    generator = np.random.default_rng(seed)
    scores, labels = generator.normal(size=(50, 7)), generator.integers(7, size=50)
    theirs = evaluators["arxiv"].eval({"y_true": labels[:, None], "y_pred": scores.argmax(axis=1)[:, None]})["acc"]
    assert evaluate("accuracy", scores, labels) == pytest.approx(theirs, abs=1e-12)

    logits = generator.integers(5, size=(80, 112)).astype(float)
    tasks = generator.integers(2, size=(80, 112)).astype(float)
    theirs = evaluators["proteins"].eval({"y_true": tasks, "y_pred": logits})["rocauc"]
    assert evaluate("roc-auc", logits, tasks) == pytest.approx(theirs, abs=1e-12)

    logits, tasks = logits[:, :1].repeat(128, axis=1), generator.integers(2, size=(80, 128)).astype(float)
    tasks[generator.random(tasks.shape) < 0.3] = np.nan
    theirs = evaluators["molpcba"].eval({"y_true": tasks, "y_pred": logits})["ap"]
    assert evaluate("average-precision", logits, tasks) == pytest.approx(theirs, abs=1e-12)

    values, truth = generator.normal(size=(30, 1)), generator.normal(size=(30, 1))
    theirs = evaluators["molesol"].eval({"y_true": truth, "y_pred": values})["rmse"]
    assert evaluate("rmse", values, truth) == pytest.approx(theirs, abs=1e-12)


@pytest.mark.parametrize("seed", range(100))
def test_link_metrics_with_ties(evaluators: dict, seed: int) -> None:
    import torch

    generator = np.random.default_rng(seed)
    levels = [3, 20, 1000][seed % 3]
    pos = generator.integers(levels, size=40).astype(np.float32)
    shared = generator.integers(levels, size=60).astype(np.float32)
    theirs = evaluators["collab"].eval({"y_pred_pos": pos, "y_pred_neg": shared})["hits@50"]
    assert hits_at(50, pos, shared, ties="strict", shared=True).value == pytest.approx(theirs, abs=1e-12)

    neg = generator.integers(levels, size=(40, 1000)).astype(np.float32)
    theirs = evaluators["citation2"].eval({"y_pred_pos": torch.tensor(pos), "y_pred_neg": torch.tensor(neg)})
    assert mrr(pos, neg).value == pytest.approx(float(theirs["mrr_list"].mean()), abs=1e-6)
    np.testing.assert_allclose(mrr(pos, neg).per_row, theirs["mrr_list"].numpy(), rtol=1e-6)
