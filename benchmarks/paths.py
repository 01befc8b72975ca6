"""Paths a second, and a training epoch of PathNN, beside what is written without them, in one run.

Enumeration: our two passes, and a loop over networkx's `all_simple_paths`, in paths a second. Training: one epoch of
PathNN (width 64, batches of 32), and the same network as the authors wrote it: every path a row of a sequence,
embedded, and read by `torch.nn.LSTM`. Nodes of ENZYMES have measured features and all differ; those of PROTEINS and
NCI1 are labels, so that rows are shared. Sides run in alternation and are timed in processor seconds.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import networkx as nx
import torch
from torch import Tensor
from torch_geometric.utils import to_networkx

from benchmarks.measure import OURS, Options, Row, alternate
from graphkit import load_dataset
from graphkit.encoders.path import PathNN
from graphkit.heads.graph import GraphHead
from graphkit.kernels import CSRGraph
from graphkit.kernels.paths import count_paths, enumerate_paths
from graphkit.training.build import GraphModel
from graphkit.training.feeds import ManyGraphsFeed
from graphkit.transforms.structures import Graphs, Requirement


class RowByRow(PathNN):
    """PathNN with one LSTM sequence a path, its input projected token by token."""

    @property
    def requires(self) -> tuple[Requirement, ...]:
        options = {"kind": self.kind, "length": self.length, "distances": self.distances}
        return (Requirement("path-rows", options),)

    def encode(self, x: Any, graph: Any, edge_attr: Any, structure: Any = None) -> Tensor:
        states = self.start(x)
        for k, (norm, update) in enumerate(zip(self.norms, self.updates, strict=True), start=1):
            rows = structure[f"path_{k}_nodes"].long()
            tokens = states[rows.flip(1)]
            if self.distance is not None:
                far = self.distance(structure[f"path_{k}_distances"].long().flip(1))
                tokens = torch.cat([tokens, far], dim=-1)
            read, _ = self.lstm(tokens.transpose(0, 1))
            summed = torch.zeros_like(states).index_add(0, rows[:, 0], read[-1])
            states = update(norm(states + summed))
        return states


def spent(call: Callable[[], object]) -> float:
    start = time.process_time()
    call()
    return time.process_time() - start


def enumeration(name: str, length: int, options: Options) -> Row:
    dataset = load_dataset(name)
    graph = CSRGraph.from_edge_index(dataset.data.edge_index, dataset.num_nodes)
    paths = int(count_paths(graph, length).sum())
    ours = alternate({OURS: lambda: enumerate_paths(graph, length)}, options.rounds)[OURS]
    listed = 0
    start = time.process_time()
    for index in range(0, dataset.num_graphs, max(1, dataset.num_graphs // options.few(20, 2))):
        single = to_networkx(dataset.graph(index), to_undirected=True)
        for source in single:
            for target in single:
                if source != target:
                    listed += sum(1 for _ in islice(nx.all_simple_paths(single, source, target, length), 10**6))
    rates = {OURS: paths / ours / 1e6, "networkx": listed / (time.process_time() - start) / 1e6}
    case = f"{name}, simple paths of up to {length} edges"
    return Row(case, rates, "M paths/s", True, {"": 10.0, "networkx": 1000.0}, f"{paths:,} paths")


def training(name: str, kind: str, length: int, rounds: int) -> Row:
    dataset = load_dataset(name)
    split, prepared, sides = dataset.split(), {}, {}
    for side, encoder in ((OURS, PathNN), ("row by row", RowByRow)):
        torch.manual_seed(0)
        options = {"kind": kind, "length": length, "hidden_channels": 64, "distances": kind == "ap"}
        model = GraphModel(
            encoder(dataset.num_features, 64, **options), GraphHead(64, int(dataset.data.y.max()) + 1)
        ).train()
        (requirement,) = model.encoder.requires
        prepared[side] = min(
            spent(lambda requirement=requirement: requirement.compute(Graphs.of(dataset.data))) for _ in range(2)
        )
        structure = requirement.compute(Graphs.of(dataset.data))
        feed = ManyGraphsFeed(dataset, split, torch.device("cpu"), 32, 0, structure)
        sides[side] = (model, feed, torch.optim.Adam(model.parameters(), lr=1e-3))
    losses: dict[tuple[str, int], float] = {}

    def epoch(side: str, number: int) -> None:
        model, feed, optimizer = sides[side]
        for batch in feed.train_batches(number):
            optimizer.zero_grad()
            loss = model.head.loss(batch.scores(model), batch.y)
            loss.backward()
            optimizer.step()
            losses.setdefault((side, number), loss.item())

    numbers = {side: itertools.count() for side in sides}
    calls = {side: lambda side=side: epoch(side, next(numbers[side])) for side in sides}
    times = alternate(calls, rounds, warm=0)
    assert abs(losses[OURS, 0] - losses["row by row", 0]) < 1e-4, "the sides are not the same network"
    case = f"an epoch of PathNN on {name.upper()}, {kind}, K = {length}"
    return Row(case, times, bars={"row by row": 3.0}, note=f"tree of all graphs: {prepared[OURS]:.3f} s, once")


def rows(options: Options) -> Iterator[Row]:
    for name in ("enzymes", "nci1")[: options.few(2, 1)]:
        yield enumeration(name, options.few(4, 2), options)
    for kind, length in (("sp", 2), ("sp", 3), ("ap", 2), ("ap", 3))[: options.few(4, 1)]:
        yield training("enzymes", kind, length, min(3, options.rounds))
    for name, length in (("proteins", 1), ("nci1", 3))[: options.few(2, 1)]:
        yield training(name, "sp", length, min(2, options.rounds))
