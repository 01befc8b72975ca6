from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphkit.data.negatives import Positives
from graphkit.errors import DataError, ShapeError

KEYS = st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(-2, 2))


@settings(deadline=None)
@given(st.lists(KEYS, min_size=1, max_size=30), st.lists(KEYS, max_size=10))
def test_find_agrees_with_a_dictionary(keys: list[tuple[int, int, int]], others: list[tuple[int, int, int]]) -> None:
    positives = Positives(*(list(column) for column in zip(*keys, strict=True)))
    first: dict[tuple[int, int, int], int] = {}
    for row, key in enumerate(keys):
        first.setdefault(key, row)
    assert positives.find(*zip(*keys, strict=True)).tolist() == [first[key] for key in keys]
    for key in others:
        if key in first:
            assert positives.find(*([part] for part in key)).tolist() == [first[key]]
        else:
            with pytest.raises(DataError, match="have no negatives in this set"):
                positives.find(*([part] for part in key))


def test_static_relational_and_real_times() -> None:
    assert Positives([3, 1], [2, 2]).find([1], [2]).tolist() == [1]
    assert Positives([1, 1], [2, 2], [0.5, 0.25]).find([1], [2], [0.25]).tolist() == [1]
    typed = Positives([1, 1], [2, 2], [7, 7], relation=[0, 1])
    assert typed.find([1, 1], [2, 2], [7, 7], [1, 0]).tolist() == [1, 0]
    assert typed.find([], [], [], []).tolist() == []
    assert len(typed.take(slice(1, 2))) == 1 and typed.take(np.array([1])).relation == [1]


def test_rows_of_events() -> None:
    positives = Positives([1, 1], [2, 3], [7, 8], event=[10, 15])
    assert positives.rows_of_events([15, 10, 15]).tolist() == [1, 0, 1]
    with pytest.raises(DataError, match="event 11"):
        positives.rows_of_events([10, 11])
    with pytest.raises(DataError, match="no event numbers"):
        Positives([1], [2]).rows_of_events([0])


@pytest.mark.parametrize(
    ("error", "match", "columns"),
    [
        (DataError, "at least one positive", {"src": [], "dst": []}),
        (DataError, "src holds -4 at row 1", {"src": [0, -4], "dst": [1, 1]}),
        (DataError, "not finite", {"src": [0], "dst": [1], "t": [float("nan")]}),
        (DataError, "rise", {"src": [0, 1], "dst": [1, 1], "event": [5, 5]}),
        (ShapeError, "2 sources but 1", {"src": [0, 1], "dst": [1]}),
        (ShapeError, "whole numbers", {"src": [0.5], "dst": [1]}),
        (ShapeError, "times", {"src": [0], "dst": [1], "t": ["noon"]}),
    ],
)
def test_bad_columns(error: type[Exception], match: str, columns: dict[str, Any]) -> None:
    with pytest.raises(error, match=match):
        Positives(**columns)


def test_bad_questions() -> None:
    positives = Positives([1], [2], [3])
    with pytest.raises(ShapeError, match=r"named by \(src, dst, t\), got 2"):
        positives.find([1], [2])
    with pytest.raises(ShapeError, match=r"\[Q\] each"):
        positives.find([1], [2], [3, 3])
    with pytest.raises(ShapeError, match="numbers"):
        positives.find(["a"], [2], [3])
    with pytest.raises(DataError, match=r"2 of 2 .* the first is \(src=1, dst=9, t=3\)"):
        positives.find([1, 1], [9, 8], [3, 3])
