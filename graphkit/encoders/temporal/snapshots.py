"""Encoders of snapshots as encoders of a stream: events fill the open snapshot, answers come from the closed ones.

A snapshot spans a fixed time and is closed by the first event of a later one. Whatever is asked in between sees closed
snapshots only, as in UTG (Huang et al., 2024, arXiv 2407.12269), so models of snapshots and of events are ranked alike.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from graphkit.encoders.base import require_positive
from graphkit.encoders.temporal.base import Array, Events, StreamInfo, TemporalEncoder
from graphkit.errors import ConfigError
from graphkit.kernels import CSRGraph, spmm
from graphkit.kernels.tables import Tables


@dataclass(frozen=True)
class Snapshot:
    """One closed snapshot as encoders take it.

    Args:
        graph: N nodes; every pair that met in either direction, both ways, and a loop at every node.
        weight: [E] of D^-1/2 (A + I) D^-1/2.
        loop_free: [E] of D^-1/2 A D^-1/2 without loops; 0 on loops.
        degree: [N, 2] log(1 + in-degree) and log(1 + out-degree) of the directed pairs.
        x: [N, F] what else encoders are given of the nodes, such as mapped attributes; streams have none.
    """

    graph: CSRGraph
    weight: Tensor
    loop_free: Tensor
    degree: Tensor
    x: Tensor | None = None

    @classmethod
    def of(cls, src: Array, dst: Array, num_nodes: int) -> Snapshot:
        """Builds the graphs of distinct directed pairs [P].

        Example:
            >>> found = Snapshot.of(np.array([0]), np.array([1]), 3)
            >>> [round(float(value), 2) for value in found.weight], found.degree[:, 1].bool().tolist()
            ([0.5, 0.5, 0.5, 0.5, 1.0], [True, False, False])
        """
        keys = np.unique(np.concatenate([src * num_nodes + dst, dst * num_nodes + src]))
        row, column = keys // num_nodes, keys % num_nodes
        row, column = row[row != column], column[row != column]
        both = np.unique(np.concatenate([row * num_nodes + column, np.arange(num_nodes) * (num_nodes + 1)]))
        row, column = both // num_nodes, both % num_nodes
        loop = row == column
        around = np.bincount(row[~loop], minlength=num_nodes).astype(np.float64)
        scaled, bare = 1.0 / np.sqrt(around + 1.0), 1.0 / np.sqrt(np.maximum(around, 1.0))
        degree = [np.log1p(np.bincount(end, minlength=num_nodes)) for end in (dst, src)]
        return cls(
            CSRGraph.from_edge_index(torch.from_numpy(np.stack([row, column])), num_nodes),
            torch.from_numpy((scaled[row] * scaled[column]).astype(np.float32)),
            torch.from_numpy(np.where(loop, 0.0, bare[row] * bare[column]).astype(np.float32)),
            torch.from_numpy(np.stack(degree, axis=1).astype(np.float32)),
        )

    def smooth(self, x: Tensor) -> Tensor:
        """Returns D^-1/2 (A + I) D^-1/2 x for x [N, F]."""
        return spmm(self.graph, x, self.weight.to(x.dtype))

    def walk(self, x: Tensor) -> Tensor:
        """Returns D^-1/2 A D^-1/2 x for x [N, F]."""
        return spmm(self.graph, x, self.loop_free.to(x.dtype))


class SnapshotLog:
    """The distinct pairs of the last closed snapshots and of the open one, in the state of an encoder.

    Args:
        state: where the arrays are kept.
        span: time of a snapshot.
        window: closed snapshots that are kept; those without an event do not count.
    """

    def __init__(self, state: Tables, span: float, window: int) -> None:
        self.state, self.span, self.window = state, span, window
        self.reset()

    def reset(self) -> None:
        """Forgets everything."""
        self.state.put("snapshots/clock", np.array([np.nan, -1.0]))  # first time, number of the open snapshot
        self.state.put("snapshots/open", np.zeros((2, 64), dtype=np.int64))
        self.state.put("snapshots/count", np.zeros(1, dtype=np.int64))
        self.state.put("snapshots/pairs", np.zeros((2, 0), dtype=np.int64))
        self.state.put("snapshots/ptr", np.zeros(1, dtype=np.int64))

    def observe(self, src: Array, dst: Array, t: Array) -> None:
        """Takes in events in the order of time."""
        if not len(src):
            return
        clock = self.state["snapshots/clock"]
        if np.isnan(clock[0]):
            clock[0] = t[0]
        slot = np.floor((np.asarray(t, dtype=np.float64) - clock[0]) / self.span)
        begins = np.concatenate([[0], np.flatnonzero(np.diff(slot)) + 1, [len(slot)]])
        for start, stop in zip(begins[:-1], begins[1:], strict=True):
            if slot[start] > clock[1]:
                self._close()
                clock[1] = slot[start]
            self._append(np.stack([src[start:stop], dst[start:stop]]).astype(np.int64))

    def closed(self) -> list[Array]:
        """Returns the pairs [2, P] of every closed snapshot, the oldest first."""
        pairs, ptr = self.state["snapshots/pairs"], self.state["snapshots/ptr"]
        return [pairs[:, ptr[i] : ptr[i + 1]] for i in range(len(ptr) - 1)]

    def _append(self, pairs: Array) -> None:
        table, count = self.state["snapshots/open"], int(self.state["snapshots/count"][0])
        due = count + pairs.shape[1]
        if due > table.shape[1]:
            wider = np.zeros((2, max(due, 2 * table.shape[1])), dtype=np.int64)
            wider[:, :count] = table[:, :count]
            self.state.put("snapshots/open", wider)
            table = wider
        table[:, count:due] = pairs
        self.state["snapshots/count"][0] = due

    def _close(self) -> None:
        count = int(self.state["snapshots/count"][0])
        if not count:
            return
        distinct = np.unique(self.state["snapshots/open"][:, :count], axis=1)
        kept = (self.closed() + [distinct])[-self.window :]
        self.state.put("snapshots/pairs", np.concatenate(kept, axis=1))
        self.state.put("snapshots/ptr", np.concatenate([[0], np.cumsum([pairs.shape[1] for pairs in kept])]))
        self.state["snapshots/count"][0] = 0


class SnapshotEncoder(TemporalEncoder):
    """Base class of encoders of snapshots; a subclass writes `encode`.

    Node inputs are a learned row a node (and one for nodes that come later) plus a linear map of the snapshot's log
    degrees, either of which can be left out.

    Args:
        info: what is known of the stream.
        out_channels: C.
        in_channels: F, width of the inputs.
        span: time of a snapshot, in the unit of the stream; 0 divides the training time into `snapshots`.
        snapshots: number of them in the training time, where `span` is 0.
        window: closed snapshots that an answer comes from, W.
        rows: gives every node a learned row.
        degrees: shows the degrees of the snapshot.

    Raises:
        ConfigError: a span below 0, or neither rows nor degrees.
    """

    def __init__(
        self,
        info: StreamInfo,
        out_channels: int,
        in_channels: int,
        span: float,
        snapshots: int,
        window: int,
        rows: bool,
        degrees: bool,
    ) -> None:
        super().__init__(info, out_channels)
        self.in_channels = in_channels
        require_positive(out_channels=out_channels, in_channels=in_channels, snapshots=snapshots, window=window)
        if span < 0 or not (rows or degrees):
            raise ConfigError("snapshot encoders take span >= 0 and at least one of rows and degrees")
        self.log = SnapshotLog(self.state, span or info.time_gap * max(1, info.num_events) / snapshots, window)
        self.rows = nn.Embedding(info.num_nodes + 1, in_channels) if rows else None
        if self.rows is not None:
            nn.init.normal_(self.rows.weight, std=in_channels**-0.5)
        self.degrees = nn.Linear(2, in_channels) if degrees else None
        self._graphs: dict[tuple[int, bytes], Snapshot] = {}
        self._known: Tensor | None = None

    def encode(self, snapshots: list[Snapshot]) -> Tensor:
        """Returns states [N, C] after the last of 1 to W snapshots, the oldest first."""
        raise TypeError(f"{type(self).__name__} must define encode(snapshots)")

    def init_state(self) -> None:
        """Forgets every event."""
        self.log.reset()
        self._known = None

    def observe(self, events: Events) -> None:
        """Takes in events; those of a later snapshot close the open one."""
        before = self.state["snapshots/ptr"], self.state["snapshots/pairs"]
        self.log.observe(events.src, events.dst, events.t)
        if before[1] is not self.state["snapshots/pairs"]:
            self._known = None

    def grow(self, num_nodes: int) -> None:
        """Makes room for nodes that appear after the start."""
        super().grow(num_nodes)
        self._known = None

    def embed(self, nodes: Array, t: Array) -> Tensor:
        """Returns states [Q, C] from the closed snapshots; kept between questions where nothing is trained."""
        if torch.is_grad_enabled():
            self._known = None
            states = self.encode(self.snapshots())
        else:
            if self._known is None or self.training:
                self._known = self.encode(self.snapshots())
            states = self._known
        return states[torch.from_numpy(np.asarray(nodes, dtype=np.int64))]

    def snapshots(self) -> list[Snapshot]:
        """Returns the closed snapshots as graphs, or one without an edge where there is none yet."""
        many = self.state.num_nodes
        wanted = self.log.closed() or [np.zeros((2, 0), dtype=np.int64)]
        keys = [(many, pairs.tobytes()) for pairs in wanted]
        self._graphs = {
            key: self._graphs.get(key) or Snapshot.of(pairs[0], pairs[1], many)
            for key, pairs in zip(keys, wanted, strict=True)
        }
        return [self._graphs[key] for key in keys]

    def inputs(self, snapshot: Snapshot) -> Tensor:
        """Returns node inputs [N, F] of a snapshot."""
        many = len(snapshot.degree)
        found = self.degrees(snapshot.degree) if self.degrees is not None else 0.0
        if snapshot.x is not None:
            found = found + snapshot.x
        if self.rows is not None:
            found = found + self.rows(torch.arange(many).clamp(max=self.info.num_nodes))
        return torch.as_tensor(found)
