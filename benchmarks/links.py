"""Links a second: enclosing subgraphs and shared neighbours beside what PyG and scipy users write, in one run.


Sides run in alternation on one thread, timed in processor seconds, so that whatever else the machine does counts less.
Ours returns labelled subgraphs with int64 edge lists; PyG's `k_hop_subgraph` in a loop neither labels nodes nor takes
the target link out; `pyg + scipy` adds both, as SEAL's examples do; `scipy` cuts the subgraph out of a sparse matrix
instead. USAir needs its published file (`GRAPHKIT_MIRROR` or a network).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import networkx as nx
import numpy as np
import torch
from scipy import sparse
from scipy.sparse.csgraph import shortest_path
from torch import Tensor
from torch_geometric.utils import k_hop_subgraph, to_scipy_sparse_matrix

from benchmarks.measure import OURS, Options, Row, alternate
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


def compare(case: str, sides: dict[str, Side], rounds: int, bars: dict[str, float]) -> Row:
    times = alternate({name: call for name, (_, call) in sides.items()}, rounds)
    return Row(case, {name: sides[name][0] / seconds for name, seconds in times.items()}, "links/s", True, bars)


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


def rows(options: Options) -> Iterator[Row]:
    edges, pairs, nodes = scale_free()
    rounds, many, few = options.rounds, options.few(2000, 64), pairs[:, : options.few(100, 5)]
    for hops, bars in ((1, {"PyG": 75.0, "scipy, with labels": 20.0}), (2, {"PyG": 5.0, "scipy, with labels": 20.0})):
        sides = {
            OURS: ours(edges, pairs[:, :many], nodes, hops, 2000),
            "ours, batches of 32": ours(edges, pairs[:, : many // 2], nodes, hops, 32),
            "PyG": pyg_loop(edges, few, nodes, hops, False),
            "PyG, scipy labels": pyg_loop(edges, few, nodes, hops, True),
            "scipy, with labels": scipy_loop(edges, few, nodes, hops),
        }
        yield compare(f"enclosing subgraphs, 3,000 nodes, {hops} hops", sides, rounds, bars)
    shared = {OURS: merged(edges, pairs, nodes), "searchsorted": searched(edges, pairs, nodes)}
    yield compare("shared neighbours, 3,000 nodes", shared, 3 * rounds, {"searchsorted": 4.0})
    edges, pairs, nodes = usair()
    sides = {
        OURS: ours(edges, pairs[:, :1024], nodes, 2, 1024),
        "ours, batches of 32": ours(edges, pairs[:, :1024], nodes, 2, 32),
        "PyG, scipy labels": pyg_loop(edges, pairs[:, : few.size(1)], nodes, 2, True),
    }
    yield compare("enclosing subgraphs, USAir, 2 hops", sides, rounds, {"PyG, scipy labels": 20.0})
