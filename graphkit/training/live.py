"""A trained model on a live stream: score, rank, observe, save, and go on after a kill as if nothing had happened."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import safetensors.numpy
import torch
from numpy.typing import ArrayLike, NDArray

from graphkit.config import check_type
from graphkit.errors import CacheError, ShapeError
from graphkit.training.stream_model import StreamModel

Array = NDArray[Any]
Late = Literal["error", "drop", "insert"]


@dataclass
class StreamCounts:
    """What a stream has met so far."""

    events: int = 0
    late: int = 0
    """Events earlier than one before them."""
    new_nodes: int = 0
    """Nodes that were unknown at the start."""


@dataclass
class Stream:
    """A model that takes in events as they come and answers in between.

    `score` and `rank` change nothing. An event for an unknown node makes the tables grow; a question about one is
    answered as for a node without events. `snapshot` and `restore` hold parameters, every table and the place in the
    stream, so that a restored stream gives the same bits as one that never stopped.

    Args:
        model: the trained model; it keeps the events it has seen.
        late: what to do with an event earlier than one before it: `error` refuses the whole batch, `drop` leaves it
            out, `insert` takes it in as if it came now.

    Example:
        >>> from graphkit.config import RunSpec
        >>> from graphkit.encoders.temporal.base import StreamInfo
        >>> from graphkit.seeds import SeedStreams
        >>> from graphkit.training.stream_build import build_stream_model
        >>> spec = RunSpec().with_overrides(["encoder.name=craft", "head.name=identity"])
        >>> stream = Stream(build_stream_model(spec, StreamInfo(10, (0, 9)), SeedStreams(0)))
        >>> stream.observe([1, 1], [5, 6], [10.0, 11.0])
        >>> stream.rank([1], [4, 5, 6], [12.0], k=2)[0].shape
        (1, 2)
    """

    model: StreamModel
    late: Late = "error"
    counts: StreamCounts = field(default_factory=StreamCounts)

    def __post_init__(self) -> None:
        check_type(self.late, Late, "late")
        self.model.eval()

    @property
    def now(self) -> float:
        """Time of the latest event."""
        return float(self.model.tables["now"][0])

    @property
    def num_nodes(self) -> int:
        """Nodes that the tables have room for."""
        return self.model.encoder.state.num_nodes

    def observe(self, src: ArrayLike, dst: ArrayLike, t: ArrayLike, msg: ArrayLike | None = None) -> None:
        """Takes in events [B] with features [B, D], in the order given.

        Raises:
            ShapeError: lengths differ, a node number or time is negative, a time is not finite, features have another
                width than the model's, or an event is late and the policy is `error`; nothing is taken in then.
        """
        ends, times = (np.asarray(src), np.asarray(dst)), np.asarray(t, dtype=np.float64)
        features = self._checked(ends[0], ends[1], times, msg)
        latest = np.maximum.accumulate(np.concatenate([[self.now], times]))[:-1]
        late = times < latest
        if late.any():
            if self.late == "error":
                row = int(np.flatnonzero(late)[0])
                raise ShapeError(
                    f"event {row} of the batch is at {times[row]}, after one at {latest[row]}; sort the events, or"
                    ' build the stream with late="drop" or "insert"'
                )
            self.counts.late += int(late.sum())
            if self.late == "drop":
                ends, times = (ends[0][~late], ends[1][~late]), times[~late]
                features = None if features is None else features[~late]
            else:
                times = np.maximum(times, latest)
        if not len(times):
            return
        self._grow(int(max(ends[0].max(), ends[1].max())) + 1)
        self.model.observe(ends[0], ends[1], times, features)
        self.counts.events += len(times)

    def score(self, src: ArrayLike, candidates: ArrayLike, t: ArrayLike) -> NDArray[np.float64]:
        """Returns scores [B, K] of candidates [B, K], or [K] for all, at times [B]."""
        sources, lines = np.asarray(src), np.asarray(candidates)
        known = self.num_nodes
        if max(int(sources.max(initial=0)), int(lines.max(initial=0))) < known:
            return self.model.score(sources, lines, np.asarray(t, dtype=np.float64))
        return self._with_strangers(sources, lines, np.asarray(t, dtype=np.float64))

    def rank(self, src: ArrayLike, candidates: ArrayLike, t: ArrayLike, k: int = 10) -> tuple[Array, Array]:
        """Returns the k best candidates [B, k] of every source and their scores [B, k]; ties keep the order given."""
        scores, lines = self.score(src, candidates, t), np.asarray(candidates)
        order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
        lines = np.broadcast_to(lines, scores.shape)
        return np.take_along_axis(lines, order, axis=1), np.take_along_axis(scores, order, axis=1)

    def snapshot(self, path: Path | str) -> None:
        """Writes the stream to one file; a file that is there is replaced when the new one is complete."""
        path = Path(path)
        arrays = {f"state/{name}": array for name, array in self.model.encoder.state.copy().items()}
        arrays |= {f"tables/{name}": array for name, array in self.model.tables.copy().items()}
        arrays |= {f"model/{name}": value.numpy() for name, value in self.model.state_dict().items()}
        arrays["counts"] = np.array([self.counts.events, self.counts.late, self.counts.new_nodes])
        partial = path.with_suffix(path.suffix + ".partial")
        try:
            safetensors.numpy.save_file({name: np.ascontiguousarray(array) for name, array in arrays.items()}, partial)
            partial.replace(path)
        except OSError as error:
            partial.unlink(missing_ok=True)
            raise CacheError(
                f"cannot write the stream to {path}: {error}; free some space or choose another"
            ) from error

    def restore(self, path: Path | str) -> None:
        """Puts back what `snapshot` wrote, into a stream of a model built with the same options.

        Raises:
            CacheError: the file cannot be read, or is of another model.
        """
        try:
            arrays = safetensors.numpy.load_file(path)
            parts: dict[str, dict[str, Array]] = {"state": {}, "tables": {}, "model": {}}
            for name, array in arrays.items():
                if "/" in name:
                    part, _, rest = name.partition("/")
                    parts[part][rest] = array
            weights = {name: torch.from_numpy(array) for name, array in parts["model"].items()}
            self.model.load_state_dict(weights)
        except (OSError, RuntimeError, KeyError, safetensors.SafetensorError) as error:
            raise CacheError(f"{path} holds no stream of this model: {str(error).splitlines()[0]}") from error
        self.model.encoder.state.load(parts["state"])
        self.model.tables.load(parts["tables"])
        self.counts = StreamCounts(*arrays["counts"].tolist())

    def _with_strangers(self, src: Array, candidates: Array, t: Array) -> NDArray[np.float64]:
        """Scores with nodes that the tables do not hold: they grow for the question and shrink again."""
        state, tables = self.model.encoder.state, self.model.tables
        before = state.view(), tables.view()
        self._grow(int(max(src.max(), candidates.max())) + 1, count=False)
        try:
            return self.model.score(src, candidates, t)
        finally:
            state.put_back(before[0])
            tables.put_back(before[1])

    def _grow(self, num_nodes: int, count: bool = True) -> None:
        if num_nodes > self.num_nodes:
            self.counts.new_nodes += (num_nodes - self.num_nodes) * count
            self.model.encoder.grow(num_nodes)
            self.model.tables.grow(num_nodes)

    def _checked(self, src: Array, dst: Array, t: Array, msg: ArrayLike | None) -> Array | None:
        if not len(src) == len(dst) == len(t):
            raise ShapeError(f"{len(src)} sources, {len(dst)} destinations and {len(t)} times")
        for name, nodes in (("source", src), ("destination", dst)):
            if len(nodes) and (nodes.dtype.kind not in "iu" or nodes.min() < 0):
                raise ShapeError(f"a {name} is {nodes.min()}; nodes are whole numbers from 0")
        if len(t) and not (np.isfinite(t).all() and t.min() >= 0):
            raise ShapeError(f"the time of event {int(np.argmin(np.isfinite(t) & (t >= 0)))} is NaN or negative")
        width = self.model.encoder.info.msg_channels
        if msg is None:
            if width:
                raise ShapeError(
                    f"the model was trained with {width} features an event; pass msg [{len(src)}, {width}]"
                )
            return None
        features = np.asarray(msg, dtype=np.float32)
        if features.shape != (len(src), width):
            raise ShapeError(f"msg must be [{len(src)}, {width}], got {list(features.shape)}")
        return features
