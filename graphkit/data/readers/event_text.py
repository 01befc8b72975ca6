"""Event lists as text: one event a row, as SNAP, the Bitcoin trust networks and DyGLib's `ml_*.csv` publish them.

SNAP: Leskovec and Krevl, snap.stanford.edu/data, 2014. Bitcoin: Kumar et al., ICDM 2016. `ml_*.csv`: Yu et al., NeurIPS
2023 (arXiv 2303.13047).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphkit.data.cards import Card
from graphkit.data.raw import LocalFile, RawEvents
from graphkit.errors import DataError

VERSION = 1
_COLUMNS = ("src", "dst", "t", "msg", "y", "-")


def read(files: Mapping[str, LocalFile], card: Card) -> RawEvents:
    """Reads rows of numbers.

    Args:
        files: the one text file of the card.
        card: `reader_options`: `columns`, what each column is (src, dst, t, msg, y, or - for neither); `delimiter`,
            white space unless told; `skip_rows`, lines before the first event.

    Returns:
        Events in file order; times are int64 where all of them are whole.

    Raises:
        DataError: a column is unknown or due and absent, or a row has other columns.

    Example:
        >>> read(fetch(load_card("collegemsg")), load_card("collegemsg")).src.shape  # doctest: +SKIP
        (59835,)
    """
    (file,) = files.values()
    columns = list(card.reader_options["columns"])
    for name in columns:
        if name not in _COLUMNS:
            raise DataError(f"{card.name}: reader_options.columns knows {', '.join(_COLUMNS)}, got {name!r}")
    if missing := [name for name in ("src", "dst", "t") if columns.count(name) != 1]:
        raise DataError(f"{card.name}: reader_options.columns must name {missing[0]} once, got {columns}")
    wanted = [at for at, name in enumerate(columns) if name != "-"]
    with file.open() as stream:
        table = np.loadtxt(
            stream,
            delimiter=card.reader_options.get("delimiter"),
            skiprows=card.reader_options.get("skip_rows", 0),
            usecols=wanted,
            dtype=np.float64,
            ndmin=2,
        )
    found = {columns[at]: table[:, place] for place, at in enumerate(wanted) if columns[at] != "msg"}
    msg = table[:, [place for place, at in enumerate(wanted) if columns[at] == "msg"]]
    return RawEvents(
        src=found["src"],
        dst=found["dst"],
        t=whole(found["t"]),
        msg=msg.astype(np.float32) if msg.shape[1] else None,
        y=whole(found["y"]) if "y" in found else None,
        name=card.name,
    )


def whole(values: NDArray[np.float64]) -> NDArray[Any]:
    """Returns int64 where every value is a whole number that float64 holds exactly, and the values otherwise.

    Example:
        >>> whole(np.array([1.0, 2.0])).dtype, whole(np.array([1.5])).dtype
        (dtype('int64'), dtype('float64'))
    """
    with np.errstate(invalid="ignore"):
        exact = (values == np.floor(values)) & (np.abs(values) < 2.0**53)
    return values.astype(np.int64) if exact.all() else values
