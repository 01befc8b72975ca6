"""What must hold for any scores: order and batching never matter, and a constant scorer has a known value."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphkit.errors import NonFiniteScores, ShapeError
from graphkit.evaluation import evaluate, hits_at, metric_named, mrr, ndcg_at, ranks

RULES = ("average", "pessimistic", "optimistic", "strict")
seeds, levels = st.integers(0, 2**32 - 1), st.sampled_from([1, 2, 5, 1000])


def draw(seed: int, levels: int, rows: int = 12, columns: int = 9) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    return generator.integers(levels, size=rows) / 7, generator.integers(levels, size=(rows, columns)) / 7


@given(seeds, levels, st.sampled_from(RULES))
@settings(max_examples=60, deadline=None)
def test_order_of_candidates_and_of_rows_never_matters(seed: int, levels: int, ties: str) -> None:
    pos, neg = draw(seed, levels)
    generator = np.random.default_rng(seed)
    shuffled, order = generator.permuted(neg, axis=1), generator.permutation(len(pos))
    expected = ranks(pos, neg, ties)
    assert np.array_equal(ranks(pos, shuffled, ties), expected)
    assert np.array_equal(ranks(pos[order], neg[order], ties), expected[order])
    assert mrr(pos[order], neg[order], ties).value == pytest.approx(mrr(pos, neg, ties).value, abs=1e-12)
    weights = generator.integers(5, size=neg.shape)
    weights[:, 0] += 1
    columns = generator.permutation(neg.shape[1])
    gains = ndcg_at(4, neg, weights)
    assert np.allclose(ndcg_at(4, neg[:, columns], weights[:, columns]).per_row, gains.per_row, atol=1e-12)


@given(seeds, levels, st.sampled_from([1, 5, 7, 12, 200]))
@settings(max_examples=60, deadline=None)
def test_evaluation_batch_size_never_matters(seed: int, levels: int, size: int) -> None:
    pos, neg = draw(seed, levels)
    starts = range(0, len(pos), size)
    together = np.concatenate([ranks(pos[i : i + size], neg[i : i + size]) for i in starts])
    whole = mrr(pos, neg)
    assert np.array_equal(together, whole.ranks)
    for name, value in (("mrr", whole.value), ("hits@3", hits_at(3, pos, neg).value)):
        assert metric_named(name).fn(together) == value
    labels = np.repeat([1, 0], len(pos))
    collected = np.concatenate([pos[i : i + size] for i in starts]), neg[:, 0]
    for name in ("roc-auc", "average-precision"):
        assert evaluate(name, np.concatenate(collected), labels) == evaluate(name, np.append(pos, neg[:, 0]), labels)


@given(seeds, levels)
@settings(max_examples=60, deadline=None)
def test_every_layout_of_negatives_gives_the_same_ranks(seed: int, levels: int) -> None:
    pos, neg = draw(seed, levels)
    counts = np.random.default_rng(seed).integers(1, neg.shape[1] + 1, size=len(pos))
    inside = np.arange(neg.shape[1]) < counts[:, None]
    ragged = neg[inside], np.append(0, np.cumsum(counts))
    padded = np.where(inside, neg, np.nan)
    one_by_one = np.concatenate([ranks(p[None], n[None, :c]) for p, n, c in zip(pos, neg, counts, strict=True)])
    assert np.array_equal(ranks(pos, ragged), one_by_one)
    assert np.array_equal(ranks(pos, padded, counts=counts), one_by_one)
    assert np.array_equal(hits_at(1, pos, padded, counts=counts).ranks, one_by_one)
    full = np.full(len(pos), neg.shape[1])
    assert np.array_equal(ranks(pos, neg, counts=full), ranks(pos, neg))


@given(st.integers(1, 40), st.integers(1, 40), st.floats(-1e30, 1e30))
@settings(max_examples=60, deadline=None)
def test_a_constant_scorer_has_a_known_value_under_every_rule(candidates: int, k: int, score: float) -> None:
    pos, neg = np.full(3, score), np.full((3, candidates), score)
    rank = {
        "optimistic": 1.0,
        "average": 1 + candidates / 2,
        "pessimistic": 1.0 + candidates,
        "strict": 1.0 + candidates,
    }
    for ties in RULES:
        assert mrr(pos, neg, ties).value == pytest.approx(1 / rank[ties], rel=1e-15)
        if k <= candidates:
            assert hits_at(k, pos, neg, ties).value == float(rank[ties] <= k)
        else:
            with pytest.raises(ShapeError, match=f"needs at least {k} negatives for every positive, got {candidates}"):
                hits_at(k, pos, neg, ties)


@given(st.floats(-1e30, 1e30), st.floats(-1e30, 1e30))
@settings(max_examples=60, deadline=None)
def test_a_single_candidate_wins_loses_or_ties(pos: float, neg: float) -> None:
    expected = 1.0 if pos > neg else 2.0 if pos < neg else 1.5
    assert ranks([pos], [[neg]]).tolist() == [expected]
    assert ndcg_at(10, [[pos]], [[1.0]]).value == 1.0


@given(seeds, levels)
@settings(max_examples=60, deadline=None)
def test_rules_are_ordered_and_average_is_the_middle(seed: int, levels: int) -> None:
    pos, neg = draw(seed, levels)
    low, middle, high = (ranks(pos, neg, ties) for ties in ("optimistic", "average", "pessimistic"))
    assert np.all(low <= middle) and np.all(middle <= high) and np.array_equal(middle, (low + high) / 2)
    assert np.array_equal(high, ranks(pos, neg, "strict"))
    assert np.array_equal(ranks(-pos, -neg), 2 + neg.shape[1] - middle)


@given(seeds, st.sampled_from([np.nan, np.inf, -np.inf]), st.integers(0, 11), st.integers(0, 9))
@settings(max_examples=60, deadline=None)
def test_one_bad_score_anywhere_is_refused(seed: int, bad: float, row: int, column: int) -> None:
    pos, neg = draw(seed, 5)
    (pos if column == 9 else neg[:, column])[row] = bad
    with pytest.raises(NonFiniteScores, match="1 of"):
        mrr(pos, neg)


@pytest.mark.parametrize(
    ("neg", "counts", "message"),
    [
        (np.zeros((2, 3)), [1, 4], "counts lie in 1..3, got 1 to 4"),
        (np.zeros((2, 3)), [-1, 2], "counts lie in"),
        (np.zeros((2, 3)), [0, 2], "positive 0 has no negatives"),
        (np.zeros((2, 3)), [1], "go with negatives"),
        (np.zeros((2, 3)), [1.0, 2.0], "whole numbers"),
        ((np.zeros(3), np.array([0, 1, 3])), [1, 2], "neither shared nor ragged"),
    ],
)
def test_bad_counts_are_refused(neg: object, counts: list, message: str) -> None:
    with pytest.raises(ShapeError, match=message):
        mrr([0.0, 1.0], neg, counts=counts)


def test_rows_of_different_length_name_the_ragged_layout() -> None:
    with pytest.raises(ShapeError, match=r"ragged rows as \(values, offsets\)"):
        mrr([0.0, 1.0], [[1.0], [1.0, 2.0]])


def test_ndcg_over_label_timestamps_weighs_timestamps_equally() -> None:
    scores, weights = np.array([[0.2, 0.1], [0.1, 0.2], [0.1, 0.2]]), np.array([[1.0, 0], [1, 0], [0, 0]])
    result = ndcg_at(10, scores, weights, groups=[7, 9, 9], empty="zero")
    second = 1 / np.log2(3)
    assert result.per_row == pytest.approx([1.0, second, 0.0])
    assert result.value == pytest.approx((1.0 + second / 2) / 2)
    with pytest.raises(ShapeError, match=r"groups must be \[3\]"):
        ndcg_at(10, scores, weights, groups=[7, 9], empty="zero")


def test_class_weighted_accuracy_is_the_mean_recall_of_the_sbm_benchmarks() -> None:
    generator = np.random.default_rng(0)
    scores, labels = generator.normal(size=(500, 6)), generator.integers(6, size=500)
    recalls = [np.mean(scores[labels == c].argmax(axis=1) == c) for c in range(6)]
    assert evaluate("balanced-accuracy", scores, labels) == pytest.approx(np.mean(recalls))


def test_large_evaluations_take_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    scores, weights = np.round(np.random.default_rng(0).random((2, 50, 9)), 1)
    weights[:, 0] += 0.1
    whole = ndcg_at(4, scores, weights)
    monkeypatch.setattr("graphkit.evaluation.ranking._CHUNK", 30)
    assert np.array_equal(ndcg_at(4, scores, weights).per_row, whole.per_row)
    assert np.array_equal(ndcg_at(4, scores, weights).ranks, whole.ranks)
