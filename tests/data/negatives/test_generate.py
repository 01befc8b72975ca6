from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from graphkit.data.negatives import NegativeSet, Positives, tgb_seq, uniform
from graphkit.errors import ConfigError, DataError, ShapeError, UnknownNameError

LINKS = Positives([0, 1, 2, 0], [10, 11, 12, 13], [1, 1, 2, 2])


def row_lists(made: NegativeSet) -> list[list[int]]:
    return [made.rows([row])[0].tolist() for row in range(len(made))]


def draw(count: int = 4, **more: Any) -> NegativeSet:
    return uniform(LINKS, count, **{"pool": (10, 30), "seed": 0, "split": "test", **more})


@pytest.mark.parametrize("replace", [False, True])
@pytest.mark.parametrize("filtered", ["none", "own", "same-time", "known"])
def test_any_slice_is_the_slice_of_the_whole(filtered: str, replace: bool) -> None:
    more: dict[str, Any] = {"filtered": filtered, "replace": replace}
    whole = row_lists(draw(**more))
    for start in range(4):
        for stop in range(start + 1, 5):
            part = draw(**more, rows=slice(start, stop))
            assert row_lists(part) == whole[start:stop]
            assert (part == draw(**more)) == (stop - start == 4)


def test_seed_split_and_row_change_the_draw_and_nothing_else_does() -> None:
    whole = row_lists(draw())
    assert whole == row_lists(draw())
    assert whole != row_lists(draw(seed=1)) and whole != row_lists(draw(split="valid"))
    assert len({tuple(row) for row in whole}) == 4
    assert [row[:2] for row in whole] == row_lists(draw(2))  # the first of many are the few


def test_draws_are_pinned() -> None:
    assert row_lists(draw(seed=7)) == [[26, 16, 17, 11], [18, 16, 15, 26], [16, 11, 13, 15], [18, 14, 20, 16]]


def test_filters() -> None:
    known = ([0, 0, 1], [14, 15, 16], [1, 5, 1])
    assert {row: set(range(10, 20)) - set(ids) for row, ids in enumerate(row_lists(draw(20, pool=(10, 20))))} == {
        0: {10, 13}, 1: {11}, 2: {12}, 3: {10, 13},
    }  # fmt: skip
    missing = [
        set(range(10, 20)) - set(ids) for ids in row_lists(draw(20, pool=(10, 20), filtered="same-time", known=known))
    ]
    assert missing == [{10, 14}, {11, 16}, {12}, {13}]
    missing = [set(range(10, 20)) - set(ids) for ids in row_lists(draw(20, pool=(10, 20), known=known[:2]))]
    assert missing == [{10, 13, 14, 15}, {11, 16}, {12}, {10, 13, 14, 15}]
    own = row_lists(draw(20, pool=(10, 20), filtered="own"))
    assert [set(range(10, 20)) - set(ids) for ids in own] == [{10}, {11}, {12}, {13}]
    assert all(sorted(ids) == list(range(10, 20)) for ids in row_lists(draw(20, pool=(10, 20), filtered="none")))
    assert row_lists(draw(known=np.array(known[:2]))) == row_lists(draw(known=known[:2]))


@settings(deadline=None)
@given(
    pool=st.sets(st.integers(0, 40), min_size=1, max_size=20),
    links=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 40)), min_size=1, max_size=15),
    count=st.integers(1, 25),
    replace=st.booleans(),
)
def test_never_a_known_link(pool: set[int], links: list[tuple[int, int]], count: int, replace: bool) -> None:
    src, dst = (list(end) for end in zip(*links, strict=True))
    positives = Positives(src[:3], dst[:3])
    allowed = [sorted(pool - {d for s, d in links if s == source}) for source in src[:3]]
    options: dict[str, Any] = {"pool": np.array(sorted(pool)), "seed": 1, "split": "test", "known": (src, dst)}
    if not all(allowed):
        with pytest.raises(DataError, match="nothing is left"):
            uniform(positives, count, replace=replace, **options)
        return
    for row, ids in enumerate(row_lists(uniform(positives, count, replace=replace, **options))):
        assert set(ids) <= set(allowed[row])
        assert len(ids) == (count if replace else min(count, len(allowed[row])))
        assert replace or len(set(ids)) == len(ids)


@pytest.mark.parametrize("replace", [False, True])
def test_every_destination_is_equally_likely_at_every_place(replace: bool) -> None:
    many = Positives(np.zeros(6000, int), np.full(6000, 3))
    made = uniform(many, 3, pool=8, seed=5, split="test", filtered="own", replace=replace).candidates
    for place in range(3):
        counts = np.bincount(made[:, place], minlength=8)
        assert counts[3] == 0
        assert stats.chisquare(np.delete(counts, 3)).pvalue > 1e-4
    twice = (made[:, 0] == made[:, 1]).mean()
    assert twice == pytest.approx(1 / 7, abs=0.02) if replace else twice == 0


def test_tgb_seq_keeps_the_published_quirks_unless_told() -> None:
    many = Positives(np.zeros(500, int), np.full(500, 5))
    made = tgb_seq(many, 4, 7)
    assert made.kind == "tgb-seq" and made.candidates.shape == (500, 100)
    assert set(made.values.tolist()) == {4, 5, 6}  # the last one never, the positive itself too
    clean = tgb_seq(many, 4, 7, filtered=True, published_range=False)
    assert set(clean.values.tolist()) == {4, 6, 7} and clean.filtered
    assert row_lists(tgb_seq(many, 4, 7, rows=slice(3, 5))) == row_lists(made)[3:5]


@pytest.mark.parametrize(
    ("error", "match", "more"),
    [
        (UnknownNameError, "same-time", {"filtered": "same-tim"}),
        (ConfigError, "at least 1", {"count": 0}),
        (ConfigError, "at least 1", {"count": 0, "replace": True}),
        (ConfigError, "needs the times", {"filtered": "same-time", "known": ([0], [1])}),
        (ShapeError, "known links", {"known": np.zeros((3, 4, 5))}),
        (ShapeError, "as many sources", {"known": ([0, 1], [1])}),
        (ShapeError, "step 1", {"rows": slice(0, 4, 2)}),
        (ShapeError, "step 1", {"rows": slice(4, 9)}),
        (DataError, "0 <= first", {"pool": (5, 5)}),
        (DataError, "empty", {"pool": np.zeros(0, int)}),
        (DataError, "numbers start at 0", {"pool": np.array([-1, 3])}),
        (DataError, "2 \\*\\* 32|0 <= first", {"pool": (0, 1 << 33)}),
        (DataError, "nothing is left to draw for row 1", {"pool": np.array([11])}),
    ],
)
def test_bad_requests(error: type[Exception], match: str, more: dict[str, Any]) -> None:
    with pytest.raises(error, match=match):
        draw(**more)
