from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from graphkit.errors import NonFiniteScores, ShapeError
from graphkit.evaluation.rank_tests import average_ranks, friedman


@pytest.mark.parametrize("levels", [3, 1000])
def test_friedman_equals_scipy(levels: int) -> None:
    table = np.random.default_rng(levels).integers(levels, size=(12, 4)) / levels
    ours = friedman(table, list("abcd"))
    theirs = stats.friedmanchisquare(*table.T)
    assert (ours.chi_square, ours.p) == pytest.approx((theirs.statistic, theirs.pvalue))
    ranks = np.mean([stats.rankdata(-row) for row in table], axis=0)
    assert ours.mean_ranks == pytest.approx(sorted(ranks))
    assert sorted(ours.names) == list("abcd")
    assert ours.p_iman_davenport <= ours.p + 1e-12 or ours.p > 0.3


@pytest.mark.parametrize(("models", "quantile"), [(2, 1.960), (5, 2.728), (10, 3.164)])
def test_critical_difference_uses_the_published_quantiles(models: int, quantile: float) -> None:
    # Demsar (JMLR 2006), Table 5a, alpha = 0.05
    table = np.random.default_rng(0).random((14, models))
    expected = quantile * np.sqrt(models * (models + 1) / (6 * 14))
    names = [str(i) for i in range(models)]
    assert friedman(table, names).critical_difference == pytest.approx(expected, rel=1e-3)


def test_groups_span_what_cannot_be_told_apart() -> None:
    rows = [[0.9, 0.8, 0.1, 0.0]] * 15 + [[0.8, 0.9, 0.0, 0.1]] * 15
    assert friedman(rows, ["a", "b", "c", "d"]).groups == (("a", "b"), ("c", "d"))
    assert friedman([[0.1, 0.2], [0.2, 0.1]], ["a", "b"]).groups == (("a", "b"),)


def test_direction_and_ties() -> None:
    assert friedman([[1.0, 2.0], [1.0, 2.0]], ["a", "b"], higher_is_better=False).names == ("a", "b")
    assert friedman([[1.0, 2.0], [1.0, 2.0]], ["a", "b"]).names == ("b", "a")
    same = friedman([[1.0, 1.0], [2.0, 2.0]], ["a", "b"])
    assert (same.chi_square, same.p, same.mean_ranks) == (0.0, 1.0, (1.5, 1.5))
    assert average_ranks(np.array([3.0, 1.0, 3.0])).tolist() == [2.5, 1.0, 2.5]


def test_bad_tables_raise() -> None:
    for table in ([[1.0, 2.0]], [[1.0], [2.0]], [1.0, 2.0], [[1.0, 2.0, 3.0]] * 3):
        with pytest.raises(ShapeError, match="two of each"):
            friedman(table, ["a", "b"])
    with pytest.raises(NonFiniteScores):
        friedman([[1.0, np.nan], [1.0, 2.0]], ["a", "b"])
    with pytest.raises(ShapeError, match="alpha"):
        friedman([[1.0, 2.0], [1.0, 2.0]], ["a", "b"], alpha=0.0)
