"""Batches of whole graphs a second: slices of one flat dataset beside PyG's `DataLoader` and `Batch`, in one run.


Both sides serve the same graphs in a new random order with x, edge_index, edge_attr, y, batch and ptr. Sides run in
alternation on one thread, timed in processor seconds, so that whatever else the machine does counts less. PyG's side
holds its graphs as a list of `Data` in memory, its fastest form. The datasets need their published files.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Iterator

import torch
from torch_geometric.loader import DataLoader

from benchmarks.measure import OURS, Options, Row, alternate
from graphkit import load_dataset
from graphkit.sampling import GraphBatches


def serve(name: str, batch_size: int, rounds: int, most: int) -> Row:
    dataset = load_dataset(name)
    count = min(dataset.num_graphs, most)
    graphs = [dataset.graph(index) for index in range(count)]
    loader = DataLoader(graphs, batch_size=batch_size, shuffle=True)
    ours = GraphBatches(dataset.data, range(count), batch_size, level="graph")
    theirs = next(iter(DataLoader(graphs[:batch_size], batch_size=batch_size)))
    mine = next(iter(GraphBatches(dataset.data, range(count), batch_size, level="graph").epoch()))
    for key in ("x", "edge_index", "y", "batch", "ptr", *(["edge_attr"] if "edge_attr" in theirs else [])):
        assert torch.equal(mine[key], theirs[key]), key
    epochs = itertools.count()
    sides = {OURS: lambda: deque(ours.epoch(next(epochs)), 0), "PyG": lambda: deque(loader, 0)}
    rates = {side: count / seconds for side, seconds in alternate(sides, rounds, warm=0).items()}
    return Row(f"{name}, {count} graphs, batches of {batch_size}", rates, "graphs/s", more=True)


def rows(options: Options) -> Iterator[Row]:
    for name in ("nci1", "ogbg-molhiv")[: options.few(2, 1)]:
        for batch_size in (32, 128):
            yield serve(name, batch_size, options.rounds, options.few(20_000, 500))
