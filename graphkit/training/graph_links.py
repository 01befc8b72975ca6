"""One benchmark cell of links inside many graphs: an encoder of whole graphs, a pair head, ranks among their nodes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from graphkit.config import RunSpec
from graphkit.data.graph_links import GraphLinkDataset
from graphkit.data.load import load_dataset
from graphkit.errors import ConfigError
from graphkit.evaluation import PROTOCOLS, Protocol, RankingResult, Result
from graphkit.evaluation.inside import FILTERINGS, Filtering, ranks_inside
from graphkit.evaluation.rank_metrics import rank_metric
from graphkit.evaluation.ranking import Ties
from graphkit.kernels.ragged import owners, ranges
from graphkit.seeds import SeedStreams
from graphkit.training.build import GraphLinkModel, build_graph_link_model
from graphkit.training.checkpoint import CheckpointFile
from graphkit.training.graph_link_feed import GraphLinkBatch, GraphLinkFeed
from graphkit.training.loop import Event, Look, fit
from graphkit.training.pair_values import PARTS, RANKS, Part, save_ranks
from graphkit.training.record import record_of
from graphkit.training.session import announce, determinism, device_of, save_weights, training_of
from graphkit.training.structures import structure_of

EVAL_PAIRS = 1 << 16
"""Pairs scored at a time when nothing is trained."""
Array = NDArray[Any]


def train_graph_links(
    spec: RunSpec,
    folder: Path | None = None,
    *,
    model_name: str = "",
    on_event: Callable[[Event], None] = lambda event: None,
) -> Result:
    """Trains an encoder and a pair head on links inside graphs; arguments, result and errors as in `training.run_cell`.

    The loss is binary cross entropy of links and drawn negatives. The number is the mean over graphs of the mean over
    their links, ranked as the protocol's `filtering` says; `evaluation` of the record holds it under all three.
    """
    device = device_of(spec.train.device)
    dataset = load_dataset(spec.data.name, options=spec.data.options)
    if not isinstance(dataset, GraphLinkDataset):
        raise ConfigError(f"dataset {spec.data.name} is a {dataset.card.task} task, without links inside graphs")
    protocol = PROTOCOLS[spec.protocol or dataset.card.protocols[0]]
    metric = protocol.metric_for(dataset.card.metric)
    index = protocol.split_index(spec.seed) if spec.data.split is None else spec.data.split
    split = dataset.split(protocol.id, index)
    streams = SeedStreams(spec.seed)
    train = training_of(spec)
    with determinism(train):
        model = build_graph_link_model(spec, dataset, streams).to(device)
        parameters = announce(model, train, on_event)
        structure = structure_of(dataset, model.encoder.requires, spec.data.budget_mb)
        feed = GraphLinkFeed(dataset, split, spec, streams, device, structure)
        torch.manual_seed(streams.integer("dropout"))
        checkpoint = CheckpointFile(folder / "last.ckpt") if folder else None
        fitted = fit(
            model,
            feed,
            train,
            metric=metric,
            step=graph_link_step,
            look=graph_link_look(protocol),
            checkpoint=checkpoint,
            on_event=on_event,
        )
        rows = {part: candidate_scores(model, feed.eval_batches(part)) for part in PARTS}
    ranked: dict[Part, RankingResult] = {part: rows[part].ranked(metric, protocol) for part in PARTS}
    if folder:
        save_weights(model, folder / "best.safetensors")
        save_ranks(folder / RANKS, {part: ranked[part].ranks for part in PARTS})
    valid, test = ranked["valid"].value, ranked["test"].value
    on_event({"event": "tested", "test": test, "valid": valid, "best_epoch": fitted.best_epoch})
    under = {name: rows["test"].ranked(metric, replace(protocol, filtering=name)).value for name in FILTERINGS}
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
        evaluation={
            "ties": protocol.ties_for(metric),
            "filtering": protocol.filtering,
            "under_filtering": under,
            "links": {part: len(rows[part].row) for part in PARTS},
        },
        parameters=parameters,
        fitted=fitted,
        device=device,
    )


@dataclass(frozen=True)
class CandidateScores:
    """Scores of all nodes of its graph for every source of a link; arguments as in `evaluation.inside.ranks_inside`.

    Args:
        scores: [S], one row a source; offsets [U + 1], row [L], target [L] and own [U] as there.
        graph: [L] number of every link's graph.
    """

    scores: Array
    offsets: Array
    row: Array
    target: Array
    own: Array
    graph: Array

    def ranked(self, metric: str, protocol: Protocol) -> RankingResult:
        """Returns the ranks of all links, and the metric as the mean over graphs of the mean over their links.

        Raises:
            NonFiniteScores: a score is NaN or infinite.
            ConfigError: the protocol does not say which candidates are left.
        """
        if not protocol.filtering:
            raise ConfigError(f"protocol {protocol.id} does not say what links inside graphs are ranked among")
        ties: Ties = protocol.ties_for(metric)  # type: ignore[assignment]
        filtering: Filtering = protocol.filtering
        ranks = ranks_inside(self.scores, self.offsets, self.row, self.target, self.own, filtering, ties)
        return RankingResult(metric, ties, ranks, rank_metric(metric).per_row(ranks), self.graph)

    def loss(self) -> float:
        """Returns the binary cross entropy of links plus that of all pairs without one."""
        linked = np.zeros(len(self.scores), dtype=bool)
        linked[self.offsets[self.row] + self.target] = True
        signed = np.where(linked, -self.scores, self.scores)
        losses = np.logaddexp(0.0, signed)
        return float(losses[linked].mean() + losses[~linked].mean())


@torch.no_grad()
def candidate_scores(model: GraphLinkModel, batches: Iterable[GraphLinkBatch]) -> CandidateScores:
    """Scores every node of its graph for every source of a link, the model in evaluation mode.

    Example:
        >>> from graphkit.data import load_dataset
        >>> far = load_dataset("far-links", options={"graphs": 10})
        >>> spec = RunSpec().with_overrides(["data.name=far-links", "encoder.name=gcn", "head.name=dot"])
        >>> model = build_graph_link_model(spec, far, SeedStreams(0))
        >>> feed = GraphLinkFeed(far, far.split(), spec, SeedStreams(0), torch.device("cpu"))
        >>> len(candidate_scores(model, feed.eval_batches("test")).own)
        48
    """
    model.eval()
    scores, sizes, rows, targets, own, graphs = [], [], [], [], [], []
    before = graphs_before = 0
    for batch in batches:
        states, ptr = batch.states(model), batch.ptr
        source, row = torch.unique(batch.pairs[0], return_inverse=True)
        graph = owners(ptr, len(states))[source]
        candidate, begin = ranges(ptr, graph)
        pairs = torch.stack([source.repeat_interleave(begin.diff(), output_size=len(candidate)), candidate])
        found = [model.pair_scores(states, batch.graph, part) for part in pairs.split(EVAL_PAIRS, dim=1)]
        scores.append(torch.cat(found).double())
        sizes.append(begin.diff())
        rows.append(row + before)
        targets.append(batch.pairs[1] - ptr[graph[row]])
        own.append(source - ptr[graph])
        graphs.append(graph[row] + graphs_before)
        before, graphs_before = before + len(source), graphs_before + len(ptr) - 1
    whole = [torch.cat(parts).cpu().numpy() for parts in (scores, sizes, rows, targets, own, graphs)]
    return CandidateScores(whole[0], np.append(0, np.cumsum(whole[1])), *whole[2:])


def graph_link_step(model: GraphLinkModel, batch: GraphLinkBatch) -> tuple[Tensor, int]:
    """Returns the binary cross entropy of a batch's links and negatives, and their number."""
    return functional.binary_cross_entropy_with_logits(model(batch), batch.y), len(batch.y)


def graph_link_look(protocol: Protocol) -> Look:
    """Returns the function that gives metric and loss on the validation links."""

    def look(model: GraphLinkModel, feed: GraphLinkFeed, metric: str) -> tuple[float, float]:
        found = candidate_scores(model, feed.eval_batches("valid"))
        return found.ranked(metric, protocol).value, found.loss()

    return look
