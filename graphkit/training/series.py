"""Benchmark cells of series on a graph: the attributes of the next step from those of the last ones."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from graphkit.config import RunSpec
from graphkit.data.series import SeriesDataset
from graphkit.encoders.temporal import TEMPORAL_ENCODERS
from graphkit.encoders.temporal.base import StreamInfo
from graphkit.encoders.temporal.snapshots import Snapshot, SnapshotEncoder
from graphkit.errors import ConfigError
from graphkit.evaluation import PROTOCOLS, Result, evaluate
from graphkit.seeds import SeedStreams
from graphkit.training.checkpoint import CheckpointFile
from graphkit.training.loop import Event, fit
from graphkit.training.options import typed_options
from graphkit.training.pair_values import PARTS
from graphkit.training.record import record_of
from graphkit.training.scoring import loaded
from graphkit.training.session import announce, determinism, save_weights, training_of

Quiet = Callable[[Event], None]


class SeriesModel(nn.Module):
    """An encoder of snapshots fed with attributes: x_t+1 = x_t + W H_t over a window of steps.

    Args:
        encoder: its inputs of a node become a linear map of the node's attributes, besides what else it shows.
        features: F.
        graph: of every step.

    Shapes:
        x [W, N, F] returns [N, F].
    """

    def __init__(self, encoder: SnapshotEncoder, features: int, graph: Snapshot) -> None:
        super().__init__()
        self.encoder, self.graph = encoder, graph
        self.given = nn.Linear(features, encoder.in_channels)
        self.out = nn.Linear(encoder.out_channels, features)

    def forward(self, x: Tensor) -> Tensor:
        """Returns the forecast of the step after the last one."""
        states = self.encoder.encode([replace(self.graph, x=self.given(step)) for step in x])
        forecast: Tensor = x[-1] + self.out(states)
        return forecast


class SeriesFeed:
    """Windows of a series; training windows come in an order drawn anew in every epoch."""

    def __init__(self, dataset: SeriesDataset, index: int, protocol: str, window: int, streams: SeedStreams) -> None:
        self.split = dataset.split(protocol, index)
        own = dataset.raw.x[: self.split.train.stop]
        self.scale = float(own.std()) or 1.0
        self.x = torch.from_numpy(dataset.raw.x / self.scale)
        self.window, self._seed = window, streams.integer("sampler")

    def train_batches(self, epoch: int) -> Iterator[int]:
        """Yields the steps that are asked for."""
        steps = np.arange(self.split.train.start, self.split.train.stop)
        yield from np.random.default_rng([self._seed, epoch]).permutation(steps).tolist()

    def before(self, step: int) -> Tensor:
        """Returns the last steps before one, [W, N, F]."""
        return self.x[max(0, step - self.window) : step]

    @torch.no_grad()
    def score(self, model: Callable[[Tensor], Tensor], part: str, metric: str) -> float:
        """Returns the metric over all numbers of a part, in the units of the data."""
        own = getattr(self.split, part)
        found = torch.stack([model(self.before(step)) for step in range(own.start, own.stop)])
        truth = self.x[own]
        return evaluate(metric, (found * self.scale).reshape(-1).numpy(), (truth * self.scale).reshape(-1).numpy())


def train_series(
    spec: RunSpec, folder: Path | None = None, *, model_name: str = "", on_event: Quiet = lambda event: None
) -> Result:
    """Trains an encoder of snapshots to forecast attributes; arguments and errors as in `run_cell`.

    One step of the optimiser a step of the series. Forecasts of validation and test see every earlier step as it was.
    """
    dataset, streams = loaded(spec), SeedStreams(spec.seed)
    if not isinstance(dataset, SeriesDataset):
        raise ConfigError(f"dataset {spec.data.name} is a {dataset.card.task} task, not a series of attributes")
    cls: Any = TEMPORAL_ENCODERS.get(spec.encoder.name)
    if not issubclass(cls, SnapshotEncoder):
        able = "gcrn, evolvegcn, dyted and coevognn"
        raise ConfigError(f"encoder {spec.encoder.name!r} takes events; attributes are forecast by {able}")
    protocol = PROTOCOLS[spec.protocol or dataset.card.protocols[0]]
    metric, index = protocol.metric_for(dataset.card.metric), protocol.split_index(spec.seed)
    train = training_of(spec)
    started = time.perf_counter()
    with determinism(train):
        torch.manual_seed(streams.integer("init"))
        options = typed_options(cls, spec.encoder.options, what="encoder", name=spec.encoder.name, skip=("info",))
        encoder = cls(StreamInfo(dataset.num_nodes, (0, dataset.num_nodes - 1)), **options)
        src, dst = dataset.raw.edge_index
        model = SeriesModel(encoder, dataset.raw.x.shape[2], Snapshot.of(src, dst, dataset.num_nodes))
        parameters = announce(model, train, on_event)
        feed = SeriesFeed(dataset, index, protocol.id, encoder.log.window, streams)
        torch.manual_seed(streams.integer("dropout"))

        def step(model: Any, asked: int) -> tuple[Tensor, int]:
            value = functional.mse_loss(model(feed.before(asked)), feed.x[asked])
            penalty = model.encoder.penalty()
            return (value if penalty is None else value + penalty), 1

        def look(model: Any, feed: Any, metric: str) -> tuple[float, float]:
            model.eval()
            found = feed.score(model, "valid", metric)
            return found, found

        checkpoint = CheckpointFile(folder / "last.ckpt") if folder else None
        fitted = fit(model, feed, train, metric=metric, step=step, look=look, checkpoint=checkpoint, on_event=on_event)
        model.eval()
        scores = {part: feed.score(model, part, metric) for part in PARTS}
        last = feed.score(lambda x: x[-1], "test", metric)
    if folder:
        save_weights(model, folder / "best.safetensors")
    on_event({"event": "tested", "test": scores["test"], "valid": scores["valid"], "best_epoch": fitted.best_epoch})
    return record_of(
        spec,
        dataset,
        protocol,
        metric,
        model_name or spec.encoder.name,
        split=index,
        test=scores["test"],
        valid=scores["valid"],
        split_sha256=feed.split.sha256,
        evaluation={"repeating_the_last_step": last, "window": encoder.log.window},
        parameters=parameters,
        eval_seconds=time.perf_counter() - started - fitted.train_seconds,
        fitted=fitted,
    )
