from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphkit.data.negatives import NegativeSet
from graphkit.errors import NonFiniteScores, ShapeError, UnknownNameError
from graphkit.evaluation import AllDestinations, ranks, stream_ranks


class Counting:
    """Scores a candidate by how often it was a destination; remembers what it was shown and asked, in order."""

    def __init__(self, nodes: int = 10, offset: float = 0.0) -> None:
        self.times = np.full(nodes, offset)
        self.story: list[tuple[str, int]] = []

    def observe(self, src: Any, dst: Any, t: Any) -> None:
        self.story.append(("shown", len(src)))
        np.add.at(self.times, dst, 1)

    def score(self, src: Any, candidates: Any, t: Any) -> Any:
        self.story.append(("asked", len(src)))
        return np.broadcast_to(self.times[candidates], (len(src), np.shape(candidates)[-1]))


def events(count: int, seed: int, nodes: int = 10) -> tuple[Any, Any, Any]:
    rng = np.random.default_rng(seed)
    return rng.integers(0, 3, count), rng.integers(4, nodes, count), np.sort(rng.integers(0, count, count))


def test_a_batch_is_asked_about_before_it_is_shown() -> None:
    model = Counting()
    src, dst, t = events(7, seed=0)
    stream_ranks(model, src, dst, t, AllDestinations(src, dst, t, (4, 9)), batch_size=3)
    assert model.story == [("asked", 3), ("shown", 3), ("asked", 3), ("shown", 3), ("asked", 1), ("shown", 1)]


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 60), st.integers(0, 10), st.integers(1, 70), st.sampled_from(["average", "strict", "optimistic"]))
def test_all_destinations_rank_like_their_list(count: int, seed: int, batch: int, ties: str) -> None:
    src, dst, t = events(count, seed)
    negatives = AllDestinations(src, dst, t, (3, 9))
    if not negatives.counts.min():
        return
    values, offsets = negatives.rows(slice(0, count))
    listed = NegativeSet("tgb-all", values, offsets)
    found = [stream_ranks(Counting(), src, dst, t, one, batch_size=batch, ties=ties) for one in (negatives, listed)]
    np.testing.assert_array_equal(*found)
    assert negatives.counts.tolist() == np.diff(offsets).tolist()
    for row in range(count):
        true = set(dst[(src == src[row]) & (t == t[row])].tolist())
        assert values[offsets[row] : offsets[row + 1]].tolist() == sorted(set(range(3, 10)) - true)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 40), st.integers(1, 50))
def test_ranks_are_those_of_the_plain_function(count: int, batch: int) -> None:
    src, dst, t = events(count, seed=count)
    rng = np.random.default_rng(count)
    sizes = rng.integers(1, 6, count)
    offsets = np.concatenate([[0], np.cumsum(sizes)])
    negatives = NegativeSet("uniform", rng.integers(4, 10, offsets[-1]), offsets)
    found = stream_ranks(Counting(), src, dst, t, negatives, batch_size=batch)
    model = Counting()
    for start in range(0, count, batch):
        part = slice(start, min(start + batch, count))
        values, own = negatives.rows(part)
        np.testing.assert_array_equal(found[part], ranks(model.times[dst[part]], (model.times[values], own)))
        model.observe(src[part], dst[part], t[part])


def test_the_size_of_the_batch_matters_and_the_digest_does_not_know_it() -> None:
    src, dst, t = events(200, seed=3)
    negatives = AllDestinations(src, dst, t, (4, 9))
    one, all_at_once = (stream_ranks(Counting(), src, dst, t, negatives, batch_size=size) for size in (1, 200))
    assert one.mean() != all_at_once.mean()
    assert negatives.sha256 == AllDestinations(src, dst, t, (4, 9)).sha256
    assert negatives.sha256 != AllDestinations(src, dst, t, (3, 9)).sha256


def test_what_does_not_fit_is_refused() -> None:
    src, dst, t = events(4, seed=0)
    negatives = AllDestinations(src, dst, t, (4, 9))
    with pytest.raises(NonFiniteScores):
        stream_ranks(Counting(offset=np.nan), src, dst, t, negatives, batch_size=2)
    with pytest.raises(ShapeError, match="4 rows of negatives"):
        stream_ranks(Counting(), src[:3], dst[:3], t[:3], negatives, batch_size=2)
    with pytest.raises(ShapeError, match="batches of 0"):
        stream_ranks(Counting(), src, dst, t, negatives, batch_size=0)
    with pytest.raises(UnknownNameError, match="average"):
        stream_ranks(Counting(), src, dst, t, negatives, batch_size=2, ties="averag")
    with pytest.raises(ShapeError, match=r"outside 5\.\.9"):
        AllDestinations([0], [4], [0], (5, 9))

    class Narrow(Counting):
        def score(self, src: Any, candidates: Any, t: Any) -> Any:
            return super().score(src, candidates, t)[:, :1]

    with pytest.raises(ShapeError, match="Narrow returned scores of shape"):
        stream_ranks(Narrow(), src, dst, t, negatives, batch_size=2)
