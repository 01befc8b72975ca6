"""Scores of classified nodes: accuracy, F1, ROC-AUC and average precision, exact and vectorised.

Every function takes arrays that `metrics.evaluate` has checked: finite scores, matching shapes, valid labels.
Multilabel arrays are scored one task (column) at a time, unlabelled entries (NaN) left out, and the tasks averaged, as
the evaluators of the Open Graph Benchmark do (Hu et al., NeurIPS 2020).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphkit.errors import ShapeError

Array = NDArray[Any]


def predictions(scores: Array) -> Array:
    """Returns the predicted class of every row.

    Args:
        scores: [B, C] class scores (the largest wins, the lower class on a tie), or [B] logits (class 1 above 0).

    Example:
        >>> predictions(np.array([[0.1, 0.9], [0.8, 0.2]])).tolist(), predictions(np.array([-1.0, 2.0])).tolist()
        ([1, 0], [0, 1])
    """
    chosen: Array = scores.argmax(axis=1) if scores.ndim == 2 else (scores > 0).astype(np.int64)
    return chosen


def accuracy(scores: Array, labels: Array) -> float:
    """Returns the share of rows whose predicted class is the label.

    Example:
        >>> accuracy(np.array([-1.0, 2.0]), np.array([0, 0]))
        0.5
    """
    if labels.ndim == 2:
        return _mean_over_tasks(accuracy, scores, labels)
    return float(np.mean(predictions(scores) == labels))


def balanced_accuracy(scores: Array, labels: Array) -> float:
    """Returns the recall averaged over the classes that occur among the labels: class-weighted accuracy.

    The metric of SBM-PATTERN and SBM-CLUSTER (Dwivedi et al., JMLR 2023), there averaged over batches of graphs, a
    class that is predicted but never labelled counting as recall 0; here nodes are pooled and such a class is left out.

    Example:
        >>> balanced_accuracy(np.array([-1.0, -1.0, -1.0, -1.0]), np.array([0, 0, 0, 1]))
        0.5
    """
    if labels.ndim == 2:
        return _mean_over_tasks(balanced_accuracy, scores, labels)
    true_positive, _, actual = _counts(scores, labels)
    present = actual > 0
    return float(np.mean(true_positive[present] / actual[present]))


def macro_f1(scores: Array, labels: Array) -> float:
    """Returns F1 = 2TP / (2TP + FP + FN) averaged over the classes that are labelled or predicted at least once.

    On multilabel arrays the average is over tasks, each counted for its positive class.

    Example:
        >>> round(macro_f1(np.array([[2.0, 1.0], [1.0, 2.0], [1.0, 2.0]]), np.array([0, 0, 1])), 4)
        0.6667
    """
    if labels.ndim == 2:
        labelled = ~np.isnan(labels)
        true_positive, predicted, actual = _positive_counts(scores, labels, labelled)
    else:
        true_positive, predicted, actual = _counts(scores, labels)
        seen = (predicted + actual) > 0
        true_positive, predicted, actual = true_positive[seen], predicted[seen], actual[seen]
    total = predicted + actual
    return float(np.mean(np.where(total > 0, 2 * true_positive / np.maximum(total, 1), 0.0)))


def f1(scores: Array, labels: Array) -> float:
    """Returns F1 of class 1 of a yes-or-no question, 0 where nothing is found and nothing was there.

    Example:
        >>> f1(np.array([1.0, 1.0, -1.0]), np.array([1, 0, 0]))
        0.6666666666666666
    """
    found, due = scores > 0, labels == 1
    total = found.sum() + due.sum()
    return float(2 * (found & due).sum() / total) if total else 0.0


def micro_f1(scores: Array, labels: Array) -> float:
    """Returns F1 of the pooled counts; on single-label classes it equals accuracy.

    On multilabel arrays the counts are those of the positive entries, pooled over tasks (PPI's metric).

    Example:
        >>> round(micro_f1(np.array([[1.0, 1.0], [1.0, -1.0]]), np.array([[1.0, 0.0], [1.0, 1.0]])), 4)
        0.6667
    """
    if labels.ndim == 1:
        return accuracy(scores, labels)
    true_positive, predicted, actual = _positive_counts(scores, labels, ~np.isnan(labels))
    total = predicted.sum() + actual.sum()
    return float(2 * true_positive.sum() / total) if total else 0.0


def micro_f1_top_k(scores: Array, labels: Array) -> float:
    """Returns micro-F1 where every node is given as many labels as it has, those of its highest scores.

    The protocol of DeepWalk (Perozzi, Al-Rfou, Skiena, KDD 2014, section 5.2) and of those who compare with it: the
    number of labels is known, so no threshold is chosen. Values are not comparable with micro-F1.

    Args:
        scores: [B, L]; the lower label wins a tie.
        labels: [B, L] of 0 and 1; rows with an unlabelled entry (NaN) are refused.

    Raises:
        ShapeError: labels are not [B, L], or one is unlabelled.

    Example:
        >>> micro_f1_top_k(np.array([[-3.0, -1.0, -2.0], [5.0, 4.0, 3.0]]), np.array([[0, 1, 1], [0, 1, 0]]))
        0.6666666666666666
    """
    return micro_f1(_top_k(scores, labels), labels)


def macro_f1_top_k(scores: Array, labels: Array) -> float:
    """Returns macro-F1 where every node is given as many labels as it has; see `micro_f1_top_k`.

    Example:
        >>> macro_f1_top_k(np.array([[-3.0, -1.0], [5.0, 4.0]]), np.array([[0, 1], [1, 0]]))
        1.0
    """
    return macro_f1(_top_k(scores, labels), labels)


def _top_k(scores: Array, labels: Array) -> Array:
    """Returns [B, L] of 1 where a label is predicted and -1 elsewhere."""
    if labels.ndim != 2 or np.isnan(labels).any():
        raise ShapeError("top-k metrics need [B, L] labels of 0 and 1 without unlabelled entries")
    order = np.argsort(-scores, axis=1, kind="stable")
    due = labels.sum(axis=1).astype(np.int64)
    chosen = np.full(scores.shape, -1.0)
    np.put_along_axis(chosen, order, np.where(np.arange(scores.shape[1]) < due[:, None], 1.0, -1.0), axis=1)
    return chosen


def roc_auc(scores: Array, labels: Array) -> float:
    """Returns the chance that a positive outscores a negative, ties counted one half (Mann-Whitney U / n+ n-).

    Args:
        scores: [B] or [B, L].
        labels: 0/1, of the same shape; NaN entries of [B, L] are left out, and so are tasks with one class only.

    Raises:
        ShapeError: only one class occurs (in every task).

    Example:
        >>> roc_auc(np.array([0.1, 0.4, 0.4, 0.8]), np.array([0, 0, 1, 1]))
        0.875
    """
    if labels.ndim == 2:
        return _mean_over_tasks(roc_auc, scores, labels, two_classes=True)
    positive = labels == 1
    count = _require_both_classes(positive, "roc-auc")
    order = np.argsort(scores, kind="stable")
    ranks = np.empty(len(scores))
    ranks[order] = _average_ranks(scores[order])
    statistic = ranks[positive].sum() - count * (count + 1) / 2
    return float(statistic / (count * (len(scores) - count)))


def average_precision(scores: Array, labels: Array) -> float:
    """Returns the sum over thresholds of precision times the step in recall; tied scores share one threshold.

    Args:
        scores: [B] or [B, L].
        labels: 0/1, of the same shape; NaN entries of [B, L] are left out, and so are tasks with one class only.

    Raises:
        ShapeError: only one class occurs (in every task).

    Example:
        >>> round(average_precision(np.array([0.1, 0.4, 0.35, 0.8]), np.array([0, 0, 1, 1])), 4)
        0.8333
    """
    if labels.ndim == 2:
        return _mean_over_tasks(average_precision, scores, labels, two_classes=True)
    positive = labels == 1
    count = _require_both_classes(positive, "average-precision")
    order = np.argsort(-scores, kind="stable")
    ordered = scores[order]
    ends = np.append(np.flatnonzero(ordered[1:] != ordered[:-1]), len(ordered) - 1)
    hits = np.cumsum(positive[order])[ends]
    steps = np.diff(hits, prepend=0)
    return float(np.sum(steps * (hits / (ends + 1))) / count)


def mean_over_batches(metric: Callable[[Array, Array], float], scores: Array, labels: Array, batch_size: int) -> float:
    """Returns the metric's mean over batches: the i-th `batch_size` positives with the i-th `batch_size` negatives.

    The last, shorter batch weighs as much as any other (DyGLib's convention, Yu et al., NeurIPS 2023).

    Args:
        metric: of binary scores.
        scores: [B]; positives and negatives each in the order of the stream, mixed in any way.
        labels: [B] 0/1, as many of one as of the other.
        batch_size: positives a batch.

    Raises:
        ShapeError: there are not as many negatives as positives.

    Example:
        >>> drift = np.array([1.0, 2.0, 11.0, 12.0]), np.array([0, 1, 0, 1])
        >>> mean_over_batches(roc_auc, *drift, batch_size=1), roc_auc(*drift)
        (1.0, 0.75)
    """
    positive, negative = scores[labels == 1], scores[labels == 0]
    if len(positive) != len(negative):
        raise ShapeError(
            f"a mean over batches pairs every positive with one negative, got {len(positive)} and {len(negative)}"
        )
    values = []
    for start in range(0, len(positive), batch_size):
        part = positive[start : start + batch_size], negative[start : start + batch_size]
        truth = np.repeat([1, 0], len(part[0]))
        values.append(metric(np.concatenate(part), truth))
    return float(np.mean(values))


def _average_ranks(ordered: Array) -> Array:
    """Returns ranks from 1 of ascending values, ties given the mean of the ranks they span."""
    starts = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1]))
    ends = np.append(starts[1:], len(ordered))
    return np.repeat((starts + ends + 1) / 2, ends - starts)


def _counts(scores: Array, labels: Array) -> tuple[Array, Array, Array]:
    """Returns true positives, predictions and labels a class, each [C]."""
    classes = scores.shape[1] if scores.ndim == 2 else 2
    chosen, truth = predictions(scores), labels.astype(np.int64)
    true_positive = np.bincount(truth[chosen == truth], minlength=classes)
    return true_positive, np.bincount(chosen, minlength=classes), np.bincount(truth, minlength=classes)


def _positive_counts(scores: Array, labels: Array, labelled: Array) -> tuple[Array, Array, Array]:
    """Returns true positives, predicted positives and labelled positives a task, each [L]."""
    chosen, truth = (scores > 0) & labelled, labels == 1
    return (chosen & truth).sum(axis=0), chosen.sum(axis=0), truth.sum(axis=0)


def _mean_over_tasks(
    metric: Callable[[Array, Array], float], scores: Array, labels: Array, *, two_classes: bool = False
) -> float:
    values = []
    for task_scores, task_labels in zip(scores.T, labels.T, strict=True):
        labelled = ~np.isnan(task_labels)
        truth = task_labels[labelled]
        if len(truth) and (not two_classes or 0 < np.count_nonzero(truth == 1) < len(truth)):
            values.append(metric(task_scores[labelled], truth))
    if not values:
        need = "both classes" if two_classes else "a labelled row"
        raise ShapeError(f"{metric.__name__.replace('_', '-')} is undefined: no task has {need}; check the split")
    return float(np.mean(values))


def _require_both_classes(positive: Array, name: str) -> int:
    count = int(positive.sum())
    if count in (0, len(positive)):
        only = "positive" if count else "negative"
        raise ShapeError(f"{name} is undefined: every one of {len(positive)} labels is {only}; check the split")
    return count
