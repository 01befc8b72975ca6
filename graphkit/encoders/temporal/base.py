"""The contract of every temporal encoder: state, events in, states of nodes or scores of pairs out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from graphkit.kernels.tables import Tables

Array = NDArray[Any]


@dataclass(frozen=True)
class StreamInfo:
    """What an encoder may know of a stream beforehand; everything comes from training events.

    Args:
        num_nodes: N, nodes known at the start; tables grow where more appear.
        destinations: the smallest and the largest destination.
        msg_channels: D, features of an event; 0 for streams without.
        time_scale: mean time between two events of a node.
        time_gap: mean time between two events of the stream, the finest difference that ages are told by.
        num_events: number of training events.
    """

    num_nodes: int
    destinations: tuple[int, int]
    msg_channels: int = 0
    time_scale: float = 1.0
    time_gap: float = 1.0
    num_events: int = 0

    @classmethod
    def of(cls, src: Array, dst: Array, t: Array, num_nodes: int, **more: Any) -> StreamInfo:
        """Measures training events.

        Example:
            >>> StreamInfo.of(np.array([0, 0]), np.array([1, 1]), np.array([0, 6]), 2).time_scale
            6.0
        """
        span = float(t[-1] - t[0]) if len(t) else 0.0
        times = np.asarray(t, dtype=np.float64)
        nodes = np.concatenate([src, dst])
        order = np.argsort(nodes, kind="stable")
        gaps, same = np.diff(np.tile(times, 2)[order]), np.diff(nodes[order]) == 0
        scale = float(np.abs(gaps[same]).mean()) if same.any() else span
        return cls(
            num_nodes,
            more.pop("destinations", (int(dst.min()), int(dst.max())) if len(dst) else (0, max(num_nodes - 1, 0))),
            time_scale=scale or 1.0,
            time_gap=span / max(1, len(times)) or 1.0,
            num_events=len(times),
            **more,
        )


@dataclass(frozen=True)
class Events:
    """Some events in the order of time.

    Shapes:
        src, dst [B] integers; t [B] int64 or float64; msg [B, D] float32 or None.
    """

    src: Array
    dst: Array
    t: Array
    msg: Array | None = None

    def __len__(self) -> int:
        return len(self.src)


class TemporalEncoder(nn.Module):
    """Base class of temporal encoders.

    A subclass writes `init_state` and `observe`, and either `embed` (states of nodes, whoever is compared with whom) or
    `score` (scores of pairs, for encoders that look at both ends at once; they say `pair = True`). All state is in
    `self.state`, so that saving, growing and putting back are the same for all. Look-ups see only events that were
    observed. What an encoder answers must not depend on the order of nodes or candidates it is asked about.

    Options are typed keyword arguments after `info`.

    Args:
        info: what is known of the stream.
        out_channels: C, width of the states; 0 for encoders of pairs.

    Example:
        >>> class Degree(TemporalEncoder):
        ...     def __init__(self, info):
        ...         super().__init__(info, 1)
        ...         self.init_state()
        ...     def init_state(self):
        ...         self.state.add("degree")
        ...     def observe(self, events):
        ...         np.add.at(self.state["degree"], np.concatenate([events.src, events.dst]), 1)
        ...     def embed(self, nodes, t):
        ...         return torch.from_numpy(self.state["degree"][nodes])[:, None]
        >>> encoder = Degree(StreamInfo(3, (0, 2)))
        >>> encoder.observe(Events(np.array([0]), np.array([1]), np.array([5.0])))
        >>> encoder.embed(np.array([0, 2]), np.array([6.0, 6.0])).tolist()
        [[1.0], [0.0]]
    """

    pair: ClassVar[bool] = False
    """Whether it scores pairs (`score`) instead of giving states of nodes (`embed`)."""
    timed: ClassVar[bool] = False
    """Whether states of nodes depend on the time of the question."""

    def __init__(self, info: StreamInfo, out_channels: int = 0) -> None:
        super().__init__()
        self.info, self.out_channels = info, out_channels
        self.state = Tables(info.num_nodes)

    def init_state(self) -> None:
        """Forgets every event."""
        raise TypeError(f"{type(self).__name__} must define init_state()")

    def observe(self, events: Events) -> None:
        """Takes in events that come after all those before; no gradient flows from here."""
        raise TypeError(f"{type(self).__name__} must define observe(events)")

    def embed(self, nodes: Array, t: Array) -> Tensor:
        """Returns states [Q, C] of nodes [Q] at times [Q]; changes no state."""
        raise TypeError(f"{type(self).__name__} must define embed(nodes, t)")

    def score(self, src: Array, candidates: Array, t: Array) -> Tensor:
        """Returns scores [B, K] of candidates [B, K], or [K] for all sources, at times [B]; changes no state."""
        raise TypeError(f"{type(self).__name__} must define score(src, candidates, t)")

    def penalty(self) -> Tensor | None:
        """Returns what the last `embed` or `score` adds to the training loss, or None."""
        return None

    def grow(self, num_nodes: int) -> None:
        """Makes room for nodes that appear after the start."""
        self.state.grow(num_nodes)


class EventFeatures:
    """The features of observed events by their number, in one growing array of the state.

    Example:
        >>> state = Tables(2)
        >>> features = EventFeatures(state, 1)
        >>> features.append(np.array([[3.0], [4.0]]))
        >>> features.read(np.array([1, -1])).tolist()
        [[4.0], [0.0]]
    """

    def __init__(self, state: Tables, channels: int) -> None:
        self.state, self.channels = state, channels
        self.reset()

    def reset(self) -> None:
        """Forgets everything."""
        self.state.put("msg", np.zeros((1, self.channels), dtype=np.float32))
        self.state.put("msg/rows", np.zeros(1, dtype=np.int64))

    def append(self, msg: Array | None) -> None:
        """Adds the features [B, D] of further events."""
        if not self.channels or msg is None:
            return
        table, rows = self.state["msg"], int(self.state["msg/rows"][0])
        due = rows + len(msg)
        if due + 1 > len(table):
            wider = np.zeros((max(due + 1, 2 * len(table)), self.channels), dtype=np.float32)
            wider[:rows] = table[:rows]
            self.state.put("msg", wider)
            table = wider
        table[rows:due] = msg
        table[due:] = 0
        self.state["msg/rows"][0] = due

    def read(self, events: Array) -> Tensor:
        """Returns features [..., D] of events, zeros for -1."""
        rows = int(self.state["msg/rows"][0])
        return torch.from_numpy(self.state["msg"][np.where((events >= 0) & (events < rows), events, rows)])
