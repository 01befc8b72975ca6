from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import integrate, special, stats

from graphkit.errors import NonFiniteScores, ShapeError
from graphkit.evaluation.statistics import bootstrap_interval, describe, minimum_detectable_difference
from graphkit.evaluation.student import student_quantile

VALUES = [0.813, 0.822, 0.809, 0.831, 0.826, 0.817, 0.84]


@pytest.mark.parametrize("n", [2, 3, 7])
@pytest.mark.parametrize("confidence", [0.9, 0.95])
def test_describe_equals_scipy(n: int, confidence: float) -> None:
    values = VALUES[:n]
    ours = describe(values, confidence)
    expected = stats.t.interval(confidence, n - 1, loc=np.mean(values), scale=stats.sem(values))
    assert ours.interval == pytest.approx(expected, abs=1e-12)
    assert (ours.mean, ours.std) == pytest.approx((np.mean(values), np.std(values, ddof=1)))


def test_one_value_has_no_spread() -> None:
    assert (describe([0.5]).mean, describe([0.5]).std, describe([0.5]).interval) == (0.5, None, None)


def test_the_mean_does_not_depend_on_the_order() -> None:
    generator = np.random.default_rng(0)
    values = generator.normal(size=1000) * 10.0 ** generator.integers(-8, 8, size=1000)
    assert describe(values).mean == describe(values[::-1]).mean


@pytest.mark.parametrize("method", ["percentile", "bca"])
def test_bootstrap_is_close_to_scipy_and_seeded(method: str) -> None:
    expected = stats.bootstrap((np.array(VALUES),), np.mean, method=method, n_resamples=20000, random_state=1)
    ours = bootstrap_interval(VALUES, method=method, resamples=20000)
    assert ours == pytest.approx(tuple(expected.confidence_interval), abs=5e-4)
    assert ours == bootstrap_interval(VALUES, method=method, resamples=20000)
    assert ours != bootstrap_interval(VALUES, method=method, resamples=20000, seed=1)


def test_bootstrap_of_equal_values_is_a_point() -> None:
    assert bootstrap_interval([0.5, 0.5, 0.5]) == (0.5, 0.5)


def test_bootstrap_takes_any_statistic() -> None:
    low, high = bootstrap_interval(VALUES, statistic=np.median, resamples=500)
    assert min(VALUES) <= low <= np.median(VALUES) <= high <= max(VALUES)


@pytest.mark.parametrize("n", [2, 5, 10, 30])
@pytest.mark.parametrize("power", [0.5, 0.8, 0.95])
def test_minimum_detectable_difference_has_the_power_it_promises(n: int, power: float) -> None:
    difference = minimum_detectable_difference(0.01, n, power=power)
    assert difference is not None
    critical, shift = stats.t.ppf(0.975, n - 1), difference / 0.01 * math.sqrt(n)

    def beyond(chi: float) -> float:
        threshold = critical * chi / math.sqrt(n - 1)
        return (stats.norm.sf(threshold - shift) + stats.norm.cdf(-threshold - shift)) * stats.chi.pdf(chi, n - 1)

    reached = integrate.quad(beyond, 0, 20, points=[shift / critical], limit=200)[0]
    assert reached == pytest.approx(power, abs=1e-5)


def test_minimum_detectable_difference_by_simulation() -> None:
    generator = np.random.default_rng(0)
    difference = minimum_detectable_difference(0.01, 10)
    draws = generator.normal(difference, 0.01, size=(4000, 10))
    assert np.mean(stats.ttest_1samp(draws, 0.0, axis=1).pvalue < 0.05) == pytest.approx(0.8, abs=0.02)


def test_one_run_detects_nothing() -> None:
    assert minimum_detectable_difference(0.01, 1) is None


def test_bad_values_raise() -> None:
    for values in ([], [[1.0]]):
        with pytest.raises(ShapeError):
            describe(values)
    with pytest.raises(NonFiniteScores):
        describe([1.0, math.nan])
    with pytest.raises(ShapeError, match="at least 2"):
        bootstrap_interval([1.0])
    with pytest.raises(ShapeError, match="confidence lies strictly between"):
        describe([1.0, 2.0], 1.0)
    with pytest.raises(ShapeError, match="power"):
        minimum_detectable_difference(0.1, 5, power=1.0)


@pytest.mark.parametrize("freedom", [*range(1, 12), 19, 20, 99, 100, 999])
def test_the_quantile_of_student_equals_scipy(freedom: int) -> None:
    for confidence in (0.001, 0.1, 0.5, 0.8, 0.9, 0.95, 0.99, 0.999):
        expected = special.stdtrit(freedom, (1 + confidence) / 2)
        assert student_quantile(freedom, confidence) == pytest.approx(expected, rel=1e-10)
