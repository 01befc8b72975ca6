from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import ndcg_score

from graphkit.errors import NonFiniteScores, ShapeError, UnknownNameError
from graphkit.evaluation import hits_at, mrr, ndcg_at, ranks

RULES = ("average", "pessimistic", "optimistic", "strict")


def brute_rank(positive: float, negatives: list[float], ties: str) -> float:
    above = sum(negative > positive for negative in negatives)
    level = sum(negative == positive for negative in negatives)
    return 1 + above + {"average": level / 2, "optimistic": 0}.get(ties, level)


@st.composite
def cases(draw: st.DrawFn) -> tuple[list[float], list[list[float]]]:
    rows, columns = draw(st.integers(1, 8)), draw(st.integers(1, 8))
    value = st.integers(-3, 3).map(float)
    pos = draw(st.lists(value, min_size=rows, max_size=rows))
    return pos, [draw(st.lists(value, min_size=columns, max_size=columns)) for _ in range(rows)]


@pytest.mark.parametrize("ties", RULES)
@given(case=cases())
@settings(max_examples=60, deadline=None)
def test_ranks_equal_brute_force_in_every_layout(case: tuple, ties: str) -> None:
    pos, neg = case
    expected = [brute_rank(p, n, ties) for p, n in zip(pos, neg, strict=True)]
    assert ranks(pos, neg, ties).tolist() == expected
    offsets = np.arange(len(pos) + 1) * len(neg[0])
    assert ranks(pos, (np.concatenate(neg), offsets), ties).tolist() == expected
    shared = [brute_rank(p, neg[0], ties) for p in pos]
    assert ranks(pos, neg[0], ties, shared=True).tolist() == shared


@given(case=cases(), random=st.randoms())
@settings(max_examples=60, deadline=None)
def test_candidate_order_and_batching_never_matter(case: tuple, random: object) -> None:
    pos, neg = np.array(case[0]), np.array(case[1])
    whole = mrr(pos, neg)
    order = np.array(random.sample(range(neg.shape[1]), neg.shape[1]))
    assert np.array_equal(mrr(pos, neg[:, order]).ranks, whole.ranks)
    for batch in (1, 3):
        parts = [mrr(pos[i : i + batch], neg[i : i + batch]).per_row for i in range(0, len(pos), batch)]
        assert np.array_equal(np.concatenate(parts), whole.per_row)


@pytest.mark.parametrize("k", [1, 16, 99, 999])
def test_a_constant_scorer_has_a_known_value(k: int) -> None:
    pos, neg = np.zeros(7), np.zeros((7, k))
    assert mrr(pos, neg).value == pytest.approx(2 / (k + 2))
    assert mrr(pos, neg, "optimistic").value == 1.0
    assert mrr(pos, neg, "pessimistic").value == pytest.approx(1 / (k + 1))
    assert hits_at(1, pos, neg, "strict").value == 0.0
    assert mrr(pos, np.zeros(k), shared=True).value == pytest.approx(2 / (k + 2))


def test_a_tie_at_rank_one_and_a_half_misses_hits_at_1() -> None:
    assert hits_at(1, [0.5], [[0.5]]).value == 0.0
    assert hits_at(1, [0.5], [[0.5]], "optimistic").value == 1.0


def test_ragged_rows_of_different_length() -> None:
    result = mrr([0.5, 0.5], (np.array([0.9, 0.1, 0.5]), np.array([0, 2, 3])))
    assert result.ranks.tolist() == [2.0, 1.5]
    assert result.value == pytest.approx((1 / 2 + 1 / 1.5) / 2)
    assert (result.metric, result.ties, type(result.value)) == ("mrr", "average", float)


def test_blocks_of_rows_agree_with_one_block(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = np.random.default_rng(0)
    pos, neg = generator.integers(9, size=50), generator.integers(9, size=(50, 20))
    lengths = generator.integers(1, 90, size=50)
    ragged = (generator.integers(9, size=lengths.sum()), np.append(0, np.cumsum(lengths)))
    whole, whole_ragged = ranks(pos, neg), ranks(pos, ragged)
    rows = np.split(ragged[0], ragged[1][1:-1])
    assert whole_ragged.tolist() == [brute_rank(p, n, "average") for p, n in zip(pos, rows, strict=True)]
    monkeypatch.setattr("graphkit.evaluation.ranking._CHUNK", 64)
    assert np.array_equal(ranks(pos, neg), whole)
    assert np.array_equal(ranks(pos, ragged), whole_ragged)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_non_finite_scores_raise(bad: float) -> None:
    for pos, neg in (([bad], [[0.0]]), ([0.0], [[bad]])):
        with pytest.raises(NonFiniteScores):
            mrr(pos, neg)
    with pytest.raises(NonFiniteScores):
        mrr([0.0], (np.array([bad]), np.array([0, 1])))
    with pytest.raises(NonFiniteScores):
        ndcg_at(1, [[bad]], [[1.0]])


@pytest.mark.parametrize(
    ("pos", "neg", "message"),
    [
        (np.zeros(5), np.zeros(5), "shared=True"),
        (np.zeros(5), np.zeros((1, 5)), "does not fit"),
        (np.zeros(5), np.zeros((5, 0)), "does not fit"),
        (np.zeros((5, 1)), np.zeros((5, 3)), r"pos must be \[B\]"),
        (np.zeros(0), np.zeros((0, 3)), "B >= 1"),
        (np.zeros(2), (np.zeros(3), np.array([0, 3, 3])), "positive 1 has no negatives"),
        (np.zeros(2), (np.zeros(3), np.array([0, 3])), r"offsets \[3\]"),
        (np.zeros(2), (np.zeros(3), np.array([0.0, 1.0, 3.0])), "integer offsets"),
        (np.zeros(2), (np.zeros(3), np.array([0, 1, 2])), "rise from 0 to the number of values, 3"),
        (np.zeros(2), (np.zeros(3), np.array([0, 2, 1])), "rise from 0"),
        (np.zeros(3), (np.zeros(2), np.zeros(2), np.zeros(2)), "pair"),
        (np.array(["x"]), np.zeros((1, 1)), "real numbers"),
    ],
)
def test_shapes_never_broadcast(pos: np.ndarray, neg: object, message: str) -> None:
    with pytest.raises(ShapeError, match=message):
        mrr(pos, neg)


def test_empty_shared_negatives_and_unknown_rules() -> None:
    with pytest.raises(ShapeError, match="K >= 1"):
        mrr([0.0], [], shared=True)
    with pytest.raises(UnknownNameError, match="did you mean 'average'"):
        mrr([0.0], [[0.0]], ties="averaged")


def test_hits_with_fewer_negatives_than_k_is_refused() -> None:
    with pytest.raises(ShapeError, match="needs at least 50 negatives for every positive, got 49"):
        hits_at(50, np.ones(3), np.zeros(49), ties="strict", shared=True)
    with pytest.raises(ShapeError, match="got 1"):
        hits_at(2, np.ones(2), (np.zeros(4), np.array([0, 1, 4])))
    with pytest.raises(ShapeError, match="at least 1"):
        hits_at(0, [1.0], [[0.0]])


@pytest.mark.parametrize("levels", [2, 4, 1000])
@pytest.mark.parametrize("k", [1, 5, 10, 40])
def test_ndcg_equals_sklearn_with_ties(k: int, levels: int) -> None:
    generator = np.random.default_rng(k * levels)
    scores = generator.integers(levels, size=(30, 20)).astype(float)
    relevance = generator.random((30, 20)) * (generator.random((30, 20)) < 0.4)
    relevance[:, 0] += 0.1
    assert ndcg_at(k, scores, relevance).value == pytest.approx(ndcg_score(relevance, scores, k=k), abs=1e-12)


def test_ndcg_keeps_the_rank_of_the_most_relevant() -> None:
    result = ndcg_at(10, [[0.1, 0.9, 0.9, 0.0]], [[0.0, 1.0, 0.0, 0.5]])
    assert result.ranks.tolist() == [1.5]


@pytest.mark.parametrize(
    ("scores", "relevance", "message"),
    [
        ([[1.0]], [[0.0]], "row 0 has no relevant"),
        ([[1.0]], [[-1.0]], "not negative"),
        ([[1.0]], [[np.nan]], "finite"),
        ([1.0], [1.0], "two"),
        ([[1.0, 2.0]], [[1.0]], "two"),
    ],
)
def test_ndcg_refuses(scores: list, relevance: list, message: str) -> None:
    with pytest.raises(ShapeError, match=message):
        ndcg_at(3, scores, relevance)


def test_the_validation_edges_of_tgbl_wiki_are_ranked_in_under_half_a_second() -> None:
    generator = np.random.default_rng(0)
    pos, neg = generator.random(23_621, dtype=np.float32), generator.random((23_621, 1000), dtype=np.float32)
    offsets = np.arange(len(pos) + 1) * 1000
    for candidates in (neg, (neg.ravel(), offsets)):
        seconds = []
        for _ in range(3):
            start = time.perf_counter()
            mrr(pos, candidates)
            seconds.append(time.perf_counter() - start)
        assert min(seconds) < 0.5
