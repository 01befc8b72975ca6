"""Equality with the evaluators of py-tgb and tgb-seq: recorded answers always, live ones where they are installed.

pip install -e ".[parity]"
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from graphkit.errors import NonFiniteScores, ShapeError
from graphkit.evaluation import hits_at, mrr, ndcg_at

GOLDEN = Path(__file__).parent / "golden" / "temporal_evaluators.npz"
CASES = range(1000)


@pytest.fixture(scope="module")
def golden() -> dict[str, np.ndarray]:
    with np.load(GOLDEN) as file:
        return dict(file)


def random_case(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    rows, columns, levels = generator.integers(1, 9), generator.integers(10, 40), [1, 2, 5, 50, 10_000][seed % 5]
    pos, neg = generator.integers(levels, size=rows), generator.integers(levels, size=(rows, columns))
    relevance = generator.integers(9, size=(rows, columns)) * (generator.random((rows, columns)) < 0.3)
    return pos.astype(np.float32), neg.astype(np.float32), relevance.astype(float)


def test_recorded_cases_have_ties(golden: dict[str, np.ndarray]) -> None:
    tied = (golden["neg"] == golden["pos"][..., None]).any(axis=(1, 2))
    assert len(tied) == 1000 and tied.mean() > 0.9


def test_recorded_tgb_link_scores(golden: dict[str, np.ndarray]) -> None:
    for case in CASES:
        pos, neg = golden["pos"][case], golden["neg"][case]
        assert mrr(pos, neg).value == pytest.approx(golden["tgb_mrr"][case], abs=1e-6)  # theirs is float32
        assert hits_at(10, pos, neg).value == pytest.approx(golden["tgb_hits_10"][case], abs=1e-6)


def test_recorded_tgb_seq_reciprocal_ranks(golden: dict[str, np.ndarray]) -> None:
    for case in CASES:
        result = mrr(golden["pos"][case], golden["neg"][case])
        np.testing.assert_allclose(result.per_row, golden["tgb_seq_reciprocal_ranks"][case], rtol=1e-6)


def test_recorded_tgb_node_scores(golden: dict[str, np.ndarray]) -> None:
    for case in CASES:
        scores, relevance = golden["neg"][case], golden["relevance"][case]
        assert ndcg_at(10, scores, relevance, empty="zero").value == pytest.approx(
            golden["tgb_ndcg_10"][case], abs=1e-12
        )


def test_where_they_answer_and_we_refuse(golden: dict[str, np.ndarray]) -> None:
    assert golden["tgb_mrr_of_nan"] == 1.0 and np.all(golden["tgb_seq_of_nan"] == 1.0)
    with pytest.raises(NonFiniteScores):
        mrr(np.full(5, np.nan), np.zeros((5, 9)))
    assert golden["tgb_mrr_of_broadcast"] == pytest.approx(0.351284, abs=1e-6)
    with pytest.raises(ShapeError, match="shared=True"):
        mrr(np.arange(5.0), np.arange(5.0))
    assert mrr(np.arange(5.0), np.arange(5.0), shared=True).value == pytest.approx(0.351284, abs=1e-6)


def test_live_py_tgb() -> None:
    links = pytest.importorskip("tgb.linkproppred.evaluate", reason="py-tgb is not installed").Evaluator("tgbl-wiki")
    nodes = pytest.importorskip("tgb.nodeproppred.evaluate").Evaluator("tgbn-trade")
    for case in CASES:
        pos, neg, relevance = random_case(case)
        theirs = links.eval({"y_pred_pos": pos, "y_pred_neg": neg, "eval_metric": ["mrr"]})
        assert mrr(pos, neg).value == pytest.approx(float(theirs["mrr"]), abs=1e-6)
        assert hits_at(10, pos, neg).value == pytest.approx(float(theirs["hits@10"]), abs=1e-6)
        theirs = nodes.eval({"y_true": relevance, "y_pred": neg, "eval_metric": ["ndcg"]})
        assert ndcg_at(10, neg, relevance, empty="zero").value == pytest.approx(theirs["ndcg"], abs=1e-12)
    nan = {"y_pred_pos": np.full(5, np.nan), "y_pred_neg": np.zeros((5, 9)), "eval_metric": ["mrr"]}
    assert links.eval(nan)["mrr"] == 1.0


def test_live_tgb_seq() -> None:
    evaluator = pytest.importorskip("tgb_seq.LinkPred.evaluator", reason="tgb-seq is not installed").Evaluator()
    for case in CASES:
        pos, neg, _ = random_case(case)
        np.testing.assert_allclose(mrr(pos, neg).per_row, evaluator.eval(pos, neg), rtol=1e-6)
    assert np.all(evaluator.eval(np.full(5, np.nan), np.zeros((5, 9))) == 1.0)
