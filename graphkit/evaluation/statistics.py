"""Mean, spread and intervals over runs, and how small a difference a number of runs can see.

Standard deviations are sample ones (ddof = 1) throughout. scipy is imported where a function needs it: that alone takes
longer than a whole report, which needs no more than an interval of a mean.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from graphkit.errors import NonFiniteScores, ShapeError
from graphkit.evaluation.student import student_quantile

Array = NDArray[Any]
Interval = tuple[float, float]


@dataclass(frozen=True)
class Description:
    """What n runs say together.

    Args:
        n: number of runs.
        mean: their mean.
        std: sample standard deviation; None for one run.
        interval: Student-t interval of the mean; None for one run.
        confidence: of the interval.
    """

    n: int
    mean: float
    std: float | None
    interval: Interval | None
    confidence: float


def describe(values: ArrayLike, confidence: float = 0.95) -> Description:
    """Returns mean, sample standard deviation and Student-t interval of the mean.

    Args:
        values: [n] one value a run.
        confidence: between 0 and 1.

    Raises:
        ShapeError: `values` is empty or has more than one dimension.
        NonFiniteScores: a value is NaN or infinite.

    Example:
        >>> summary = describe([1.0, 2.0, 3.0])
        >>> summary.mean, summary.std, [round(end, 3) for end in summary.interval]
        (2.0, 1.0, [-0.484, 4.484])
    """
    array = sample(values)
    mean = math.fsum(array) / len(array)
    if len(array) == 1:
        return Description(1, mean, None, None, confidence)
    std = float(np.std(array, ddof=1))
    half = student_quantile(len(array) - 1, check_fraction("confidence", confidence)) * std / math.sqrt(len(array))
    return Description(len(array), mean, std, (mean - half, mean + half), confidence)


def bootstrap_interval(
    values: ArrayLike,
    confidence: float = 0.95,
    *,
    method: Literal["percentile", "bca"] = "bca",
    statistic: Callable[..., Array] = np.mean,
    resamples: int = 9999,
    seed: int = 0,
) -> Interval:
    """Returns a bootstrap interval of a statistic (BCa: Efron, JASA 1987).

    Args:
        values: [n] one value a run or an example, n >= 2.
        confidence: between 0 and 1.
        method: plain percentiles, or bias-corrected and accelerated.
        statistic: called as `statistic(array, axis=-1)`.
        resamples: drawn with replacement.
        seed: of the draw; equal seeds give equal intervals.

    Example:
        >>> low, high = bootstrap_interval([0.80, 0.82, 0.81, 0.83, 0.79])
        >>> 0.79 <= low < 0.81 < high <= 0.83
        True
    """
    array = sample(values, least=2)
    check_fraction("confidence", confidence)
    estimate = float(statistic(array, axis=-1))
    draws = np.sort(resampled_statistic(array, statistic, resamples, seed))
    tails = np.array([(1 - confidence) / 2, (1 + confidence) / 2])
    if method == "bca":
        tails = _bca_tails(array, statistic, draws, estimate, tails)
    low, high = np.quantile(draws, tails)
    return float(low), float(high)


def resampled_statistic(array: Array, statistic: Callable[..., Array], resamples: int, seed: int) -> Array:
    """Returns the statistic of `resamples` draws with replacement, in blocks that bound memory to about 64 MB."""
    generator = np.random.Generator(np.random.Philox(seed))
    block = max(1, 8_000_000 // len(array))
    parts = []
    for start in range(0, resamples, block):
        rows = min(block, resamples - start)
        chosen = generator.integers(len(array), size=(rows, len(array)))
        parts.append(statistic(array[chosen], axis=-1))
    return np.concatenate(parts)


def minimum_detectable_difference(
    std_of_differences: float, n: int, *, alpha: float = 0.05, power: float = 0.8
) -> float | None:
    """Returns the smallest true difference that a paired t test over n runs finds with the given power.

    None for one run, which can find nothing.

    Args:
        std_of_differences: sample standard deviation of the per-seed differences.
        n: number of shared seeds.
        alpha: two-sided level.
        power: chance of finding the difference.

    Example:
        >>> round(minimum_detectable_difference(0.01, 10), 5)
        0.00996
    """
    check_fraction("alpha", alpha)
    check_fraction("power", power)
    if n < 2:
        return None
    from scipy import special

    # Averages the normal power over equally likely spreads: the noncentral t functions of scipy lose their digits, or
    # return NaN, for the large noncentralities that few runs need.
    chances = (np.arange(20_000) + 0.5) / 20_000
    spread = np.sqrt(special.chdtri(n - 1, chances) / (n - 1)) * special.stdtrit(n - 1, 1 - alpha / 2)
    low, high = 0.0, 1.0
    while _power(high, spread) < power:
        high *= 2
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (low, middle) if _power(middle, spread) >= power else (middle, high)
    return high / math.sqrt(n) * std_of_differences


def sample(values: ArrayLike, least: int = 1) -> Array:
    """Returns `values` as a float64 vector of at least `least` finite entries, or raises."""
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1 or len(array) < least:
        raise ShapeError(f"needs a list of at least {least} values, got shape {list(array.shape)}")
    if not np.isfinite(array).all():
        raise NonFiniteScores(f"{np.count_nonzero(~np.isfinite(array))} of {len(array)} values are NaN or infinite")
    return array


def check_fraction(name: str, value: float) -> float:
    """Returns a value strictly between 0 and 1, or raises."""
    if not 0 < value < 1:
        raise ShapeError(f"{name} lies strictly between 0 and 1, got {value}")
    return value


def _power(shift: float, threshold: Array) -> float:
    """Returns the chance that a unit normal around `shift` lies beyond +-threshold, averaged over thresholds."""
    from scipy import special

    return float(np.mean(special.ndtr(shift - threshold) + special.ndtr(-shift - threshold)))


def _bca_tails(array: Array, statistic: Callable[..., Array], draws: Array, estimate: float, tails: Array) -> Array:
    """Returns the quantiles that correct for bias and skew; plain ones where every draw is the same."""
    if draws[0] == draws[-1]:
        return tails
    from scipy import special

    below = np.mean(draws < estimate) + np.mean(draws == estimate) / 2
    bias = special.ndtri(np.clip(below, 0.5 / len(draws), 1 - 0.5 / len(draws)))
    left_out = ~np.eye(len(array), dtype=bool)
    jackknife = np.array([statistic(array[keep], axis=-1) for keep in left_out])
    deviation = jackknife.mean() - jackknife
    scale = 6 * np.sum(deviation**2) ** 1.5
    acceleration = np.sum(deviation**3) / scale if scale > 0 else 0.0
    shifted = bias + special.ndtri(tails)
    corrected: Array = special.ndtr(bias + shifted / (1 - acceleration * shifted))
    return corrected
