from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from graphkit.errors import NonFiniteScores, ShapeError, UnknownNameError
from graphkit.evaluation.significance import TESTS, holm, paired_test, power_note, smallest_p


@pytest.mark.parametrize("n", [3, 6, 10, 25])
@pytest.mark.parametrize("seed", range(5))
def test_tests_equal_scipy_without_ties(n: int, seed: int) -> None:
    generator = np.random.default_rng(seed)
    a, b = generator.normal(size=n), generator.normal(0.3, size=n)
    assert paired_test(a, b, "wilcoxon").p == pytest.approx(stats.wilcoxon(a, b, method="exact").pvalue, abs=1e-10)
    assert paired_test(a, b, "paired-t").p == pytest.approx(stats.ttest_rel(a, b).pvalue, abs=1e-12)
    wins = int((a > b).sum())
    assert paired_test(a, b, "sign").p == pytest.approx(stats.binomtest(wins, n).pvalue, abs=1e-12)


@given(st.lists(st.integers(-4, 4), min_size=1, max_size=9))
@settings(max_examples=80, deadline=None)
def test_wilcoxon_is_exact_under_ties(steps: list[int]) -> None:
    difference = np.array(steps) / 100
    moved = difference[difference != 0]
    if not len(moved):
        assert paired_test(difference, np.zeros(len(steps))).p == 1.0
        return
    rank = stats.rankdata(np.abs(moved).round(6))
    sums = np.array([rank @ signs for signs in itertools.product([0, 1], repeat=len(moved))])
    observed = rank[moved > 0].sum()
    expected = min(1.0, 2 * min(np.mean(sums <= observed + 1e-9), np.mean(sums >= observed - 1e-9)))
    assert paired_test(0.5 + difference, np.full(len(steps), 0.5)).p == pytest.approx(expected, abs=1e-12)


@given(st.lists(st.tuples(st.integers(0, 100), st.integers(0, 100)), min_size=2, max_size=12), st.sampled_from(TESTS))
@settings(max_examples=60, deadline=None)
def test_swapping_sides_keeps_p_and_turns_the_difference(rows: list[tuple[int, int]], test: str) -> None:
    a, b = np.array(rows).T / 100
    one, other = paired_test(a, b, test), paired_test(b, a, test)
    assert one.p == pytest.approx(other.p, abs=1e-12)
    assert one.difference == pytest.approx(-other.difference, abs=1e-12)
    assert 0 <= one.p <= 1


def test_equal_values_are_never_significant() -> None:
    for test in TESTS:
        assert paired_test([0.8, 0.9, 0.7], [0.8, 0.9, 0.7], test).p == 1.0
    assert paired_test([0.8, 0.9], [0.8, 0.9]).n_used == 0


def test_a_constant_gain_is_certain_for_t_only() -> None:
    a, b = [0.81, 0.82, 0.83], [0.80, 0.81, 0.82]
    assert paired_test(a, b, "paired-t").p == 0.0
    assert paired_test(a, b).p == 0.25


def test_a_single_pair_proves_nothing() -> None:
    for test in TESTS:
        assert paired_test([0.9], [0.1], test).p == 1.0


def test_bootstrap_p_is_near_the_t_test_on_many_pairs() -> None:
    generator = np.random.default_rng(3)
    a, b = generator.normal(size=60), generator.normal(0.25, size=60)
    assert paired_test(a, b, "bootstrap").p == pytest.approx(paired_test(a, b, "paired-t").p, abs=0.02)
    assert paired_test(a, b, "bootstrap", seed=1).p != paired_test(a, b, "bootstrap").p


def test_bad_pairs_raise() -> None:
    with pytest.raises(ShapeError, match="equally many values, got 2 and 1"):
        paired_test([1.0, 2.0], [1.0])
    with pytest.raises(NonFiniteScores):
        paired_test([float("nan")], [1.0])
    for call in (lambda: paired_test([1.0], [1.0], "wilcoxson"), lambda: smallest_p(3, "wilcoxson")):
        with pytest.raises(UnknownNameError, match="did you mean 'wilcoxon'"):
            call()


@pytest.mark.parametrize(("n", "smallest"), [(1, 1.0), (3, 0.25), (5, 0.0625), (6, 0.03125), (10, 0.001953125)])
def test_smallest_p_is_reached_and_never_undercut(n: int, smallest: float) -> None:
    assert smallest_p(n) == smallest_p(n, "sign") == smallest
    assert paired_test(np.arange(n) + 1.0, np.zeros(n)).p == smallest


def test_power_notes() -> None:
    assert power_note(6) == "" == power_note(2, "paired-t")
    assert power_note(1).startswith("1 seed cannot")
    assert "use at least 6" in power_note(5)
    assert power_note(6, comparisons=3).endswith(
        "with wilcoxon after Holm's correction over 3 comparisons (smallest p 0.03125); use at least 7"
    )


def test_holm_equals_its_definition() -> None:
    generator = np.random.default_rng(0)
    for size in (1, 2, 7):
        p = generator.random(size).round(1)
        order = np.argsort(p, kind="stable")
        expected = np.empty(size)
        running = 0.0
        for step, index in enumerate(order):
            running = max(running, min(1.0, (size - step) * p[index]))
            expected[index] = running
        assert holm(p) == pytest.approx(list(expected))
    assert holm([]) == []
