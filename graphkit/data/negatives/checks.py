"""What a negative set checks of its arrays before it accepts them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from graphkit.errors import DataError, ProtocolError, ShapeError

if TYPE_CHECKING:
    from graphkit.data.negatives.sets import NegativeSet

Candidates = NDArray[Any]
"""Node numbers, int32 where they fit and int64 otherwise."""
Integers = NDArray[np.int64]
_BLOCK = 1 << 22


def plain_values(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Returns a copy of parameters that are plain JSON values.

    Raises:
        DataError: they are not.
    """
    try:
        return dict(json.loads(json.dumps(dict(parameters), allow_nan=False, sort_keys=True)))
    except (TypeError, ValueError) as error:
        raise DataError(f"parameters of a negative set must be plain JSON values: {error}") from error


def node_numbers(name: str, values: ArrayLike, num_nodes: int | None) -> Candidates:
    """Returns node numbers as a read-only array of the smallest dtype; read-only arrays of that dtype are not copied.

    Raises:
        ShapeError: no list of whole numbers.
        DataError: no entries, or one is negative or at least `num_nodes`.
    """
    array = np.asarray(values)
    if array.ndim != 1 or array.dtype.kind not in "iu":
        raise ShapeError(f"{name} must be a list of node numbers, got {array.dtype} of shape {list(array.shape)}")
    if not array.size:
        raise DataError(f"a negative set needs at least one candidate, got no {name}")
    low, high = int(array.min()), int(array.max())
    if low < 0:
        raise DataError(f"{name} hold {low} at place {int(array.argmin())}: node numbers start at 0")
    if num_nodes is not None and high >= num_nodes:
        raise DataError(f"{name} hold node {high} at place {int(array.argmax())} of a graph with {num_nodes} nodes")
    dtype = np.dtype(np.int32 if high < 1 << 31 else np.int64)
    kept = array
    if array.dtype != dtype or array.flags.writeable or not array.flags.c_contiguous:
        kept = array.astype(dtype, order="C", copy=True)
    kept.flags.writeable = False
    return kept


def row_offsets(values: ArrayLike, length: int) -> Integers:
    """Returns the [B + 1] starts of rows that cover `length` candidates.

    Raises:
        ShapeError: they do not rise from 0 to `length`.
        DataError: a row is empty.
    """
    array = np.asarray(values)
    if array.ndim != 1 or array.dtype.kind not in "iu" or len(array) < 2:
        raise ShapeError(f"offsets must be [B + 1] whole numbers, B >= 1, got {array.dtype} {list(array.shape)}")
    steps = np.diff(array.astype(np.int64))
    if array[0] != 0 or array[-1] != length or np.any(steps < 0):
        raise ShapeError(f"offsets must rise from 0 to the number of candidates, {length}")
    if np.any(steps == 0):
        raise DataError(f"row {int(np.flatnonzero(steps == 0)[0])} has no candidates: every positive needs some")
    kept = array if array.dtype == np.int64 and not array.flags.writeable else array.astype(np.int64, copy=True)
    kept.flags.writeable = False
    return kept


def refuse_positives(negatives: NegativeSet) -> None:
    """Compares every candidate with the positive of its row, in blocks that stay small.

    Raises:
        ProtocolError: a row holds its own positive.
    """
    positives = negatives.positives
    if positives is None:
        return
    rows = max(1, _BLOCK // int(negatives.counts.max()))
    for start in range(0, len(negatives), rows):
        part = slice(start, start + rows)
        counts = negatives.counts[part]
        same = negatives.rows(part)[0] == np.repeat(positives.dst[part], counts)
        if negatives.sources is not None:
            same &= negatives.source_rows(part)[0] == np.repeat(positives.src[part], counts)
        if same.any():
            row = start + int(np.repeat(np.arange(len(counts)), counts)[same.argmax()])
            raise ProtocolError(
                f"row {row} holds its own positive ({positives.src[row]}, {positives.dst[row]}), which "
                f"{negatives.kind} negatives with parameters {dict(negatives.parameters)} forbid"
            )


def whole_numbers(name: str, values: ArrayLike) -> Integers:
    """Returns [B] values as a read-only int64 array.

    Raises:
        ShapeError: not one-dimensional, or not whole numbers.
        DataError: a number is negative.
    """
    array = np.asarray(values)
    if array.ndim != 1 or (array.size and array.dtype.kind not in "iu"):
        raise ShapeError(f"{name} must be a list of whole numbers, got {array.dtype} of shape {list(array.shape)}")
    kept = _frozen(array, np.int64)
    if kept.size and int(kept.min()) < 0:
        raise DataError(f"{name} holds {int(kept.min())} at row {int(kept.argmin())}: numbers start at 0")
    return kept


def finite_times(values: ArrayLike) -> NDArray[Any]:
    """Returns [B] times as a read-only int64 or float64 array.

    Raises:
        ShapeError: not one-dimensional, or no numbers.
        DataError: a time is not finite.
    """
    array = np.asarray(values)
    if array.ndim != 1 or array.dtype.kind not in "iuf":
        raise ShapeError(f"t must be a list of times, got {array.dtype} of shape {list(array.shape)}")
    kept = _frozen(array, np.float64 if array.dtype.kind == "f" else np.int64)
    if not np.isfinite(kept).all():
        raise DataError(f"the time of positive {int(np.flatnonzero(~np.isfinite(kept))[0])} is not finite")
    return kept


def _frozen(array: NDArray[Any], dtype: Any) -> NDArray[Any]:
    """Copies what could be written to elsewhere; read-only arrays, such as mapped files, are kept as they are."""
    same = array.dtype == dtype and array.flags.c_contiguous and not array.flags.writeable
    kept = array if same else array.astype(dtype, copy=True)
    kept.flags.writeable = False
    return kept
