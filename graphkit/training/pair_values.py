"""From scores of pairs to the value of a metric: positives against their negatives, under the rules of a protocol."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from graphkit import evaluation
from graphkit.data.links import LinkSplit
from graphkit.errors import CacheError
from graphkit.evaluation import Protocol, metric_named
from graphkit.evaluation.rank_metrics import RankMetric
from graphkit.evaluation.ranking import Ties

Part = Literal["valid", "test"]
Ranks = NDArray[np.float64]
Score = Callable[[NDArray[np.int64]], NDArray[np.float64]]
"""Pairs [2, B] to scores [B]."""
PARTS: tuple[Part, Part] = ("valid", "test")
RANKS = "ranks.npz"
"""Beside a cell's record: `valid` and `test`, the rank of every positive, for paired tests and breakdowns."""
_CHUNK = 1 << 22


def pair_part(score: Score, split: LinkSplit, part: Part, metric: str, protocol: Protocol) -> tuple[float, Ranks]:
    """Returns the metric over one part of a split, and the rank of every positive among its negatives.

    Raises:
        NonFiniteScores: a score is NaN or infinite.
    """
    return value_of(*part_scores(score, split, part), split.shared(part), metric, protocol)


def part_scores(score: Score, split: LinkSplit, part: Part) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Returns the scores of the positives [B] of a part and of its negatives, [M] shared ones or [B, K]."""
    links, negatives = getattr(split, part), getattr(split, f"{part}_negatives")
    positive = score(links)
    if split.shared(part):
        return positive, score(negatives)
    if negatives.ndim == 3:
        return positive, score(negatives.reshape(2, -1)).reshape(negatives.shape[1:])
    return positive, _candidate_scores(score, links[0], negatives)


def value_of(
    positive: NDArray[np.float64], negative: NDArray[np.float64], shared: bool, metric: str, protocol: Protocol
) -> tuple[float, Ranks]:
    """Returns the metric over scores of positives and negatives, and the rank of every positive."""
    ties: Ties = protocol.ties_for(metric)  # type: ignore[assignment]
    chosen = metric_named(metric)
    if not isinstance(chosen, RankMetric):
        labels = np.concatenate([np.ones(len(positive)), np.zeros(len(negative))])
        value = evaluation.evaluate(metric, np.concatenate([positive, negative]), labels)
        return value, evaluation.ranks(positive, negative, ties, shared=shared)
    if metric.startswith("hits@") and chosen.k is not None:
        result = evaluation.hits_at(chosen.k, positive, negative, ties, shared=shared)
        return result.value, result.ranks
    ranks = evaluation.ranks(positive, negative, ties, shared=shared)
    return chosen.fn(ranks), ranks


def negatives_rules(split: LinkSplit) -> dict[str, Any]:
    """Returns what a record says of the negatives of a split."""
    return {
        "negatives": split.negatives_sha256("test"),
        "valid_negatives": split.negatives_sha256("valid"),
        "negatives_per_positive": {part: _sizes(split, part) for part in PARTS},
        "shared_negatives": split.shared("test"),
    }


def save_ranks(path: Path, ranks: dict[Part, Ranks]) -> None:
    """Writes the ranks of both parts; raises CacheError where that is not possible."""
    partial = path.with_suffix(".partial")
    try:
        with partial.open("wb") as stream:
            np.savez_compressed(stream, valid=ranks["valid"], test=ranks["test"])
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise CacheError(
            f"cannot write the ranks to {path}: {error}; free some space or choose another folder"
        ) from error


def _sizes(split: LinkSplit, part: Part) -> int | dict[str, int]:
    """Returns the number of shared negatives, or how many links have how many."""
    width = getattr(split, f"{part}_negatives").shape[-1]
    return width if split.shared(part) else {str(width): getattr(split, part).shape[1]}


def _candidate_scores(score: Score, source: NDArray[Any], candidates: NDArray[Any]) -> NDArray[np.float64]:
    """Scores [B, K] candidates of every source, a block of rows at a time."""
    scores = np.empty(candidates.shape)
    rows = max(1, _CHUNK // candidates.shape[1])
    for start in range(0, len(source), rows):
        part = candidates[start : start + rows]
        pairs = np.stack([np.repeat(source[start : start + rows], part.shape[1]), part.ravel()])
        scores[start : start + rows] = score(pairs).reshape(part.shape)
    return scores
