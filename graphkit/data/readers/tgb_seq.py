"""Files of TGB-Seq (Yi et al., ICLR 2025, arXiv 2502.02975): a csv with a split column, and test negatives as .npy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphkit.data.cards import Card
from graphkit.data.raw import LocalFile, RawEvents
from graphkit.data.readers.event_columns import read_columns
from graphkit.errors import DataError

VERSION = 1


def read(files: Mapping[str, LocalFile], card: Card) -> RawEvents:
    """Reads events, their split and the negatives of the test events.

    Args:
        files: `*.csv` with columns src, dst, time and split (0, 1, 2), `*_test_ns.npy` [B, 100], one row a test event
            in the order of the csv, and where the card lists it `*_edge_feat.npy` [T, D].
        card: takes no options.

    Returns:
        Events in file order; validation negatives are not published.

    Raises:
        DataError: a column or file is missing, or the negatives do not fit the test events.
    """
    named = {ending: _ending(files, ending) for ending in (".csv", "_test_ns.npy", "_edge_feat.npy")}
    table, negatives = named[".csv"], named["_test_ns.npy"]
    if table is None or negatives is None:
        raise DataError(f"{card.name}: reader tgb-seq takes NAME.csv and NAME_test_ns.npy, got {', '.join(files)}")
    src, dst, t, part = read_columns(table, ["src", "dst", "time", "split"])
    rows = _array(negatives)
    due = int(np.count_nonzero(part == 2))
    if rows.ndim != 2 or len(rows) != due:
        raise DataError(
            f"{card.name}: its negatives are {list(rows.shape)} for {due} test events; the file is cut short or "
            "belongs to another version of the data"
        )
    features = named["_edge_feat.npy"]
    return RawEvents(
        src=src,
        dst=dst,
        t=t,
        msg=None if features is None else _array(features).astype(np.float32),
        part=part,
        negatives={"test": (rows.reshape(-1), np.arange(due + 1) * rows.shape[1])},
        name=card.name,
    )


def _ending(files: Mapping[str, LocalFile], ending: str) -> LocalFile | None:
    return next((file for path, file in files.items() if path.endswith(ending)), None)


def _array(file: LocalFile) -> NDArray[Any]:
    with file.open() as stream:
        return np.load(stream, allow_pickle=False)
