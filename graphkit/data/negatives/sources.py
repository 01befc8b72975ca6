"""Where the command line takes events from: a dataset, a `.npz` of arrays, or a `.csv` with a header."""

from __future__ import annotations

import gzip
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphkit.data.negatives.checks import Integers
from graphkit.data.negatives.events import Events
from graphkit.errors import ConfigError, DataError

QUANTILES = (0.70, 0.85)
"""Shares of time after which TGB's validation and test events begin."""
PARTS = ("train", "valid", "test")
_COLUMNS = {
    "src": ("src", "source", "u", "user", "user_id"),
    "dst": ("dst", "destination", "i", "item", "item_id"),
    "t": ("t", "ts", "time", "timestamp"),
}
Split = dict[str, Any]


def read_events(source: str) -> tuple[Events, Split]:
    """Returns events and the masks of their parts.

    Args:
        source: a dataset's name; a `.npz` file with src, dst, t and, where the split is not by time, boolean masks
            train, valid and test; or a `.csv` or `.csv.gz` file whose header names these three columns.

    Raises:
        DataError: the file is missing, damaged, or lacks a column.
        ConfigError: the dataset holds no events.
        UnknownNameError: there is neither such a file nor such a dataset.
    """
    path = Path(source).expanduser()
    if path.suffix == ".npz":
        return _from_npz(path)
    if path.name.endswith((".csv", ".csv.gz")):
        events = Events(*_from_csv(path))
        return events, time_split(events)
    from graphkit.data.load import load_dataset

    dataset: Any = load_dataset(source)
    store = getattr(dataset, "events", None)
    if store is None:
        raise ConfigError(f"dataset {source} holds no events in time: its negatives are part of its protocol")
    split = dataset.split()
    return Events(store.src, store.dst, store.t), {part: getattr(split, part) for part in PARTS}


def time_split(events: Events, quantiles: tuple[float, float] = QUANTILES) -> Split:
    """Returns masks of training, validation and test events; events of one time are never divided.

    Example:
        >>> split = time_split(Events([0] * 4, [1] * 4, [0, 1, 2, 3]), (0.5, 0.75))
        >>> split["valid"].tolist()
        [False, False, True, False]
    """
    first, second = np.quantile(events.t, quantiles)
    late, last = events.t > first, events.t > second
    return {"train": ~late, "valid": late & ~last, "test": last}


def destination_range(events: Events) -> tuple[int, int]:
    """Returns TGB's pool: the smallest destination and one more than the largest."""
    return int(events.dst.min()), int(events.dst.max()) + 1


def _from_npz(path: Path) -> tuple[Events, Split]:
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: np.asarray(file[name]) for name in file.files if name in (*_COLUMNS, *PARTS)}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(f"cannot read {path}: {error}") from error
    missing = [name for name in _COLUMNS if name not in arrays]
    if missing:
        raise DataError(f"{path} lacks {', '.join(missing)}: events are arrays src, dst and t [T]")
    events = Events(arrays["src"], arrays["dst"], arrays["t"])
    given = [part for part in PARTS if part in arrays]
    if given and len(given) < len(PARTS):
        raise DataError(f"{path} has a mask for {', '.join(given)} only: give train, valid and test, or none")
    return events, {part: events.chosen(arrays[part], part) for part in given} or time_split(events)


def _from_csv(path: Path) -> tuple[Integers, Integers, NDArray[Any]]:
    try:
        with (gzip.open if path.suffix == ".gz" else open)(path, "rt", encoding="utf-8") as stream:
            header = [name.strip().lower() for name in stream.readline().split(",")]
            places = []
            for column, names in _COLUMNS.items():
                found = [header.index(name) for name in names if name in header]
                if not found:
                    raise DataError(f"{path}: no column of {header} is {column}; name one {', '.join(names)}")
                places.append(found[0])
            table = np.loadtxt(stream, delimiter=",", usecols=places, dtype=np.float64, ndmin=2)
    except (OSError, EOFError, ValueError) as error:
        raise DataError(f"cannot read {path}: {error}") from error
    if not np.isfinite(table).all():
        raise DataError(
            f"{path}: line {int(np.argwhere(~np.isfinite(table))[0, 0]) + 2} holds a number that is not finite"
        )
    whole = [np.asarray(column, dtype=np.int64) for column in table.T]
    exact = [np.array_equal(one, column) for one, column in zip(whole, table.T, strict=True)]
    if not exact[0] or not exact[1] or np.abs(table).max(initial=0) >= 2.0**53:
        raise DataError(f"{path}: node numbers must be whole numbers below 2 ** 53")
    return whole[0], whole[1], whole[2] if exact[2] else table[:, 2]
