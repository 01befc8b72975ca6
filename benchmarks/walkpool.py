"""WalkPool and SEAL beside other forms of the same computation, on one thread and in one run.


Walk profile: two propagated columns against powers of the dense matrices, and against propagating one column a node
through the edges, which is how the method was published; forward and backward, 2-hop subgraphs of a random graph with
3,000 nodes. Training on USAir, 2 hops, 32 links a step: our heads against the same networks of PyG's layers on
subgraphs extracted beforehand (SEAL), and against our own network with one column a node (WalkPool). CPU time, minima.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from unittest import mock

import numpy as np
import torch
from torch import Tensor, nn
from torch_geometric.data import Batch, Data
from torch_geometric.nn import GCNConv, SortAggregation

from benchmarks.measure import OURS, Options, Row, alternate
from graphkit import load_dataset
from graphkit.heads import walkpool
from graphkit.heads.context import PairContext
from graphkit.heads.seal import SEALHead
from graphkit.kernels import CSRGraph, segment_softmax
from graphkit.kernels.link_blocks import LinkBlocks
from graphkit.kernels.subgraph import enclosing_subgraphs
from graphkit.kernels.walk_reference import dense_profile
from graphkit.kernels.walks import walk_profile

HEADS, LENGTH, STEP = 2, 8, 32


def column_profile(blocks: LinkBlocks, logits: Tensor, target: Tensor, length: int) -> Tensor:
    """The profile as published: a column for every node of a block, propagated with and without the link."""
    graph, ends, sizes = blocks.graph, blocks.ends, blocks.ptr.diff()
    local = torch.arange(graph.num_nodes) - torch.repeat_interleave(blocks.ptr[:-1], sizes)
    block = torch.repeat_interleave(torch.arange(blocks.num_links), sizes)
    edges = torch.stack([graph.col, graph.row]).long()
    both = torch.cat([edges, torch.stack([ends.flip(1).reshape(-1), ends.reshape(-1)])], dim=1)
    found = []
    for index, scores in ((both, torch.cat([logits, target.flatten(0, 1)])), (edges, logits)):
        weight = segment_softmax(CSRGraph.from_edge_index(index, graph.num_nodes), scores).t().unsqueeze(-1)
        x = torch.zeros(logits.size(1), graph.num_nodes, int(sizes.max()))
        x[:, torch.arange(graph.num_nodes), local] = 1.0
        rows = []
        for step in range(1, length + 1):
            x = torch.zeros_like(x).index_add(1, index[1], weight * x[:, index[0]])
            if step > 1:
                diagonal = x[:, torch.arange(graph.num_nodes), local]
                trace = x.new_zeros(len(x), blocks.num_links).index_add(1, block, diagonal)
                node = x[:, ends[:, 0], 0] + x[:, ends[:, 1], 1]
                rows.append(torch.stack([trace, node, x[:, ends[:, 0], 1] + x[:, ends[:, 1], 0]]))
        found.append(torch.stack(rows, dim=-1).permute(2, 1, 0, 3))
    plus, minus = found
    parts = [plus[:, :, 0] - minus[:, :, 0], plus[:, :, 1], minus[:, :, 1], plus[:, :, 2], minus[:, :, 2]]
    return torch.stack(parts, dim=2)


def profile(rounds: int) -> Row:
    random = np.random.default_rng(0)
    edges = torch.from_numpy(random.integers(0, 3000, (2, 12_000)))
    edges = edges[:, edges[0] != edges[1]].sort(dim=0).values.unique(dim=1)
    graph = CSRGraph.from_edge_index(torch.cat([edges, edges.flip(0)], dim=1), 3000)
    batch = enclosing_subgraphs(graph, edges[:, 1500::3000], 2)
    blocks = LinkBlocks(batch.graph, batch.ptr)
    logits = torch.randn(blocks.graph.num_edges, HEADS, requires_grad=True)
    target = torch.randn(blocks.num_links, 2, HEADS, requires_grad=True)
    grad = torch.randn(blocks.num_links, HEADS, 5, LENGTH - 1)

    def both_ways(form: Callable[..., Tensor]) -> Callable[[], Any]:
        return lambda: torch.autograd.grad(form(blocks, logits, target, LENGTH), (logits, target), grad)

    forms = {OURS: walk_profile, "dense powers": dense_profile, "a column a node": column_profile}
    for form in forms.values():
        same = form(blocks, logits, target, LENGTH), walk_profile(blocks, logits, target, LENGTH)
        torch.testing.assert_close(*same, rtol=1e-3, atol=1e-4)  # their traces cancel in single precision
    times = alternate({name: both_ways(form) for name, form in forms.items()}, rounds)
    case = f"walk profile, forward and backward: {blocks.num_links} links, {blocks.graph.num_nodes} nodes, 2 hops"
    return Row(case, times, bars={"dense powers": 50.0})


class PyGDGCNN(nn.Module):
    """The network of `SEALHead` from PyG's layers."""

    def __init__(self, k: int) -> None:
        super().__init__()
        self.label = nn.Embedding(1001, 32)
        self.convs = nn.ModuleList(GCNConv(32, width) for width in (32, 32, 32, 1))
        self.pool = SortAggregation(k)
        self.node, self.along = nn.Conv1d(1, 16, 97, 97), nn.Conv1d(16, 32, 5)
        self.out = nn.Sequential(nn.Linear(32 * (k // 2 - 4), 128), nn.ReLU(), nn.Dropout(0.5), nn.Linear(128, 1))

    def forward(self, data: Batch) -> Tensor:
        x, states = self.label(data.z), []
        for conv in self.convs:
            x = conv(x, data.edge_index).tanh()
            states.append(x)
        pooled = self.node(self.pool(torch.cat(states, dim=1), data.batch).unsqueeze(1)).relu()
        pooled = self.along(nn.functional.max_pool1d(pooled, 2)).relu()
        out: Tensor = self.out(pooled.flatten(1))
        return out.squeeze(-1)


def usair(rounds: int, count: int) -> Iterator[Row]:
    dataset = load_dataset("usair")
    split = dataset.split("seal-10", 0)
    assert split.train_negatives is not None
    graph = CSRGraph.from_edge_index(torch.from_numpy(split.message), dataset.num_nodes)
    random = np.random.default_rng(0)
    pairs = torch.from_numpy(random.permutation(np.concatenate([split.train, split.train_negatives], 1).T).T.copy())
    steps, x = pairs.size(1) / STEP, torch.ones(dataset.num_nodes, 16)
    y = torch.randint(0, 2, (STEP,)).float()

    def step_of(model: nn.Module, scores: Callable[[Tensor], Tensor]) -> Callable[[], None]:
        optimizer, at = torch.optim.Adam(model.parameters(), lr=1e-4, fused=True), iter(range(10_000))

        def step() -> None:
            start = next(at) % 20 * STEP
            optimizer.zero_grad()
            loss = nn.functional.binary_cross_entropy_with_logits(scores(pairs[:, start : start + STEP]), y)
            loss.backward()
            optimizer.step()

        return step

    def of_head(head: nn.Module) -> Callable[[Tensor], Tensor]:
        return lambda pairs: head(PairContext(pairs, x, graph, lambda states, _: states))

    def many(step: Callable[[], None]) -> Callable[[], None]:
        def call() -> None:
            for _ in range(count):
                step()

        return call

    def epochs(times: dict[str, float], ours: int, theirs: int) -> dict[str, float]:
        return {name: steps * seconds / (ours if name == OURS else theirs) for name, seconds in times.items()}

    walk, seal, peer = walkpool.WalkPoolHead(16), SEALHead(16, hops=2, k=263), PyGDGCNN(263)
    step = step_of(walk, of_head(walk))

    def columns() -> None:
        with mock.patch.object(walkpool, "walk_profile", column_profile):
            step()

    times = alternate({OURS: many(step), "a column a node": columns}, rounds)
    yield Row("an epoch of WalkPool on USAir", epochs(times, count, 1), bars={"": 340 / 30})
    data = []
    for pair in pairs[:, : 20 * STEP].split(1, 1):
        one = enclosing_subgraphs(graph, pair, 2)
        data.append(Data(edge_index=one.edge_index, z=one.label, num_nodes=len(one.node)))
    batches = iter(range(10_000))

    def of_peer(_: Tensor) -> Tensor:
        start = next(batches) % 20 * STEP
        return peer(Batch.from_data_list(data[start : start + STEP]))

    calls = {OURS: many(step_of(seal, of_head(seal))), "PyG's layers, no extraction": many(step_of(peer, of_peer))}
    yield Row("an epoch of SEAL on USAir", epochs(alternate(calls, rounds), count, count), bars={"": 7.4 / 2})


def rows(options: Options) -> Iterator[Row]:
    yield profile(options.rounds)
    yield from usair(min(3, options.rounds), options.few(20, 1))
