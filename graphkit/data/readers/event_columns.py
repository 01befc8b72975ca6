"""Columns of event tables, csv or parquet, by name or by place; and numbers for nodes that are called by names."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from itertools import islice
from operator import itemgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphkit.data.raw import LocalFile
from graphkit.errors import ConfigError, DataError

_CHUNK = 1 << 18
Column = str | int


def read_columns(
    file: LocalFile, wanted: Sequence[Column], *, delimiter: str = ",", header: bool = True, parquet: bool = False
) -> list[NDArray[Any]]:
    """Returns some columns of a table, as int64 where all values are whole numbers, float64 where all are numbers.

    A csv file is read in pieces, so that the text of a large one is never in memory at once.

    Args:
        file: the table.
        wanted: names or places (from 0) of columns.
        delimiter: of a csv file.
        header: whether the first line of a csv file names the columns.
        parquet: whether it is a parquet file; needs pyarrow (`pip install graphkit[parquet]`).

    Raises:
        DataError: a column is not there, or a row has too few values.
        ConfigError: pyarrow is not installed.
    """
    if parquet:
        return _parquet(file, wanted)
    pieces: list[list[NDArray[Any]]] = []
    with io.TextIOWrapper(file.open(), encoding="utf-8", newline="") as text:
        rows = csv.reader(text, delimiter=delimiter)
        names = next(rows, []) if header else []
        places = [_place(column, names, file) for column in wanted]
        pick = itemgetter(*places) if len(places) > 1 else lambda row: (row[places[0]],)
        for chunk in _chunks(rows):
            try:
                columns = list(zip(*map(pick, chunk), strict=True))
            except IndexError:
                short = next(row for row in chunk if len(row) <= max(places))
                raise DataError(
                    f"{file.path.name}: a row has {len(short)} values, {max(places) + 1} are needed: {short}"
                ) from None
            pieces.append([np.array(column) for column in columns])
    if not pieces:
        raise DataError(f"{file.path.name} has no rows")
    return [numbers(np.concatenate([piece[at] for piece in pieces])) for at in range(len(wanted))]


def numbers(values: NDArray[Any]) -> NDArray[Any]:
    """Returns texts as int64 or float64 where all of them are such numbers, and as they are otherwise.

    Example:
        >>> numbers(np.array(["1", "2"])).dtype, numbers(np.array(["1", "2.5"])).dtype, numbers(np.array(["a"])).dtype
        (dtype('int64'), dtype('float64'), dtype('<U1'))
    """
    if values.dtype.kind not in "US":
        return values
    for kind in (np.int64, np.float64):
        try:
            return values.astype(kind)
        except (ValueError, OverflowError):
            continue
    return values


def seconds(values: NDArray[Any], where: str) -> NDArray[Any]:
    """Returns times as numbers: dates and times in ISO 8601 become whole seconds of universal time, never local time.

    Raises:
        DataError: a time is neither a number nor a date.
    """
    if values.dtype.kind in "iuf":
        return values
    try:
        return values.astype("datetime64[s]").astype(np.int64)
    except ValueError as error:
        raise DataError(f"{where}: times are numbers or dates such as 2020-01-31T12:00:00 ({error})") from error


class Numbering:
    """Numbers names 0, 1, ... in the order in which they first come.

    Example:
        >>> one = Numbering()
        >>> one(np.array(["b", "a", "b"])).tolist(), one(np.array(["a", "c"])).tolist(), one.names.tolist()
        ([0, 1, 0], [1, 2], ['b', 'a', 'c'])
    """

    def __init__(self) -> None:
        self._known: dict[str, int] = {}

    def __call__(self, values: NDArray[Any]) -> NDArray[np.int64]:
        """Returns the [T] numbers of names, giving new ones to those not seen before."""
        distinct, first, where = np.unique(values, return_index=True, return_inverse=True)
        number = np.empty(len(distinct), dtype=np.int64)
        for at in np.argsort(first):
            number[at] = self._known.setdefault(str(distinct[at]), len(self._known))
        return number[where.reshape(-1)]

    @property
    def names(self) -> NDArray[np.str_]:
        """[M] names in the order of their numbers."""
        return np.array(list(self._known), dtype=np.str_)


def _place(column: Column, names: Sequence[str], file: LocalFile) -> int:
    if isinstance(column, int):
        return column
    if column not in names:
        raise DataError(f"{file.path.name} has no column {column!r}; it has {', '.join(names) or 'no header'}")
    return list(names).index(column)


def _chunks(rows: Iterator[list[str]]) -> Iterator[list[list[str]]]:
    while chunk := [row for row in islice(rows, _CHUNK) if row]:
        yield chunk


def _parquet(file: LocalFile, wanted: Sequence[Column]) -> list[NDArray[Any]]:
    try:
        from pyarrow import parquet
    except ImportError as error:
        raise ConfigError(
            f"{file.path.name} is a parquet file, which needs pyarrow: pip install 'graphkit[parquet]'"
        ) from error
    with file.open() as stream:
        table = parquet.ParquetFile(stream)
        names = table.schema_arrow.names
        places = [names[_place(column, names, file)] for column in wanted]
        found = table.read(columns=list(dict.fromkeys(places)))
    columns = [found.column(name).to_numpy() for name in places]
    return [column.astype(str) if column.dtype.kind == "O" else column for column in columns]
