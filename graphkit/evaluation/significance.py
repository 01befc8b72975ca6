"""Is a model better than another? Exact paired tests over shared seeds, Holm's correction.

Every test is two-sided. With few seeds the rank tests cannot reach significance whatever the numbers are;
`power_note` says so in words.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from graphkit.errors import ShapeError, UnknownNameError
from graphkit.evaluation.rank_tests import average_ranks
from graphkit.evaluation.statistics import resampled_statistic, sample

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
    difference = _without_rounding_noise(left, right)
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


def _without_rounding_noise(left: Array, right: Array) -> Array:
    """Returns left - right to 12 digits of the larger value, so that 0.83 - 0.82 and 0.82 - 0.81 tie as they should."""
    scale = max(float(np.abs(left).max()), float(np.abs(right).max())) or 1.0
    difference: Array = np.round((left - right) / scale, 12) * scale
    return difference


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
    from scipy import special  # slow to import, and no report needs it

    fewer = min(int((moved > 0).sum()), int((moved < 0).sum()))
    return float(min(1.0, 2 * special.bdtr(fewer, len(moved), 0.5)))


def _t_p(difference: Array) -> float:
    if len(difference) < 2:
        return 1.0
    spread = float(np.std(difference, ddof=1))
    if spread == 0:
        return 1.0 if difference[0] == 0 else 0.0
    from scipy import special

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
