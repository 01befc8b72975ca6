"""200 epochs of the published GAT on Cora, each with a validation pass: PyG's layers against ours, side by side.

Both train the same architecture (8 heads of 8, then 1; dropout 0.6; L2 5e-4) on the same split. PyG's example passes
the dense 1,433-column features; ours stores the 1 % that is set and fuses the attention.

    python benchmarks/cora_gat.py [--epochs 200] [--rounds 3] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import torch
from torch.nn import functional
from torch_geometric.nn import GATConv

from graphkit import NodeDataset, TrainSpec, fit, load_dataset
from graphkit.encoders.gat import GAT
from graphkit.heads.node import NodeHead
from graphkit.training import FullGraphFeed, NodeModel


class PyGExample(torch.nn.Module):
    def __init__(self, features: int, classes: int) -> None:
        super().__init__()
        self.first = GATConv(features, 8, heads=8, dropout=0.6)
        self.last = GATConv(64, classes, heads=1, concat=False, dropout=0.6)

    def forward(self, x: torch.Tensor, edge_index: torch.Tensor) -> torch.Tensor:
        x = functional.dropout(x, 0.6, self.training)
        x = functional.dropout(functional.elu(self.first(x, edge_index)), 0.6, self.training)
        return self.last(x, edge_index)


def pyg_seconds(dataset: NodeDataset, epochs: int) -> float:
    data, split = dataset.data, dataset.split("planetoid-public")
    train, valid = torch.tensor(split.train), torch.tensor(split.valid)
    model = PyGExample(dataset.num_features, dataset.num_outputs)
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3, weight_decay=5e-4)
    start = time.perf_counter()
    for _ in range(epochs):
        model.train()
        optimizer.zero_grad()
        functional.cross_entropy(model(data.x, data.edge_index)[train], data.y[train]).backward()
        optimizer.step()
        model.eval()
        with torch.no_grad():
            (model(data.x, data.edge_index)[valid].argmax(-1) == data.y[valid]).float().mean().item()
    return time.perf_counter() - start


def graphkit_seconds(dataset: NodeDataset, epochs: int) -> float:
    classes = dataset.num_outputs
    model = NodeModel(GAT(dataset.num_features, classes, feature_dropout=0.0), NodeHead(classes, classes))
    feed = FullGraphFeed(dataset, dataset.split("planetoid-public"), torch.device("cpu"))
    start = time.perf_counter()
    fit(model, feed, TrainSpec(epochs=epochs, lr=5e-3, weight_decay=5e-4), metric="accuracy")
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    dataset = load_dataset("cora", features="row")
    for warm_up in (pyg_seconds, graphkit_seconds):
        warm_up(dataset, 3)
    pairs = [(pyg_seconds(dataset, args.epochs), graphkit_seconds(dataset, args.epochs)) for _ in range(args.rounds)]
    pyg, ours = (min(column) for column in zip(*pairs, strict=True))
    print(f"{args.epochs} epochs of GAT on Cora: PyG {pyg:.2f} s, graphkit {ours:.2f} s, ratio {pyg / ours:.1f}")
    if args.json:
        result = {"epochs": args.epochs, "pyg_seconds": pyg, "graphkit_seconds": ours, "ratio": pyg / ours}
        result |= {"threads": torch.get_num_threads(), "torch": torch.__version__}
        args.json.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
