"""Errors of predicted values, in the data's own units."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphkit.errors import ShapeError

Array = NDArray[Any]


def rmse(scores: Array, labels: Array) -> float:
    """Returns the root of the mean squared error, averaged over tasks (columns) where there are several.

    Example:
        >>> rmse(np.array([1.0, 3.0]), np.array([0.0, 4.0]))
        1.0
    """
    return float(np.mean(np.sqrt(_task_means(_errors(scores, labels) ** 2))))


def mse(scores: Array, labels: Array) -> float:
    """Returns the mean squared error, averaged over tasks (columns) where there are several.

    Example:
        >>> mse(np.array([1.0, 3.0]), np.array([0.0, 5.0]))
        2.5
    """
    return float(np.mean(_task_means(_errors(scores, labels) ** 2)))


def mae(scores: Array, labels: Array) -> float:
    """Returns the mean absolute error, averaged over tasks (columns) where there are several.

    Example:
        >>> mae(np.array([1.0, 3.0]), np.array([0.0, 5.0]))
        1.5
    """
    return float(np.mean(_task_means(np.abs(_errors(scores, labels)))))


def _errors(scores: Array, labels: Array) -> Array:
    difference: Array = scores.astype(np.float64) - labels
    return difference if difference.ndim == 2 else difference[:, None]


def _task_means(errors: Array) -> Array:
    """Returns the mean of every column that has a labelled (not NaN) entry."""
    labelled = ~np.isnan(errors)
    counts = labelled.sum(axis=0)
    if not counts.any():
        raise ShapeError("no entry is labelled: every target is NaN")
    means: Array = np.where(labelled, errors, 0.0).sum(axis=0)[counts > 0] / counts[counts > 0]
    return means
