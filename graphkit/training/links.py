"""One benchmark cell of a trained link model: batches of links, selection on validation links, one look at the test."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from graphkit.config import RunSpec
from graphkit.data.links import LinkDataset, LinkSplit
from graphkit.errors import ConfigError
from graphkit.evaluation import PROTOCOLS, Protocol, Result
from graphkit.evaluation.leakage import check_link_leakage
from graphkit.seeds import SeedStreams
from graphkit.training.checkpoint import CheckpointFile
from graphkit.training.link_feed import LinkBatch, LinkFeed, ReweightedFeed
from graphkit.training.link_model import LinkModel, build_link_model, link_loss
from graphkit.training.loop import Event, Look, fit
from graphkit.training.pair_values import PARTS, RANKS, negatives_rules, pair_part, part_scores, save_ranks, value_of
from graphkit.training.record import record_of
from graphkit.training.scoring import loaded
from graphkit.training.session import announce, determinism, device_of, save_weights, training_of


def train_links(
    spec: RunSpec,
    folder: Path | None = None,
    *,
    model_name: str = "",
    on_event: Callable[[Event], None] = lambda event: None,
) -> Result:
    """Trains an encoder and a pair head on links; arguments, result and errors as in `training.run_cell`.

    Negatives of validation and test are those of the split; the validation links are no input unless the split says so.
    """
    device = device_of(spec.train.device)
    dataset = loaded(spec)
    if not isinstance(dataset, LinkDataset):
        raise ConfigError(f"dataset {spec.data.name} is a {dataset.card.task} task, without links to train on")
    protocol = PROTOCOLS[spec.protocol or dataset.card.protocols[0]]
    metric = protocol.metric_for(dataset.card.metric)
    index = protocol.split_index(spec.seed) if spec.data.split is None else spec.data.split
    split = dataset.split(protocol.id, index)
    if not dataset.card.reader_options.get("repeated_links", False):
        check_link_leakage(split.message, split.train, split.valid, split.test, undirected=dataset.raw.undirected)
    streams = SeedStreams(spec.seed)
    train = training_of(spec)
    look = link_look(split, protocol)
    with determinism(train):
        model = build_link_model(spec, dataset, streams, num_edges=split.message.shape[1]).to(device)
        parameters = announce(model, train, on_event)
        feed = LinkFeed(dataset, split, spec, streams, device)
        torch.manual_seed(streams.integer("dropout"))
        checkpoint = CheckpointFile(folder / "last.ckpt") if folder else None
        batches = ReweightedFeed(feed, model, train) if train.reweight else feed
        fitted = fit(
            model, batches, train, metric=metric, step=link_step, look=look, checkpoint=checkpoint, on_event=on_event
        )
        found = {}
        for part in PARTS:
            graph = feed.graph_of(part)
            if train.reweight and graph is not feed.graph:
                model.reweight(feed.x, graph, train.reweight)
            found[part] = pair_part(model.scorer(feed.x, graph), split, part, metric, protocol)
    if folder:
        save_weights(model, folder / "best.safetensors")
        save_ranks(folder / RANKS, {part: ranks for part, (_, ranks) in found.items()})
    valid, test = found["valid"][0], found["test"][0]
    on_event({"event": "tested", "test": test, "valid": valid, "best_epoch": fitted.best_epoch})
    return record_of(
        spec,
        dataset,
        protocol,
        metric,
        model_name or f"{spec.encoder.name}-{spec.head.name}",
        split=index,
        test=test,
        valid=valid,
        split_sha256=split.sha256,
        evaluation={"ties": protocol.ties_for(metric), **negatives_rules(split)},
        parameters=parameters,
        fitted=fitted,
        device=device,
    )


def link_step(model: Any, batch: LinkBatch) -> tuple[Tensor, int]:
    """Returns the loss of a batch of links and negatives, and their number."""
    return link_loss(model(batch), batch.y), batch.y.numel()


def link_look(split: LinkSplit, protocol: Protocol) -> Look:
    """Returns the function that gives metric and loss on the validation links of a split."""

    def look(model: LinkModel, feed: LinkFeed | ReweightedFeed, metric: str) -> tuple[float, float]:
        positive, negative = part_scores(model.scorer(feed.x, feed.graph), split, "valid")
        loss = _mean_loss(positive, 1.0) + _mean_loss(negative, 0.0)
        return value_of(positive, negative, split.shared("valid"), metric, protocol)[0], loss

    return look


def _mean_loss(scores: np.ndarray[Any, Any], label: float) -> float:
    """Mean binary cross entropy of raw scores that all have one label."""
    return float(np.logaddexp(0.0, -scores if label else scores).mean())
