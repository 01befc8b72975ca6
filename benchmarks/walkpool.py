"""WalkPool and SEAL beside other forms of the same computation, on one thread and in one run.

    python benchmarks/walkpool.py                 # all rows, about two minutes; USAir needs its published files
    python benchmarks/walkpool.py --rounds 5 --json out.json

Walk profile: two propagated columns against powers of the dense matrices, and against propagating one column a node
through the edges, which is how the method was published; forward and backward, 2-hop subgraphs of a random graph with
3,000 nodes. Training on USAir, 2 hops, 32 links a step: our heads against the same networks of PyG's layers on
subgraphs extracted beforehand (SEAL), and against our own network with one column a node (WalkPool). CPU time, minima.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import torch
from torch import Tensor, nn
from torch_geometric.data import Batch, Data
from torch_geometric.nn import GCNConv, SortAggregation

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


def seconds(step: Callable[[], Any], rounds: int) -> float:
    """Least CPU time of a call, after one that compiles."""
    step()
    taken = []
    for _ in range(rounds):
        start = time.process_time()
        step()
        taken.append(time.process_time() - start)
    return min(taken)


def profile_rows(rounds: int) -> list[dict[str, Any]]:
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

    ours = seconds(both_ways(walk_profile), 5 * rounds)
    rows = []
    for name, form in (("dense powers", dense_profile), ("a column a node", column_profile)):
        same = form(blocks, logits, target, LENGTH), walk_profile(blocks, logits, target, LENGTH)
        torch.testing.assert_close(*same, rtol=1e-3, atol=1e-4)  # their traces cancel in single precision
        theirs = seconds(both_ways(form), rounds)
        case = f"walk profile, {blocks.num_links} links, {blocks.graph.num_nodes} nodes: {name}"
        rows.append({"case": case, "ours_seconds": ours, "theirs_seconds": theirs, "ratio": theirs / ours})
    return rows


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


def usair_rows(rounds: int) -> list[dict[str, Any]]:
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

    def mean_step(step: Callable[[], None], count: int) -> float:
        return seconds(lambda: [step() for _ in range(count)], rounds) / count

    walk, seal, peer = walkpool.WalkPoolHead(16), SEALHead(16, hops=2, k=263), PyGDGCNN(263)
    ours = mean_step(step_of(walk, of_head(walk)), 20)
    with mock.patch.object(walkpool, "walk_profile", column_profile):
        theirs = mean_step(step_of(walk, of_head(walk)), 1)
    rows = [("WalkPool epoch on USAir: a column a node", ours, theirs)]
    ours = mean_step(step_of(seal, of_head(seal)), 20)
    data = []
    for pair in pairs[:, : 20 * STEP].split(1, 1):
        one = enclosing_subgraphs(graph, pair, 2)
        data.append(Data(edge_index=one.edge_index, z=one.label, num_nodes=len(one.node)))
    batches = iter(range(10_000))

    def of_peer(_: Tensor) -> Tensor:
        start = next(batches) % 20 * STEP
        return peer(Batch.from_data_list(data[start : start + STEP]))

    rows.append(("SEAL epoch on USAir: PyG's layers, no extraction", ours, mean_step(step_of(peer, of_peer), 20)))
    return [
        {"case": case, "ours_seconds": steps * ours, "theirs_seconds": steps * theirs, "ratio": theirs / ours}
        for case, ours, theirs in rows
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    rows = []
    for group in (profile_rows, usair_rows):
        for row in group(args.rounds):
            rows.append(row)
            times = f"{row['ours_seconds']:9.4f} s {row['theirs_seconds']:9.3f} s {row['ratio']:7.1f}x"
            print(f"{row['case']:70} {times}", flush=True)
    if args.json:
        args.json.write_text(json.dumps(rows, indent=2) + "\n")


if __name__ == "__main__":
    main()
