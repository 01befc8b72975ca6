"""One benchmark cell from specification to record: load, build, fit, and look at the test nodes once."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from graphkit import evaluation
from graphkit.config import DataSpec, RunSpec
from graphkit.data.cards import load_card
from graphkit.data.graphs import GraphDataset
from graphkit.data.load import NodeDataset, load_dataset
from graphkit.errors import ConfigError
from graphkit.evaluation import PROTOCOLS, Result
from graphkit.seeds import SeedStreams
from graphkit.training.build import NodeModel, build_model
from graphkit.training.checkpoint import CheckpointFile
from graphkit.training.feeds import Feed, Part, make_feed, scores_of
from graphkit.training.inputs import node_inputs, simple_adjacency
from graphkit.training.loop import Event, fit
from graphkit.training.record import record_of
from graphkit.training.session import announce, determinism, device_of, save_weights, training_of
from graphkit.training.tasks import check_parallel, runner_of

if TYPE_CHECKING:
    from graphkit.training.parallel import Team

_PREPARATION = ("features", "undirected", "largest_component")


def run_cell(
    spec: RunSpec,
    folder: Path | None = None,
    *,
    model_name: str = "",
    on_event: Callable[[Event], None] = lambda event: None,
    devices: int = 1,
) -> Result:
    """Trains (where the model is trained) and tests one (dataset, model, protocol, seed) and returns its record.

    A call on the folder of an interrupted one goes on from its last epoch and gives the same bits on a CPU.

    Args:
        spec: everything that decides the number.
        folder: where `last.ckpt` is kept and `best.safetensors` is left, or `ranks.npz` where positives are ranked;
            None keeps nothing.
        model_name: the name in the record; empty takes the encoder's or the scorer's.
        on_event: called with a small dictionary at the start, after every epoch and at the end.
        devices: processes that share every batch (`training.parallel`); the number is that of one process up to
            rounding.

    Raises:
        GraphkitError: bad options, missing data, a model of another kind than the dataset, or training that diverged;
            never a score of NaN.

    Example:
        >>> spec = RunSpec().with_overrides(["data.name=karate", "encoder.name=gcn"])
        >>> run_cell(spec).status
        'ok'
    """
    run = runner_of(load_card(spec.data.name), spec, model_name)
    if devices == 1:
        result: Result = run(spec, folder, model_name=model_name, on_event=on_event)
        return result
    check_parallel(load_card(spec.data.name), model_name or spec.encoder.name, spec, devices)
    from graphkit.training.parallel import launch

    def member(team: Team) -> Result:
        told = on_event if team.rank == 0 else lambda event: None
        found: Result = run(spec, folder, model_name=model_name, on_event=told, team=team)
        return found

    return launch(member, devices, spec.train.device)


def train_labels(
    spec: RunSpec,
    folder: Path | None = None,
    *,
    model_name: str = "",
    on_event: Callable[[Event], None] = lambda event: None,
    team: Team | None = None,
) -> Result:
    """Trains an encoder on labelled nodes or graphs; arguments, result and errors as in `run_cell`.

    In one process of a `team`, batches are this process's shares; the first process alone writes to the folder.
    """
    device = team.fabric.device if team else device_of(spec.train.device)
    dataset = dataset_for(spec.data)
    protocol = PROTOCOLS[spec.protocol or dataset.card.protocols[0]]
    metric = protocol.metric_for(dataset.card.metric)
    index = protocol.split_index(spec.seed) if spec.data.split is None else spec.data.split
    split = dataset.split(protocol.id, index)
    if not len(split.valid):
        raise ConfigError(
            f"protocol {protocol.id} has no validation nodes, by which an epoch is chosen; it is for node embeddings "
            "(`graphkit ls embeddings`)"
        )
    dataset = _with_inputs(dataset, spec)
    streams = SeedStreams(spec.seed)
    train = training_of(spec)
    if protocol.common_epoch:  # chosen over all runs, when their records are averaged
        train = replace(train, stop="never", select="last", eval_every=1)
    with determinism(train):
        model = build_model(spec, dataset, streams).to(device)
        parameters = announce(model, train, on_event)
        share = team.share if team else (0, 1)
        feed = make_feed(dataset, split, spec.data, streams, device, model.encoder.requires, share)
        torch.manual_seed(streams.integer("dropout"))
        checkpoint = CheckpointFile(folder / "last.ckpt") if folder else None
        fitted = fit(model, feed, train, metric=metric, checkpoint=checkpoint, on_event=on_event, team=team)
        valid = part_score(model, feed, "valid", metric)
        test = valid if protocol.common_epoch else part_score(model, feed, "test", metric)
    if folder and (team is None or team.rank == 0):
        save_weights(model, folder / "best.safetensors")
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
        evaluation={"curve": list(fitted.curve)} if protocol.common_epoch else {},
        parameters=parameters,
        fitted=fitted,
        device=device,
    )


def dataset_for(spec: DataSpec) -> NodeDataset | GraphDataset:
    """Returns the dataset of a data spec, read once a process however many seeds train on it."""
    key = json.dumps(
        {"options": dict(spec.options)} | {name: getattr(spec, name) for name in _PREPARATION}, sort_keys=True
    )
    return _dataset(spec.name, key)


def _with_inputs(dataset: NodeDataset | GraphDataset, spec: RunSpec) -> NodeDataset | GraphDataset:
    if spec.data.inputs == "features":
        return dataset
    if isinstance(dataset, GraphDataset):
        raise ConfigError(f"graphs of {dataset.name} are read by their features; set data.inputs = features")
    made = node_inputs(spec, dataset.raw.x, dataset.num_nodes, lambda: simple_adjacency(dataset))
    return dataset if made is None else dataset.with_features(made)


def part_score(model: NodeModel, feed: Feed, part: Part, metric: str) -> float:
    """Returns `metric` over one part of the split, the model in evaluation mode.

    Example:
        >>> from graphkit.data.load import load_dataset
        >>> from graphkit.encoders.gcn import GCN
        >>> from graphkit.heads.node import NodeHead
        >>> from graphkit.training import FullGraphFeed
        >>> karate = load_dataset("karate")
        >>> feed = FullGraphFeed(karate, karate.split(), torch.device("cpu"))
        >>> 0 <= part_score(NodeModel(GCN(34, 2), NodeHead(2, 2)), feed, "test", "accuracy") <= 1
        True
    """
    scores, targets = scores_of(model, feed, part)
    return evaluation.evaluate(metric, model.head.scores(scores.float()), targets.cpu().numpy())


@functools.lru_cache(maxsize=4)
def _dataset(name: str, preparation: str) -> NodeDataset | GraphDataset:
    dataset = load_dataset(name, **json.loads(preparation))
    if not isinstance(dataset, NodeDataset | GraphDataset):
        raise ConfigError(f"dataset {name} is a {dataset.card.task} task, without labelled nodes or graphs")
    return dataset
