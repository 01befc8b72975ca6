from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphkit.errors import ConfigError
from graphkit.evaluation import check_leakage
from graphkit.scorers import SCORERS, scorer_kind
from graphkit.scorers.pair_table import PairTable
from graphkit.scorers.streams import EdgeBank, PairRecency, TimeWindowEdgeBank

STREAMS = tuple(name for name in SCORERS if scorer_kind(name) == "temporal-link")
SRC, DST, T = np.array([0, 1, 0, 2]), np.array([3, 4, 4, 3]), np.array([0, 10, 90, 100])


def fitted(name: str, **options: Any) -> Any:
    model = SCORERS.get(name)(**options)
    model.fit(SRC, DST, T, 6)  # type: ignore[call-arg, arg-type]
    return model


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("edgebank", [[1, 1, 0], [0, 1, 0], [1, 0, 0]]),
        ("edgebank-tw", [[0, 1, 0], [0, 0, 0], [1, 0, 0]]),
        ("pair-recency", [[1, 91, 0], [0, 11, 0], [101, 0, 0]]),
        ("dst-recency", [[101, 91, 0], [101, 91, 0], [101, 91, 0]]),
        ("pair-popularity", [[1, 1, 0], [0, 1, 0], [1, 0, 0]]),
        ("dst-popularity", [[2, 2, 0], [2, 2, 0], [2, 2, 0]]),
        ("local-global-recency", [[1 * 5 + 4, 3 * 5 + 3, 0], [4, 2 * 5 + 3, 0], [4 * 5 + 4, 3, 0]]),
        ("local-global-popularity", [[1 * 3 + 2, 1 * 3 + 2, 0], [2, 1 * 3 + 2, 0], [1 * 3 + 2, 2, 0]]),
    ],
)
def test_scores_are_those_of_the_definition(name: str, expected: Any) -> None:
    sources, times = np.array([0, 1, 2]), np.array([101, 101, 101])
    model = fitted(name)
    assert model.score(sources, np.array([3, 4, 5]), times).tolist() == expected
    assert model.score(sources, np.tile([3, 4, 5], (3, 1)), times).tolist() == expected


def test_the_window_moves_with_what_is_shown_and_is_as_long_as_told() -> None:
    model = fitted("edgebank-tw", window=1.0)
    ask: Any = (np.array([0]), np.array([3, 4]), np.array([500]))
    assert model.score(*ask).tolist() == [[1, 1]]
    model.observe(np.array([5]), np.array([3]), np.array([101]))
    assert model.score(*ask).tolist() == [[0, 1]]
    with pytest.raises(ConfigError, match="window"):
        TimeWindowEdgeBank(window=0.0)


@pytest.mark.parametrize("name", STREAMS)
def test_scoring_changes_nothing_and_candidates_do_not_see_each_other(name: str) -> None:
    model, order = fitted(name), np.array([2, 0, 1])
    sources, candidates, times = np.array([0, 2]), np.array([[3, 4, 5], [4, 5, 3]]), np.array([100, 100])
    first = model.score(sources, candidates, times)
    assert (model.score(sources, candidates[:, order], times) == first[:, order]).all()
    assert (model.score(sources, candidates, times) == first).all()


def test_fractions_of_a_second_keep_their_order() -> None:
    model = PairRecency()
    times = 1289241911.72836 + np.array([0.0, 1e-5, 2e-5])
    model.fit(np.zeros(3, dtype=int), np.array([1, 2, 3]), times, 4)
    scores = model.score(np.array([0]), np.array([1, 2, 3]), times[-1:])[0]
    assert (np.diff(scores) > 0).all()


def test_fitting_starts_over() -> None:
    model = EdgeBank()
    for other in (1, 2):
        model.fit(np.array([0]), np.array([other]), np.array([1]), 3)
    assert model.score(np.array([0]), np.array([1, 2]), np.array([2])).tolist() == [[0, 1]]


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=3000), st.integers(1, 700))
def test_the_table_is_a_dictionary(pairs: list[tuple[int, int]], step: int) -> None:
    table, known = PairTable(41), {}
    for start in range(0, len(pairs), step):
        part = pairs[start : start + step]
        src, dst = (np.array([pair[side] for pair in part]) for side in (0, 1))
        table.put(src, dst, np.arange(start, start + len(part), dtype=float))
        known |= {pair: float(start + at) for at, pair in enumerate(part)}
    found = table.get(np.arange(41), np.arange(41), -1.0)
    assert table.size == len(known)
    assert found.tolist() == [[known.get((i, j), -1.0) for j in range(41)] for i in range(41)]


@pytest.mark.parametrize("name", STREAMS)
def test_no_scorer_looks_ahead_or_at_the_place_of_a_candidate(name: str) -> None:
    rng = np.random.default_rng(0)
    events = {"src": rng.integers(0, 8, 300), "dst": rng.integers(8, 20, 300), "t": np.arange(300)}

    def asked(known: Any, src: Any, candidates: Any, t: Any) -> Any:
        model, seen = SCORERS.get(name)(), known["t"] < 200
        model.fit(known["src"][seen], known["dst"][seen], known["t"][seen], 20)  # type: ignore[call-arg, arg-type]
        return model.score(src, candidates, t)  # type: ignore[call-arg]

    queries = np.arange(8), np.tile(np.arange(8, 20), (8, 1)), np.full(8, 200)
    found = check_leakage(asked, queries=queries, events=events, cut=200)
    assert len(found) == 4 and not any(finding.leaks for finding in found)
