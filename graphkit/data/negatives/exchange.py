"""Published negatives in and out: TGB's pickles and TGB-Seq's arrays."""

from __future__ import annotations

import os
import pickle
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from graphkit.data.disk import sha256_of
from graphkit.data.negatives.positives import Positives
from graphkit.data.negatives.sets import NegativeSet
from graphkit.data.raw import LocalFile
from graphkit.data.unpickle import safe_load
from graphkit.errors import DataError, ProtocolError, ShapeError

_MAX_PICKLE = 1 << 36
LAYOUTS = {
    "link": ("src", "dst", "t"),
    "typed-link": ("src", "dst", "t", "relation"),
    "source-time": ("t", "src", "relation"),
}
"""What the keys of TGB's dictionaries are: tgbl-*, its sampler's form with edge types, and thgl-*."""


def read_tgb(
    path: str | Path | LocalFile,
    positives: Positives | None = None,
    *,
    split: str,
    layout: str = "link",
    filtered: bool = True,
) -> NegativeSet:
    """Reads TGB's negatives, a pickled dictionary from positives to arrays of destinations, without running a pickle.

    Args:
        path: `*_val_ns*.pkl` or `*_test_ns*.pkl` of a tgbl-* or thgl-* dataset. The files of tkgl-* list true
            destinations, not negatives, and are no negative sets.
        positives: the positives of the split; rows follow them, equal positives share their negatives. None: one row
            for every entry, in the order of the file.
        split: name of the split.
        layout: what keys are, one of `LAYOUTS`; `source-time` needs positives.
        filtered: promise, and check, that no row holds its own positive.

    Raises:
        UnsafePickleError: the pickle names anything but arrays and numbers; nothing was executed.
        DataError: the file is missing, damaged, no such dictionary, or lacks a positive.
        ProtocolError: a row holds its own positive.

    Example:
        >>> read_tgb("tgbl-wiki_val_ns_v2.pkl", split="valid")  # doctest: +SKIP
        NegativeSet('published', 23621 positives, 998 to 999 candidates each)
    """
    place = path if isinstance(path, LocalFile) else LocalFile(_existing(path))
    title = place.member or place.path.name
    if layout not in LAYOUTS:
        raise ShapeError(f"layout must be one of {', '.join(LAYOUTS)}, got {layout!r}")
    names = LAYOUTS[layout]
    entries = safe_load(place, max_bytes=_MAX_PICKLE)
    if not isinstance(entries, dict) or not entries:
        raise DataError(f"{title} holds no dictionary of negatives")
    try:
        columns = [np.asarray(column) for column in zip(*entries, strict=True)]
        keys = Positives(*columns)
        if len(columns) != len(names):
            raise ShapeError(f"its keys have {len(columns)} parts, the layout {layout} has {', '.join(names)}")
        rows = [_row(row) for row in entries.values()]
        counts = np.array([len(row) for row in rows])
        values = _whole(np.concatenate(rows))
    except (TypeError, ValueError, DataError) as error:
        raise DataError(f"{title} is no TGB dictionary from ({', '.join(names)}) to arrays: {error}") from error
    offsets = np.concatenate([[0], np.cumsum(counts)])
    parameters = {"source": "tgb", "split": split, "file": place.sha256 or sha256_of(place.path), "filtered": filtered}
    if positives is None:
        if layout == "source-time":
            raise DataError(f"{title} names no destinations: give the positives of the split")
        return NegativeSet("published", values, offsets, parameters, keys)
    wanted = [getattr(positives, name) for name in names]
    if any(column is None for column in wanted):
        raise DataError(f"the layout {layout} needs positives with {', '.join(names)}")
    values, offsets = NegativeSet("published", values, offsets).rows(keys.find(*wanted))
    return NegativeSet("published", values, offsets, parameters, positives)


def write_tgb(negatives: NegativeSet, path: str | Path) -> Path:
    """Writes a set in TGB's form: a pickled dictionary from (src, dst, t[, relation]) to int64 arrays.

    Raises:
        ProtocolError: the set has no timed positives, holds whole links, or gives equal positives different rows.
        DataError: a time is no whole number, or the file cannot be written.
    """
    positives = negatives.positives
    if positives is None or positives.t is None or negatives.sources is not None:
        raise ProtocolError("TGB's form needs positives (src, dst, t) and candidates that are destinations")
    first = negatives.find(*positives.keys)
    again = np.flatnonzero(first != np.arange(len(first)))
    one, other = negatives.rows(first[again]), negatives.rows(again)
    if not np.array_equal(one[1], other[1]) or not np.array_equal(one[0], other[0]):
        raise ProtocolError(
            "TGB's form has one entry for equal positives (src, dst, t), but this set gives some of them different rows"
        )
    columns = [_whole(column) if name == "t" else column for name, column in positives.columns() if name != "event"]
    values, cuts = negatives.values.astype(np.int64), negatives.offsets[1:-1]
    rows = np.split(values, cuts)
    entries = {key: row for key, row in zip(zip(*columns, strict=True), rows, strict=True)}
    return _write(path, lambda out: pickle.dump(entries, out, protocol=4))


def read_tgb_seq(path: str | Path, positives: Positives | None = None, *, split: str = "test") -> NegativeSet:
    """Reads the published test negatives of TGB-Seq: an array [B, K] in the order of the test events.

    Args:
        path: a `.npy` file.
        positives: the events of the split, in the order of the stream.
        split: name of the split.

    Raises:
        DataError: the file is missing, damaged, or holds no [B, K] whole numbers.
        ShapeError: it has another number of rows than there are positives.
    """
    place = _existing(path)
    table = read_npy(place)
    if table.ndim != 2:
        raise DataError(f"{place.name} holds an array {list(table.shape)}; negatives of TGB-Seq are [B, K]")
    parameters = {"source": "tgb-seq", "split": split, "file": sha256_of(place), "filtered": False}
    return NegativeSet.of_matrix("tgb-seq", table, parameters, positives)


def write_tgb_seq(negatives: NegativeSet, path: str | Path) -> Path:
    """Writes a set as TGB-Seq does: one int64 array [B, K].

    Raises:
        ProtocolError: rows differ in length, or candidates are whole links.
        DataError: the file cannot be written.
    """
    if negatives.sources is not None or np.any(negatives.counts != negatives.counts[0]):
        raise ProtocolError("TGB-Seq's form is one rectangle [B, K] of destinations: rows must have one length")
    return _write(path, lambda out: np.save(out, negatives.candidates.astype(np.int64), allow_pickle=False))


def read_npy(path: Path) -> NDArray[Any]:
    """Returns a `.npy` array of whole numbers, mapped; pickled objects are refused.

    Raises:
        DataError: the file is damaged, cut short, an archive, or holds anything but whole numbers.
    """
    try:
        table = np.load(path, mmap_mode="r", allow_pickle=False)
    except Exception as error:  # a hostile header may raise nearly anything; nothing of it is executed
        raise DataError(f"{path.name} is no .npy file of numbers: {type(error).__name__}: {error}") from error
    if not isinstance(table, np.ndarray):
        table.close()
        raise DataError(f"{path.name} is an archive: give the .npy file itself")
    if table.dtype.kind not in "iu" or not table.size:
        raise DataError(f"{path.name} holds {table.dtype} {list(table.shape)}, not whole numbers")
    return np.asarray(table)


def _row(row: Any) -> NDArray[Any]:
    if isinstance(row, list) and all(type(one) in (int, float) for one in row):  # nested lists could be without end
        row = np.array(row)
    if not isinstance(row, np.ndarray) or row.ndim != 1:
        raise TypeError(f"a value is no list of numbers but a {type(row).__name__}")
    return row


def _existing(path: str | Path) -> Path:
    place = Path(path).expanduser()
    if not place.is_file():
        raise DataError(f"there is no file {place}")
    return place


def _whole(values: NDArray[Any]) -> NDArray[np.int64]:
    """TGB writes rows without history as floats; whole ones are accepted."""
    whole = values.astype(np.int64) if values.dtype.kind in "iuf" else np.zeros(0, dtype=np.int64)
    if len(whole) != len(values) or not np.array_equal(whole, values):
        raise DataError(f"values of {values.dtype} are not all whole numbers")
    return whole


def _write(path: str | Path, write: Callable[[BinaryIO], object]) -> Path:
    target = Path(path).expanduser()
    partial: Path | None = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".part", dir=target.parent)
        partial = Path(name)
        with os.fdopen(handle, "wb") as out:
            write(out)
        partial.chmod(0o644)
        partial.replace(target)
    except OSError as error:
        raise DataError(f"cannot write {target}: {error.strerror}; choose a folder you can write to") from error
    finally:
        if partial is not None:
            partial.unlink(missing_ok=True)
    return target
