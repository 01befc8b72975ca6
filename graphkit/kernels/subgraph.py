"""Enclosing subgraphs of many links at once, as one block-diagonal graph with labelled nodes."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, get_args

import numpy as np
import torch
from torch import Tensor

from graphkit.errors import ConfigError
from graphkit.kernels.arrays import Array, indices
from graphkit.kernels.build import index_dtype
from graphkit.kernels.csr import CSRGraph
from graphkit.kernels.links import pair_ends
from graphkit.kernels.pool import run_range, run_rows

Labels = Literal["drnl", "zero-one", "distance"]
_Block = tuple[Array, Array, Array, Array, Array, Array]


@dataclass(frozen=True, eq=False)
class SubgraphBatch:
    """The enclosing subgraphs of B links side by side, M nodes and E edges in all.

    Subgraph b owns the nodes `ptr[b]` to `ptr[b + 1]`; its first two are the ends of link b, in the order of the pair.
    Edges run within subgraphs; those between the two ends of a link are left out.

    Args:
        node: [M] int64 numbers of the nodes in the whole graph.
        ptr: [B + 1] int64 starts of the subgraphs.
        label: [M] int64, or [M, 2] where the labels are distances.
        graph: M nodes and E edges, in slot order; `graph.parent_edge` [E] holds the edge of the whole graph.

    Example:
        >>> graph = CSRGraph.from_edge_index(torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]]), 3)
        >>> enclosing_subgraphs(graph, torch.tensor([[0], [2]]), 1).edge_index.tolist()
        [[2, 2, 0, 1], [0, 1, 2, 2]]
    """

    node: Tensor
    ptr: Tensor
    label: Tensor
    graph: CSRGraph

    @property
    def num_links(self) -> int:
        """Number of links B."""
        return self.ptr.numel() - 1

    @cached_property
    def edge_index(self) -> Tensor:
        """[2, E] int64 sources and targets in numbers of `node`, subgraph after subgraph."""
        from graphkit.kernels.cpu.subgraph import edge_list

        edges = torch.empty(2, self.graph.num_edges, dtype=torch.int64)
        run_rows(self.graph, 1, edge_list, *indices(self.graph), edges.numpy())
        return edges

    @cached_property
    def edge_ptr(self) -> Tensor:
        """[B + 1] int64 starts of the edges of each subgraph."""
        return self.graph.rowptr[self.ptr].long()

    @cached_property
    def edge_id(self) -> Tensor:
        """[E] int64 column of each edge in the edge list of the whole graph, to look up its weight."""
        assert self.graph.parent_edge is not None
        return self.graph.parent_edge.long()

    @cached_property
    def batch(self) -> Tensor:
        """[M] int64 number of the link whose subgraph a node is in."""
        return torch.repeat_interleave(torch.arange(self.num_links), self.ptr.diff(), output_size=self.node.numel())


def enclosing_subgraphs(
    graph: CSRGraph,
    pairs: Tensor,
    hops: int,
    cap: int | None = None,
    labels: Labels = "drnl",
    seed: int = 0,
    *,
    ratio: float = 1.0,
) -> SubgraphBatch:
    """Extracts the nodes within some hops of either end of each link, all edges among them, and labels the nodes.

    Zhang and Chen: "Link prediction based on graph neural networks" (SEAL), NeurIPS 2018, arXiv 1802.09691. Hops go
    from a node to the sources of its incoming edges, the way messages come. A subgraph depends on the graph, its pair
    and the seed alone: not on the rest of the batch nor on the number of threads.

    Args:
        graph: N nodes; give both directions of an undirected graph. Self-loops and repeated edges are kept.
        pairs: [2, B] integer; equal pairs may occur, and both ends of a pair may be isolated.
        hops: at least 1.
        cap: most new nodes a hop, drawn at random where there are more (100 for large graphs in SEAL and WalkPool);
            nodes not drawn are not met again at a later hop.
        labels: what `label` holds. `drnl`: double-radius labels from distances to either end that avoid the other end,
            1 + min(a, b) + h (h + (a + b) % 2 - 1) with h = (a + b) // 2; 1 for the ends, 0 where an end is out of
            reach. `zero-one`: 1 for the ends, 0 for others. `distance`: [M, 2] distances to both ends in the subgraph
            without the link, -1 where out of reach (Li et al., NeurIPS 2020, arXiv 2009.00142).
        seed: of the draws under a cap.
        ratio: part of the new nodes of a hop that are drawn, before the cap.

    Returns:
        One batch, the links in the order of `pairs`.

    Raises:
        ShapeError: `pairs` is no integer [2, B] tensor, or the graph is bipartite.
        GraphValidationError: a node is out of range, or a pair joins a node with itself.
        ConfigError: `hops` or `cap` below 1, `ratio` outside (0, 1], or unknown labels.

    Example:
        >>> graph = CSRGraph.from_edge_index(torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]]), 3)
        >>> batch = enclosing_subgraphs(graph, torch.tensor([[0, 0], [1, 2]]), hops=1)
        >>> batch.node.tolist(), batch.ptr.tolist(), batch.label.tolist()
        ([0, 1, 2, 0, 2, 1], [0, 3, 6], [1, 1, 0, 1, 1, 2])
    """
    if hops < 1 or (cap is not None and cap < 1) or not 0 < ratio <= 1:
        raise ConfigError(f"hops and cap must be at least 1 and ratio in (0, 1], got {hops}, {cap} and {ratio}")
    if labels not in get_args(Labels):
        raise ConfigError(f"unknown labels {labels!r}; use one of {', '.join(get_args(Labels))}")
    source, target = pair_ends(graph, pairs, distinct=True)
    from graphkit.kernels.cpu import subgraph as cpu  # here, so that importing the package compiles nothing

    kind = {"zero-one": cpu.ZERO_ONE, "drnl": cpu.DRNL, "distance": cpu.DISTANCE}[labels]
    options = hops, -1 if cap is None else cap, float(ratio), np.uint64(seed % 2**64), kind
    rowptr, col = indices(graph)
    edge_id = graph.edge_id.numpy()
    blocks: dict[int, _Block] = {}

    def extract(first: int, last: int, block: int) -> None:
        scratch = _scratch.take(graph.num_nodes)
        blocks[block] = cpu.enclose(first, last, source, target, *options, rowptr, col, edge_id, *scratch)
        _scratch.give(scratch)

    run_range(len(source), extract, work=_edges_met(graph, hops))
    return _joined([blocks[block] for block in sorted(blocks)], 2 if labels == "distance" else 1)


class _Scratch(threading.local):
    """Five arrays [N] a thread; between calls the first one holds -1 only, so a call costs no pass over the nodes."""

    def __init__(self) -> None:
        self.kept: tuple[Array, ...] | None = None

    def take(self, num_nodes: int) -> tuple[Array, ...]:
        kept, self.kept = self.kept, None  # an error in between must not leave half-cleaned arrays behind
        if kept is None or len(kept[0]) < num_nodes:
            kept = (np.full(num_nodes, -1, np.int32), *(np.empty(num_nodes, np.int32) for _ in range(4)))
        return kept

    def give(self, arrays: tuple[Array, ...]) -> None:
        self.kept = arrays


_scratch = _Scratch()


def _edges_met(graph: CSRGraph, hops: int) -> int:
    """Roughly how many edges a link's extraction looks at, to tell a small call from a large one."""
    degree = 1 + graph.num_edges // max(graph.num_nodes, 1)
    return 4 * min(int(degree ** min(hops + 1, 8)), graph.num_edges) + 16


def _joined(blocks: list[_Block], width: int) -> SubgraphBatch:
    """Puts the results of several blocks behind one another, their numbers shifted."""
    parts: list[Any] = list(zip(*blocks, strict=True))
    sizes, node, label = (part[0] if len(blocks) == 1 else np.concatenate(part) for part in parts[:3])
    edges = sum(len(block[4]) for block in blocks)
    dtype = np.int32 if index_dtype(len(node), edges) == torch.int32 else np.int64
    start, col, parent = np.zeros(len(node) + 1, dtype), parts[4][0], parts[5][0]
    if len(blocks) > 1 or col.dtype != dtype:
        col, parent = np.empty(edges, dtype), np.concatenate(parts[5])
    nodes_before = edges_before = 0
    for _, own, _, starts, sources, _ in blocks:
        np.add(starts[1:], edges_before, out=start[nodes_before + 1 : nodes_before + len(starts)], casting="unsafe")
        if len(blocks) > 1 or col is not sources:
            np.add(sources, nodes_before, out=col[edges_before : edges_before + len(sources)], casting="unsafe")
        nodes_before, edges_before = nodes_before + len(own), edges_before + len(sources)
    rowptr, cols = torch.from_numpy(start), torch.from_numpy(col)
    edge_id = torch.arange(edges, dtype=cols.dtype)
    graph = CSRGraph(rowptr, cols, edge_id, len(node), len(node), torch.from_numpy(parent))
    ptr = torch.zeros(len(sizes) + 1, dtype=torch.int64)
    torch.cumsum(torch.from_numpy(sizes), 0, out=ptr[1:])
    labels = torch.from_numpy(label)
    return SubgraphBatch(torch.from_numpy(node), ptr, labels if width == 1 else labels.view(-1, width), graph)
