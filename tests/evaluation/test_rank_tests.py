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


C45_VARIANTS = [
    [0.763, 0.768, 0.771, 0.798],
    [0.599, 0.591, 0.590, 0.569],
    [0.954, 0.971, 0.968, 0.967],
    [0.628, 0.661, 0.654, 0.657],
    [0.882, 0.888, 0.886, 0.898],
    [0.936, 0.931, 0.916, 0.931],
    [0.661, 0.668, 0.609, 0.685],
    [0.583, 0.583, 0.563, 0.625],
    [0.775, 0.838, 0.866, 0.875],
    [1.000, 1.000, 1.000, 1.000],
    [0.940, 0.962, 0.965, 0.962],
    [0.619, 0.666, 0.614, 0.669],
    [0.972, 0.981, 0.9751, 0.975],  # both printed 0.975, ranked 2 and 3
    [0.957, 0.978, 0.946, 0.970],
]
"""Demsar (JMLR 2006), Table 6: AUC of four variants of C4.5 on 14 datasets."""


def test_the_published_example_of_the_friedman_test() -> None:
    ours = friedman(C45_VARIANTS, ["C4.5", "C4.5+m", "C4.5+cf", "C4.5+m+cf"])
    assert ours.names == ("C4.5+m+cf", "C4.5+m", "C4.5+cf", "C4.5")
    assert [round(rank, 3) for rank in ours.mean_ranks] == [1.964, 2.0, 2.893, 3.143]
    # The paper leaves ties uncorrected; the correction makes the statistic larger.
    uncorrected = 12 * 14 / 20 * (sum(rank**2 for rank in ours.mean_ranks) - 25)
    assert uncorrected == pytest.approx(9.28, abs=0.005) and ours.chi_square > uncorrected
    assert ours.chi_square == pytest.approx(stats.friedmanchisquare(*np.transpose(C45_VARIANTS)).statistic)
    assert ours.critical_difference == pytest.approx(1.25, abs=0.005)
    assert ours.groups == (ours.names,)
    at_ten_percent = friedman(C45_VARIANTS, ["C4.5", "C4.5+m", "C4.5+cf", "C4.5+m+cf"], alpha=0.10)
    assert at_ten_percent.critical_difference == pytest.approx(1.12, abs=0.005)
    assert at_ten_percent.groups == (("C4.5+m+cf", "C4.5+m", "C4.5+cf"), ("C4.5+cf", "C4.5"))


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
