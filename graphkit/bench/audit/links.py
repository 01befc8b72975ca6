"""Audits of encoders that predict links: the asked link among the messages, order, memory, gradients."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from graphkit.bench.audit.checks import TOLERANCE, Array, Check, common_checks, gradient_check, moved, of_finding
from graphkit.config import RunSpec
from graphkit.data.links import LinkDataset, LinkSplit
from graphkit.evaluation.probes import candidate_order, target_edges
from graphkit.kernels import CSRGraph, SparseFeatures
from graphkit.kernels.subset import RemovableLinks
from graphkit.seeds import SeedStreams
from graphkit.training.link_feed import LinkBatch, LinkFeed
from graphkit.training.link_model import LinkModel, build_link_model
from graphkit.training.links import link_step

SOURCES, CANDIDATES = 8, 5
"""Validation links that are asked about, each with its true end among so many."""


@dataclass(frozen=True)
class _Question:
    x: Any
    rows: Tensor | None
    edges: Array
    pairs: Array


def audit_links(spec: RunSpec, dataset: LinkDataset, index: int) -> Iterator[Check]:
    """Yields the verdict of every guard for an encoder and a pair head on links.

    Args:
        spec: the model's settings on the dataset.
        dataset: a graph whose links are predicted.
        index: the split.
    """
    split, device = dataset.split(spec.protocol, index), torch.device("cpu")
    streams = SeedStreams(spec.seed)
    feed = LinkFeed(dataset, split, spec, streams, device)
    random = np.random.default_rng(spec.seed)
    nodes, undirected = dataset.num_nodes, dataset.raw.undirected

    def build() -> LinkModel:
        return build_link_model(spec, dataset, SeedStreams(spec.seed), num_edges=split.message.shape[1])

    model, src, candidates = build(), *_asked(split, nodes, random)
    pairs = np.stack([np.repeat(src, candidates.shape[1]), candidates.ravel()])
    plain = _Question(feed.x, model.rows, split.message, pairs)
    order = random.permutation(nodes)
    turned = _permuted(plain, order, random)
    thinned = _Question(turned.x, turned.rows, turned.edges[:, random.random(turned.edges.shape[1]) < 0.5], pairs)
    yield from common_checks(build, _ask, plain, thinned)
    mend = "the encoder reads the order of nodes or edges: positions of rows carry no meaning"
    yield moved("permutation", _ask(build(), plain), _ask(build(), turned), mend)

    def of_rows(src: Array, candidates: Array, t: Array) -> Array:
        asked = np.stack([np.repeat(src, candidates.shape[1]), candidates.ravel()])
        return _ask(model, _Question(feed.x, model.rows, split.message, asked)).reshape(candidates.shape)

    times = np.zeros(len(src))
    for finding in candidate_order(of_rows, src, candidates, times, seed=spec.seed, tolerance=TOLERANCE)[1:]:
        yield of_finding(finding)

    def in_training(edges: Array, pairs: Array) -> Array:
        graph, asked = _graph(edges, nodes), torch.from_numpy(pairs)
        seen = RemovableLinks(graph, undirected).without(asked) if spec.train.remove_targets else graph
        batch = LinkBatch(feed.x, seen, graph, asked, torch.zeros(pairs.shape[1]))
        with torch.no_grad():
            return model.eval()(batch).double().numpy()

    links = split.train[:, random.permutation(split.train.shape[1])[:64]]
    yield of_finding(target_edges(in_training, split.message, links, undirected=undirected, tolerance=TOLERANCE))
    trained = build().train()
    yield gradient_check(trained, link_step(trained, next(iter(feed.train_batches(0))))[0])


def _asked(split: LinkSplit, nodes: int, random: np.random.Generator) -> tuple[Array, Array]:
    """Returns sources [B] and candidates [B, K] of some validation links, the true end in any column."""
    links = split.valid[:, random.permutation(split.valid.shape[1])[:SOURCES]]
    candidates = random.integers(nodes, size=(links.shape[1], CANDIDATES))
    candidates[np.arange(len(candidates)), random.integers(CANDIDATES, size=len(candidates))] = links[1]
    return links[0], candidates


def _ask(model: LinkModel, asked: _Question) -> Array:
    nodes = int((asked.rows if asked.x is None else asked.x).shape[0])  # type: ignore[union-attr]
    if asked.rows is not None:
        model.rows = torch.nn.Parameter(asked.rows.detach())
    return model.scorer(asked.x, _graph(asked.edges, nodes))(asked.pairs)


def _graph(edges: Array, nodes: int) -> CSRGraph:
    edges = edges[:, np.lexsort((edges[0], edges[1]))] if edges.size else edges
    return CSRGraph.from_edge_index(torch.from_numpy(np.ascontiguousarray(edges)), nodes)


def _permuted(asked: _Question, order: Array, random: np.random.Generator) -> _Question:
    """Returns the same question with node `order[i]` as node i."""
    place, nodes = np.empty(len(order), dtype=np.int64), torch.from_numpy(order)
    place[order] = np.arange(len(order))
    x = asked.x.dense() if isinstance(asked.x, SparseFeatures) else asked.x
    rows = None if asked.rows is None else asked.rows.detach()[nodes]
    edges = place[asked.edges][:, random.permutation(asked.edges.shape[1])]
    return _Question(None if x is None else x[nodes], rows, edges, place[asked.pairs])
