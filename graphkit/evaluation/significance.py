"""Is a model better than another? Exact paired tests over shared seeds, Holm's correction, and ranks over datasets.

Every test is two-sided. With few seeds the rank tests cannot reach significance whatever the numbers are;
`power_note` says so in words.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from graphkit.errors import ShapeError, UnknownNameError
from graphkit.evaluation.statistics import check_fraction, resampled_statistic, sample

Array = NDArray[Any]
TestName = Literal["wilcoxon", "paired-t", "sign", "bootstrap"]
TESTS: tuple[TestName, ...] = get_args(TestName)
BOOTSTRAP_RESAMPLES = 9999


@dataclass(frozen=True)
class PairedTest:
    """The outcome of a paired test.

    Args:
        test: which one.
        n: pairs; `n_used` leaves out the ties that the test cannot use.
        difference: mean of a - b.
        p: two-sided p-value.
    """

    test: TestName
    n: int
    n_used: int
    difference: float
    p: float


def paired_test(a: ArrayLike, b: ArrayLike, test: TestName = "wilcoxon", *, seed: int = 0) -> PairedTest:
    """Tests whether paired values differ.

    `wilcoxon`: signed ranks, zero differences left out, exact also under ties (the permutation distribution of the
    average ranks). `sign`: exact binomial. `paired-t`: Student. `bootstrap`: resamples the centred differences; too
    ready to reject below about 10 seeds.

    Args:
        a: [n] values of one model.
        b: [n] values of the other, in the same order of seeds.
        test: a name in `TESTS`.
        seed: of the bootstrap's draw.

    Raises:
        ShapeError: lengths differ, or a test needs more pairs than there are.
        NonFiniteScores: a value is NaN or infinite.
        UnknownNameError: no such test.

    Example:
        >>> paired_test([0.83, 0.82, 0.84, 0.85, 0.83, 0.84], [0.81, 0.81, 0.80, 0.82, 0.80, 0.82]).p
        0.03125
    """
    if test not in TESTS:
        raise UnknownNameError("test", test, TESTS)
    left, right = sample(a), sample(b)
    if len(left) != len(right):
        raise ShapeError(f"paired tests need equally many values, got {len(left)} and {len(right)}")
    difference = left - right
    moved = difference[difference != 0]
    if test == "paired-t":
        n_used, p = len(difference), _t_p(difference)
    elif test == "bootstrap":
        n_used, p = len(difference), _bootstrap_p(difference, seed)
    else:
        n_used = len(moved)
        p = 1.0 if n_used == 0 else _wilcoxon_p(moved) if test == "wilcoxon" else _sign_p(moved)
    return PairedTest(test, len(difference), n_used, float(difference.mean()), p)


def holm(p_values: ArrayLike) -> list[float]:
    """Returns p-values adjusted for their number by Holm's step-down rule (Scand. J. Statist. 1979).

    Example:
        >>> [round(p, 3) for p in holm([0.01, 0.04, 0.03])]
        [0.03, 0.06, 0.06]
    """
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p, kind="stable")
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate((len(p) - np.arange(len(p))) * p[order]))
    return [float(value) for value in adjusted]


def smallest_p(n: int, test: TestName = "wilcoxon") -> float:
    """Returns the smallest two-sided p-value that n pairs can give.

    Example:
        >>> smallest_p(5), smallest_p(6)
        (0.0625, 0.03125)
    """
    if test not in TESTS:
        raise UnknownNameError("test", test, TESTS)
    if test == "paired-t":
        return 0.0 if n >= 2 else 1.0
    if test == "bootstrap":
        return 1 / (BOOTSTRAP_RESAMPLES + 1) if n >= 2 else 1.0
    return min(1.0, 2.0 ** (1 - n))


def power_note(n: int, test: TestName = "wilcoxon", *, comparisons: int = 1, alpha: float = 0.05) -> str:
    """Says in words that n seeds cannot reach significance; empty where they can.

    Example:
        >>> power_note(5)
        '5 seeds cannot reach p < 0.05 with wilcoxon (smallest p 0.0625); use at least 6'
    """
    level = alpha / max(1, comparisons)
    if smallest_p(n, test) < level:
        return ""
    enough = next(seeds for seeds in range(2, 200) if smallest_p(seeds, test) < level)
    among = f" after Holm's correction over {comparisons} comparisons" if comparisons > 1 else ""
    plural = "seeds" if n != 1 else "seed"
    return f"{n} {plural} cannot reach p < {alpha:g} with {test}{among} (smallest p {smallest_p(n, test):.4g}); " + (
        f"use at least {enough}"
    )


@dataclass(frozen=True)
class RankComparison:
    """Models ranked over several datasets (Demsar, JMLR 2006).

    Args:
        names: models, best mean rank first.
        mean_ranks: in the order of `names`; 1 is best.
        chi_square: Friedman's statistic, corrected for ties; `p` is its chi-square p-value.
        p_iman_davenport: the less conservative F p-value of Iman and Davenport.
        critical_difference: mean ranks further apart differ by Nemenyi's test.
        groups: maximal runs of `names` within one critical difference of each other.
    """

    names: tuple[str, ...]
    mean_ranks: tuple[float, ...]
    chi_square: float
    p: float
    p_iman_davenport: float
    critical_difference: float
    groups: tuple[tuple[str, ...], ...]


def friedman(
    values: ArrayLike, names: Sequence[str], *, higher_is_better: bool = True, alpha: float = 0.05
) -> RankComparison:
    """Ranks models over datasets by Friedman's test with Nemenyi's critical difference.

    Args:
        values: [D, M] one value a dataset and model, D >= 2, M >= 2.
        names: M model names.
        higher_is_better: the direction of the metric.
        alpha: level of the critical difference.

    Raises:
        ShapeError: the array does not fit the names, or has fewer than two datasets or models.
        NonFiniteScores: a value is NaN or infinite.

    Example:
        >>> comparison = friedman([[0.9, 0.8, 0.7], [0.8, 0.7, 0.6], [0.7, 0.6, 0.5]], ["a", "b", "c"])
        >>> comparison.names, comparison.mean_ranks, round(comparison.critical_difference, 2)
        (('a', 'b', 'c'), (1.0, 2.0, 3.0), 1.91)
    """
    table = np.asarray(values, dtype=np.float64)
    if table.ndim != 2 or min(table.shape) < 2 or table.shape[1] != len(names):
        raise ShapeError(f"needs [datasets, {len(names)} models] with two of each at least, got {list(table.shape)}")
    sample(table.ravel())
    check_fraction("alpha", alpha)
    datasets, models = table.shape
    ranks = np.stack([average_ranks(-row if higher_is_better else row) for row in table])
    means = ranks.mean(axis=0)
    spread = float(np.sum((ranks - (models + 1) / 2) ** 2)) / (models - 1)
    chi_square = float(datasets**2 * np.sum((means - (models + 1) / 2) ** 2) / spread) if spread else 0.0
    rest = datasets * (models - 1) - chi_square
    ratio = (datasets - 1) * chi_square / rest if rest > 1e-9 else math.inf
    degrees = (models - 1, (models - 1) * (datasets - 1))
    p_f = 0.0 if math.isinf(ratio) else float(special.fdtrc(*degrees, ratio))
    critical = _nemenyi_quantile(models, alpha) * math.sqrt(models * (models + 1) / (6 * datasets))
    order = np.argsort(means, kind="stable")
    ordered, labels = means[order], [names[i] for i in order]
    return RankComparison(
        names=tuple(labels),
        mean_ranks=tuple(float(rank) for rank in ordered),
        chi_square=chi_square,
        p=float(special.chdtrc(models - 1, chi_square)),
        p_iman_davenport=p_f,
        critical_difference=critical,
        groups=_groups(ordered, labels, critical),
    )


def average_ranks(values: Array) -> Array:
    """Returns ranks from 1 in ascending order, ties given the mean of the ranks they span."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    mean_rank = last - (counts - 1) / 2
    ranks: Array = mean_rank[inverse]
    return ranks


def _wilcoxon_p(moved: Array) -> float:
    """Exact two-sided p of the signed ranks, by convolving the distribution of the doubled (hence whole) ranks."""
    doubled = np.rint(2 * average_ranks(np.abs(moved))).astype(np.int64)
    positive = int(doubled[moved > 0].sum())
    chance = np.zeros(int(doubled.sum()) + 1)
    chance[0] = 1.0
    for rank in doubled:
        chance[rank:] = (chance[rank:] + chance[:-rank]) / 2
        chance[:rank] /= 2
    return float(min(1.0, 2 * min(chance[: positive + 1].sum(), chance[positive:].sum())))


def _sign_p(moved: Array) -> float:
    fewer = min(int((moved > 0).sum()), int((moved < 0).sum()))
    return float(min(1.0, 2 * special.bdtr(fewer, len(moved), 0.5)))


def _t_p(difference: Array) -> float:
    if len(difference) < 2:
        return 1.0
    spread = float(np.std(difference, ddof=1))
    if spread == 0:
        return 1.0 if difference[0] == 0 else 0.0
    statistic = float(difference.mean()) / (spread / math.sqrt(len(difference)))
    return float(2 * special.stdtr(len(difference) - 1, -abs(statistic)))


def _bootstrap_p(difference: Array, seed: int) -> float:
    if len(difference) < 2:
        return 1.0
    mean = difference.mean()
    draws = resampled_statistic(difference - mean, np.mean, BOOTSTRAP_RESAMPLES, seed)
    # Draws equal to the observed mean up to rounding count as extreme: an exact tie must not depend on the last bit.
    extreme = int(np.count_nonzero(np.abs(draws) >= abs(mean) * (1 - 1e-12)))
    return (extreme + 1) / (BOOTSTRAP_RESAMPLES + 1)


def _nemenyi_quantile(models: int, alpha: float) -> float:
    from scipy.stats import studentized_range  # slow to import, needed here alone

    return float(studentized_range.ppf(1 - alpha, models, np.inf)) / math.sqrt(2)


def _groups(ranks: Array, names: Sequence[str], critical: float) -> tuple[tuple[str, ...], ...]:
    groups: list[tuple[int, int]] = []
    for start in range(len(ranks)):
        end = int(np.searchsorted(ranks, ranks[start] + critical, side="right"))
        if not groups or end > groups[-1][1]:
            groups.append((start, end))
    return tuple(tuple(names[start:end]) for start, end in groups)
