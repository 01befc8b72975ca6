"""Files of DyGLib, CAWN and TGAT: `ml_NAME.csv` with an index, u, i, ts, label, idx; and `ml_NAME.npy` with features.

Nodes are numbered from 1, 0 is padding; row 0 of the features is padding, too. Features padded with zeros to 172
columns, as DyGLib pads them for every dataset, are cut to those that say something.
"""

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
    """Reads events, and their features where the card lists the file.

    Args:
        files: `ml_NAME.csv`, and `ml_NAME.npy` [T + 1, D] where there are features.
        card: takes no options.

    Returns:
        Events in file order with their labels, nodes numbered from 1 as published.

    Raises:
        DataError: a node has number 0, or the features do not fit the events.
    """
    (path,) = (path for path in files if path.endswith(".csv"))
    u, i, ts, label, row = read_columns(files[path], ["u", "i", "ts", "label", "idx"])
    if len(u) and min(u.min(), i.min()) < 1:
        raise DataError(f"{card.name}: nodes are numbered from 1 in such files, 0 is padding")
    features = next((file for name, file in files.items() if name.endswith(".npy")), None)
    return RawEvents(
        src=u,
        dst=i,
        t=ts,
        msg=None if features is None else _features(features, row, card),
        y=label,
        name=card.name,
    )


def _features(file: LocalFile, row: NDArray[Any], card: Card) -> NDArray[np.float32] | None:
    with file.open() as stream:
        table = np.load(stream, allow_pickle=False)
    if table.ndim != 2 or len(row) and (row.min() < 1 or row.max() >= len(table)):
        raise DataError(
            f"{card.name}: features are {list(table.shape)}, events ask for row {row.max()}; the file is cut short"
        )
    told = np.flatnonzero((table != 0).any(axis=0))
    kept = table[row, : told[-1] + 1] if len(told) else None
    return None if kept is None else kept.astype(np.float32)
