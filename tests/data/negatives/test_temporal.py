from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from graphkit.data.negatives import Events, NegativeSet, hist_rnd, historical, inductive, tgb_all
from graphkit.errors import ConfigError, DataError, ShapeError

POOL = (10, 22)
MAKERS = {
    "historical": lambda e, p, t, k, **m: historical(e, p, k, **{"seed": 3, **m}),
    "inductive": lambda e, p, t, k, **m: inductive(e, p, t, k, **{"seed": 3, **m}),
    "hist_rnd": lambda e, p, t, k, **m: hist_rnd(e, p, t, k, **m),
    "tgb-all": lambda e, p, t, k, **m: tgb_all(e, p, **m),
}


def stream(events: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.integers(0, 4, events), rng.integers(10, 22, events), np.sort(rng.integers(0, events // 2, events))


def make(kind: str, events: Any, positives: Any, train: Any, count: int = 4, **more: Any) -> NegativeSet:
    return MAKERS[kind](events, positives, train, count, **{"pool": POOL, "split": "test", **more})


def row_lists(made: NegativeSet) -> list[list[int]]:
    return [made.rows([row])[0].tolist() for row in range(len(made))]


@pytest.mark.parametrize("kind", MAKERS)
def test_any_slice_is_the_slice_of_the_whole(kind: str) -> None:
    events = stream(80)
    whole = row_lists(make(kind, events, slice(40, 80), slice(0, 40)))
    for start, stop in ((0, 1), (7, 29), (39, 40), (0, 40)):
        part = make(kind, events, slice(40, 80), slice(0, 40), rows=slice(start, stop))
        assert row_lists(part) == whole[start:stop]
        assert part.positives is not None and part.positives.event is not None
        assert part.positives.event.tolist() == list(range(40 + start, 40 + stop))


@pytest.mark.parametrize("kind", MAKERS)
def test_later_events_never_change_earlier_rows(kind: str) -> None:
    src, dst, t = stream(80)
    before = make(kind, (src, dst, t), slice(40, 60), slice(0, 40))
    later = t > t[59]
    garbage = np.where(later, 2, src), np.where(later, 13, dst), np.where(later, t[59] + 1, t)
    cut = src[~later], dst[~later], t[~later]
    for other in (garbage, cut):
        assert row_lists(make(kind, other, slice(40, 60), slice(0, 40))) == row_lists(before)
    assert before != make(kind, garbage, slice(40, 60), slice(0, 40))  # but the set says what it was made from


@settings(deadline=None)
@given(seed=st.integers(0, 10_000), count=st.integers(1, 14), kind=st.sampled_from(sorted(MAKERS)))
def test_rows_are_what_the_rule_says(seed: int, count: int, kind: str) -> None:
    src, dst, t = stream(40, seed)
    train = range(20)
    made = make(kind, (src, dst, t), slice(20, 40), slice(0, 20), count)
    share = {"historical": 1.0, "inductive": 1.0, "hist_rnd": 0.5, "tgb-all": 0.0}[kind]
    pairs = {(src[i], dst[i]) for i in train}
    for row, ids in enumerate(row_lists(made)):
        event = 20 + row
        same = (src == src[event]) & (t == t[event])
        true = set(dst[same].tolist())
        past = {(src[i], dst[i]) for i in range(40) if t[i] < t[event]}
        if kind == "inductive":
            past -= pairs
        if kind == "hist_rnd":
            past &= pairs
        seen = {d for s, d in past if s == src[event]}
        old, rest = seen - true, set(range(*POOL)) - seen - true
        if kind == "tgb-all":
            assert ids == sorted(set(range(*POOL)) - true)
            continue
        expected = min(int(count * share), len(old))
        assert len(set(ids)) == len(ids) == expected + min(count - expected, len(rest))
        assert set(ids[:expected]) <= old and set(ids[expected:]) <= rest


def test_history_and_fill_are_drawn_evenly() -> None:
    rows = 4000
    src = np.zeros(rows + 6, int)
    dst = np.concatenate([[10, 11, 12, 13, 14, 10], np.full(rows, 12)])
    t = np.concatenate([np.arange(6), np.arange(rows) + 10])
    made = hist_rnd((src, dst, t), slice(6, rows + 6), slice(0, 6), 4, pool=(10, 20), split="test").candidates
    old = np.bincount(made[:, :2].ravel(), minlength=20)
    new = np.bincount(made[:, 2:].ravel(), minlength=20)
    assert np.flatnonzero(old).tolist() == [10, 11, 13, 14] and np.flatnonzero(new).tolist() == [15, 16, 17, 18, 19]
    # 12 is the true destination of every row; repeated training links count once
    for counts, each in ((old, 0.5), (new, 0.4)):
        found = counts[counts > 0]
        spread = rows * each * (1 - each)
        assert stats.chi2.sf(((found - rows * each) ** 2).sum() / spread * (len(found) - 1) / len(found), 3) > 1e-4


def test_equal_positives_share_a_row_in_tgb_form_only() -> None:
    events = [0, 0, 0], [10, 15, 15], [1, 5, 5]
    assert (
        row_lists(hist_rnd(events, [1, 2], [0], 6, pool=POOL, split="test"))[0]
        == row_lists(hist_rnd(events, [1, 2], [0], 6, pool=POOL, split="test"))[1]
    )
    first, second = row_lists(historical(events, [1, 2], 6, pool=POOL, seed=0, split="test"))
    assert first != second


def test_masks_slices_numbers_real_times_and_stores_agree() -> None:
    src, dst, t = stream(30)
    mask = np.arange(30) >= 20

    class Store:
        pass

    store: Any = Store()
    store.src, store.dst, store.t = src, dst, t / 4
    made = historical((src, dst, t), mask, 3, pool=POOL, seed=0, split="test")
    for positives in (slice(20, None), np.arange(20, 30), mask.tolist()):
        assert historical((src, dst, t), positives, 3, pool=POOL, seed=0, split="test") == made
    real = historical(store, mask, 3, pool=range(*POOL), seed=0, split="test")
    assert row_lists(real) == row_lists(made) and real != made
    assert row_lists(historical(store, mask, 3, pool=np.arange(*POOL), seed=0, split="test")) == row_lists(made)


def test_a_pool_with_gaps() -> None:
    events = [0, 0, 0], [10, 14, 18], [1, 2, 3]
    pool = np.array([10, 14, 16, 18])
    assert tgb_all(events, [1], pool=pool, split="test").values.tolist() == [10, 16, 18]
    assert historical(events, [2], 3, pool=pool, seed=0, split="test").values.tolist()[2:] == [16]


@pytest.mark.parametrize(
    ("error", "match", "events", "positives", "more"),
    [
        (DataError, "sorted by time: event 1", ([0, 0], [1, 1], [2, 1]), [0], {}),
        (DataError, "at least one event", ([], [], []), [0], {}),
        (ShapeError, "2 sources", ([0, 0], [1], [2, 3]), [0], {}),
        (ShapeError, "mask must be", ([0, 0], [1, 1], [2, 3]), [True], {}),
        (ShapeError, "these attributes", 3, [0], {}),
        (DataError, "are none", ([0, 0], [1, 1], [2, 3]), [False, False], {}),
        (DataError, "rising numbers below 2", ([0, 0], [1, 1], [2, 3]), [2], {}),
        (DataError, "rising numbers below 2", ([0, 0], [1, 1], [2, 3]), [1, 0], {}),
        (ConfigError, r"\[0, 1\]", ([0, 0], [1, 1], [2, 3]), [1], {"share": 1.5}),
        (DataError, "nothing is left", ([0, 0], [1, 2], [3, 3]), [1], {"pool": (1, 3)}),
    ],
)
def test_bad_requests(error: type[Exception], match: str, events: Any, positives: Any, more: dict[str, Any]) -> None:
    with pytest.raises(error, match=match):
        historical(events, positives, 2, **{"pool": 5, "seed": 0, "split": "test", **more})
    if match == "nothing is left":
        with pytest.raises(DataError, match="true ones only"):
            tgb_all(events, positives, split="test", **more)


def wikipedia(mirror: Path) -> tuple[Events, np.ndarray, np.ndarray, np.ndarray]:
    path = mirror / "temporal" / "JODIE_wikipedia_nofeat" / "wikipedia.csv.gz"
    if not path.exists():
        pytest.skip("the mirror does not hold the Wikipedia events")
    src, dst, t = np.loadtxt(path, delimiter=",", skiprows=1, usecols=(0, 1, 2), dtype=np.int64).T
    valid, test = np.quantile(t, [0.70, 0.85])
    return Events(src, dst, t), t <= valid, (t > valid) & (t <= test), t > test


@pytest.mark.mirror
def test_the_official_negatives_of_tgbl_wiki(mirror: Path) -> None:
    events, train, valid, test = wikipedia(mirror)
    for split, mask in (("valid", valid), ("test", test)):
        made = tgb_all(events, mask, pool=(8227, 9227), split=split)
        counts, rows = np.unique(made.counts, return_counts=True)
        assert counts.tolist() == [998, 999] and rows.tolist() == [2, 23_619]
        drawn = hist_rnd(events, mask, train, 12_000, pool=(8227, 9227), split=split, rows=slice(1000, 1200))
        for row, ids in enumerate(row_lists(drawn)):
            assert sorted(ids) == made.rows([1000 + row])[0].tolist()


@pytest.mark.mirror
def test_a_temporal_dataset_gives_events_and_parts(mirror: Path) -> None:
    from graphkit.data import load_dataset

    events, train, valid, _ = wikipedia(mirror)
    dataset: Any = load_dataset("tgbl-wiki")
    split = dataset.split()
    few: dict[str, Any] = {"pool": (8227, 9227), "split": "valid", "rows": slice(0, 50)}
    assert hist_rnd(dataset.events, split.valid, split.train, 20, **few) == hist_rnd(events, valid, train, 20, **few)
