"""Benchmark cells of signs and weights of events: predicted with what was seen before the batch, then shown."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from graphkit.config import RunSpec
from graphkit.data.event_dataset import EventDataset
from graphkit.data.event_splits import EventSplit
from graphkit.encoders.temporal.base import StreamInfo
from graphkit.errors import ConfigError
from graphkit.evaluation import PROTOCOLS, Protocol, Result, evaluate
from graphkit.scorers import SCORERS
from graphkit.scorers.ratings import EdgeForecaster
from graphkit.seeds import SeedStreams
from graphkit.training.checkpoint import CheckpointFile
from graphkit.training.loop import Event, fit
from graphkit.training.options import typed_options
from graphkit.training.pair_values import PARTS, Part
from graphkit.training.record import record_of
from graphkit.training.scoring import loaded
from graphkit.training.session import announce, determinism, save_weights, training_of
from graphkit.training.stream_build import build_stream_model
from graphkit.training.stream_model import StreamModel

Array = NDArray[Any]
Quiet = Callable[[Event], None]


@dataclass(frozen=True)
class ValuedStream:
    """A stream whose events have values, with its split and rules.

    Args:
        dataset: events with y.
        split: their parts.
        protocol: its batch size and metric.
        metric: name of it.
    """

    dataset: EventDataset
    split: EventSplit
    protocol: Protocol
    metric: str

    @classmethod
    def of(cls, spec: RunSpec) -> ValuedStream:
        """Loads what a cell asks for; raises ConfigError where its events have no values or there are no batches."""
        dataset = loaded(spec)
        if not isinstance(dataset, EventDataset) or dataset.events.y is None:
            raise ConfigError(f"dataset {spec.data.name} has no events with signs or weights to predict")
        protocol = PROTOCOLS[spec.protocol or dataset.card.protocols[0]]
        if protocol.batch_size is None:
            raise ConfigError(f"{protocol.id} does not predict events in batches")
        index = protocol.split_index(spec.seed) if spec.data.split is None else spec.data.split
        return cls(dataset, dataset.split(protocol.id, index), protocol, protocol.metric_for(dataset.card.metric))

    @property
    def signs(self) -> bool:
        """Whether the sign is asked for, not the value."""
        return self.dataset.card.target == "binary"

    @property
    def values(self) -> NDArray[np.float64]:
        """[T] values of the events."""
        assert self.dataset.events.y is not None
        return self.dataset.events.y.astype(np.float64)

    def batches(self, part: slice) -> Iterator[slice]:
        """Yields the batches of a part, counted from its start."""
        size = self.protocol.batch_size or 1
        for start in range(part.start, part.stop, size):
            yield slice(start, min(start + size, part.stop))

    def value(self, part: Part, predicted: Array) -> float:
        """Returns the metric of predictions for a part's events."""
        truth = self.values[getattr(self.split, part)]
        return evaluate(self.metric, predicted, (truth > 0).astype(np.int64) if self.signs else truth)

    def record(self, spec: RunSpec, model_name: str, scores: dict[Part, float], **more: Any) -> Result:
        """Returns the record of a cell."""
        return record_of(
            spec,
            self.dataset,
            self.protocol,
            self.metric,
            model_name or spec.scorer.name or spec.encoder.name,
            split=self.split.index,
            test=scores["test"],
            valid=scores["valid"],
            split_sha256=self.split.sha256,
            **more,
        )

    def rules(self) -> dict[str, Any]:
        """Returns what the record says of the evaluation."""
        return {"batch_size": self.protocol.batch_size, "freshness": self.protocol.freshness}


def score_edge_stream(
    spec: RunSpec, folder: Path | None = None, *, model_name: str = "", on_event: Quiet = lambda event: None
) -> Result:
    """Forecasts the values of events with a scorer and returns the record; arguments and errors as in `run_cell`."""
    stream = ValuedStream.of(spec)
    cls = SCORERS.get(spec.scorer.name)
    if not issubclass(cls, EdgeForecaster):
        raise ConfigError(f"scorer {spec.scorer.name!r} forecasts no values of events; node-mean-rating does")
    model = cls(**typed_options(cls, spec.scorer.options, what="scorer", name=spec.scorer.name))
    on_event({"event": "start", "parameters": 0, "epochs": 0})
    events, values, split = stream.dataset.events, stream.values, stream.split
    seen = np.sign(values) if stream.signs else values
    started = time.perf_counter()
    model.fit(events.num_nodes)
    model.observe(events.src[split.train], events.dst[split.train], seen[split.train])
    scores: dict[Part, float] = {}
    for part in PARTS:
        found = []
        for batch in stream.batches(getattr(split, part)):
            found.append(model.predict(events.src[batch], events.dst[batch]))
            model.observe(events.src[batch], events.dst[batch], seen[batch])
        scores[part] = stream.value(part, np.concatenate(found))
    on_event({"event": "tested", "test": scores["test"], "valid": scores["valid"]})
    rules = {"deterministic": True, **stream.rules()}
    return stream.record(
        spec, model_name, scores, evaluation=rules, parameters=0, eval_seconds=time.perf_counter() - started
    )


def train_edge_stream(
    spec: RunSpec, folder: Path | None = None, *, model_name: str = "", on_event: Quiet = lambda event: None
) -> Result:
    """Trains a temporal encoder to tell the values of events; arguments and errors as in `run_cell`.

    The values of events that were shown are their features (where the stream has no others), those of a batch are told
    only after it was predicted.
    """
    stream, streams = ValuedStream.of(spec), SeedStreams(spec.seed)
    if spec.train.device != "cpu":
        raise ConfigError(f"temporal encoders keep their state on the processor; train.device is {spec.train.device!r}")
    train = training_of(spec)
    feed = EdgeFeed(stream)
    events = stream.dataset.events[stream.split.train]
    ends = events.src, events.dst, events.t
    reach = stream.dataset.events.destination_range
    info = StreamInfo.of(*ends, events.num_nodes, destinations=reach, msg_channels=feed.msg.shape[1])
    with determinism(train):
        model = build_stream_model(spec, info, streams)
        parameters = announce(model, train, on_event)
        torch.manual_seed(streams.integer("dropout"))
        checkpoint = CheckpointFile(folder / "last.ckpt") if folder else None
        step = functools.partial(_step, signs=stream.signs)
        fitted = fit(
            model, feed, train, metric=stream.metric, step=step, look=_look, checkpoint=checkpoint, on_event=on_event
        )
        scores = feed.scores(model)
    if folder:
        save_weights(model, folder / "best.safetensors")
    on_event({"event": "tested", "test": scores["test"], "valid": scores["valid"], "best_epoch": fitted.best_epoch})
    return stream.record(
        spec,
        model_name,
        scores,
        evaluation={"clock": model.clock, **stream.rules()},
        parameters=parameters,
        epochs=fitted.epochs,
        best_epoch=fitted.best_epoch,
        train_seconds=fitted.train_seconds,
        eval_seconds=fitted.eval_seconds,
        seconds_per_epoch=fitted.train_seconds / fitted.epochs,
    )


@dataclass(frozen=True)
class EdgeBatch:
    """Some training events with what they are worth, in units of the training events' deviation."""

    src: Array
    dst: Array
    t: Array
    msg: Array
    target: Tensor
    first: bool


class EdgeFeed:
    """Batches of a stream with values; numbers are told in units of the deviation of the training values."""

    def __init__(self, stream: ValuedStream) -> None:
        self.stream = stream
        events, values = stream.dataset.events, stream.values
        self.scale = 1.0 if stream.signs else float(values[stream.split.train].std()) or 1.0
        told = (np.sign(values) if stream.signs else values / self.scale)[:, None].astype(np.float32)
        self.msg = told if events.msg is None else np.concatenate([told, events.msg], axis=1)
        self.target = torch.from_numpy((values > 0).astype(np.float32) if stream.signs else told[:, 0])

    def train_batches(self, epoch: int) -> Iterator[EdgeBatch]:
        """Yields the training events in the order of time, the same in every epoch."""
        events = self.stream.dataset.events
        for part in self.stream.batches(self.stream.split.train):
            ends = events.src[part], events.dst[part], events.t[part]
            yield EdgeBatch(*ends, self.msg[part], self.target[part], part.start == 0)

    def show(self, model: StreamModel, part: slice) -> None:
        """Shows events with their values."""
        events = self.stream.dataset.events
        model.observe(events.src[part], events.dst[part], events.t[part], self.msg[part])

    def scores(self, model: StreamModel, parts: tuple[Part, ...] = PARTS) -> dict[Part, float]:
        """Returns the metric of parts, after the training events were shown anew; `parts` begin with `valid`."""
        events, found = self.stream.dataset.events, {}
        model.eval()
        model.begin()
        for batch in self.stream.batches(self.stream.split.train):
            self.show(model, batch)
        for part in parts:
            predicted = []
            for batch in self.stream.batches(getattr(self.stream.split, part)):
                asked = events.src[batch], events.dst[batch].astype(np.int64)[:, None], events.t[batch]
                predicted.append(model.score(*asked)[:, 0] * self.scale)
                self.show(model, batch)
            found[part] = self.stream.value(part, np.concatenate(predicted))
        return found


def _step(model: Any, batch: EdgeBatch, signs: bool) -> tuple[Tensor, int]:
    if batch.first:
        model.begin()
    logits = model.logits(batch.src, batch.dst.astype(np.int64)[:, None], batch.t)[:, 0]
    value = (
        functional.binary_cross_entropy_with_logits(logits, batch.target)
        if signs
        else functional.mse_loss(logits, batch.target)
    )
    penalty = model.encoder.penalty()
    model.observe(batch.src, batch.dst, batch.t, batch.msg)
    return (value if penalty is None else value + penalty), len(batch.src)


def _look(model: Any, feed: EdgeFeed, metric: str) -> tuple[float, float]:
    found = feed.scores(model, ("valid",))["valid"]
    return found, -found if metric == "roc-auc" else found
