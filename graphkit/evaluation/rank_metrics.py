"""Metrics that are functions of ranks alone, by name: `mrr`, `hits@K`, `ndcg@K` and `pair-accuracy`."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from graphkit.errors import NonFiniteScores, ShapeError, UnknownNameError

Array = NDArray[Any]

_NAME = re.compile(r"mrr|pair-accuracy|(?:hits|ndcg)@[1-9]\d*")


@dataclass(frozen=True)
class RankMetric:
    """A number that says how high positives stand among their candidates, whatever scores ranked them.

    Args:
        name: `mrr`, `hits@K`, `ndcg@K` or `pair-accuracy`.
        k: the cut; None for `mrr` and `pair-accuracy`.
        higher_is_better: always True.
        fraction: always True: values lie in [0, 1].

    Example:
        >>> rank_metric("hits@2").fn([1.0, 2.5, 7.0])
        0.3333333333333333
    """

    name: str
    k: int | None
    higher_is_better: bool = True
    fraction: bool = True

    def per_row(self, ranks: ArrayLike) -> Array:
        """Returns what every positive contributes; the metric is the mean of it.

        `ndcg@K` is that of a single relevant candidate, 1 / log2(1 + rank) at ranks up to K; `evaluation.ndcg_at`
        serves graded relevance. `pair-accuracy` is for one negative a positive: 1 where the positive is above it, 1/2
        where they are level.

        Args:
            ranks: [B] from 1, as `evaluation.ranks` returns them; halves occur under the `average` tie rule.

        Raises:
            NonFiniteScores: a rank is NaN or infinite.
            ShapeError: there are none, they are no vector, one is below 1, or above 2 under `pair-accuracy`.
        """
        rank = np.asarray(ranks, dtype=np.float64)
        if rank.ndim != 1 or not len(rank):
            raise ShapeError(f"{self.name} needs ranks [B] with B >= 1, got shape {list(rank.shape)}")
        if not np.isfinite(rank).all():
            raise NonFiniteScores(f"{self.name}: {np.count_nonzero(~np.isfinite(rank))} ranks are NaN or infinite")
        if rank.min() < 1:
            raise ShapeError(f"{self.name}: ranks count from 1, got {rank.min():g}; give ranks, not scores")
        if self.name == "pair-accuracy":
            if rank.max() > 2:
                raise ShapeError(f"pair-accuracy is for one negative a positive, got a rank of {rank.max():g}")
            return 2.0 - rank
        if self.k is None:
            return 1.0 / rank
        inside = rank <= self.k
        return inside.astype(np.float64) if self.name.startswith("hits") else inside / np.log2(1 + rank)

    @property
    def fn(self) -> Callable[[ArrayLike], float]:
        """The function from ranks [B] to the value, a plain float."""
        return lambda ranks: float(np.mean(self.per_row(ranks)))


def is_rank_metric(name: str) -> bool:
    """Returns whether `name` is `mrr`, `pair-accuracy`, or `hits@K` or `ndcg@K` with a whole K from 1."""
    return _NAME.fullmatch(name) is not None


def rank_metric(name: str) -> RankMetric:
    """Returns the ranking metric of that name.

    Raises:
        UnknownNameError: the name is none of those in `is_rank_metric`.

    Example:
        >>> rank_metric("ndcg@10").k
        10
    """
    if not is_rank_metric(name):
        raise UnknownNameError("ranking metric", name, ["mrr", "hits@10", "ndcg@10", "pair-accuracy"])
    _, _, k = name.partition("@")
    return RankMetric(name, int(k) if k else None)
