"""Any user's table of events, csv or parquet, with named columns: who, with whom, when, and what else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from graphkit.data.cards import Card
from graphkit.data.raw import LocalFile, RawEvents
from graphkit.data.readers.event_columns import Numbering, read_columns, seconds
from graphkit.errors import ConfigError, UnknownNameError

VERSION = 1
_OPTIONS = ("src", "dst", "t", "y", "msg", "part", "delimiter", "header", "bipartite")


def read(files: Mapping[str, LocalFile], card: Card) -> RawEvents:
    """Reads a table of events.

    Args:
        files: the one table of the card; `.parquet` and `.pq` are parquet, everything else is csv.
        card: `reader_options`: `src`, `dst`, `t`, names (or places from 0) of their columns; where told `y`, the label,
            `msg`, a list of features, and `part`, 0 1 2 for training, validation and test; `delimiter` (comma);
            `header` (true); `bipartite`, whether sources and destinations are different nodes even where they have one
            number or name (false). Nodes may be numbers or names, times numbers or ISO dates.

    Returns:
        Events in file order. Names are numbered in the order in which they come, sources before destinations, and kept.

    Raises:
        DataError: a column is not there, or does not hold what it should.
        ConfigError: an option is missing, or pyarrow is not installed.
        UnknownNameError: an unknown option.

    Example:
        >>> read(fetch(load_card("my-events")), load_card("my-events")).names[:2]  # doctest: +SKIP
        array(['alice', 'bob'], dtype='<U5')
    """
    (file,) = files.values()
    options = dict(card.reader_options)
    for key in options:
        if key not in _OPTIONS:
            raise UnknownNameError(f"reader option of {card.name}:", key, _OPTIONS)
    if missing := [key for key in ("src", "dst", "t") if key not in options]:
        raise ConfigError(f'{card.name}: reader_options.{missing[0]} is missing; write {missing[0]} = "its column"')
    msg = list(options.get("msg", ()))
    single = [key for key in ("src", "dst", "t", "y", "part") if key in options]
    found = read_columns(
        file,
        [*(options[key] for key in single), *msg],
        delimiter=options.get("delimiter", ","),
        header=options.get("header", True),
        parquet=file.path.name.endswith((".parquet", ".pq")),
    )
    columns = dict(zip(single, found, strict=False))
    src, dst, names = _nodes(columns["src"], columns["dst"], bool(options.get("bipartite", False)))
    return RawEvents(
        src=src,
        dst=dst,
        t=seconds(columns["t"], card.name),
        msg=np.stack(found[len(single) :], axis=1).astype(np.float32) if msg else None,
        y=columns.get("y"),
        part=columns.get("part"),
        names=names,
        name=card.name,
    )


def _nodes(src: Any, dst: Any, bipartite: bool) -> tuple[Any, Any, Any]:
    """Returns sources and destinations as numbers, and their names where they have any."""
    if src.dtype.kind in "iuf" and dst.dtype.kind in "iuf":
        return (src, dst + (src.max() + 1), None) if bipartite and len(src) else (src, dst, None)
    src, dst = src.astype(str), dst.astype(str)
    if bipartite:
        sources, destinations = Numbering(), Numbering()
        one, other = sources(src), destinations(dst)
        return one, other + len(sources.names), np.concatenate([sources.names, destinations.names])
    both = Numbering()
    numbered = both(np.stack([src, dst], axis=1).reshape(-1)).reshape(-1, 2)
    return numbered[:, 0], numbered[:, 1], both.names
