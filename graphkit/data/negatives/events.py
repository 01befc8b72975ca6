"""What generators ask of a stream of events: sorted tables of true and of earlier destinations."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from graphkit.data.negatives.checks import Integers, finite_times, whole_numbers
from graphkit.data.negatives.positives import Positives
from graphkit.errors import DataError, ShapeError


class Lists(NamedTuple):
    """Sorted destinations of each group of events."""

    ids: Integers
    starts: Integers


class History(NamedTuple):
    """Distinct destinations of each source in two orders: by first time (for draws) and by number (for look-up)."""

    starts: Integers
    by_time: Integers
    time: Integers
    by_id: Integers
    time_by_id: Integers


@dataclass(frozen=True, eq=False)
class Events:
    """A stream of T events, sorted by time.

    Args:
        src: [T] int64 sources.
        dst: [T] int64 destinations.
        t: [T] int64 or float64 times, never falling.

    Raises:
        ShapeError: columns differ in length.
        DataError: no events, a negative number, or times that are not finite or fall.

    Example:
        >>> Events([0, 1], [5, 6], [10, 20]).num_nodes
        7
    """

    src: Integers
    dst: Integers
    t: NDArray[Any]

    def __init__(self, src: ArrayLike, dst: ArrayLike, t: ArrayLike) -> None:
        object.__setattr__(self, "src", whole_numbers("src", src))
        object.__setattr__(self, "dst", whole_numbers("dst", dst))
        object.__setattr__(self, "t", finite_times(t))
        if not len(self.src) == len(self.dst) == len(self.t):
            raise ShapeError(f"events have {len(self.src)} sources, {len(self.dst)} destinations, {len(self.t)} times")
        if not len(self.src):
            raise DataError("negatives need at least one event, got none")
        falls = np.flatnonzero(np.diff(self.t) < 0)
        if len(falls):
            raise DataError(f"events must be sorted by time: event {falls[0] + 1} lies before event {falls[0]}")

    def __len__(self) -> int:
        return len(self.src)

    @property
    def num_nodes(self) -> int:
        """One more than the largest node number."""
        return int(max(self.src.max(), self.dst.max())) + 1

    @cached_property
    def time_rank(self) -> Integers:
        """[T] the number of distinct earlier times: whole numbers that compare as the times do."""
        steps = np.diff(self.t, prepend=self.t[:1]) > 0
        return np.cumsum(steps, dtype=np.int64)

    @cached_property
    def sha256(self) -> str:
        """A hex digest of the three columns."""
        digest = hashlib.sha256()
        for column in (self.src, self.dst, self.t):
            digest.update(f"{column.dtype.str.lstrip('<>=|')} {len(column)}".encode())
            digest.update(np.ascontiguousarray(column, dtype=column.dtype.newbyteorder("<")).data)
        return digest.hexdigest()

    def chosen(self, mask: ArrayLike | slice, name: str) -> Integers:
        """Returns the event numbers of a [T] mask, a slice or rising event numbers.

        Raises:
            ShapeError: a mask of another length, or no whole numbers.
            DataError: nothing is chosen, or a number is out of range.
        """
        if isinstance(mask, slice):
            rows = np.arange(len(self), dtype=np.int64)[mask]
        else:
            array = np.asarray(mask)
            if array.dtype == bool and array.shape != (len(self),):
                raise ShapeError(f"the {name} mask must be [{len(self)}], got {list(array.shape)}")
            rows = np.flatnonzero(array) if array.dtype == bool else whole_numbers(name, array)
        if not len(rows):
            raise DataError(f"the {name} events are none")
        if rows[-1] >= len(self) or np.any(np.diff(rows) <= 0):
            raise DataError(f"the {name} events must be rising numbers below {len(self)}")
        return rows

    def positives(self, rows: Integers) -> Positives:
        """Returns some events as positives, with their event numbers."""
        return Positives(self.src[rows], self.dst[rows], self.t[rows], event=rows)

    def true_destinations(self, rows: Integers) -> tuple[Integers, Integers, Integers]:
        """Returns (ids, begin [B], end [B]): `ids[begin[i]:end[i]]` are the sorted destinations of all events with the
        source and the time of event rows[i].
        """  # noqa: D205
        order = np.lexsort((self.dst, self.time_rank, self.src))
        src, time, dst = self.src[order], self.time_rank[order], self.dst[order]
        new = np.append(True, (src[1:] != src[:-1]) | (time[1:] != time[:-1]))
        starts = np.append(np.flatnonzero(new), len(order))
        group = np.empty(len(order), dtype=np.int64)
        group[order] = np.cumsum(new) - 1
        return dst, starts[group[rows]], starts[group[rows] + 1]

    def history(self, rows: Integers | None = None, without: Integers | None = None) -> History:
        """Returns the distinct links of some events, each with the time it was first seen.

        Args:
            rows: the events that count; None: all.
            without: events whose links are left out, however often they come again.
        """
        chosen = np.arange(len(self)) if rows is None else rows
        nodes = self.num_nodes
        pair = self.src * nodes + self.dst
        distinct, first = np.unique(pair[chosen], return_index=True)  # np.unique gives the first of equal entries
        seen = self.time_rank[chosen[first]]
        if without is not None:
            kept = ~np.isin(distinct, pair[without])
            distinct, seen = distinct[kept], seen[kept]
        source, ids = distinct // nodes, distinct % nodes
        starts = np.searchsorted(source, np.arange(nodes + 1)).astype(np.int64)
        order = np.lexsort((ids, seen, source))
        return History(starts, ids[order], seen[order], ids, seen)


def as_events(events: Any) -> Events:
    """Returns `Events` from (src, dst, t), or from anything with these attributes, such as an event store.

    Raises:
        ShapeError: neither.
    """
    if isinstance(events, Events):
        return events
    if isinstance(events, tuple | list) and len(events) == 3:
        return Events(*events)
    if all(hasattr(events, name) for name in ("src", "dst", "t")):
        return Events(events.src, events.dst, events.t)
    raise ShapeError(f"events must be (src, dst, t) or have these attributes, got {type(events).__name__}")
