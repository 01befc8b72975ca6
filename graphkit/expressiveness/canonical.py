"""Canonical orders: nodes numbered alike in isomorphic graphs, by individualisation and refinement."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from graphkit.errors import BudgetExceeded
from graphkit.expressiveness.flat import FlatGraphs
from graphkit.expressiveness.oracles import wl_nodes

_MARK = np.uint64(0x9E3779B97F4A7C15)
Nodes = NDArray[np.int64]


def canonical_order(graphs: FlatGraphs, leaves: int = 2000) -> Nodes:
    """Returns the place of every node in the canonical order of its graph [N].

    Colours are refined; where nodes share a colour, each of them in turn is given one of its own, and of all discrete
    colourings the one with the smallest adjacency matrix counts (McKay 1981). Branches whose colours differ from the
    smallest ones are cut, and of nodes with the same neighbours one is tried.

    Args:
        graphs: G graphs; initial colours count, colours of edges do not.
        leaves: most discrete colourings of one graph.

    Raises:
        BudgetExceeded: a graph has more symmetries than that.

    Example:
        >>> path = FlatGraphs.from_edges([(3, [(0, 1), (1, 2)]), (3, [(1, 0), (0, 2)])])
        >>> first, second = canonical_order(path).reshape(2, 3)
        >>> bool(first[1] == second[0])
        True
    """
    place = np.empty(len(graphs.color), np.int64)
    for number in range(graphs.num_graphs):
        search = _Search(graphs.take([number]), leaves, number)
        search.visit(search.graph.color)
        place[graphs.ptr[number] : graphs.ptr[number + 1]] = search.best
    return place


def stability_report(graphs: FlatGraphs, seed: int = 0) -> float:
    """Returns the mean change of a node's place, as a share of the graph's size, when one edge of a graph is removed.

    Zero is perfectly stable, a third is what a random order has. Canonical orders tell all graphs apart and are not
    stable.
    """
    rng = np.random.default_rng(seed)
    source, target = graphs.edge_index()
    owner = np.repeat(np.arange(graphs.num_graphs), graphs.sizes)[target]
    drop = np.zeros(len(source), bool)
    for number in range(graphs.num_graphs):
        mine = np.flatnonzero((owner == number) & (source < target))
        if len(mine):
            chosen = mine[rng.integers(len(mine))]
            drop |= (source == source[chosen]) & (target == target[chosen])
            drop |= (source == target[chosen]) & (target == source[chosen])
    changed = FlatGraphs.from_union(np.stack([source, target])[:, ~drop], graphs.ptr, graphs.color)
    size = np.repeat(graphs.sizes, graphs.sizes)
    return float(np.mean(np.abs(canonical_order(graphs) - canonical_order(changed)) / size))


class _Search:
    """The tree of individualisations of one graph."""

    def __init__(self, graph: FlatGraphs, leaves: int, number: int) -> None:
        self.graph, self.left, self.leaves, self.number = graph, leaves, leaves, number
        self.best: Nodes = np.arange(len(graph.color))
        self.certificate: bytes | None = None
        self.rows = [frozenset(graph.col[a:b].tolist()) for a, b in zip(graph.rowptr, graph.rowptr[1:], strict=False)]

    def visit(self, color: NDArray[np.uint64]) -> None:
        color = self._refined(color)
        values, which, count = np.unique(color, return_inverse=True, return_counts=True)
        if len(values) == len(color):
            self._leaf(which)
            return
        cell = np.flatnonzero(which == np.flatnonzero(count == count[count > 1].min())[0])
        branches = []
        for node in self._without_twins(cell):
            marked = color.copy()
            marked[node] ^= _MARK
            branches.append((np.sort(self._refined(marked)).tobytes(), marked))
        smallest = min(key for key, _ in branches)
        for key, marked in branches:
            if key == smallest:
                self.visit(marked)

    def _refined(self, color: NDArray[np.uint64]) -> NDArray[np.uint64]:
        graph = self.graph
        return wl_nodes(FlatGraphs(graph.ptr, graph.rowptr, graph.col, color, graph.edge_color))[0]

    def _without_twins(self, cell: Nodes) -> list[int]:
        """Of nodes that can be exchanged, because they have the same neighbours (and are joined or not), the first."""
        kept: list[int] = []
        for node in cell.tolist():
            own = self.rows[node]
            if not any(own - {other} == self.rows[other] - {node} for other in kept):
                kept.append(node)
        return kept

    def _leaf(self, place: Nodes) -> None:
        self.left -= 1
        if self.left < 0:
            raise BudgetExceeded(
                f"graph {self.number} has more than {self.leaves} orders to compare; raise `leaves`, or take another"
                " feature"
            )
        source, target = place[self.graph.edge_index()]
        order = np.lexsort((target, source))
        certificate = np.stack([source[order], target[order]]).tobytes()
        if self.certificate is None or certificate < self.certificate:
            self.certificate, self.best = certificate, place.astype(np.int64)
