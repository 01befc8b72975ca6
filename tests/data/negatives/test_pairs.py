from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from graphkit.data.negatives import NegativeSet, historical_pairs, inductive_pairs
from graphkit.errors import ConfigError, DataError

POOLS: dict[str, Any] = {"sources": 4, "destinations": (10, 15), "seed": 0, "split": "test"}


def stream(events: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.integers(0, 4, events), rng.integers(10, 15, events), np.sort(rng.integers(0, events // 2, events))


def links(made: NegativeSet) -> list[list[tuple[int, int]]]:
    assert made.sources is not None
    both = zip(made.sources.tolist(), made.values.tolist(), strict=True)
    return np.array(list(both)).reshape(len(made), -1, 2).tolist()


@pytest.mark.parametrize("inductive", [False, True])
@settings(deadline=None)
@given(seed=st.integers(0, 10_000), batch=st.sampled_from([1, 4, 100]))
def test_pairs_are_what_the_rule_says(inductive: bool, seed: int, batch: int) -> None:
    src, dst, t = stream(24, seed)
    more: dict[str, Any] = {**POOLS, "count": 3, "batch_size": batch}
    if inductive:
        made = inductive_pairs((src, dst, t), slice(12, 24), slice(0, 12), **more)
    else:
        made = historical_pairs((src, dst, t), slice(12, 24), **more)
    known = {(src[i], dst[i]) for i in range(12)} if inductive else set()
    for row, drawn in enumerate(links(made)):
        first = 12 + row // batch * batch
        low, high = t[first], t[min(first + batch, 24) - 1]
        past = {(src[i], dst[i]) for i in range(24) if t[i] < low} - known
        now = {(src[i], dst[i]) for i in range(24) if low <= t[i] <= high}
        for pair in map(tuple, drawn):
            assert pair not in now and (pair in past) == bool(past - now)


def test_slices_determinism_and_the_strict_past() -> None:
    src, dst, t = stream(60)
    whole = historical_pairs((src, dst, t), slice(30, 60), batch_size=7, **POOLS)
    part = historical_pairs((src, dst, t), slice(30, 60), batch_size=7, rows=slice(5, 18), **POOLS)
    assert links(part) == links(whole)[5:18] and part != whole
    assert whole == historical_pairs((src, dst, t), slice(30, 60), batch_size=7, **POOLS)
    early = np.flatnonzero(t <= t[44])
    cut = historical_pairs((src[early], dst[early], t[early]), slice(30, 45), batch_size=5, **POOLS)
    assert links(cut) == links(historical_pairs((src, dst, t), slice(30, 45), batch_size=5, **POOLS))
    assert dict(whole.parameters)["batch_size"] == 7


def test_pairs_of_the_past_are_equally_likely() -> None:
    src, dst = np.append([0, 0, 1, 2, 0], np.full(3000, 3)), np.append([10, 10, 11, 12, 13], np.full(3000, 14))
    t = np.append([0, 1, 2, 3, 4], np.arange(3000) + 9)
    made = historical_pairs((src, dst, t), slice(5, None), batch_size=1, **POOLS)
    assert stats.chisquare(np.bincount(made.values)[10:14]).pvalue > 1e-4


def test_bad_requests() -> None:
    with pytest.raises(ConfigError, match="batch_size"):
        historical_pairs(stream(9), [8], batch_size=0, **POOLS)
    with pytest.raises(DataError, match="no pair is left for row 0"):
        historical_pairs(([0], [1], [2]), [0], **{**POOLS, "sources": 1, "destinations": (1, 2)})
