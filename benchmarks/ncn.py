"""Neural Common Neighbor: an epoch on Cora beside the published scheme, and the memory of a step on ogbl-ddi.


The other side trains the same network on the same batches as the authors' code computes it: a dense input layer, the
sparse matrix of every batch built and sorted anew without the batch's links, common neighbours by packing rows into
64-bit numbers that are searched in each other. Sides alternate; processor seconds of one thread, minima.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import torch
from torch import Tensor
from torch.nn import functional

from benchmarks.measure import OURS, Options, Row, alternate, fresh, resident_peak
from graphkit.bench.matrix import plan
from graphkit.config import RunSpec
from graphkit.kernels import SparseFeatures
from graphkit.seeds import SeedStreams
from graphkit.training.link_feed import LinkBatch, LinkFeed
from graphkit.training.link_model import LinkModel, build_link_model, link_loss
from graphkit.training.optimise import make_optimizer
from graphkit.training.scoring import loaded


def prepared(dataset: str, *overrides: str) -> tuple[RunSpec, LinkModel, LinkFeed]:
    """The published model and batches of a dataset."""
    (job,) = plan([dataset], ["ncn"], [0], protocol="ncn-70-10-20" if dataset == "cora" else "", overrides=overrides)
    data, streams = loaded(job.spec), SeedStreams(0)
    feed = LinkFeed(data, data.split(job.spec.protocol), job.spec, streams, torch.device("cpu"))
    return job.spec, build_link_model(job.spec, data, streams), feed


def stepper(model: LinkModel, spec: RunSpec, scores: Callable[[LinkBatch], Tensor]) -> Callable[[LinkBatch], None]:
    """One step of training on a batch."""
    optimizer = make_optimizer(model, spec.train)

    def step(batch: LinkBatch) -> None:
        optimizer.zero_grad(set_to_none=True)
        link_loss(scores(batch), batch.y).backward()
        optimizer.step()

    return step


def matrix(row: Tensor, col: Tensor, shape: tuple[int, int]) -> Tensor:
    """A sparse matrix of ones, sorted from an edge list."""
    order = (row * shape[1] + col).argsort()
    rowptr = torch.zeros(shape[0] + 1, dtype=torch.int64)
    rowptr[1:] = torch.bincount(row, minlength=shape[0]).cumsum(0)
    return torch.sparse_csr_tensor(rowptr, col[order], torch.ones(len(col)), shape)


def published(model: LinkModel, feed: LinkFeed, x: Tensor) -> Callable[[LinkBatch], Tensor]:
    """Scores of a batch, computed as by the authors' code."""
    nodes, encoder, head = feed.num_nodes, model.encoder, model.head
    edges = feed.graph.edge_index()
    keys = edges.min(0).values * nodes + edges.max(0).values

    def listed(adjacency: Tensor, ends: Tensor) -> Tensor:
        rowptr, col = adjacency.crow_indices(), adjacency.col_indices()
        sizes = rowptr[ends + 1] - rowptr[ends]
        pair = torch.repeat_interleave(torch.arange(len(ends)), sizes)
        slot = torch.arange(int(sizes.sum())) - (sizes.cumsum(0) - sizes)[pair] + rowptr[ends][pair]
        return (pair << 32) | col[slot]

    def scores(batch: LinkBatch) -> Tensor:
        asked = batch.pairs[:, batch.y == 1]
        kept = edges[:, ~torch.isin(keys, asked.min(0).values * nodes + asked.max(0).values)]
        adjacency = matrix(kept[1], kept[0], (nodes, nodes))
        states = functional.linear(functional.dropout(x, encoder.input_dropout), encoder.input.weight)
        states = functional.dropout(states + encoder.input.bias, encoder.dropout)
        scale = (1.0 + adjacency.crow_indices().diff()).rsqrt().unsqueeze(-1)
        states = scale * (adjacency @ (scale * states) + scale * states)
        states = encoder.jump * functional.dropout(states, encoder.tail_dropout)
        seen = kept[:, torch.rand(kept.size(1)) >= head.edge_dropout]
        overlap = matrix(seen[1], seen[0], (nodes, nodes))
        one, two = listed(overlap, batch.pairs[0]), listed(overlap, batch.pairs[1])
        both = two[one[torch.searchsorted(one, two).clamp_(max=len(one) - 1)] == two]
        common = matrix(both >> 32, both & 0xFFFFFFFF, (batch.pairs.size(1), nodes)) @ head.transformed(states)
        return head.combine(common, states[batch.pairs[0]] * states[batch.pairs[1]])

    return scores


def epoch(rounds: int) -> Row:
    spec, model, feed = prepared("cora")
    _, other, _ = prepared("cora")
    x = feed.x.dense() if isinstance(feed.x, SparseFeatures) else feed.x
    model.eval(), other.eval()
    batch = next(feed.train_batches(0))
    quiet = published(other, feed, x)
    with torch.no_grad():  # without dropout both sides compute the same numbers
        rates = other.encoder.input_dropout, other.encoder.dropout, other.encoder.tail_dropout, other.head.edge_dropout
        other.encoder.input_dropout = other.encoder.dropout = other.encoder.tail_dropout = other.head.edge_dropout = 0.0
        torch.testing.assert_close(quiet(batch), model(batch), rtol=1e-4, atol=1e-4)
        (other.encoder.input_dropout, other.encoder.dropout) = rates[:2]
        (other.encoder.tail_dropout, other.head.edge_dropout) = rates[2:]
    model.train(), other.train()
    steps = {OURS: stepper(model, spec, model), "published scheme": stepper(other, spec, quiet)}
    numbers = {name: itertools.count() for name in steps}

    def whole(name: str) -> None:
        for batch in feed.train_batches(next(numbers[name])):
            steps[name](batch)

    sides = {name: lambda name=name: whole(name) for name in steps}
    return Row("an epoch of NCN on Cora", alternate(sides, rounds), bars={"": 0.56})


def one_step() -> None:
    torch.set_num_threads(1)
    spec, model, feed = prepared("ogbl-ddi", "encoder.options.hidden_channels=256", "data.input_channels=256")
    stepper(model.train(), spec, model)(next(feed.train_batches(0)))
    print(resident_peak())


def rows(options: Options) -> Iterator[Row]:
    yield epoch(options.rounds)
    if not options.quick:
        peak = fresh("ncn", "one_step()")
        yield Row("a step of NCN on ogbl-ddi, width 256, peak of the process", {OURS: peak}, "MiB", bars={"": 6000})
