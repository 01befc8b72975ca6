"""The metrics a protocol can name, and the one door through which scores become a number.

`evaluate` refuses what other evaluators score silently: NaN or infinity (a diverged run), shapes that numpy would
broadcast, an empty split, and AUC or AP over a single class.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from graphkit.errors import ConfigError, NonFiniteScores, ShapeError, UnknownNameError
from graphkit.evaluation import classification, regression
from graphkit.evaluation.rank_metrics import RankMetric, is_rank_metric, rank_metric
from graphkit.evaluation.tables import Table

Array = NDArray[Any]
Target = Literal["multiclass", "binary", "multilabel", "regression"]

_CLASSES: frozenset[Target] = frozenset({"multiclass", "binary", "multilabel"})
_YES_NO: frozenset[Target] = frozenset({"binary", "multilabel"})
_NUMBERS: frozenset[Target] = frozenset({"regression"})


@dataclass(frozen=True)
class Metric:
    """A number that says how well scores fit labels.

    Args:
        name: as written in cards and protocols.
        higher_is_better: the direction of model selection.
        fraction: True when the value lies in [0, 1] and is never printed as anything else by machines.
        targets: the kinds of label the metric is defined for.
        fn: takes checked scores and labels.
    """

    name: str
    higher_is_better: bool
    fraction: bool
    targets: frozenset[Target]
    fn: Callable[[Array, Array], float]


METRICS: Table[Metric] = Table(
    "metric",
    [
        Metric("accuracy", True, True, _CLASSES, classification.accuracy),
        Metric("balanced-accuracy", True, True, _CLASSES, classification.balanced_accuracy),
        Metric("macro-f1", True, True, _CLASSES, classification.macro_f1),
        Metric("micro-f1", True, True, _CLASSES, classification.micro_f1),
        Metric("f1", True, True, frozenset({"binary"}), classification.f1),
        Metric("micro-f1-top-k", True, True, frozenset({"multilabel"}), classification.micro_f1_top_k),
        Metric("macro-f1-top-k", True, True, frozenset({"multilabel"}), classification.macro_f1_top_k),
        Metric("roc-auc", True, True, _YES_NO, classification.roc_auc),
        Metric("average-precision", True, True, _YES_NO, classification.average_precision),
        Metric("rmse", False, False, _NUMBERS, regression.rmse),
        Metric("mae", False, False, _NUMBERS, regression.mae),
        Metric("mse", False, False, _NUMBERS, regression.mse),
    ],
)


_BY_BATCH = re.compile(r"(average-precision|roc-auc)@batch-([1-9]\d*)")


def metric_named(name: str) -> Metric | RankMetric:
    """Returns the metric of that name, those with a parameter included.

    Args:
        name: a name in `METRICS`; `mrr`, `hits@K` or `ndcg@K`, functions of ranks; or `average-precision@batch-B` or
            `roc-auc@batch-B`, the mean over batches of B positives and their B negatives, which is what DyGLib prints
            (Yu et al., NeurIPS 2023). A mean over batches depends on B and lies above the pooled value where scores
            drift; the plain names pool.

    Raises:
        UnknownNameError: no such metric; the nearest names are suggested.

    Example:
        >>> metric_named("hits@20").fn([1.0, 20.0, 20.5, 300.0])
        0.5
        >>> metric_named("rmse").higher_is_better, metric_named("average-precision@batch-200").fraction
        (False, True)
    """
    if is_rank_metric(name):
        return rank_metric(name)
    by_batch = _BY_BATCH.fullmatch(name)
    if by_batch:
        pooled, size = METRICS[by_batch[1]], int(by_batch[2])
        fn = partial(classification.mean_over_batches, pooled.fn, batch_size=size)
        return Metric(name, pooled.higher_is_better, pooled.fraction, frozenset({"binary"}), fn)
    if name not in METRICS:
        raise UnknownNameError(
            "metric", name, [*METRICS, "mrr", "hits@10", "ndcg@10", "pair-accuracy", "average-precision@batch-200"]
        )
    return METRICS[name]


def evaluate(metric: str, scores: ArrayLike, labels: ArrayLike) -> float:
    """Returns the metric's value over all rows at once.

    Args:
        metric: a name in `METRICS`, or `average-precision@batch-B` or `roc-auc@batch-B` (see `metric_named`).
        scores: [B, C] class scores with labels [B]; [B] or [B, 1] logits or values with labels [B]; [B, L] task logits
            or values with labels [B, L]. A single logit above 0 predicts class 1.
        labels: class numbers 0..C-1, or 0/1, or real values; NaN marks an unlabelled entry of [B, L] and nothing else.

    Raises:
        UnknownNameError: no such metric.
        ConfigError: a ranking metric, which needs candidates: `evaluation.mrr`, `hits_at` and `ndcg_at` serve those.
        NonFiniteScores: a score is NaN or infinite, so the run has failed and has no value.
        ShapeError: shapes differ, nothing to score, labels out of range, or a metric that the labels cannot have.

    Example:
        >>> evaluate("accuracy", [[0.1, 0.9], [0.8, 0.2]], [1, 1])
        0.5
    """
    chosen = metric_named(metric)
    if isinstance(chosen, RankMetric):
        raise ConfigError(
            f"{metric} ranks candidates and has no labels: use graphkit.evaluation.mrr, hits_at or ndcg_at"
        )
    score_array, label_array = _as_numbers("scores", scores), _as_numbers("labels", labels)
    if score_array.size == 0:
        raise ShapeError(f"{metric} of nothing: scores have shape {list(score_array.shape)}; is the split empty?")
    bad = int(np.count_nonzero(~np.isfinite(score_array)))
    if bad:
        raise NonFiniteScores(f"{bad} of {score_array.size} scores are NaN or infinite; {metric} has no value")
    score_array, target = _match(metric, score_array, label_array)
    if chosen.targets == _NUMBERS:
        target = "regression" if target in _YES_NO else target
    if target not in chosen.targets:
        wanted = " or ".join(sorted(chosen.targets))
        raise ShapeError(f"{metric} needs {wanted} scores, got {target} ones of shape {list(score_array.shape)}")
    _check_labels(label_array, target, score_array)
    return float(chosen.fn(score_array, label_array))


def _as_numbers(name: str, values: ArrayLike) -> Array:
    array: Array = np.asarray(values)
    if array.dtype.kind not in "buif":
        raise ShapeError(f"{name} must be real numbers, got an array of {array.dtype}")
    return array.astype(np.float64) if array.dtype == np.float16 else array


def _match(metric: str, scores: Array, labels: Array) -> tuple[Array, Target]:
    """Returns the scores in canonical shape and what they are; never broadcasts."""
    if scores.ndim in (1, 2) and labels.ndim in (1, 2) and len(scores) == len(labels):
        if labels.ndim == 2 and scores.shape == labels.shape:
            return scores, "multilabel"
        if labels.ndim == 1 and scores.ndim == 1:
            return scores, "binary"
        if labels.ndim == 1 and scores.shape[1] == 1:
            return scores[:, 0], "binary"
        if labels.ndim == 1:
            return scores, "multiclass"
    raise ShapeError(
        f"{metric}: scores of shape {list(scores.shape)} do not fit labels of shape {list(labels.shape)}; "
        "give [B, C] with [B], [B] with [B], or [B, L] with [B, L]"
    )


def _check_labels(labels: Array, target: Target, scores: Array) -> None:
    if target in ("multiclass", "binary"):
        top = scores.shape[1] if target == "multiclass" else 2
        if not np.all((labels >= 0) & (labels < top) & (labels == np.floor(labels))):
            raise ShapeError(f"labels must be whole numbers in 0..{top - 1}; leave unlabelled nodes out of the split")
        return
    known = labels[~np.isnan(labels)] if labels.ndim == 2 else labels
    if target == "multilabel" and not np.all((known == 0) | (known == 1)):
        raise ShapeError("multilabel labels must be 0, 1, or NaN where unlabelled")
    if target == "regression" and not np.all(np.isfinite(known)):
        raise ShapeError("regression targets must be finite; only an entry of a [B, L] array may be NaN (unlabelled)")
