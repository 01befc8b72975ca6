"""Where a positive stands among its negatives: MRR, Hits@K and NDCG@K with explicit tie rules.

Reference evaluators rank a diverged model first (NaN compares false with everything), score 1.0 when there are fewer
than K negatives, and broadcast one list of negatives over all positives. Here each of these is an error.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from graphkit.errors import ShapeError, UnknownNameError
from graphkit.evaluation.candidates import (
    Negatives,
    check_k,
    check_ragged,
    checked_groups,
    checked_scores,
    fewest_negatives,
    without_padding,
)
from graphkit.evaluation.rank_metrics import rank_metric

Array = NDArray[Any]
Ties = Literal["average", "pessimistic", "optimistic", "strict"]

_CHUNK = 1 << 18


@dataclass(frozen=True)
class RankingResult:
    """A ranking metric's value and the ranks behind it.

    Args:
        metric: `mrr`, `hits@10`, ...
        ties: the rule the ranks follow.
        ranks: [B] float64 from 1, kept for bootstraps and breakdowns; halves occur under `average`.
        per_row: [B] contribution of every positive.
        groups: [B] the group of every row, where the value is a mean over groups of their means; None otherwise.
    """

    metric: str
    ties: str
    ranks: Array
    per_row: Array
    groups: Array | None = None

    @cached_property
    def value(self) -> float:
        """The mean over positives, a plain float."""
        if self.groups is None:
            return float(np.mean(self.per_row))
        _, members, sizes = np.unique(self.groups, return_inverse=True, return_counts=True)
        return float(np.mean(np.bincount(members, weights=self.per_row) / sizes))


def ranks(
    pos: ArrayLike,
    neg: Negatives,
    ties: Ties = "average",
    *,
    shared: bool = False,
    counts: ArrayLike | None = None,
) -> Array:
    """Returns the rank of every positive among its own negatives.

    `optimistic` = 1 + #{neg > pos}; `pessimistic` = 1 + #{neg >= pos}; `average` is their mean (the rule of OGB's MRR,
    TGB and HeaRT); `strict` is another name of `pessimistic`: only a strictly larger score beats a negative (the rule
    of OGB's Hits).

    Args:
        pos: [B] scores.
        neg: [B, K] scores; or [K] with `shared=True`, the same negatives for every positive; or ragged
            `(values [S], offsets [B + 1])` where row i is `values[offsets[i]:offsets[i + 1]]`.
        ties: which rule.
        shared: must be said, so that a list of negatives is never broadcast by accident.
        counts: [B] whole numbers in 1..K where rows of `neg` [B, K] are padded: only the first `counts[i]` entries of
            row i are read, whatever stands behind them.

    Raises:
        NonFiniteScores: a score is NaN or infinite.
        ShapeError: shapes do not fit, or a positive has no negatives.

    Example:
        >>> ranks([0.5, 0.9], [[0.1, 0.5, 0.9], [0.1, 0.2, 0.3]]).tolist()
        [2.5, 1.0]
    """
    if ties not in get_args(Ties):
        raise UnknownNameError("tie rule", ties, get_args(Ties))
    positive = checked_scores("pos", pos)
    if positive.ndim != 1 or not len(positive):
        raise ShapeError(f"pos must be [B] with B >= 1, got shape {list(positive.shape)}")
    if counts is not None:
        neg = without_padding(neg, counts, shared)
    if isinstance(neg, tuple):
        above, level = _count_ragged(positive, *check_ragged(neg, len(positive)))
    elif shared:
        negative = checked_scores("neg", neg)
        if negative.ndim != 1 or not len(negative):
            raise ShapeError(f"shared negatives must be [K] with K >= 1, got shape {list(negative.shape)}")
        above, level = _count_shared(positive, negative)
    else:
        negative = checked_scores("neg", neg)
        if negative.ndim != 2 or len(negative) != len(positive) or negative.shape[1] == 0:
            raise ShapeError(
                f"neg of shape {list(negative.shape)} does not fit pos of shape {list(positive.shape)}: give [B, K], "
                "[K] with shared=True, or (values, offsets)"
            )
        above, level = _count_matrix(positive, negative)
    share = {"optimistic": 0.0, "average": 0.5, "pessimistic": 1.0, "strict": 1.0}[ties]
    rank: Array = 1.0 + above + share * level
    return rank


def mrr(
    pos: ArrayLike,
    neg: Negatives,
    ties: Ties = "average",
    *,
    shared: bool = False,
    counts: ArrayLike | None = None,
) -> RankingResult:
    """Returns the mean reciprocal rank. Arguments and errors as in `ranks`.

    Example:
        >>> mrr([1.0, 1.0], [[1.0, 1.0], [1.0, 1.0]]).value  # a constant scorer: 2 / (K + 2)
        0.5
    """
    rank = ranks(pos, neg, ties, shared=shared, counts=counts)
    return RankingResult("mrr", ties, rank, rank_metric("mrr").per_row(rank))


def hits_at(
    k: int,
    pos: ArrayLike,
    neg: Negatives,
    ties: Ties = "average",
    *,
    shared: bool = False,
    counts: ArrayLike | None = None,
) -> RankingResult:
    """Returns Hits@K: the share of positives of rank at most K.

    OGB's Hits@K is `ties="strict", shared=True`: a hit scores strictly more than the K-th best negative.

    Args:
        k: at least 1.
        pos: [B] scores.
        neg: as in `ranks`.
        ties: as in `ranks`.
        shared: as in `ranks`.
        counts: as in `ranks`.

    Raises:
        NonFiniteScores: a score is NaN or infinite.
        ShapeError: as in `ranks`, or some positive has fewer than K negatives, so that it could not miss; OGB's
            evaluator answers 1.0 there.

    Example:
        >>> hits_at(1, [0.9, 0.1], [0.5, 0.3], ties="strict", shared=True).value
        0.5
    """
    check_k(k)
    if counts is not None:
        neg = without_padding(neg, counts, shared)
    fewest = fewest_negatives(neg)
    if fewest < k:
        raise ShapeError(
            f"hits@{k} needs at least {k} negatives for every positive, got {fewest}: no rank could miss, and a score "
            "of 1.0 (OGB's answer) would say nothing; use a smaller K or more negatives"
        )
    rank = ranks(pos, neg, ties, shared=shared)
    return RankingResult(f"hits@{k}", ties, rank, rank_metric(f"hits@{k}").per_row(rank))


def ndcg_at(
    k: int,
    scores: ArrayLike,
    relevance: ArrayLike,
    *,
    groups: ArrayLike | None = None,
    empty: Literal["raise", "zero"] = "raise",
) -> RankingResult:
    """Returns NDCG@K of graded relevance (Jarvelin and Kekalainen, TOIS 2002), tied scores sharing their discounts.

    Rows are queries. The gain is the relevance itself, the discount 1 / log2(1 + rank). TGB's node property metric is
    K = 10, `groups` the label timestamps and `empty="zero"`: the mean over timestamps of the mean over their rows.
    `ranks` of the result holds the average rank of each row's most relevant candidate.

    Args:
        k: at least 1; ranks beyond the candidates add nothing.
        scores: [B, K] predicted scores.
        relevance: [B, K] non-negative true weights.
        groups: [B] whole numbers or timestamps; the value is then the mean over groups of their means. Over all rows
            unless given.
        empty: what a row without a relevant candidate is: an error, or 0 (as in scikit-learn and TGB).

    Raises:
        NonFiniteScores: a score is NaN or infinite.
        ShapeError: shapes differ, a relevance is negative or not finite, or a row has none above 0.

    Example:
        >>> round(ndcg_at(10, [[0.3, 0.9, 0.1]], [[1.0, 0.0, 0.0]]).value, 4)
        0.6309
    """
    check_k(k)
    predicted, truth = checked_scores("scores", scores), np.asarray(relevance, dtype=np.float64)
    if predicted.ndim != 2 or predicted.shape != truth.shape or predicted.size == 0:
        raise ShapeError(f"ndcg needs two [B, K] arrays, got {list(predicted.shape)} and {list(truth.shape)}")
    if not np.all(np.isfinite(truth) & (truth >= 0)):
        raise ShapeError("relevance must be finite and not negative")
    relevant: Array = np.any(truth, axis=1)
    if empty not in ("raise", "zero"):
        raise UnknownNameError("rule for empty rows", empty, ("raise", "zero"))
    if empty == "raise" and not relevant.all():
        raise ShapeError(
            f"row {int(np.flatnonzero(~relevant)[0])} has no relevant candidate: leave such queries out, or count them "
            'as 0 with empty="zero", as TGB does'
        )
    rows, columns = truth.shape
    positions = np.arange(1, columns + 1)
    discount = np.where(positions <= k, 1 / np.log2(1 + positions), 0.0)
    per_row, best = np.zeros(rows), np.empty(rows)
    block = max(1, _CHUNK // columns)
    for start in range(0, rows, block):
        part = slice(start, start + block)
        gained, best[part] = _gains(predicted[part], truth[part], discount)
        ideal = -np.sort(-truth[part], axis=1) @ discount
        np.divide(gained, ideal, out=per_row[part], where=relevant[part])
    return RankingResult(f"ndcg@{k}", "average", best, per_row, checked_groups(groups, rows))


def _gains(predicted: Array, truth: Array, discount: Array) -> tuple[Array, Array]:
    """Returns the discounted gain of every row, and the average rank of its most relevant candidate."""
    rows, columns = truth.shape
    order = np.argsort(-predicted.astype(np.float64, copy=False), axis=1, kind="stable")
    ordered = np.take_along_axis(predicted, order, axis=1)
    first = np.ones((rows, columns), dtype=bool)
    first[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    starts = np.flatnonzero(first)
    sizes = np.diff(starts, append=rows * columns)
    shared_discount = np.add.reduceat(np.tile(discount, rows), starts) / sizes
    weight = np.add.reduceat(np.take_along_axis(truth, order, axis=1).ravel(), starts)
    row_starts = np.arange(rows) * columns
    gained: Array = np.add.reduceat(weight * shared_discount, np.searchsorted(starts, row_starts))
    place = row_starts + np.argmax(order == truth.argmax(axis=1)[:, None], axis=1)
    tied = np.searchsorted(starts, place, side="right") - 1
    return gained, starts[tied] - row_starts + (sizes[tied] + 1) / 2


def _count_matrix(positive: Array, negative: Array) -> tuple[Array, Array]:
    """Counts negatives above and level with each positive, in blocks of rows that stay in cache."""
    above, level = np.empty(len(positive)), np.empty(len(positive))
    rows = max(1, _CHUNK // negative.shape[1])
    for start in range(0, len(positive), rows):
        part, threshold = negative[start : start + rows], positive[start : start + rows, None]
        above[start : start + rows] = np.count_nonzero(part > threshold, axis=1)
        level[start : start + rows] = np.count_nonzero(part == threshold, axis=1)
    return above, level


def _count_shared(positive: Array, negative: Array) -> tuple[Array, Array]:
    ordered = np.sort(negative)
    not_above = np.searchsorted(ordered, positive, side="right")
    below = np.searchsorted(ordered, positive, side="left")
    return (len(ordered) - not_above).astype(np.float64), (not_above - below).astype(np.float64)


def _count_ragged(positive: Array, values: Array, offsets: Array) -> tuple[Array, Array]:
    """Counts like `_count_matrix`, in blocks of whole rows."""
    above, level = np.empty(len(positive)), np.empty(len(positive))
    start = 0
    while start < len(positive):
        fits = int(np.searchsorted(offsets, offsets[start] + _CHUNK, side="right")) - 1
        end = max(start + 1, fits)
        part, firsts = values[offsets[start] : offsets[end]], offsets[start:end] - offsets[start]
        threshold = np.repeat(positive[start:end], np.diff(offsets[start : end + 1]))
        above[start:end] = np.add.reduceat(part > threshold, firsts, dtype=np.int64)
        level[start:end] = np.add.reduceat(part == threshold, firsts, dtype=np.int64)
        start = end
    return above, level
