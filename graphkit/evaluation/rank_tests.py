"""Models ranked over several datasets: Friedman's test and Nemenyi's critical difference."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from graphkit.errors import ShapeError
from graphkit.evaluation.statistics import check_fraction, sample

Array = NDArray[Any]


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
        alpha: level of the critical difference.
    """

    names: tuple[str, ...]
    mean_ranks: tuple[float, ...]
    chi_square: float
    p: float
    p_iman_davenport: float
    critical_difference: float
    groups: tuple[tuple[str, ...], ...]
    alpha: float = 0.05


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
    from scipy import special  # slow to import, and no report of one dataset needs it

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
        alpha=alpha,
    )


def average_ranks(values: Array) -> Array:
    """Returns ranks from 1 in ascending order, ties given the mean of the ranks they span."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    mean_rank = last - (counts - 1) / 2
    ranks: Array = mean_rank[inverse]
    return ranks


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
