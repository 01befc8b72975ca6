"""What a ranking metric accepts: finite scores, and candidates in one of three layouts, never broadcast."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from graphkit.errors import NonFiniteScores, ShapeError

Array = NDArray[Any]
Negatives = ArrayLike | tuple[ArrayLike, ArrayLike]


def checked_scores(name: str, values: ArrayLike) -> Array:
    """Returns the scores as an array, or raises on NaN, infinity and whatever is no real number."""
    try:
        array: Array = np.asarray(values)
    except ValueError as error:  # rows of different length
        raise ShapeError(f"{name} is no array ({error}); give ragged rows as (values, offsets)") from error
    if array.dtype.kind not in "buif":
        raise ShapeError(f"{name} must be real numbers, got an array of {array.dtype}")
    bad = int(np.count_nonzero(~np.isfinite(array)))
    if bad:
        raise NonFiniteScores(f"{bad} of {array.size} {name} scores are NaN or infinite; the run has failed")
    return array


def check_k(k: int) -> None:
    """Raises unless K is at least 1."""
    if k < 1:
        raise ShapeError(f"K must be at least 1, got {k}")


def check_ragged(neg: tuple[ArrayLike, ArrayLike], rows: int) -> tuple[Array, Array]:
    """Returns ragged negatives as checked `values [S]` and int64 `offsets [rows + 1]`, or raises."""
    if len(neg) != 2:
        raise ShapeError(
            f"ragged negatives are a pair (values, offsets), got {len(neg)} parts; use an array for [B, K]"
        )
    values, offsets = checked_scores("neg", neg[0]), np.asarray(neg[1])
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


def without_padding(neg: Negatives, counts: ArrayLike, shared: bool) -> tuple[Array, Array]:
    """Returns padded rows as ragged ones."""
    sizes = np.asarray(counts)
    padded: Array = np.empty(0) if isinstance(neg, tuple) or shared else np.asarray(neg)
    if padded.ndim != 2 or sizes.dtype.kind not in "ui" or sizes.shape != padded.shape[:1]:
        raise ShapeError("counts are [B] whole numbers and go with negatives [B, K], neither shared nor ragged")
    if sizes.size and not (sizes.min() >= 0 and sizes.max() <= padded.shape[1]):
        raise ShapeError(f"counts lie in 1..{padded.shape[1]}, got {sizes.min()} to {sizes.max()}")
    values: Array = padded[np.arange(padded.shape[1]) < sizes[:, None]]
    return values, np.append(0, np.cumsum(sizes, dtype=np.int64))


def fewest_negatives(neg: Negatives) -> int:
    """Returns the smallest number of negatives that any positive has, 0 where shapes make no sense."""
    if isinstance(neg, tuple):
        lengths = np.diff(np.asarray(neg[1])) if len(neg) == 2 else np.empty(0)
        return int(lengths.min()) if lengths.size else 0
    shape = neg.shape if isinstance(neg, np.ndarray) else checked_scores("neg", neg).shape
    return int(shape[-1]) if shape else 0


def checked_groups(groups: ArrayLike | None, rows: int) -> Array | None:
    """Returns group numbers [rows], or raises; None stays None."""
    if groups is None:
        return None
    array: Array = np.asarray(groups)
    if array.shape != (rows,) or array.dtype.kind not in "uif":
        raise ShapeError(f"groups must be [{rows}] numbers, one a row, got {array.dtype} of shape {list(array.shape)}")
    return array
