"""Ranking in a stream: a batch is scored with what was seen before it, then it is shown, then comes the next one.

Huang et al., "Temporal Graph Benchmark", NeurIPS 2023 (arXiv 2307.01026). The size of the batch is part of the result:
the larger it is, the older the state that the last events of a batch are scored with.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from graphkit.errors import ShapeError, UnknownNameError
from graphkit.evaluation.candidates import checked_scores

Array = NDArray[Any]
SHARE = {"optimistic": 0.0, "average": 0.5, "pessimistic": 1.0, "strict": 1.0}
"""Part of the tied negatives that a positive stands behind, by tie rule."""


class Stream(Protocol):
    """A model of a stream, as `scorers.base.StreamScorer` describes it."""

    def observe(self, src: Array, dst: Array, t: Array) -> None:
        """Takes in events."""

    def score(self, src: Array, candidates: Array, t: Array) -> Array:
        """Returns scores [B, K] of candidates [B, K], or [K] for all."""


class Rows(Protocol):
    """Negatives row by row, such as a `NegativeSet`."""

    def rows(self, selection: slice) -> tuple[Array, Array]:
        """Returns the candidates of some rows as (values, offsets)."""

    def __len__(self) -> int:
        """Number of positives."""


class AllDestinations:
    """Every destination but the true ones: those that the same source turns to at the same time.

    What the Temporal Graph Benchmark's rule gives where it asks for more negatives than there are destinations, as on
    tgbl-wiki. Nothing is stored a positive: a batch scores all destinations once, and the true ones are left out.

    Args:
        src: [B] sources of the positives.
        dst: [B] their destinations.
        t: [B] their times; all positives of one source and time must be among them.
        destinations: first and last destination, both included.

    Raises:
        ShapeError: arrays differ in length, or a positive is no such destination.

    Example:
        >>> negatives = AllDestinations([0, 0], [2, 3], [7, 7], (2, 5))
        >>> negatives.counts.tolist(), negatives.rows(slice(0, 1))[0].tolist()
        ([2, 2], [4, 5])
    """

    kind = "tgb-all"

    def __init__(self, src: ArrayLike, dst: ArrayLike, t: ArrayLike, destinations: tuple[int, int]) -> None:
        self.first, self.last = destinations
        self._dst = np.asarray(dst)
        source, time = np.asarray(src), np.asarray(t)
        if not len(source) == len(self._dst) == len(time):
            raise ShapeError(f"{len(source)} sources, {len(self._dst)} destinations and {len(time)} times")
        if len(self._dst) and not (self._dst.min() >= self.first and self._dst.max() <= self.last):
            raise ShapeError(f"a positive's destination is outside {self.first}..{self.last}")
        order = np.lexsort((self._dst, time, source))
        fresh = np.ones(len(order), dtype=bool)
        fresh[1:] = (np.diff(source[order]) != 0) | (np.diff(time[order]) != 0)
        group = np.cumsum(fresh) - 1
        distinct = fresh.copy()
        distinct[1:] |= np.diff(self._dst[order]) != 0
        # true destinations, group by group, each once; and the group of every positive
        self._true = self._dst[order][distinct].astype(np.int64)
        self._start = np.append(np.flatnonzero(fresh[distinct]), len(self._true))
        self._group = np.empty(len(order), dtype=np.int64)
        self._group[order] = group

    def __len__(self) -> int:
        return len(self._dst)

    @cached_property
    def counts(self) -> NDArray[np.int64]:
        """[B] negatives of every positive."""
        found: NDArray[np.int64] = self.last - self.first + 1 - np.diff(self._start)[self._group]
        return found

    @cached_property
    def sha256(self) -> str:
        """A hex digest of the range and of what is left out of it."""
        digest = hashlib.sha256(f"{self.kind} {self.first} {self.last}".encode())
        for part in (self._true, self._start, self._group):
            digest.update(part.astype("<i8").tobytes())
        return digest.hexdigest()

    def excluded(self, rows: slice) -> tuple[Array, Array]:
        """Returns the true destinations of some positives: [S] place of the positive in `rows`, [S] destination."""
        groups = self._group[rows]
        size = self._start[groups + 1] - self._start[groups]
        place = np.repeat(np.arange(len(groups)), size)
        within = np.arange(len(place)) - np.repeat(np.cumsum(size) - size, size)
        return place, self._true[np.repeat(self._start[groups], size) + within]

    def rows(self, selection: slice) -> tuple[Array, Array]:
        """Returns the negatives of some positives as (values [S], offsets [B' + 1])."""
        place, left_out = self.excluded(selection)
        width = self.last - self.first + 1
        kept = np.ones((len(self._group[selection]), width), dtype=bool)
        kept[place, left_out - self.first] = False
        offsets = np.concatenate([[0], np.cumsum(kept.sum(axis=1))])
        return np.nonzero(kept)[1] + self.first, offsets


def stream_ranks(
    model: Stream,
    src: Array,
    dst: Array,
    t: Array,
    negatives: AllDestinations | Rows,
    *,
    batch_size: int,
    ties: str = "average",
    on_batch: Callable[[int], None] = lambda done: None,
) -> NDArray[np.float64]:
    """Ranks every event of a part among its negatives, in batches; each batch is shown to the model once it is scored.

    Args:
        model: has seen everything before the part.
        src: [B] sources of the part's events, in the order of time.
        dst: [B] destinations.
        t: [B] times.
        negatives: those of the B events, in the same order.
        batch_size: events scored before the model sees them.
        ties: `average`, `pessimistic` (or `strict`) or `optimistic`, as in `ranks`.
        on_batch: called with the number of events done.

    Returns:
        [B] float64 ranks from 1.

    Raises:
        NonFiniteScores: a score is NaN or infinite.
        ShapeError: arrays do not fit, or the model returns scores of another shape.
        UnknownNameError: no such tie rule.
    """
    if ties not in SHARE:
        raise UnknownNameError("tie rule", ties, SHARE)
    if batch_size < 1 or len(negatives) != len(src):
        raise ShapeError(f"{len(src)} events with {len(negatives)} rows of negatives, in batches of {batch_size}")
    ranks = np.empty(len(src))
    count = _count_all if isinstance(negatives, AllDestinations) else _count_rows
    for start in range(0, len(src), batch_size):
        part = slice(start, min(start + batch_size, len(src)))
        above, level = count(model, src[part], dst[part], t[part], negatives, part)
        ranks[part] = 1.0 + above + SHARE[ties] * level
        model.observe(src[part], dst[part], t[part])
        on_batch(part.stop)
    return ranks


def _count_all(model: Stream, src: Array, dst: Array, t: Array, negatives: Any, part: slice) -> tuple[Array, Array]:
    """Counts negatives above and level with each positive; all destinations are scored once for the batch."""
    candidates = np.arange(negatives.first, negatives.last + 1)
    scores = _scores(model, src, candidates, t, len(candidates))
    own = scores[np.arange(len(src)), dst - negatives.first][:, None]
    above, level = np.count_nonzero(scores > own, axis=1), np.count_nonzero(scores == own, axis=1)
    place, left_out = negatives.excluded(part)
    true = scores[place, left_out - negatives.first]
    above = above - np.bincount(place[true > own[place, 0]], minlength=len(src))
    return above, level - np.bincount(place[true == own[place, 0]], minlength=len(src))


def _count_rows(model: Stream, src: Array, dst: Array, t: Array, negatives: Any, part: slice) -> tuple[Array, Array]:
    """Counts likewise for listed negatives; short rows are filled up with the positive, which does not count."""
    values, offsets = negatives.rows(part)
    size = np.diff(offsets)
    real = np.arange(size.max()) < size[:, None]
    candidates = np.repeat(dst.astype(np.int64)[:, None], size.max() + 1, axis=1)
    candidates[:, 1:][real] = values
    scores = _scores(model, src, candidates, t, candidates.shape[1])
    own, others = scores[:, :1], scores[:, 1:]
    return np.count_nonzero((others > own) & real, axis=1), np.count_nonzero((others == own) & real, axis=1)


def _scores(model: Stream, src: Array, candidates: Array, t: Array, width: int) -> Array:
    scores = checked_scores("stream", model.score(src, candidates, t))
    if scores.shape != (len(src), width):
        raise ShapeError(
            f"{type(model).__name__} returned scores of shape {list(scores.shape)} for {len(src)} events with "
            f"{width} candidates each"
        )
    return scores
