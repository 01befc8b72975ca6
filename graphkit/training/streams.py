"""One benchmark cell of a trained stream model: epochs over the training events, and ranks of the events after them."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from graphkit.config import RunSpec
from graphkit.data.event_dataset import EventDataset
from graphkit.data.event_negatives import part_negatives
from graphkit.data.event_splits import EventSplit
from graphkit.data.events import EventStore
from graphkit.encoders.temporal.base import StreamInfo
from graphkit.errors import ConfigError
from graphkit.evaluation import PROTOCOLS, Protocol, Result, metric_named
from graphkit.evaluation.rank_metrics import RankMetric
from graphkit.evaluation.streaming import stream_ranks
from graphkit.seeds import SeedStreams
from graphkit.training.checkpoint import CheckpointFile
from graphkit.training.loop import Event, fit
from graphkit.training.pair_values import PARTS, RANKS, Part, Ranks, save_ranks
from graphkit.training.record import record_of
from graphkit.training.scoring import loaded, negatives_record
from graphkit.training.session import announce, determinism, save_weights, training_of
from graphkit.training.stream_build import build_stream_model
from graphkit.training.stream_feed import StreamBatch, StreamFeed
from graphkit.training.stream_model import StreamModel


def train_stream(
    spec: RunSpec,
    folder: Path | None = None,
    *,
    model_name: str = "",
    on_event: Callable[[Event], None] = lambda event: None,
) -> Result:
    """Trains a temporal encoder and its head on the links of a stream; arguments and errors as in `training.run_cell`.

    An epoch begins with an empty state and passes the training events in batches: a batch is scored with what was seen
    before it, the parameters take a step, then the batch is shown. Validation and test replay the training events with
    the parameters as they are, then rank in the protocol's batches. No step is taken after the training events.
    """
    dataset = loaded(spec)
    if not isinstance(dataset, EventDataset):
        raise ConfigError(f"dataset {spec.data.name} is a {dataset.card.task} task, without a stream to train on")
    if spec.train.device != "cpu":
        raise ConfigError(f"temporal encoders keep their state on the processor; train.device is {spec.train.device!r}")
    protocol = PROTOCOLS[spec.protocol or dataset.card.protocols[0]]
    metric = protocol.metric_for(dataset.card.metric)
    index = protocol.split_index(spec.seed) if spec.data.split is None else spec.data.split
    split, streams = dataset.split(protocol.id, index), SeedStreams(spec.seed)
    ranker = StreamRanker(dataset, split, protocol)
    train = training_of(spec)
    events = dataset.events[split.train]
    info = StreamInfo.of(
        events.src,
        events.dst,
        events.t,
        dataset.num_nodes,
        destinations=dataset.events.destination_range,
        msg_channels=0 if events.msg is None else events.msg.shape[1],
    )

    def look(model: StreamModel, feed: StreamFeed, metric: str) -> tuple[float, float]:
        ranker.replay(model)
        ranks = ranker.ranks(model, "valid")
        return ranker.value(ranks), -float(np.log(1.0 / ranks).mean())

    with determinism(train):
        model = build_stream_model(spec, info, streams)
        parameters = announce(model, train, on_event)
        feed = StreamFeed(events, info.destinations, train, spec.data.batch_size or ranker.batch_size, streams)
        torch.manual_seed(streams.integer("dropout"))
        checkpoint = CheckpointFile(folder / "last.ckpt") if folder else None
        step = functools.partial(stream_step, loss=train.loss)
        fitted = fit(model, feed, train, metric=metric, step=step, look=look, checkpoint=checkpoint, on_event=on_event)
        ranker.replay(model)
        found: dict[Part, Ranks] = {part: ranker.ranks(model, part) for part in PARTS}
    if folder:
        save_weights(model, folder / "best.safetensors")
        save_ranks(folder / RANKS, found)
    valid, test = ranker.value(found["valid"]), ranker.value(found["test"])
    on_event({"event": "tested", "test": test, "valid": valid, "best_epoch": fitted.best_epoch})
    return record_of(
        spec,
        dataset,
        protocol,
        metric,
        model_name or spec.encoder.name,
        split=index,
        test=test,
        valid=valid,
        split_sha256=split.sha256,
        evaluation={"ties": protocol.ties_for(metric), "clock": model.clock, **ranker.rules},
        parameters=parameters,
        fitted=fitted,
    )


def stream_step(model: Any, batch: StreamBatch, loss: str = "bce") -> tuple[Tensor, int]:
    """Returns the loss of a batch of a stream; the batch is shown to the model once it is scored."""
    if batch.first:
        model.begin()
    logits = model.logits(batch.src, batch.candidates, batch.t)
    value = batch.weight * stream_loss(logits, loss)
    penalty = model.encoder.penalty()
    model.observe(batch.src, batch.dst, batch.t, batch.msg)
    return (value if penalty is None else value + penalty), len(batch.src)


def stream_loss(logits: Tensor, kind: str = "bce") -> Tensor:
    """Returns the mean loss of scores [B, 1 + K], the true candidate first.

    Args:
        logits: raw scores.
        kind: `bce`, mean of the positives' and of the negatives' cross entropy, as link predictors of the Temporal
            Graph Benchmark have it; `softmax`, -log of the true one's share; `bpr`, mean of -log sigmoid(s+ - s-).

    Example:
        >>> round(float(stream_loss(torch.zeros(3, 4), "softmax")), 4)
        1.3863
    """
    positive, negative = logits[:, :1], logits[:, 1:]
    if kind == "softmax":
        target = torch.zeros(len(logits), dtype=torch.int64)
        return functional.cross_entropy(logits, target)
    if kind == "bpr":
        return -functional.logsigmoid(positive - negative).mean()
    return -functional.logsigmoid(positive).mean() - functional.logsigmoid(-negative).mean()


class StreamRanker:
    """Ranks the validation and test events of a dataset with a model, under a protocol.

    Args:
        dataset: the stream.
        split: its parts.
        protocol: batch size, ties and metric.

    Raises:
        ConfigError: the protocol does not rank in batches.
    """

    def __init__(self, dataset: EventDataset, split: EventSplit, protocol: Protocol) -> None:
        metric = metric_named(protocol.metric_for(dataset.card.metric))
        if not isinstance(metric, RankMetric) or protocol.batch_size is None:
            raise ConfigError(
                f"{dataset.name}: streams are ranked in batches, not by {metric.name} under {protocol.id}"
            )
        self.events, self.split, self.batch_size = dataset.events, split, protocol.batch_size
        self.negatives = {part: part_negatives(dataset, split, part) for part in PARTS}
        self.rules = negatives_record(self.negatives, protocol)
        self._metric, self._ties = metric, protocol.ties_for(metric.name)

    def replay(self, model: StreamModel) -> None:
        """Empties the model's state and shows it the training events."""
        model.eval()
        model.begin()
        shown = Shown(model, self.events, 0)
        for start in range(0, self.split.train.stop, self.batch_size):
            shown.next(min(self.batch_size, self.split.train.stop - start))

    def ranks(self, model: StreamModel, part: Part) -> NDArray[np.float64]:
        """Returns the ranks of a part's events; the model must have seen all before, and has seen these after."""
        own: slice = getattr(self.split, part)
        events = self.events
        return stream_ranks(
            Shown(model, events, own.start),
            events.src[own],
            events.dst[own],
            events.t[own],
            self.negatives[part],
            batch_size=self.batch_size,
            ties=self._ties,
        )

    def value(self, ranks: NDArray[np.float64]) -> float:
        """Returns the metric over ranks."""
        return float(self._metric.fn(ranks))


class Shown:
    """A model with the place it has reached in a store, so that events come with their features."""

    def __init__(self, model: StreamModel, events: EventStore, done: int) -> None:
        self.model, self.events, self.done = model, events, done

    def next(self, many: int) -> None:
        """Shows the next events of the store."""
        part = slice(self.done, self.done + many)
        events = self.events
        msg = None if events.msg is None else events.msg[part]
        self.model.observe(events.src[part], events.dst[part], events.t[part], msg)
        self.done += many

    def observe(self, src: Any, dst: Any, t: Any) -> None:
        """Shows as many events; they are the next ones of the store."""
        self.next(len(src))

    def score(self, src: Any, candidates: Any, t: Any) -> NDArray[np.float64]:
        """Returns scores [B, K]."""
        return self.model.score(src, candidates, t)
