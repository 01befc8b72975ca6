"""Many graphs in flat arrays: what oracles colour and generators make."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from graphkit.errors import GraphValidationError

Edges = NDArray[np.int64]


@dataclass(frozen=True)
class FlatGraphs:
    """G undirected graphs as one disjoint union in compressed rows.

    Args:
        ptr: [G + 1] int64; graph g owns the nodes ptr[g] to ptr[g + 1].
        rowptr: [N + 1] int64; node v has the neighbours col[rowptr[v]] to col[rowptr[v + 1]].
        col: [E] int64 neighbours, ascending, numbered in the union; every edge is there in both directions.
        color: [N] uint64 initial colours; equal features have equal colours.
        edge_color: [E] uint64 colours of the entries of `col`.

    Example:
        >>> two = FlatGraphs.from_edges([(3, [(0, 1), (1, 2)]), (2, [(0, 1)])])
        >>> two.num_graphs, two.col.tolist()
        (2, [1, 0, 2, 1, 4, 3])
    """

    ptr: NDArray[np.int64]
    rowptr: NDArray[np.int64]
    col: NDArray[np.int64]
    color: NDArray[np.uint64]
    edge_color: NDArray[np.uint64]

    @classmethod
    def from_edges(cls, graphs: Iterable[tuple[int, ArrayLike]]) -> FlatGraphs:
        """Builds graphs from (number of nodes, edges [M, 2]) pairs; one direction of an edge is enough.

        Raises:
            GraphValidationError: an edge names a node that is not there.
        """
        sizes: list[int] = []
        parts: list[Edges] = []
        shift = 0
        for size, edges in graphs:
            listed = np.asarray(edges, dtype=np.int64).reshape(-1, 2)
            if listed.size and not 0 <= listed.min() <= listed.max() < size:
                raise GraphValidationError(f"an edge of graph {len(sizes)} names a node outside 0..{size - 1}")
            sizes.append(size)
            parts.append(listed + shift)
            shift += size
        ptr = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        edges = np.concatenate(parts) if parts else np.empty((0, 2), np.int64)
        return cls.from_union(np.concatenate([edges, edges[:, ::-1]]).T, ptr)

    @classmethod
    def from_union(
        cls,
        edge_index: NDArray[np.int64],
        ptr: NDArray[np.int64],
        color: NDArray[np.uint64] | None = None,
        edge_color: NDArray[np.uint64] | None = None,
    ) -> FlatGraphs:
        """Builds graphs from the edges of a union, each in both directions; loops and repeated edges are left out.

        Args:
            edge_index: [2, E] nodes numbered in the union.
            ptr: [G + 1].
            color: [N] initial colours; all equal if None.
            edge_color: [E] colours in the order of `edge_index`; all equal if None.
        """
        nodes = int(ptr[-1])
        source, target = np.asarray(edge_index, dtype=np.int64)
        key, first = np.unique(target * nodes + source, return_index=True)
        proper = key // max(nodes, 1) != key % max(nodes, 1)
        key, first = key[proper], first[proper]
        rowptr = np.concatenate([[0], np.cumsum(np.bincount(key // max(nodes, 1), minlength=nodes))]).astype(np.int64)
        return cls(
            np.asarray(ptr, np.int64),
            rowptr,
            key % max(nodes, 1),
            np.ones(nodes, np.uint64) if color is None else color,
            np.ones(len(key), np.uint64) if edge_color is None else edge_color[first],
        )

    @property
    def num_graphs(self) -> int:
        """G."""
        return len(self.ptr) - 1

    @property
    def sizes(self) -> NDArray[np.int64]:
        """[G] number of nodes of each graph."""
        return np.diff(self.ptr)

    @property
    def max_degree(self) -> NDArray[np.int64]:
        """[G] largest degree in each graph."""
        degree = np.diff(self.rowptr)
        return np.array([degree[a:b].max(initial=0) for a, b in zip(self.ptr, self.ptr[1:], strict=False)], np.int64)

    def edge_index(self) -> NDArray[np.int64]:
        """The edges [2, E] in both directions, row 0 the neighbour and row 1 the node."""
        return np.stack([self.col, np.repeat(np.arange(len(self.rowptr) - 1), np.diff(self.rowptr))])

    def take(self, graphs: Sequence[int] | NDArray[np.int64]) -> FlatGraphs:
        """Returns some of the graphs, in the order asked for."""
        chosen = np.asarray(graphs, dtype=np.int64)
        nodes, ptr = ranges(self.ptr, chosen)
        slots, rowptr = ranges(self.rowptr, nodes)
        shift = np.repeat(ptr[:-1] - self.ptr[chosen], np.diff(rowptr[ptr]))
        return FlatGraphs(ptr, rowptr, self.col[slots] + shift, self.color[nodes], self.edge_color[slots])

    def relabelled(self, seed: int) -> FlatGraphs:
        """Returns the graphs with the nodes of each in a random order drawn by `seed`."""
        rng = np.random.default_rng(seed)
        graph = np.repeat(np.arange(self.num_graphs), self.sizes)
        order = np.lexsort((rng.random(len(graph)), graph))  # new place -> old node, graph by graph
        place = np.empty_like(order)
        place[order] = np.arange(len(order))
        return FlatGraphs.from_union(place[self.edge_index()], self.ptr, self.color[order], self.edge_color)


def ranges(ptr: NDArray[np.int64], chosen: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Returns the concatenated ranges ptr[i] to ptr[i + 1] of `chosen`, and where each begins."""
    sizes = ptr[chosen + 1] - ptr[chosen]
    begin = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    return np.arange(begin[-1]) + np.repeat(ptr[chosen] - begin[:-1], sizes), begin


def concatenate(parts: Sequence[FlatGraphs]) -> FlatGraphs:
    """Joins lists of graphs into one.

    Example:
        >>> one = FlatGraphs.from_edges([(2, [(0, 1)])])
        >>> concatenate([one, one]).num_graphs
        2
    """
    nodes = np.cumsum([0, *(len(part.color) for part in parts)])
    slots = np.cumsum([0, *(len(part.col) for part in parts)])
    return FlatGraphs(
        np.concatenate([[0], *(part.ptr[1:] + shift for part, shift in zip(parts, nodes, strict=False))]),
        np.concatenate([[0], *(part.rowptr[1:] + shift for part, shift in zip(parts, slots, strict=False))]),
        np.concatenate([part.col + shift for part, shift in zip(parts, nodes, strict=False)]),
        np.concatenate([part.color for part in parts]),
        np.concatenate([part.edge_color for part in parts]),
    )
