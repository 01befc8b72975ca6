"""The positives a negative set belongs to, in the order of its rows, and the search for a row by its positive."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from graphkit.data.negatives.checks import Integers, finite_times, whole_numbers
from graphkit.errors import DataError, ShapeError

COLUMNS = ("src", "dst", "t", "relation", "event")
"""Columns a positive may have; all but src and dst are optional."""


@dataclass(frozen=True, eq=False)
class Positives:
    """Positive links, one a row: source, destination, and where there is one, time, relation and event number.

    Args:
        src: [B] int64 sources.
        dst: [B] int64 destinations.
        t: [B] int64 or float64 times of a temporal graph.
        relation: [B] int64 edge types of a heterogeneous graph.
        event: [B] int64 rising numbers of the events in their stream, so that rows can be found by event.

    Raises:
        ShapeError: columns differ in length, are not one-dimensional, or hold no whole numbers.
        DataError: a number is negative, a time is not finite, or events do not rise.

    Example:
        >>> len(Positives([0, 1], [5, 6], [10, 20]))
        2
    """

    src: Integers
    dst: Integers
    t: NDArray[Any] | None = None
    relation: Integers | None = None
    event: Integers | None = None

    def __init__(
        self,
        src: ArrayLike,
        dst: ArrayLike,
        t: ArrayLike | None = None,
        relation: ArrayLike | None = None,
        event: ArrayLike | None = None,
    ) -> None:
        for name, column in zip(COLUMNS, (src, dst, t, relation, event), strict=True):
            kept = None if column is None else (finite_times(column) if name == "t" else whole_numbers(name, column))
            object.__setattr__(self, name, kept)
        for name, kept in self.columns():
            if len(kept) != len(self.src):
                raise ShapeError(f"positives have {len(self.src)} sources but {len(kept)} entries in {name}")
        if not len(self.src):
            raise DataError("a negative set needs at least one positive, got none")
        if self.event is not None and np.any(np.diff(self.event) <= 0):
            raise DataError("event numbers of positives must rise: give the positives in the order of the stream")

    def __len__(self) -> int:
        return len(self.src)

    def columns(self) -> Iterator[tuple[str, NDArray[Any]]]:
        """Yields the columns that are there, in a fixed order."""
        for name in COLUMNS:
            column = getattr(self, name)
            if column is not None:
                yield name, column

    def take(self, rows: slice | NDArray[Any]) -> Positives:
        """Returns the positives of some rows."""
        parts: dict[str, Any] = {name: column[rows] for name, column in self.columns()}
        return Positives(**parts)

    @cached_property
    def keys(self) -> tuple[NDArray[Any], ...]:
        """The columns that name a positive: src, dst, and t and relation where they are there."""
        return tuple(column for name, column in self.columns() if name != "event")

    def find(self, *columns: ArrayLike) -> Integers:
        """Returns the first row of each positive given by its columns (src, dst, and t and relation where present).

        A sorted search: no Python loop and no dictionary. Of positives that occur several times the first row is given.

        Args:
            columns: [Q] arrays, as many as this table has key columns.

        Shapes:
            returns [Q] int64 rows.

        Raises:
            ShapeError: the columns do not fit.
            DataError: a positive is not in the table.

        Example:
            >>> Positives([0, 1], [5, 6], [10, 20]).find([1], [6], [20]).tolist()
            [1]
        """
        from graphkit.data.negatives.lookup import find_rows

        names = [name for name, _ in self.columns() if name != "event"]
        if len(columns) != len(names):
            raise ShapeError(f"positives of this set are named by ({', '.join(names)}), got {len(columns)} columns")
        given = [_numbers(column) for column in columns]
        if any(len(column) != len(given[0]) for column in given):
            raise ShapeError(f"look-up columns must be [Q] each, got {[list(column.shape) for column in given]}")
        asked = np.empty((len(given), len(given[0])), dtype=np.int64)
        lost = np.zeros(len(given[0]), dtype=bool)
        for place, (column, own) in enumerate(zip(given, self.keys, strict=True)):
            asked[place] = _as_keys(column, own, lost)
        table, order = self._table
        rows = find_rows(table, order, asked)
        rows[lost] = -1
        if (rows < 0).any():
            at = int(np.flatnonzero(rows < 0)[0])
            shown = ", ".join(f"{name}={column[at]}" for name, column in zip(names, given, strict=True))
            raise DataError(
                f"{np.count_nonzero(rows < 0)} of {len(rows)} positives have no negatives in this set, the first is "
                f"({shown}); the set was made for other events or another split"
            )
        return rows

    def rows_of_events(self, events: ArrayLike) -> Integers:
        """Returns the row of each event number [Q].

        Raises:
            DataError: this table has no event numbers, or lacks one of these.
        """
        if self.event is None:
            raise DataError("these positives carry no event numbers: look them up by (src, dst, t)")
        asked = whole_numbers("events", events)
        rows = np.minimum(np.searchsorted(self.event, asked), len(self) - 1).astype(np.int64)
        lost = self.event[rows] != asked
        if lost.any():
            raise DataError(f"event {asked[lost][0]} is not a positive of this set")
        return rows

    @cached_property
    def _table(self) -> tuple[Integers, Integers]:
        from graphkit.data.negatives.lookup import sorted_table

        return sorted_table(self.keys)


def _numbers(column: ArrayLike) -> NDArray[Any]:
    array = np.asarray(column)
    if array.ndim != 1 or (array.size and array.dtype.kind not in "iuf"):
        raise ShapeError(f"look-up columns must be [Q] numbers, got {array.dtype} of shape {list(array.shape)}")
    return array


def _as_keys(column: NDArray[Any], own: NDArray[Any], lost: NDArray[np.bool_]) -> Integers:
    """What a column is compared by; marks numbers the set's own type cannot hold, such as 0.5 among whole times."""
    from graphkit.data.negatives.lookup import sortable

    if own.dtype.kind == "f":
        return sortable(column.astype(np.float64))
    if column.dtype.kind == "f":
        lost |= ~(np.isfinite(column) & (column == np.floor(column)) & (np.abs(column) < 2.0**63))
        return np.where(lost, 0, column).astype(np.int64)
    return column.astype(np.int64)
