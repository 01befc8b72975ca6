from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphkit.data.negatives import Positives
from graphkit.data.negatives.lookup import gather_rows, sortable
from graphkit.errors import DataError


@settings(deadline=None)
@given(st.lists(st.floats(allow_nan=False), min_size=2, max_size=20))
def test_bits_of_times_sort_as_the_times_do(times: list[float]) -> None:
    column = np.sort(np.array(times))
    keys = sortable(column)
    assert np.array_equal(keys[1:] > keys[:-1], column[1:] > column[:-1])


def test_types_of_times_may_differ() -> None:
    whole, real = Positives([1, 1], [2, 2], [3, 4]), Positives([1, 1], [2, 2], [3.0, 4.5])
    assert whole.find([1], [2], np.array([4.0])).tolist() == [1] and real.find([1], [2], [3]).tolist() == [0]
    for value in (3.5, float("nan"), float("inf"), -1e300):
        with pytest.raises(DataError, match="have no negatives"):
            whole.find([1], [2], [value])


def test_rows_that_lie_together_are_not_copied() -> None:
    values, offsets = np.arange(10, dtype=np.int32), np.array([0, 2, 5, 9, 10])
    together = gather_rows(values, offsets, np.array([1, 2]))
    assert np.shares_memory(together[0], values) and together[0].tolist() == [2, 3, 4, 5, 6, 7, 8]
    apart = gather_rows(values, offsets, np.array([2, 1, 1]))
    assert not np.shares_memory(apart[0], values) and apart[0].tolist() == [5, 6, 7, 8, 2, 3, 4, 2, 3, 4]
    assert together[1].tolist() == [0, 3, 7] and apart[1].tolist() == [0, 4, 7, 10]
