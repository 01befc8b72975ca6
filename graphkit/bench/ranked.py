"""Positives among their negatives, read from a prediction file: links of a graph, and events of a stream."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from graphkit.bench.predictions import Array, Predictions
from graphkit.data.event_negatives import part_negatives
from graphkit.errors import ShapeError
from graphkit.evaluation.metrics import evaluate
from graphkit.evaluation.protocols import Protocol
from graphkit.evaluation.rank_metrics import is_rank_metric, rank_metric
from graphkit.evaluation.ranking import hits_at, ranks

PARTS: tuple[Literal["valid"], Literal["test"]] = ("valid", "test")


@dataclass(frozen=True)
class Due:
    """What a prediction file must hold for one part of a split.

    Args:
        part: `test` or `valid`.
        positives: B.
        counts: [B] negatives of every positive; or M, shared by all.
        sha256: digest of the negatives.
    """

    part: str
    positives: int
    counts: Array | int
    sha256: str

    def negatives(self) -> str:
        """What is due, for messages."""
        if isinstance(self.counts, int):
            return f"[{self.counts}], shared by all positives"
        least, most = int(self.counts.min()), int(self.counts.max())
        if least == most:
            return f"[{self.positives}, {most}]"
        return f"[{int(self.counts.sum())}] with offsets [{self.positives + 1}] ({least} to {most} a positive)"


def score_links(
    predictions: Predictions, dataset: Any, split: Any, protocol: Protocol, metric: str
) -> tuple[float, float | None, dict[str, Any]]:
    """Scores links by the negatives of their split; returns test, validation where it is there, and how.

    Raises:
        ShapeError: a positive or a negative has no score, or one too many.
    """
    dues: dict[str, Due] = {}
    for part in PARTS:
        positives, negatives = getattr(split, part).shape[1], getattr(split, f"{part}_negatives")
        counts = negatives.shape[1] if split.shared(part) else np.full(positives, negatives.shape[-1])
        dues[part] = Due(part, positives, counts, split.negatives_sha256(part))
    return score_parts(predictions, dues, protocol, metric)


def score_stream(
    predictions: Predictions, dataset: Any, split: Any, protocol: Protocol, metric: str
) -> tuple[float, float | None, dict[str, Any]]:
    """Scores events by the negatives that the dataset's card asks for; errors and values as in `score_links`."""
    dues: dict[str, Due] = {}
    for part in PARTS:
        own, negatives = getattr(split, part), part_negatives(dataset, split, part)
        dues[part] = Due(part, own.stop - own.start, negatives.counts, negatives.sha256)
    return score_parts(predictions, dues, protocol, metric)


def score_parts(
    predictions: Predictions, dues: Mapping[str, Due], protocol: Protocol, metric: str
) -> tuple[float, float | None, dict[str, Any]]:
    """Returns the test score, the validation score where the file has one, and how they were computed.

    Args:
        predictions: `pos`, `neg` and what belongs to them.
        dues: what `valid` and `test` must hold.
        protocol: its tie rule and batches.
        metric: of ranks, or of yes and no.
    """
    ties = protocol.ties_for(metric)
    test = _score(predictions, dues["test"], ties, metric)
    given = {name for name in predictions.arrays if name.startswith("valid_")}
    valid = _score(predictions, dues["valid"], ties, metric) if given else None
    how: dict[str, Any] = {
        "negatives": dues["test"].sha256,
        "valid_negatives": dues["valid"].sha256,
        "negatives_per_positive": {part: _sizes(due.counts) for part, due in dues.items()},
        "ties": ties,
    }
    if protocol.batch_size is not None:
        how |= {"batch_size": protocol.batch_size, "freshness": protocol.freshness}
    return test, valid, how


def _sizes(counts: Array | int) -> int | dict[str, int]:
    """Returns the shared number of negatives, or how many positives have how many."""
    if isinstance(counts, int):
        return counts
    sizes, positives = np.unique(counts, return_counts=True)
    return {str(size): int(many) for size, many in zip(sizes.tolist(), positives.tolist(), strict=True)}


def _score(predictions: Predictions, due: Due, ties: Any, metric: str) -> float:
    prefix = "" if due.part == "test" else f"{due.part}_"
    where = str(predictions.path)
    positive, negative = predictions.need(f"{prefix}pos", f"{prefix}neg")
    offsets = predictions.arrays.get(f"{prefix}offsets")
    if positive.shape != (due.positives,):
        raise ShapeError(
            f"{where}: {prefix}pos takes [{due.positives}], one score a {due.part} positive in the order of the split, "
            f"got {list(positive.shape)}"
        )
    if isinstance(due.counts, int):
        fits = offsets is None and negative.shape == (due.counts,)
    elif offsets is None:
        fits = negative.ndim == 2 and len(negative) == due.positives and bool(np.all(due.counts == negative.shape[1]))
    else:
        right = (
            offsets.shape == (due.positives + 1,) and offsets[0] == 0 and np.array_equal(np.diff(offsets), due.counts)
        )
        fits = right and negative.shape == (offsets[-1],)
    if not fits:
        got = list(negative.shape) if offsets is None else f"{list(negative.shape)} with offsets {list(offsets.shape)}"
        raise ShapeError(
            f"{where}: {prefix}neg takes {due.negatives()}, in the order of the negatives under the protocol, got {got}"
        )
    if not is_rank_metric(metric):
        labels = np.repeat([1, 0], [positive.size, negative.size])
        return evaluate(metric, np.concatenate([positive, negative.ravel()]), labels)
    shared = isinstance(due.counts, int)
    against: Any = negative if offsets is None else (negative, offsets)
    if metric.startswith("hits@"):
        return hits_at(int(metric.partition("@")[2]), positive, against, ties, shared=shared).value
    return rank_metric(metric).fn(ranks(positive, against, ties, shared=shared))
