"""Paths a second, and a training epoch of PathNN, beside what is written without them, in one run.

    python benchmarks/paths.py                     # ENZYMES and NCI1; a few minutes
    python benchmarks/paths.py --rounds 3 --json out.json

Enumeration: our two passes, and a loop over networkx's `all_simple_paths`, in paths a second. Training: one epoch of
PathNN on ENZYMES (width 64, batches of 32), and the same network as the authors wrote it: every path a row of a
sequence, embedded, and read by `torch.nn.LSTM`. Sides run in alternation and are timed in processor seconds.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import networkx as nx
import torch
from torch import Tensor
from torch_geometric.utils import to_networkx

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


def enumeration(name: str, length: int, rounds: int) -> dict[str, Any]:
    dataset = load_dataset(name)
    graph = CSRGraph.from_edge_index(dataset.data.edge_index, dataset.num_nodes)
    rows = int(count_paths(graph, length).sum())
    enumerate_paths(graph, length)
    ours = min(spent(lambda: enumerate_paths(graph, length)) for _ in range(rounds))
    wall = time.perf_counter()
    enumerate_paths(graph, length)
    wall = time.perf_counter() - wall
    listed = 0
    start = time.process_time()
    for index in range(0, dataset.num_graphs, max(1, dataset.num_graphs // 20)):
        single = to_networkx(dataset.graph(index), to_undirected=True)
        for source in single:
            for target in single:
                if source != target:
                    listed += sum(1 for _ in islice(nx.all_simple_paths(single, source, target, length), 10**6))
    theirs = (time.process_time() - start) / max(1, listed)
    return {
        "dataset": name,
        "length": length,
        "paths": rows,
        "million_paths_per_processor_second": round(rows / ours / 1e6, 1),
        "million_paths_per_second": round(rows / wall / 1e6, 1),
        "ratio_to_networkx": round(theirs * rows / ours),
    }


def training(kind: str, length: int, rounds: int) -> dict[str, Any]:
    dataset = load_dataset("enzymes")
    split, best, prepared = dataset.split(), {}, {}
    sides = {}
    for name, encoder in (("graphkit", PathNN), ("row_by_row", RowByRow)):
        torch.manual_seed(0)
        options = {"kind": kind, "length": length, "hidden_channels": 64, "distances": kind == "ap"}
        model = GraphModel(encoder(dataset.num_features, 64, **options), GraphHead(64, 6)).train()
        (requirement,) = model.encoder.requires
        prepared[name] = min(
            spent(lambda requirement=requirement: requirement.compute(Graphs.of(dataset.data))) for _ in range(2)
        )
        structure = requirement.compute(Graphs.of(dataset.data))
        feed = ManyGraphsFeed(dataset, split, torch.device("cpu"), 32, 0, structure)
        sides[name] = (model, feed, torch.optim.Adam(model.parameters(), lr=1e-3))
    losses = {}

    def epoch(name: str, number: int) -> None:
        model, feed, optimizer = sides[name]
        for batch in feed.train_batches(number):
            optimizer.zero_grad()
            loss = model.head.loss(batch.scores(model), batch.y)
            loss.backward()
            optimizer.step()
            losses.setdefault((name, number), loss.item())

    for number in range(rounds):
        for name in sides:
            taken = spent(lambda name=name, number=number: epoch(name, number))
            best[name] = min(best.get(name, taken), taken)
    assert abs(losses["graphkit", 0] - losses["row_by_row", 0]) < 1e-4, "the sides are not the same network"
    return {
        "kind": kind,
        "length": length,
        "epoch_processor_seconds": {name: round(value, 3) for name, value in best.items()},
        "prepare_processor_seconds": round(prepared["graphkit"], 3),
        "ratio": round(best["row_by_row"] / best["graphkit"], 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    listed = [enumeration(name, 4, args.rounds) for name in ("enzymes", "nci1")]
    for found in listed:
        print(found, flush=True)
    trained = []
    for kind, length in (("sp", 2), ("sp", 3), ("ap", 2), ("ap", 3)):
        trained.append(training(kind, length, args.rounds))
        print(trained[-1], flush=True)
    if args.json:
        machine = {"machine": platform.machine(), "torch": torch.__version__, "threads": args.threads}
        args.json.write_text(json.dumps({**machine, "enumeration": listed, "training": trained}, indent=2) + "\n")


if __name__ == "__main__":
    main()
