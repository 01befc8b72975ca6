"""Events in time: an immutable store of (source, destination, time), sorted once and never again.

Times are int64 or float64 and stay so: unix times in float32 are off by minutes. Node numbers are 0..N-1; the
publisher's own are kept, as is every event's position in the file.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from graphkit.data.raw import RawEvents
from graphkit.errors import GraphValidationError

if TYPE_CHECKING:
    from torch_geometric.data import TemporalData

Array = NDArray[Any]
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
        num_nodes: N; the largest node number and one unless told.
        name: name of the dataset, for messages.

    Raises:
        GraphValidationError: lengths differ, a node number or time is negative, a time or feature is NaN, a time is
            stored in less than 64 bits, or times decrease.

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
        self._check(where)
        for array in (self.src, self.dst, self.t, self.msg, self.y, self.eid, self.node_ids):
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
        node_ids, number = np.unique(np.concatenate([src[order], dst[order]]), return_inverse=True)
        number = number.reshape(2, -1)
        return cls(
            number[0],
            number[1],
            t[order],
            None if raw.msg is None else raw.msg[order],
            None if raw.y is None else raw.y[order],
            eid=order,
            node_ids=node_ids,
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
        """Returns counts: nodes, events, sources, destinations, pairs, timestamps, self_loops, ties and repeats.

        `ties` are events whose time another event shares; `repeats` are events of a pair that was there before.
        """
        pairs = len(np.unique(self.pair_keys))
        _, shared = np.unique(self.t, return_counts=True)
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
        }

    def _check(self, where: str) -> None:
        due = len(self.t)
        for key in ("src", "dst", "msg", "y", "eid"):
            array = getattr(self, key)
            if array is not None and len(array) != due:
                raise GraphValidationError(f"{where}: {len(array)} entries of {key} for {due} events")
        if len(self.node_ids) != self.num_nodes:
            raise GraphValidationError(f"{where}: {len(self.node_ids)} node ids for {self.num_nodes} nodes")
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


def pack(store: EventStore) -> dict[str, Array]:
    """Lays a store out as named arrays."""
    parts = {key: getattr(store, key) for key in ("src", "dst", "t", "msg", "y", "eid", "node_ids")}
    return {key: np.ascontiguousarray(array) for key, array in parts.items() if array is not None}


def unpack(arrays: Mapping[str, Array], name: str) -> EventStore:
    """Builds the store that `pack` laid out."""
    return EventStore(**arrays, num_nodes=len(arrays["node_ids"]), name=name)


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
