"""Events in time: an immutable store of (source, destination, time), sorted once and never again.

Times are int64 or float64 and stay so: unix times in float32 are off by minutes. Node numbers are 0..N-1; the
publisher's own are kept, as is every event's position in the file.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from graphkit.data.raw import RawEvents
from graphkit.errors import GraphValidationError

if TYPE_CHECKING:
    from torch_geometric.data import TemporalData

Array = NDArray[Any]
PARTS = ("valid", "test")
NOTHING: Mapping[str, Any] = MappingProxyType({})
_COLUMNS = ("src", "dst", "t", "msg", "y", "eid", "node_ids", "part", "names")
_MAX_INT32 = 2**31 - 1


class DataNotice(UserWarning):
    """Data was put in order while it was read: nothing is wrong, but the file is not what one may expect."""


class EventStore:
    """Events sorted by time; `store[a:b]` is a slice over the same nodes.

    Args:
        src: [T] source nodes, 0..N-1.
        dst: [T] destination nodes, 0..N-1.
        t: [T] times that never decrease, int64 or float64, in the publisher's unit.
        msg: [T, D] float32 features of the events, or None.
        y: [T] labels of the events, or None.
        eid: [T] position of every event in its file; 0..T-1 unless told.
        node_ids: [N] the publisher's number of every node; 0..N-1 unless told.
        part: [T] 0, 1, 2 for training, validation and test events, where the publisher divides them, never falling.
        negatives: `valid` and `test` to (candidates [S], offsets [B + 1]), published negatives of the part's B events.
        names: [N] what the publisher calls the nodes, where these are no numbers, or None.
        num_nodes: N; the largest node number and one unless told.
        name: name of the dataset, for messages.

    Raises:
        GraphValidationError: lengths differ, a node number or time is negative, a time or feature is NaN, a time is
            stored in less than 64 bits, or times decrease; parts are out of order, or negatives do not fit them.

    Example:
        >>> store = EventStore([0, 1, 0], [1, 2, 2], [10, 20, 20])
        >>> len(store), store.num_nodes, store[1:].dst.tolist()
        (3, 3, [2, 2])
    """

    def __init__(
        self,
        src: ArrayLike,
        dst: ArrayLike,
        t: ArrayLike,
        msg: ArrayLike | None = None,
        y: ArrayLike | None = None,
        *,
        eid: ArrayLike | None = None,
        node_ids: ArrayLike | None = None,
        part: ArrayLike | None = None,
        negatives: Mapping[str, tuple[Array, Array]] = NOTHING,
        names: ArrayLike | None = None,
        num_nodes: int | None = None,
        name: str = "",
    ) -> None:
        self.name = name
        where = name or "events"
        ends = _nodes(src, f"{where}: src"), _nodes(dst, f"{where}: dst")
        self.t = _times(t, where)
        largest = max((int(part.max()) for part in ends if part.size), default=-1)
        self.num_nodes = largest + 1 if num_nodes is None else num_nodes
        if largest >= self.num_nodes:
            raise GraphValidationError(f"{where}: an event names node {largest}, but there are {self.num_nodes} nodes")
        narrow = np.int32 if self.num_nodes <= _MAX_INT32 else np.int64
        self.src, self.dst = (np.ascontiguousarray(part, dtype=narrow) for part in ends)
        self.msg = None if msg is None else np.asarray(msg, dtype=np.float32)
        self.y = None if y is None else np.asarray(y)
        self.eid = np.arange(len(self.t)) if eid is None else np.asarray(eid, dtype=np.int64)
        self.node_ids = np.arange(self.num_nodes) if node_ids is None else np.asarray(node_ids)
        self.part = None if part is None else np.asarray(part, dtype=np.int8)
        self.negatives = dict(negatives)
        self.names = None if names is None else np.asarray(names)
        self._check(where)
        self._freeze()

    @classmethod
    def trusted(cls, arrays: Mapping[str, Array], name: str = "") -> EventStore:
        """Builds a store from arrays that `pack` laid out and nobody touched since: nothing is read or checked.

        Memory-mapped arrays stay on disk until somebody asks for them.
        """
        store = cls.__new__(cls)
        store.name = name
        for key in _COLUMNS:
            setattr(store, key, arrays.get(key))
        store.num_nodes = len(arrays["node_ids"])
        store.negatives = {
            part: (arrays[f"negatives.{part}"], arrays[f"offsets.{part}"])
            for part in PARTS
            if f"negatives.{part}" in arrays
        }
        store._freeze()
        return store

    def _freeze(self) -> None:
        for array in (
            *(getattr(self, key) for key in _COLUMNS),
            *(part for two in self.negatives.values() for part in two),
        ):
            if array is not None:
                array.flags.writeable = False

    @classmethod
    def from_raw(cls, raw: RawEvents) -> EventStore:
        """Sorts events by time, keeping the file's order among equal times, and numbers the nodes 0..N-1 by their ids.

        A file that was not sorted is announced by a `DataNotice`.

        Raises:
            GraphValidationError: as the class does.

        Example:
            >>> store = EventStore.from_raw(RawEvents(np.array([7, 9]), np.array([9, 7]), np.array([1, 2])))
            >>> store.src.tolist(), store.node_ids.tolist()
            ([0, 1], [7, 9])
        """
        where = raw.name or "events"
        src, dst, t = _nodes(raw.src, f"{where}: src"), _nodes(raw.dst, f"{where}: dst"), _times(raw.t, where)
        if len(src) != len(dst) or len(src) != len(t):
            raise GraphValidationError(f"{where}: {len(src)} sources, {len(dst)} destinations and {len(t)} times")
        backward = np.flatnonzero(t[1:] < t[:-1])
        order = np.argsort(t, kind="stable")
        if len(backward):
            warnings.warn(
                f"{where}: the file is not sorted by time ({len(backward):,} steps back, the first after row "
                f"{backward[0]:,}); events were sorted, equal times in file order",
                DataNotice,
                stacklevel=2,
            )
        ends = [src[order], dst[order]] + ([] if raw.nodes is None else [_nodes(raw.nodes, f"{where}: nodes")])
        node_ids, number = np.unique(np.concatenate(ends), return_inverse=True)
        number = number[: 2 * len(t)].reshape(2, -1)
        return cls(
            number[0],
            number[1],
            t[order],
            None if raw.msg is None else raw.msg[order],
            None if raw.y is None else raw.y[order],
            eid=order,
            node_ids=node_ids,
            part=None if raw.part is None else np.asarray(raw.part)[order],
            negatives={part: _renumbered(raw, part, order, node_ids, where) for part in raw.negatives},
            names=None if raw.names is None else np.asarray(raw.names)[node_ids],
            num_nodes=len(node_ids),
            name=raw.name,
        )

    @classmethod
    def from_temporal_data(cls, data: TemporalData, name: str = "") -> EventStore:
        """Builds a store from PyG's `TemporalData`, whose events must be sorted by time."""
        fields = {key: data[key].numpy() for key in ("src", "dst", "t", "msg", "y") if key in data}
        return cls(**fields, name=name)

    def to_temporal_data(self) -> TemporalData:
        """Returns PyG's `TemporalData`: src, dst [T] int64, t [T], and msg [T, D] and y [T] where there are any."""
        import torch
        from torch_geometric.data import TemporalData

        fields = {"src": self.src.astype(np.int64), "dst": self.dst.astype(np.int64), "t": self.t}
        fields |= {key: value for key, value in (("msg", self.msg), ("y", self.y)) if value is not None}
        return TemporalData(**{key: torch.from_numpy(np.array(value)) for key, value in fields.items()})

    def __len__(self) -> int:
        return len(self.t)

    def __getitem__(self, part: slice) -> EventStore:
        if part.step not in (None, 1):
            raise GraphValidationError(f"{self.name or 'events'}: slices keep the order of time, so their step is 1")
        return EventStore(
            self.src[part],
            self.dst[part],
            self.t[part],
            None if self.msg is None else self.msg[part],
            None if self.y is None else self.y[part],
            eid=self.eid[part],
            node_ids=self.node_ids,
            names=self.names,
            num_nodes=self.num_nodes,
            name=self.name,
        )

    def __repr__(self) -> str:
        return f"EventStore({self.name!r}, events={len(self)}, nodes={self.num_nodes})"

    @cached_property
    def was_sorted(self) -> bool:
        """Whether the file itself was sorted by time."""
        return bool(np.all(np.diff(self.eid) > 0))

    @cached_property
    def destination_range(self) -> tuple[int, int]:
        """The smallest and the largest destination."""
        return int(self.dst.min()), int(self.dst.max())

    @cached_property
    def pair_keys(self) -> NDArray[np.int64]:
        """[T] one number a (source, destination) pair."""
        return self.src.astype(np.int64) * self.num_nodes + self.dst.astype(np.int64)

    def statistics(self) -> dict[str, int]:
        """Returns counts of nodes, events, sources, destinations, pairs, timestamps and kinds of events.

        `ties` are events whose time another event shares; `repeats` are events of a pair that was there before;
        `duplicates` are those of a pair that was there at the same time. Duplicates are kept: in most streams they are
        several events within the clock's unit.
        """
        pairs = len(np.unique(self.pair_keys))
        _, shared = np.unique(self.t, return_counts=True)
        exact = np.lexsort((self.t, self.dst, self.src))
        same = (np.diff(self.src[exact]) == 0) & (np.diff(self.dst[exact]) == 0) & (np.diff(self.t[exact]) == 0)
        return {
            "nodes": self.num_nodes,
            "events": len(self),
            "sources": len(np.unique(self.src)),
            "destinations": len(np.unique(self.dst)),
            "pairs": pairs,
            "timestamps": len(shared),
            "self_loops": int((self.src == self.dst).sum()),
            "ties": int(shared[shared > 1].sum()),
            "repeats": len(self) - pairs,
            "duplicates": int(np.count_nonzero(same)),
        }

    def _check(self, where: str) -> None:
        due = len(self.t)
        for key in ("src", "dst", "msg", "y", "eid", "part"):
            array = getattr(self, key)
            if array is not None and len(array) != due:
                raise GraphValidationError(f"{where}: {len(array)} entries of {key} for {due} events")
        if len(self.node_ids) != self.num_nodes:
            raise GraphValidationError(f"{where}: {len(self.node_ids)} node ids for {self.num_nodes} nodes")
        if self.names is not None and len(self.names) != self.num_nodes:
            raise GraphValidationError(f"{where}: {len(self.names)} names for {self.num_nodes} nodes")
        self._check_parts(where)
        back = np.flatnonzero(self.t[1:] < self.t[:-1])
        if len(back):
            raise GraphValidationError(
                f"{where}: event {back[0] + 1} is earlier than the one before it; sort the events by time, "
                "or build the store with EventStore.from_raw, which does"
            )
        for key in ("msg", "y"):
            array = getattr(self, key)
            if array is not None and array.dtype.kind == "f" and not np.isfinite(array).all():
                row = int(np.argwhere(~np.isfinite(array))[0][0])
                raise GraphValidationError(f"{where}: {key} of event {row} is NaN or infinite; mend or drop the event")

    def _check_parts(self, where: str) -> None:
        if self.part is not None and self.part.size:
            if self.part.min() < 0 or self.part.max() > 2:
                raise GraphValidationError(f"{where}: parts are 0, 1 and 2 (training, validation, test)")
            back = np.flatnonzero(np.diff(self.part) < 0)
            if len(back):
                raise GraphValidationError(
                    f"{where}: the provided split is not in the order of time: event {back[0] + 1} is of part "
                    f"{self.part[back[0] + 1]} and comes after one of part {self.part[back[0]]}"
                )
        for part, (candidates, offsets) in self.negatives.items():
            due = -1 if self.part is None else int(np.count_nonzero(self.part == PARTS.index(part) + 1))
            if len(offsets) != due + 1 or offsets[-1] != len(candidates):
                raise GraphValidationError(
                    f"{where}: {len(offsets) - 1} rows of negatives for {max(due, 0)} {part} events; the file is cut "
                    "short or belongs to another version of the data"
                )


def pack(store: EventStore) -> dict[str, Array]:
    """Lays a store out as named arrays."""
    parts = {key: getattr(store, key) for key in _COLUMNS}
    for part, (candidates, offsets) in store.negatives.items():
        parts |= {f"negatives.{part}": candidates, f"offsets.{part}": offsets}
    return {key: np.ascontiguousarray(array) for key, array in parts.items() if array is not None}


def unpack(arrays: Mapping[str, Array], name: str) -> EventStore:
    """Returns the store that `pack` laid out, without reading the arrays."""
    return EventStore.trusted(arrays, name)


def _renumbered(raw: RawEvents, part: str, order: Array, node_ids: Array, where: str) -> tuple[Array, Array]:
    """Returns published negatives under the store's node numbers, in the order of its events."""
    if raw.part is None or part not in PARTS:
        raise GraphValidationError(f"{where}: negatives of {part} need events that are told to be of that part")
    candidates, offsets = raw.negatives[part]
    place = np.minimum(np.searchsorted(node_ids, candidates), len(node_ids) - 1)
    if len(strange := np.flatnonzero(node_ids[place] != candidates)):
        raise GraphValidationError(
            f"{where}: the {part} negatives name node {candidates[strange[0]]}, which no event has; "
            "they belong to another version of the data"
        )
    own = np.asarray(raw.part) == PARTS.index(part) + 1
    rows = (np.cumsum(own) - 1)[order][own[order]]
    if len(offsets) != len(rows) + 1:
        raise GraphValidationError(
            f"{where}: {len(offsets) - 1} rows of negatives for {len(rows)} {part} events; the file is cut short or "
            "belongs to another version of the data"
        )
    narrow = place.astype(np.int32 if len(node_ids) <= _MAX_INT32 else np.int64)
    if np.all(np.diff(rows) == 1):
        return narrow, np.asarray(offsets, dtype=np.int64)
    size = np.diff(offsets)[rows]
    moved = np.concatenate([[0], np.cumsum(size)])
    take = np.repeat(np.asarray(offsets)[rows] - moved[:-1], size) + np.arange(moved[-1])
    return narrow[take], moved


def _nodes(values: ArrayLike, where: str) -> Array:
    nodes = np.asarray(values)
    if nodes.ndim != 1:
        raise GraphValidationError(f"{where} must be [T], got shape {list(nodes.shape)}")
    if nodes.dtype.kind == "f":
        whole = np.isfinite(nodes) & (nodes == np.floor(nodes)) & (np.abs(nodes) < 2.0**53)
        if not whole.all():
            row = int(np.flatnonzero(~whole)[0])
            raise GraphValidationError(f"{where} of event {row} is {nodes[row]}, not a whole number")
        nodes = nodes.astype(np.int64)
    if nodes.dtype.kind not in "iu":
        raise GraphValidationError(f"{where} must be whole numbers, got {nodes.dtype}")
    if nodes.size and nodes.min() < 0:
        row = int(np.argmin(nodes))
        raise GraphValidationError(f"{where} of event {row} is {nodes[row]}; node numbers start at 0")
    return nodes


def _times(values: ArrayLike, where: str) -> Array:
    times = np.asarray(values)
    if times.ndim != 1 or times.dtype.kind not in "iuf":
        raise GraphValidationError(f"{where}: times must be numbers [T], got {times.dtype} {list(times.shape)}")
    if times.dtype.kind == "f":
        if times.dtype.itemsize < 8:
            raise GraphValidationError(f"{where}: times are {times.dtype}, which cannot hold seconds; give float64")
        if not np.isfinite(times).all():
            row = int(np.flatnonzero(~np.isfinite(times))[0])
            raise GraphValidationError(f"{where}: the time of event {row} is {times[row]}; mend or drop the event")
    times = np.ascontiguousarray(times, dtype=np.float64 if times.dtype.kind == "f" else np.int64)
    if times.size and times.min() < 0:
        row = int(np.argmin(times))
        raise GraphValidationError(f"{where}: the time of event {row} is {times[row]}; times start at 0")
    return times
