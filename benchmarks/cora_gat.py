"""200 epochs of the published GAT on Cora, each with a validation pass: PyG's layers against ours, side by side.

Both train the same architecture (8 heads of 8, then 1; dropout 0.6; L2 5e-4) on the same split. PyG's example passes
the dense 1,433-column features; ours stores the 1 % that is set and fuses the attention.

"""

from __future__ import annotations

import time
from collections.abc import Iterator

import torch
from torch.nn import functional
from torch_geometric.nn import GATConv

from benchmarks.measure import OURS, Options, Row, alternate
from graphkit import NodeDataset, TrainSpec, fit, load_dataset
from graphkit.encoders.gat import GAT
from graphkit.heads.node import NodeHead
from graphkit.training import FullGraphFeed, NodeModel

THREADS = 2


class PyGExample(torch.nn.Module):
    def __init__(self, features: int, classes: int) -> None:
        super().__init__()
        self.first = GATConv(features, 8, heads=8, dropout=0.6)
        self.last = GATConv(64, classes, heads=1, concat=False, dropout=0.6)

    def forward(self, x: torch.Tensor, edge_index: torch.Tensor) -> torch.Tensor:
        x = functional.dropout(x, 0.6, self.training)
        x = functional.dropout(functional.elu(self.first(x, edge_index)), 0.6, self.training)
        return self.last(x, edge_index)


def pyg(dataset: NodeDataset, epochs: int) -> None:
    data, split = dataset.data, dataset.split("planetoid-public")
    train, valid = torch.tensor(split.train), torch.tensor(split.valid)
    model = PyGExample(dataset.num_features, dataset.num_outputs)
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3, weight_decay=5e-4)
    for _ in range(epochs):
        model.train()
        optimizer.zero_grad()
        functional.cross_entropy(model(data.x, data.edge_index)[train], data.y[train]).backward()
        optimizer.step()
        model.eval()
        with torch.no_grad():
            (model(data.x, data.edge_index)[valid].argmax(-1) == data.y[valid]).float().mean().item()


def ours(dataset: NodeDataset, epochs: int) -> None:
    classes = dataset.num_outputs
    model = NodeModel(GAT(dataset.num_features, classes, feature_dropout=0.0), NodeHead(classes, classes))
    feed = FullGraphFeed(dataset, dataset.split("planetoid-public"), torch.device("cpu"))
    fit(model, feed, TrainSpec(epochs=epochs, lr=5e-3, weight_decay=5e-4), metric="accuracy")


def rows(options: Options) -> Iterator[Row]:
    dataset, epochs = load_dataset("cora", features="row"), options.few(200, 3)
    sides = {OURS: lambda: ours(dataset, epochs), "PyG": lambda: pyg(dataset, epochs)}
    for warm_up in (ours, pyg):
        warm_up(dataset, 3)
    times = alternate(sides, min(3, options.rounds), warm=0, clock=time.perf_counter)
    yield Row(f"{epochs} epochs of GAT on Cora", times, bars={"PyG": 4.0})
