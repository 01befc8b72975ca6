"""Prediction files of any origin: plain arrays in one .npz, read without pickle and without torch."""

from __future__ import annotations

import hashlib
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphkit.errors import DataError, NonFiniteScores, ShapeError, UnknownNameError

Array = NDArray[Any]

NODE_KEYS = ("scores", "index")
RANKED_KEYS = ("pos", "neg", "offsets", "valid_pos", "valid_neg", "valid_offsets")
_WHOLE = ("index", "offsets", "valid_offsets")


@dataclass(frozen=True)
class Predictions:
    """The arrays of one prediction file.

    Args:
        path: where they were read from.
        sha256: digest of the file.
        arrays: by name; scores are float, `index` and offsets int64.
    """

    path: Path
    sha256: str
    arrays: Mapping[str, Array]

    def need(self, *names: str) -> tuple[Array, ...]:
        """Returns arrays that must be there.

        Raises:
            ShapeError: one is missing; those that are there are named.
        """
        for name in names:
            if name not in self.arrays:
                raise ShapeError(
                    f"{self.path} lacks the array {name!r}; it holds {', '.join(self.arrays) or 'nothing'}"
                )
        return tuple(self.arrays[name] for name in names)


def read_predictions(path: Path | str, known: tuple[str, ...]) -> Predictions:
    """Reads and checks a file of predictions.

    Args:
        path: an .npz file as `numpy.savez` or `numpy.savez_compressed` writes it.
        known: names its arrays may have.

    Raises:
        DataError: the file is missing, damaged, no .npz, or holds pickled objects, which are never loaded.
        UnknownNameError: an array of another name; the nearest known one is suggested.
        ShapeError: an array does not hold real numbers, or `index` and offsets no whole ones.
        NonFiniteScores: a score is NaN or infinite.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     np.savez(Path(folder, "scores.npz"), scores=np.eye(3))
        ...     read_predictions(Path(folder, "scores.npz"), NODE_KEYS).arrays["scores"].shape
        (3, 3)
    """
    place = Path(path)
    try:
        digest = hashlib.sha256(place.read_bytes()).hexdigest()
        if not zipfile.is_zipfile(place):
            raise DataError(f"{place} is no .npz file; write it with numpy.savez(path, scores=...)")
        arrays = _load(place, known)
    except OSError as error:
        raise DataError(f"cannot read {place}: {error.strerror or error}") from error
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise DataError(f"{place} is damaged: {error}; write it again") from error
    return Predictions(place, digest, {name: _checked(place, name, array) for name, array in arrays.items()})


def _load(place: Path, known: tuple[str, ...]) -> dict[str, Array]:
    with np.load(place, allow_pickle=False) as archive:
        for name in archive.files:
            if name not in known:
                raise UnknownNameError(f"array in {place}:", name, known)
        try:
            return {name: archive[name] for name in archive.files}
        except ValueError as error:
            raise DataError(
                f"{place} holds pickled objects or a damaged array ({error}); save plain arrays of numbers"
            ) from error


def _checked(place: Path, name: str, array: Array) -> Array:
    if not isinstance(array, np.ndarray):
        raise DataError(f"{place} is damaged: its member {name} is no numpy array; write it again")
    if name in _WHOLE:
        if array.ndim != 1 or array.dtype.kind not in "iu":
            raise ShapeError(f"{place}: {name} takes whole numbers [R], got {array.dtype} {list(array.shape)}")
        return array.astype(np.int64)
    if array.dtype.kind not in "buif":
        raise ShapeError(f"{place}: {name} takes real numbers, got {array.dtype}")
    scores = array if array.dtype in (np.float32, np.float64) else array.astype(np.float64)
    bad = int(np.count_nonzero(~np.isfinite(scores)))
    if bad:
        raise NonFiniteScores(
            f"{place}: {bad} of {scores.size} numbers of {name} are NaN or infinite; a diverged run has no value"
        )
    return scores
