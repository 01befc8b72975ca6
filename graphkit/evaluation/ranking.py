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

from graphkit.errors import NonFiniteScores, ShapeError, UnknownNameError
from graphkit.evaluation.rank_metrics import rank_metric

Array = NDArray[Any]
Ties = Literal["average", "pessimistic", "optimistic", "strict"]
Negatives = ArrayLike | tuple[ArrayLike, ArrayLike]

_CHUNK = 1 << 18


@dataclass(frozen=True)
class RankingResult:
    """A ranking metric's value and the ranks behind it.

    Args:
        metric: `mrr`, `hits@10`, ...
        ties: the rule the ranks follow.
        ranks: [B] float64 from 1, kept for bootstraps and breakdowns; halves occur under `average`.
        per_row: [B] contribution of every positive.
    """

    metric: str
    ties: str
    ranks: Array
    per_row: Array

    @cached_property
    def value(self) -> float:
        """The mean over positives."""
        return float(np.mean(self.per_row))


def ranks(pos: ArrayLike, neg: Negatives, ties: Ties = "average", *, shared: bool = False) -> Array:
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

    Raises:
        NonFiniteScores: a score is NaN or infinite.
        ShapeError: shapes do not fit, or a positive has no negatives.

    Example:
        >>> ranks([0.5, 0.9], [[0.1, 0.5, 0.9], [0.1, 0.2, 0.3]]).tolist()
        [2.5, 1.0]
    """
    if ties not in get_args(Ties):
        raise UnknownNameError("tie rule", ties, get_args(Ties))
    positive = _scores("pos", pos)
    if positive.ndim != 1 or not len(positive):
        raise ShapeError(f"pos must be [B] with B >= 1, got shape {list(positive.shape)}")
    if isinstance(neg, tuple):
        above, level = _count_ragged(positive, *_check_ragged(neg, len(positive)))
    elif shared:
        negative = _scores("neg", neg)
        if negative.ndim != 1 or not len(negative):
            raise ShapeError(f"shared negatives must be [K] with K >= 1, got shape {list(negative.shape)}")
        above, level = _count_shared(positive, negative)
    else:
        negative = _scores("neg", neg)
        if negative.ndim != 2 or len(negative) != len(positive) or negative.shape[1] == 0:
            raise ShapeError(
                f"neg of shape {list(negative.shape)} does not fit pos of shape {list(positive.shape)}: give [B, K], "
                "[K] with shared=True, or (values, offsets)"
            )
        above, level = _count_matrix(positive, negative)
    share = {"optimistic": 0.0, "average": 0.5, "pessimistic": 1.0, "strict": 1.0}[ties]
    rank: Array = 1.0 + above + share * level
    return rank


def mrr(pos: ArrayLike, neg: Negatives, ties: Ties = "average", *, shared: bool = False) -> RankingResult:
    """Returns the mean reciprocal rank. Arguments and errors as in `ranks`.

    Example:
        >>> mrr([1.0, 1.0], [[1.0, 1.0], [1.0, 1.0]]).value  # a constant scorer: 2 / (K + 2)
        0.5
    """
    rank = ranks(pos, neg, ties, shared=shared)
    return RankingResult("mrr", ties, rank, rank_metric("mrr").per_row(rank))


def hits_at(k: int, pos: ArrayLike, neg: Negatives, ties: Ties = "average", *, shared: bool = False) -> RankingResult:
    """Returns Hits@K: the share of positives of rank at most K.

    OGB's Hits@K is `ties="strict", shared=True`: a hit scores strictly more than the K-th best negative.

    Args:
        k: at least 1.
        pos: [B] scores.
        neg: as in `ranks`.
        ties: as in `ranks`.
        shared: as in `ranks`.

    Raises:
        NonFiniteScores: a score is NaN or infinite.
        ShapeError: as in `ranks`, or some positive has fewer than K negatives, so that it could not miss.

    Example:
        >>> hits_at(1, [0.9, 0.1], [0.5, 0.3], ties="strict", shared=True).value
        0.5
    """
    _check_k(k)
    fewest = _fewest(neg)
    if fewest < k:
        raise ShapeError(f"hits@{k} needs at least {k} negatives for every positive, got {fewest}: every rank is a hit")
    rank = ranks(pos, neg, ties, shared=shared)
    return RankingResult(f"hits@{k}", ties, rank, rank_metric(f"hits@{k}").per_row(rank))


def ndcg_at(k: int, scores: ArrayLike, relevance: ArrayLike) -> RankingResult:
    """Returns NDCG@K of graded relevance (Jarvelin and Kekalainen, TOIS 2002), tied scores sharing their discounts.

    Rows are queries. The gain is the relevance itself, the discount 1 / log2(1 + rank), as in TGB's node tasks. A row
    without relevant candidates has no ideal order and raises. `ranks` of the result holds the average rank of each
    row's most relevant candidate.

    Args:
        k: at least 1; ranks beyond the candidates add nothing.
        scores: [B, K] predicted scores.
        relevance: [B, K] non-negative true weights.

    Raises:
        NonFiniteScores: a score is NaN or infinite.
        ShapeError: shapes differ, a relevance is negative or not finite, or a row has none above 0.

    Example:
        >>> round(ndcg_at(10, [[0.3, 0.9, 0.1]], [[1.0, 0.0, 0.0]]).value, 4)
        0.6309
    """
    _check_k(k)
    predicted, truth = _scores("scores", scores), np.asarray(relevance, dtype=np.float64)
    if predicted.ndim != 2 or predicted.shape != truth.shape or predicted.size == 0:
        raise ShapeError(f"ndcg needs two [B, K] arrays, got {list(predicted.shape)} and {list(truth.shape)}")
    if not np.all(np.isfinite(truth) & (truth >= 0)):
        raise ShapeError("relevance must be finite and not negative")
    if not truth.any(axis=1).all():
        empty = int(np.flatnonzero(~truth.any(axis=1))[0])
        raise ShapeError(f"row {empty} has no relevant candidate: leave such queries out")
    positions = np.arange(1, truth.shape[1] + 1)
    discount = np.where(positions <= k, 1 / np.log2(1 + positions), 0.0)
    ideal = -np.sort(-truth, axis=1) @ discount
    order = np.argsort(-predicted, axis=1, kind="stable")
    gained = np.empty(len(truth))
    best = np.empty(len(truth))
    for row, chosen in enumerate(order):
        ordered = predicted[row, chosen]
        starts = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1]))
        sizes = np.diff(np.append(starts, len(ordered)))
        shared_discount = np.add.reduceat(discount, starts) / sizes
        gained[row] = np.add.reduceat(truth[row, chosen], starts) @ shared_discount
        group = int(np.searchsorted(starts, int(np.flatnonzero(chosen == truth[row].argmax())[0]), side="right")) - 1
        best[row] = starts[group] + (sizes[group] + 1) / 2
    return RankingResult(f"ndcg@{k}", "average", best, gained / ideal)


def _scores(name: str, values: ArrayLike) -> Array:
    array: Array = np.asarray(values)
    if array.dtype.kind not in "buif":
        raise ShapeError(f"{name} must be real numbers, got an array of {array.dtype}")
    bad = int(np.count_nonzero(~np.isfinite(array)))
    if bad:
        raise NonFiniteScores(f"{bad} of {array.size} {name} scores are NaN or infinite; the run has failed")
    return array


def _check_k(k: int) -> None:
    if k < 1:
        raise ShapeError(f"K must be at least 1, got {k}")


def _check_ragged(neg: tuple[ArrayLike, ArrayLike], rows: int) -> tuple[Array, Array]:
    if len(neg) != 2:
        raise ShapeError(
            f"ragged negatives are a pair (values, offsets), got {len(neg)} parts; use an array for [B, K]"
        )
    values, offsets = _scores("neg", neg[0]), np.asarray(neg[1])
    if values.ndim != 1 or offsets.dtype.kind not in "ui" or offsets.shape != (rows + 1,):
        raise ShapeError(
            f"ragged negatives need values [S] and integer offsets [{rows + 1}], got {list(offsets.shape)}"
        )
    offsets = offsets.astype(np.int64)
    if offsets[0] != 0 or offsets[-1] != len(values) or np.any(np.diff(offsets) < 0):
        raise ShapeError(f"offsets must rise from 0 to the number of values, {len(values)}")
    if np.any(np.diff(offsets) == 0):
        raise ShapeError(f"positive {int(np.flatnonzero(np.diff(offsets) == 0)[0])} has no negatives")
    return values, offsets


def _fewest(neg: Negatives) -> int:
    if isinstance(neg, tuple):
        lengths = np.diff(np.asarray(neg[1])) if len(neg) == 2 else np.empty(0)
        return int(lengths.min()) if lengths.size else 0
    shape = np.shape(neg)
    return int(shape[-1]) if shape else 0


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
