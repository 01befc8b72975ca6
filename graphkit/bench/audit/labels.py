"""Audits of encoders of nodes and of graphs: order, memory, batches, labels, gradients."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Iterator
from typing import Literal

import numpy as np
import torch
from torch_geometric.data import Data

from graphkit.bench.audit.checks import Array, Check, common_checks, gradient_check, moved, skipped
from graphkit.config import RunSpec, TrainSpec
from graphkit.data.dataset import NodeDataset
from graphkit.data.graphs import GraphDataset
from graphkit.data.splits import Split
from graphkit.evaluation import PROTOCOLS
from graphkit.kernels import as_graph
from graphkit.sampling import GraphBatches
from graphkit.seeds import SeedStreams
from graphkit.training.build import NodeModel, build_model
from graphkit.training.feeds import make_feed, scores_of
from graphkit.training.loop import fit, node_step
from graphkit.transforms.structures import attach

Dataset = NodeDataset | GraphDataset
GRAPHS = 8
"""Graphs of a dataset of many that questions are about."""
EPOCHS = 3
"""Epochs of the two trainings that `test-labels` compares."""
_INPUTS = ("x", "edge_index", "edge_attr", "y", "node_id")


def audit_labels(spec: RunSpec, dataset: Dataset, index: int) -> Iterator[Check]:
    """Yields the verdict of every guard for an encoder on labelled nodes or graphs.

    Args:
        spec: the model's settings on the dataset.
        dataset: nodes or graphs with labels.
        index: the split whose labels are changed.
    """
    split = dataset.split(spec.protocol, index)
    whole = _question(dataset, split)
    random = np.random.default_rng(spec.seed)

    def build() -> NodeModel:
        return build_model(spec, dataset, SeedStreams(spec.seed))

    stochastic = bool(getattr(build().encoder, "stochastic", False))
    order = _order(whole, random)
    turned = _permuted(whole, order, random)
    if stochastic:
        why = "the encoder says that it is random at evaluation"
        yield from (skipped(guard, why) for guard in ("repeat", "same-seed", "memory", "permutation", "batch"))
    else:
        yield from common_checks(build, _ask, whole, _thinned(turned, random))
        plain = _ask(build(), whole)
        due = plain if isinstance(dataset, GraphDataset) else plain[order]
        yield moved(
            "permutation",
            due,
            _ask(build(), turned),
            "the encoder reads the order of nodes or edges: positions of rows carry no meaning",
        )
        yield _batch_check(build(), whole, plain, dataset)
    model = build().train()
    streams = SeedStreams(spec.seed)
    feed = make_feed(dataset, split, spec.data, streams, torch.device("cpu"), model.encoder.requires)
    gradient = gradient_check(model, node_step(model, next(iter(feed.train_batches(0))))[0])
    trained = gradient.passed is True
    yield _labels_check(spec, dataset, split) if trained else skipped("test-labels", "the model cannot be trained")
    yield gradient


def _question(dataset: Dataset, split: Split) -> Data:
    """Returns the one graph there is, or the first training graphs."""
    if "ptr" not in dataset.data:
        return dataset.data.clone()
    level: Literal["graph", "node"] = "graph" if isinstance(dataset, GraphDataset) else "node"
    ids = split.train if level == "graph" else np.unique(dataset.data.batch.numpy()[split.train])
    return next(iter(GraphBatches(dataset.data, np.sort(ids)[:GRAPHS], GRAPHS, level).epoch(None)))


@torch.no_grad()
def _ask(model: NodeModel, data: Data) -> Array:
    model = model.eval()
    whole = attach(data, model.encoder.requires)
    structure = {key: value for key, value in whole.to_dict().items() if key not in _INPUTS}
    graph = as_graph(whole.edge_index, int(whole.num_nodes or 0))
    return model(whole.x, graph, whole.get("edge_attr"), structure).double().numpy()


def _order(data: Data, random: np.random.Generator) -> Array:
    """Returns a permutation of nodes that leaves each in its graph."""
    ptr = data.ptr.tolist() if "ptr" in data else [0, int(data.num_nodes or 0)]
    return np.concatenate([a + random.permutation(b - a) for a, b in zip(ptr[:-1], ptr[1:], strict=True)])


def _permuted(data: Data, order: Array, random: np.random.Generator) -> Data:
    """Returns the graph with node `order[i]` as its node i, and its edges in another order."""
    nodes, place = torch.from_numpy(order), torch.empty(len(order), dtype=torch.int64)
    place[nodes] = torch.arange(len(order))
    found = data.clone()
    edges = torch.from_numpy(random.permutation(data.edge_index.shape[1]))
    for key, value in data.to_dict().items():
        if key == "edge_index":
            found.edge_index = place[value[:, edges]]
        elif key == "edge_attr":
            found.edge_attr = value[edges]
        elif key not in ("ptr", "batch", "y") and torch.is_tensor(value) and len(value) == len(order):
            found[key] = value[nodes]
    return found


def _thinned(data: Data, random: np.random.Generator) -> Data:
    """Returns the graph with every other edge, on average."""
    found = data.clone()
    kept = torch.from_numpy(random.random(data.edge_index.shape[1]) < 0.5)
    found.edge_index = data.edge_index[:, kept]
    if data.get("edge_attr") is not None:
        found.edge_attr = data.edge_attr[kept]
    return found


def _batch_check(model: NodeModel, whole: Data, answer: Array, dataset: Dataset) -> Check:
    if "ptr" not in whole:
        return skipped("batch", "one graph is one batch: nodes may look at each other")
    level: Literal["graph", "node"] = "graph" if isinstance(dataset, GraphDataset) else "node"
    blocks = GraphBatches(whole, range(len(whole.ptr) - 1), 1, level).epoch(None)
    alone = [_ask(model, block) for block in blocks]
    mend = "a graph's score depends on the others in its batch, which are test graphs in an evaluation"
    return moved("batch", answer, np.concatenate(alone), mend)


def _labels_check(spec: RunSpec, dataset: Dataset, split: Split) -> Check:
    """Trains twice from one seed, once with the labels outside of training in another order."""
    rest = np.concatenate([split.valid, split.test])
    y = np.array(dataset.raw.y)
    y[rest] = y[np.roll(rest, max(1, len(rest) // 3))]
    if np.array_equal(y, dataset.raw.y, equal_nan=y.dtype.kind == "f"):
        return skipped("test-labels", "all validation and test labels are the same")
    other = copy.copy(dataset)
    other.__dict__.pop("data", None)
    other.raw = dataclasses.replace(dataset.raw, y=y)
    plain, changed = (_trained_scores(spec, one, split) for one in (dataset, other))
    return moved(
        "test-labels", plain, changed, "training looked at labels of validation or test: it may read those of `train`"
    )


def _trained_scores(spec: RunSpec, dataset: Dataset, split: Split) -> Array:
    streams = SeedStreams(spec.seed)
    model = build_model(spec, dataset, streams)
    feed = make_feed(dataset, split, spec.data, streams, torch.device("cpu"), model.encoder.requires)
    torch.manual_seed(streams.integer("dropout"))
    metric = PROTOCOLS[spec.protocol].metric_for(dataset.card.metric)
    plain = TrainSpec(epochs=EPOCHS, lr=spec.train.lr, select="last", eval_every=EPOCHS)
    fit(model, feed, plain, metric=metric)
    torch.manual_seed(streams.integer("dropout"))
    return scores_of(model, feed, "test")[0].double().numpy()
