"""What the harness costs: GAT on Cora through `graphkit bench run` against the same training written by hand.

Both run the same seeds for the same number of epochs, whole processes, imports and data loading included. The side
written by hand uses our layer, keeps the best weights and prints a mean; the harness also checkpoints every epoch,
logs, hashes and records.

    python benchmarks/harness.py [--seeds 20] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

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


def seconds(command: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--epochs", type=int, default=300)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    by_hand = [sys.executable, "-c", BY_HAND, str(args.seeds), str(args.epochs)]
    settings = [f"train.epochs={args.epochs}", "train.stop=never", "train.select=valid-metric"]
    seconds([sys.executable, "-c", BY_HAND, "1", "2"])  # compiles the kernels and reads the dataset
    with tempfile.TemporaryDirectory() as folder:
        harness = [sys.executable, "-m", "graphkit.cli.main", "bench", "run", "-d", "cora", "-m", "gat"]
        harness += ["-n", str(args.seeds), "-o", folder, "--json"]
        for setting in settings:
            harness += ["--set", setting]
        ours, hand = seconds(harness), seconds(by_hand)
    ratio = ours / hand
    print(f"{args.seeds} seeds x {args.epochs} epochs: by hand {hand:.1f} s, bench run {ours:.1f} s, ratio {ratio:.2f}")
    if args.json:
        result = {"seeds": args.seeds, "epochs": args.epochs, "hand_seconds": hand, "bench_seconds": ours}
        args.json.write_text(json.dumps(result | {"ratio": ratio}, indent=2) + "\n")


if __name__ == "__main__":
    main()
