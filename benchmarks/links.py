"""Links a second: enclosing subgraphs and shared neighbours beside what PyG and scipy users write, in one run.

    python benchmarks/links.py                     # about two minutes
    python benchmarks/links.py --rounds 3 --json out.json

Sides run in alternation on one thread, timed in processor seconds, so that whatever else the machine does counts less.
Ours returns labelled subgraphs with int64 edge lists; PyG's `k_hop_subgraph` in a loop neither labels nodes nor takes
the target link out; `pyg + scipy` adds both, as SEAL's examples do; `scipy` cuts the subgraph out of a sparse matrix
instead. USAir needs its published file (`GRAPHKIT_MIRROR` or a network).
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import networkx as nx
import numpy as np
import torch
from scipy import sparse
from scipy.sparse.csgraph import shortest_path
from torch import Tensor
from torch_geometric.utils import k_hop_subgraph, to_scipy_sparse_matrix

from graphkit.kernels import CSRGraph, common_neighbors, enclosing_subgraphs

Side = tuple[int, Callable[[], object]]
"""How many links one call does, and the call."""


def labels_of(adjacency: sparse.csr_matrix) -> np.ndarray:
    """Double-radius labels of a subgraph whose first two nodes are the ends, from two shortest-path searches."""
    without_second = np.r_[0, 2 : adjacency.shape[0]]
    without_first = np.arange(1, adjacency.shape[0])
    near = np.insert(shortest_path(adjacency[without_second][:, without_second], unweighted=True, indices=0), 1, 0)
    far = np.insert(shortest_path(adjacency[without_first][:, without_first], unweighted=True, indices=0), 0, 0)
    both = near + far
    both[np.isinf(both)] = -1
    whole = both.astype(np.int64)
    half = whole // 2
    label = 1 + np.minimum(near, far) + half * (half + whole % 2 - 1)
    label[whole < 0] = 0
    label[:2] = 1
    return label.astype(np.int64)


def pyg_loop(edge_index: Tensor, pairs: Tensor, nodes: int, hops: int, label: bool) -> Side:
    def call() -> None:
        for i, j in pairs.T.tolist():
            kept, edges, ends, _ = k_hop_subgraph([i, j], hops, edge_index, relabel_nodes=True, num_nodes=nodes)
            if label:
                one, two = ends.tolist()
                target = ((edges[0] == one) & (edges[1] == two)) | ((edges[0] == two) & (edges[1] == one))
                edges = edges[:, ~target]
                order = np.r_[one, two, np.setdiff1d(np.arange(len(kept)), [one, two])]
                adjacency = to_scipy_sparse_matrix(edges, num_nodes=len(kept)).tocsr()
                labels_of(adjacency[order][:, order])

    return pairs.size(1), call


def scipy_loop(edge_index: Tensor, pairs: Tensor, nodes: int, hops: int) -> Side:
    matrix = to_scipy_sparse_matrix(edge_index, num_nodes=nodes).tocsr()

    def call() -> None:
        for i, j in pairs.T.tolist():
            kept, front, seen = [i, j], {i, j}, {i, j}
            for _ in range(hops):
                front = set(matrix[list(front)].indices.tolist()) - seen
                seen |= front
                kept += front
            adjacency = matrix[kept][:, kept].tolil()
            adjacency[0, 1] = adjacency[1, 0] = 0
            labels_of(adjacency.tocsr())

    return pairs.size(1), call


def ours(edge_index: Tensor, pairs: Tensor, nodes: int, hops: int, batch: int) -> Side:
    graph = CSRGraph.from_edge_index(edge_index, nodes)

    def call() -> None:
        for part in pairs.split(batch, dim=1):
            _ = enclosing_subgraphs(graph, part, hops).edge_index

    return pairs.size(1), call


def searched(edge_index: Tensor, pairs: Tensor, nodes: int) -> Side:
    """Shared neighbours as official NCN finds them: rows listed as packed numbers, looked up by binary search."""
    graph = CSRGraph.from_edge_index(edge_index, nodes)
    rowptr, col = graph.rowptr.long(), graph.col.long()

    def listed(ends: Tensor) -> Tensor:
        sizes = rowptr[ends + 1] - rowptr[ends]
        pair = torch.repeat_interleave(torch.arange(len(ends)), sizes)
        slot = torch.arange(int(sizes.sum())) - (sizes.cumsum(0) - sizes)[pair] + rowptr[ends][pair]
        return (pair << 32) | col[slot]

    def call() -> None:
        one, two = listed(pairs[0]), listed(pairs[1])
        at = torch.searchsorted(one, two).clamp_(max=len(one) - 1)
        _ = two[one[at] == two]

    return pairs.size(1), call


def merged(edge_index: Tensor, pairs: Tensor, nodes: int) -> Side:
    graph = CSRGraph.from_edge_index(edge_index, nodes)
    return pairs.size(1), lambda: common_neighbors(graph, pairs)


def compare(sides: dict[str, Side], rounds: int, bars: dict[str, float]) -> dict[str, object]:
    """Links a second of each side, the best and the median of alternating rounds, and the ratios to the first side."""
    rates: dict[str, list[float]] = {name: [] for name in sides}
    for _, call in sides.values():
        call()
    for _ in range(rounds):
        for name, (links, call) in sides.items():
            begin = time.process_time()
            call()
            rates[name].append(links / (time.process_time() - begin))
    first, *others = rates
    return {
        "links_per_second": {name: {"best": max(of), "median": statistics.median(of)} for name, of in rates.items()},
        "ratio": {
            name: {
                "best": max(rates[first]) / max(rates[name]),
                "median": statistics.median(rates[first]) / statistics.median(rates[name]),
                "bar": bars.get(name),
            }
            for name in others
        },
    }


def scale_free() -> tuple[Tensor, Tensor, int]:
    """3,000 nodes, 23,968 directed edges, a few hubs; pairs drawn uniformly."""
    half = torch.tensor(list(nx.barabasi_albert_graph(3000, 4, seed=0).edges)).T
    pairs = torch.randint(0, 3000, (2, 50_000), generator=torch.Generator().manual_seed(0))
    edge_index = torch.cat([half, half.flip(0)], dim=1)
    return edge_index[:, (edge_index[0] * 3000 + edge_index[1]).argsort()], pairs[:, pairs[0] != pairs[1]], 3000


def usair() -> tuple[Tensor, Tensor, int]:
    from graphkit import load_dataset

    dataset = load_dataset("usair")
    split = dataset.split()
    pairs = np.concatenate([split.train, split.train_negatives], axis=1)
    drawn = np.random.default_rng(0).permutation(pairs.shape[1])
    return torch.from_numpy(split.message), torch.from_numpy(pairs[:, drawn].astype(np.int64)), dataset.num_nodes


def cases(rounds: int) -> dict[str, dict[str, object]]:
    results = {}
    edges, pairs, nodes = scale_free()
    few = pairs[:, :100]
    for hops, bars in ((1, {"pyg": 75.0, "scipy": 20.0}), (2, {"pyg": 5.0, "scipy": 20.0})):
        sides = {
            "ours": ours(edges, pairs[:, :2000], nodes, hops, 2000),
            "ours, batches of 32": ours(edges, pairs[:, :1024], nodes, hops, 32),
            "pyg": pyg_loop(edges, few, nodes, hops, False),
            "pyg + scipy": pyg_loop(edges, few, nodes, hops, True),
            "scipy": scipy_loop(edges, few, nodes, hops),
        }
        results[f"scale-free, {hops} hops"] = compare(sides, rounds, bars)
    shared = {"ours": merged(edges, pairs, nodes), "searchsorted": searched(edges, pairs, nodes)}
    results["shared neighbours, scale-free"] = compare(shared, 3 * rounds, {"searchsorted": 4.0})
    edges, pairs, nodes = usair()
    sides = {
        "ours": ours(edges, pairs[:, :1024], nodes, 2, 1024),
        "ours, batches of 32": ours(edges, pairs[:, :1024], nodes, 2, 32),
        "pyg + scipy": pyg_loop(edges, pairs[:, :100], nodes, 2, True),
    }
    results["usair, 2 hops"] = compare(sides, rounds, {"pyg + scipy": 20.0})
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--json", type=Path, help="write the numbers there")
    options = parser.parse_args()
    torch.set_num_threads(1)
    results = cases(options.rounds)
    for name, row in results.items():
        print(name)
        for side, rate in row["links_per_second"].items():
            ratio = row["ratio"].get(side)
            text = f"  {side:<22} {rate['best']:>12,.0f} links/s (median {rate['median']:>12,.0f})"
            if ratio:
                text += f"   ours is {ratio['best']:.1f} times as fast (median {ratio['median']:.1f})"
            print(text + (f", asked {ratio['bar']:.0f}" if ratio and ratio["bar"] else ""))
    if options.json:
        import numba
        import scipy
        import torch_geometric

        versions = {module.__name__: module.__version__ for module in (torch, torch_geometric, numba, scipy)}
        setting = {"threads": 1, "rounds": options.rounds, "machine": platform.machine()}
        report = {"setting": setting, "versions": versions, "results": results}
        options.json.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
