"""A training epoch of DS and DSS on EXP beside the published form of the same network, in one run.

The other side is written by hand as the published code is laid out: every subgraph is a full copy of its graph with its
edges masked, made beforehand; layers are PyG's GINConv and BatchNorm1d on the copies, and DSS scatters to the nodes and
back. Both sides have 6 layers of 32, batches of 20 graphs and Adam. CPU and wall time, minima over the rounds, sides in
alternation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch_geometric.data import Data
from torch_geometric.nn import GINConv
from torch_geometric.utils import k_hop_subgraph, scatter

from benchmarks.measure import OURS, Options, Row, alternate
from graphkit import load_dataset
from graphkit.encoders.subgraph import SubgraphEncoder
from graphkit.sampling import GraphBatches

LAYERS, WIDTH, BATCH, RADIUS = 6, 32, 20, 2


class Published(nn.Module):
    """ESAN's DSnetwork and DSSnetwork on batches of full copies."""

    def __init__(self, features: int, shares: bool) -> None:
        super().__init__()
        widths = [features] + [WIDTH] * LAYERS
        pairs = list(zip(widths, widths[1:], strict=False))
        self.convs, self.norms = nn.ModuleList(map(gin, pairs)), nn.ModuleList(nn.BatchNorm1d(b) for _, b in pairs)
        self.shared = nn.ModuleList(map(gin, pairs)) if shares else None
        self.shared_norms = nn.ModuleList(nn.BatchNorm1d(b) for _, b in pairs)
        self.head = nn.Sequential(nn.Linear(WIDTH, 2 * WIDTH), nn.ReLU(), nn.Linear(2 * WIDTH, 2))

    def forward(self, copies: Data) -> Tensor:
        x = copies.x
        for layer, (conv, norm) in enumerate(zip(self.convs, self.norms, strict=True)):
            found = norm(conv(x, copies.edge_index))
            if self.shared is not None:
                mean = scatter(x, copies.node, dim=0, dim_size=copies.nodes, reduce="mean")
                shared = self.shared_norms[layer](self.shared[layer](mean, copies.original))
                found = found + shared[copies.node]
            x = functional.relu(found)
        subgraphs = scatter(x, copies.sub, dim=0, reduce="mean")
        return self.head(scatter(subgraphs, copies.graph, dim=0, reduce="mean"))


class Ours(nn.Module):
    """Our encoder under the same head."""

    def __init__(self, features: int, shares: bool) -> None:
        super().__init__()
        policy, mixing = ("ego", "dss") if shares else ("node-deleted", "ds")
        self.encoder = SubgraphEncoder(
            features, WIDTH, hidden_channels=WIDTH, num_layers=LAYERS, policy=policy, mixing=mixing, radius=RADIUS
        )
        self.head = nn.Sequential(nn.Linear(WIDTH, 2 * WIDTH), nn.ReLU(), nn.Linear(2 * WIDTH, 2))

    def forward(self, batch: Data) -> Tensor:
        states = self.encoder(batch.x, batch.edge_index, structure={"ptr": batch.ptr})
        return self.head(scatter(states, batch.batch, dim=0, reduce="mean"))


def gin(widths: tuple[int, int]) -> GINConv:
    a, b = widths
    return GINConv(nn.Sequential(nn.Linear(a, b), nn.BatchNorm1d(b), nn.ReLU(), nn.Linear(b, b)))


def copies_of(batch: Data, shares: bool) -> Data:
    """All subgraphs of a batch as one graph of full copies: nodes deleted, or ego nets of radius 2."""
    xs, edges, nodes, subs, graphs, rows = [], [], [], [], [], 0
    for number, (first, last) in enumerate(zip(batch.ptr.tolist(), batch.ptr[1:].tolist(), strict=False)):
        inside = (batch.edge_index[0] >= first) & (batch.edge_index[0] < last)
        index = batch.edge_index[:, inside] - first
        for root in range(last - first):
            if shares:
                keep = torch.zeros(last - first, dtype=torch.bool)
                keep[k_hop_subgraph(root, RADIUS, index, num_nodes=last - first)[0]] = True
                mask = keep[index[0]] & keep[index[1]]
            else:
                mask = (index != root).all(0)
            xs.append(batch.x[first:last])
            edges.append(index[:, mask] + rows)
            nodes.append(torch.arange(first, last))
            subs.append(torch.full((last - first,), len(subs)))
            graphs.append(number)
            rows += last - first
    copies = Data(x=torch.cat(xs), edge_index=torch.cat(edges, dim=1))
    copies.node, copies.sub, copies.graph = torch.cat(nodes), torch.cat(subs), torch.tensor(graphs)
    copies.nodes, copies.original = batch.num_nodes, batch.edge_index
    return copies


def epoch(
    model: nn.Module, optimizer: torch.optim.Optimizer, batches: list[Data], y: list[Tensor]
) -> Callable[[], None]:
    def run() -> None:
        model.train()
        for batch, target in zip(batches, y, strict=True):
            optimizer.zero_grad()
            functional.cross_entropy(model(batch), target).backward()
            optimizer.step()

    return run


def rows(options: Options) -> Iterator[Row]:
    dataset = load_dataset("exp")
    graphs = options.few(960, 40)
    batches = list(GraphBatches(dataset.data, dataset.split().train[:graphs], BATCH, level="graph").epoch(0))
    y = [batch.y for batch in batches]
    for name, shares in (("DS, nodes deleted", False), ("DSS, ego nets of radius 2", True)):
        torch.manual_seed(0)
        copies = [copies_of(batch, shares) for batch in batches]
        ours, theirs = Ours(dataset.num_features, shares), Published(dataset.num_features, shares)
        sides = {
            OURS: epoch(ours, torch.optim.Adam(ours.parameters(), 1e-3), batches, y),
            "full copies": epoch(theirs, torch.optim.Adam(theirs.parameters(), 1e-3), copies, y),
        }
        ours(batches[0])  # compiles
        times = alternate(sides, min(3, options.rounds), warm=0)
        yield Row(f"an epoch of {graphs} graphs of EXP: {name}", times, bars={"full copies": 4.0})
