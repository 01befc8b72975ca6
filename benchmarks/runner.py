"""What the harness costs: GAT on Cora through `graphkit bench run` against the same training written by hand.

Both run the same seeds for the same number of epochs, whole processes, imports and data loading included. The side
written by hand uses our layer, keeps the best weights and prints a mean; the harness also checkpoints every epoch,
logs, hashes and records.

"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator

from benchmarks.measure import OURS, Options, Row, alternate

THREADS = 2
BY_HAND = """
import copy, sys
import torch
from torch.nn import functional
from graphkit import load_dataset
from graphkit.encoders.gat import GAT
from graphkit.kernels import SparseFeatures, as_graph

dataset = load_dataset("cora", features="row")
data, split = dataset.data, dataset.split("planetoid-public")
x, graph = SparseFeatures.from_dense(data.x), as_graph(data.edge_index, data.num_nodes)
train, valid, test = (torch.tensor(part) for part in (split.train, split.valid, split.test))
scores = []
for seed in range(int(sys.argv[1])):
    torch.manual_seed(seed)
    model = GAT(dataset.num_features, dataset.num_outputs)
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3, weight_decay=5e-4)
    best, best_weights = -1.0, None
    for epoch in range(int(sys.argv[2])):
        model.train()
        optimizer.zero_grad()
        functional.cross_entropy(model(x, graph)[train], data.y[train]).backward()
        optimizer.step()
        model.eval()
        with torch.no_grad():
            out = model(x, graph)
            accuracy = (out[valid].argmax(-1) == data.y[valid]).float().mean().item()
            loss = functional.cross_entropy(out[valid], data.y[valid]).item()
        if accuracy > best:
            best, best_weights = accuracy, copy.deepcopy(model.state_dict())
    model.load_state_dict(best_weights)
    model.eval()
    with torch.no_grad():
        scores.append((model(x, graph)[test].argmax(-1) == data.y[test]).float().mean().item())
print(sum(scores) / len(scores))
"""


def process(*command: str) -> None:
    subprocess.run([sys.executable, *command], check=True, capture_output=True)


def rows(options: Options) -> Iterator[Row]:
    seeds, epochs = options.few(20, 1), options.few(300, 3)
    process("-c", BY_HAND, "1", "2")  # compiles the kernels and reads the dataset
    settings = [f"train.epochs={epochs}", "train.stop=never", "train.select=valid-metric"]
    words = [word for setting in settings for word in ("--set", setting)]

    def bench() -> None:
        with tempfile.TemporaryDirectory() as folder:
            run = ["bench", "run", "-d", "cora", "-m", "gat", "-n", str(seeds), "-o", folder, "--json"]
            process("-m", "graphkit", *run, *words)

    sides = {OURS: bench, "by hand": lambda: process("-c", BY_HAND, str(seeds), str(epochs))}
    times = alternate(sides, 1, warm=0, clock=time.perf_counter)
    yield Row(f"{seeds} seeds of {epochs} epochs, whole processes", times, bars={"by hand": 1 / 1.3})
