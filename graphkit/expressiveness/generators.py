"""Graphs that are hard to tell apart, by formula."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import networkx as nx
import numpy as np

from graphkit.expressiveness.flat import FlatGraphs

CSL_SKIPS = (2, 3, 4, 5, 6, 9, 11, 12, 13, 16)
"""Skip lengths of the ten classes of circular skip links on 41 nodes (Murphy et al., ICML 2019)."""
_LATIN = (
    ("01234", "12340", "23401", "34012", "40123"),
    ("01234", "10342", "23401", "34120", "42013"),
)


def cycles(*lengths: int) -> nx.Graph:
    """A disjoint union of cycles.

    Example:
        >>> sorted(dict(cycles(3, 3).degree).values())
        [2, 2, 2, 2, 2, 2]
    """
    return nx.disjoint_union_all([nx.cycle_graph(length) for length in lengths])


def csl(nodes: int, skip: int) -> nx.Graph:
    """Circular skip links: a cycle with chords i ~ i + skip (Murphy et al., ICML 2019)."""
    return nx.circulant_graph(nodes, [1, skip])


def decalin() -> nx.Graph:
    """Two six-rings that share a bond."""
    graph = nx.cycle_graph(6)
    nx.add_path(graph, [0, 6, 7, 8, 9, 1])
    return graph


def bicyclopentyl() -> nx.Graph:
    """Two five-rings joined by a bond."""
    graph = cycles(5, 5)
    graph.add_edge(0, 5)
    return graph


def rook(side: int = 4) -> nx.Graph:
    """Squares of a board, joined where a rook moves: the line graph of K_{side,side}."""
    return nx.line_graph(nx.complete_bipartite_graph(side, side))


def shrikhande() -> nx.Graph:
    """The Cayley graph of Z4 x Z4 with generators (0, 1), (1, 0), (1, 1) and their inverses."""
    graph = nx.Graph()
    for a, b in itertools.product(range(4), repeat=2):
        graph.add_edges_from(((a, b), ((a + i) % 4, (b + j) % 4)) for i, j in ((0, 1), (1, 0), (1, 1)))
    return graph


def cfi(base: nx.Graph, twisted: bool = False) -> nx.Graph:
    """The compact construction of Cai, Fuerer and Immerman (1992) over a base graph.

    Nodes are (v, even set of edges at v); those of neighbours v and w are joined where both sets agree on the edge vw,
    or, for one edge of the twisted graph, where they differ.

    Args:
        base: a connected graph.
        twisted: swap the rule on the first edge of `base`.

    Example:
        >>> cfi(nx.complete_graph(4)).number_of_nodes()
        16
    """
    edges = [tuple(sorted(edge)) for edge in base.edges]
    incident = {v: [edge for edge in edges if v in edge] for v in base}
    gadget = {
        v: [
            frozenset(chosen)
            for k in range(0, len(incident[v]) + 1, 2)
            for chosen in itertools.combinations(incident[v], k)
        ]
        for v in base
    }
    graph = nx.Graph()
    graph.add_nodes_from((v, chosen) for v in base for chosen in gadget[v])
    for i, edge in enumerate(edges):
        v, w = edge
        for a, b in itertools.product(gadget[v], gadget[w]):
            if ((edge in a) == (edge in b)) != (twisted and i == 0):
                graph.add_edge((v, a), (w, b))
    return graph


def chang(which: int) -> nx.Graph:
    """One of the four strongly regular graphs (28, 12, 6, 4): the triangular graph T(8) and the three of Chang (1959).

    Args:
        which: 0 for T(8); 1, 2, 3 for T(8) switched (Seidel) by the edges 4 K2, C8 or C3 + C5 of K8.
    """
    graph = nx.line_graph(nx.complete_graph(8))
    matching = [(0, 1), (2, 3), (4, 5), (6, 7)]
    octagon = [(i, (i + 1) % 8) for i in range(8)]
    rings = [(0, 1), (1, 2), (2, 0), (3, 4), (4, 5), (5, 6), (6, 7), (7, 3)]
    switched = {tuple(sorted(edge)) for edge in ([], matching, octagon, rings)[which]}
    for a, b in itertools.product(switched, sorted(set(graph) - switched)):
        if graph.has_edge(a, b):
            graph.remove_edge(a, b)
        else:
            graph.add_edge(a, b)
    return graph


def latin_square(rows: Sequence[str]) -> nx.Graph:
    """Cells of a Latin square, joined where they share the row, the column or the symbol."""
    graph = nx.Graph()
    cells = [(i, j, symbol) for i, row in enumerate(rows) for j, symbol in enumerate(row)]
    graph.add_nodes_from(cells)
    graph.add_edges_from(
        (a, b) for a, b in itertools.combinations(cells, 2) if any(x == y for x, y in zip(a, b, strict=True))
    )
    return graph


def petersen(nodes: int, skip: int) -> nx.Graph:
    """The generalised Petersen graph: a ring, a star of step `skip`, and spokes. (10, 2) is the dodecahedron."""
    graph = nx.Graph()
    for i in range(nodes):
        graph.add_edges_from(
            [
                (("ring", i), ("ring", (i + 1) % nodes)),
                (("star", i), ("star", (i + skip) % nodes)),
                (("ring", i), ("star", i)),
            ]
        )
    return graph


def ladder() -> dict[str, FlatGraphs]:
    """The families of the ladder, each a list of pairwise non-isomorphic graphs.

    Example:
        >>> ladder()["csl41"].num_graphs
        10
    """
    families: dict[str, list[nx.Graph]] = {
        "c6-2c3": [cycles(6), cycles(3, 3)],
        "c8-2c4": [cycles(8), cycles(4, 4)],
        "c13-c6c7": [cycles(13), cycles(6, 7)],
        "decalin": [decalin(), bicyclopentyl()],
        "csl41": [csl(41, skip) for skip in CSL_SKIPS],
        "cfi-c5": _cfi_pair(nx.cycle_graph(5)),
        "dodecahedron": [petersen(10, 2), petersen(10, 3)],
        "rook-shrikhande": [rook(4), shrikhande()],
        "chang": [chang(which) for which in range(4)],
        "latin5": [latin_square(rows) for rows in _LATIN],
        "cfi-k33": _cfi_pair(nx.complete_bipartite_graph(3, 3)),
        "cfi-prism": _cfi_pair(nx.circular_ladder_graph(3)),
        "cfi-k5": _cfi_pair(nx.complete_graph(5)),
    }
    return {name: from_networkx(graphs) for name, graphs in families.items()}


def from_networkx(graphs: Sequence[Any]) -> FlatGraphs:
    """Packs undirected networkx graphs; attributes are left out.

    Example:
        >>> from_networkx([nx.path_graph(3)]).sizes.tolist()
        [3]
    """
    packed = []
    for graph in graphs:
        number = {node: i for i, node in enumerate(graph)}
        packed.append((len(number), np.array([(number[a], number[b]) for a, b in graph.edges]).reshape(-1, 2)))
    return FlatGraphs.from_edges(packed)


def _cfi_pair(base: nx.Graph) -> list[nx.Graph]:
    return [cfi(base), cfi(base, twisted=True)]
