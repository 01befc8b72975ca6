"""Counts of patterns by tensor contraction: homomorphisms, injective ones, cycles, paths, equivariant polynomials.

A pattern is a small graph; a copy of the adjacency matrix stands for each of its edges, and the sum over the nodes that
are no output is one einsum in the best order. Graphs are padded to a common size and contracted together: a pattern
node with an edge finds nothing in the padding.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from graphkit.errors import ConfigError
from graphkit.expressiveness.flat import FlatGraphs

_CHUNK = 4_000_000
"""Numbers in one batch of padded adjacency matrices."""


@dataclass(frozen=True)
class Pattern:
    """A small connected graph with output nodes.

    Args:
        edges: pairs of nodes 0, 1, ...
        outputs: no node for one number a graph, one for one a node, two for one a pair of nodes.

    Raises:
        ConfigError: a node without an edge, or more than two outputs.

    Example:
        >>> Pattern(((0, 1), (1, 2), (2, 0)), (0,)).size
        3
    """

    edges: tuple[tuple[int, int], ...]
    outputs: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if set(itertools.chain(*self.edges)) != set(range(self.size)) or not self.edges:
            raise ConfigError("every node 0, 1, ... of a pattern needs an edge")
        if len(self.outputs) > 2 or any(node >= self.size for node in self.outputs):
            raise ConfigError(f"a pattern has at most two outputs among its nodes, got {self.outputs}")

    @property
    def size(self) -> int:
        """Number of nodes."""
        return 1 + max((node for edge in self.edges for node in edge), default=-1)


def cycle(length: int, outputs: tuple[int, ...] = ()) -> Pattern:
    """The cycle of `length` nodes."""
    return Pattern(tuple((i, (i + 1) % length) for i in range(length)), outputs)


def path(length: int, outputs: tuple[int, ...] = ()) -> Pattern:
    """The path of `length` edges; node 0 is an end."""
    return Pattern(tuple((i, i + 1) for i in range(length)), outputs)


def clique(size: int, outputs: tuple[int, ...] = ()) -> Pattern:
    """All edges between `size` nodes."""
    return Pattern(tuple(itertools.combinations(range(size), 2)), outputs)


def random_tree_pattern(size: int, width: int, seed: int) -> Pattern:
    """A random partial k-tree: a k-tree grown node by node, of which every node keeps a random part of its edges.

    Welke, Thiessen, Jogl, Gaertner, Expectation-Complete Graph Representations with Homomorphisms, ICML 2023.

    Args:
        size: number of nodes.
        width: k, largest tree width.
        seed: of the draw.
    """
    rng = np.random.default_rng(seed)
    edges, cliques = [], [tuple(range(min(width, size)))]
    edges += list(itertools.combinations(range(min(width, size)), 2))
    for node in range(min(width, size), size):
        held = cliques[rng.integers(len(cliques))]
        kept = [other for other in held if rng.random() < 0.5] or [held[rng.integers(len(held))]]
        edges += [(other, node) for other in kept]
        cliques += [tuple(sorted({*held, node} - {gone})) for gone in held]
    return Pattern(tuple(edges) or ((0, 1),))


def homomorphisms(graphs: FlatGraphs, pattern: Pattern) -> NDArray[np.float64]:
    """Counts the maps of a pattern to every graph that keep edges, by where its outputs go.

    Args:
        graphs: G graphs of N nodes with E entries in their rows.
        pattern: at most two outputs.

    Returns:
        [G], or [N] for one output, or [E] for two: the value at the edges, in the order of `graphs.edge_index()`.
        Those with two outputs are the equivariant polynomials of Puny et al., ICML 2023, read at the edges.

    Example:
        >>> triangle = FlatGraphs.from_edges([(3, [(0, 1), (1, 2), (2, 0)])])
        >>> homomorphisms(triangle, cycle(3)).tolist()
        [6.0]
    """
    letters = "abcdefghijklmnopqrstuvwxy"
    terms = ",".join(f"z{letters[a]}{letters[b]}" for a, b in pattern.edges)
    expression = f"{terms}->z{''.join(letters[node] for node in pattern.outputs)}"
    shape = {0: graphs.num_graphs, 1: len(graphs.color), 2: len(graphs.col)}[len(pattern.outputs)]
    out = np.empty(shape)
    for ids, dense in _padded(graphs):
        found = np.einsum(
            expression, *[dense] * len(pattern.edges), optimize="optimal" if len(pattern.edges) < 9 else "greedy"
        )
        _place(graphs, ids, np.asarray(found), out, len(pattern.outputs))
    return out


def injective(graphs: FlatGraphs, pattern: Pattern) -> NDArray[np.float64]:
    """Counts the maps that keep edges and send no two nodes to one: subgraph counts times symmetries of the pattern.

    The sum of (-1)^(k - |p|) prod (|B| - 1)! hom(pattern / p) over all partitions p of its k nodes (Lovasz 1967;
    Curticapean, Dell, Marx, STOC 2017, equation 5); quotients with a loop have none. Arguments and result as in
    `homomorphisms`.

    Example:
        >>> square = FlatGraphs.from_edges([(4, [(0, 1), (1, 2), (2, 3), (3, 0)])])
        >>> injective(square, cycle(4)).tolist()
        [8.0]
    """
    total: NDArray[np.float64] | float = 0.0
    for blocks in _partitions(list(range(pattern.size))):
        block_of = {node: number for number, block in enumerate(blocks) for node in block}
        ends = ((block_of[a], block_of[b]) for a, b in pattern.edges)
        edges = {(min(pair), max(pair)) for pair in ends}
        outputs = tuple(block_of[node] for node in pattern.outputs)
        if any(a == b for a, b in edges) or len(set(outputs)) < len(outputs):
            continue
        sign = math.prod((-1) ** (len(block) - 1) * math.factorial(len(block) - 1) for block in blocks)
        total = total + sign * homomorphisms(graphs, Pattern(tuple(sorted(edges)), outputs))
    return np.asarray(total)


def node_features(graphs: FlatGraphs, patterns: tuple[Pattern, ...], logarithm: bool = True) -> NDArray[np.float32]:
    """Counts patterns with one output each at every node [N, patterns]; log(1 + count) unless told otherwise."""
    columns = [homomorphisms(graphs, pattern) for pattern in patterns]
    counts = np.stack(columns, axis=1) if columns else np.empty((len(graphs.color), 0))
    return (np.log1p(counts) if logarithm else counts).astype(np.float32)


def _padded(graphs: FlatGraphs) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float64]]]:
    """Yields graph numbers and their padded adjacency matrices [B, n, n], small graphs together."""
    sizes = graphs.sizes
    order, at = np.argsort(sizes, kind="stable"), 0
    owner = np.repeat(np.arange(graphs.num_graphs), sizes)
    source, target = graphs.edge_index()
    while at < len(order):
        count = 1
        while at + count < len(order) and (count + 1) * sizes[order[at + count]] ** 2 <= _CHUNK:
            count += 1
        ids = order[at : at + count]
        slot = np.full(graphs.num_graphs, -1)
        slot[ids] = np.arange(count)
        size = int(sizes[ids].max(initial=1))
        dense = np.zeros((count, size, size))
        here = slot[owner[target]] >= 0
        first = graphs.ptr[owner[target[here]]]
        dense[slot[owner[target[here]]], target[here] - first, source[here] - first] = 1.0
        yield ids, dense
        at += count


def _place(
    graphs: FlatGraphs, ids: NDArray[np.int64], found: NDArray[np.float64], out: NDArray[np.float64], outputs: int
) -> None:
    if outputs == 0:
        out[ids] = found
        return
    slot = np.full(graphs.num_graphs, -1)
    slot[ids] = np.arange(len(ids))
    owner = np.repeat(np.arange(graphs.num_graphs), graphs.sizes)
    if outputs == 1:
        mine = np.flatnonzero(slot[owner] >= 0)
        out[mine] = found[slot[owner[mine]], mine - graphs.ptr[owner[mine]]]
        return
    source, target = graphs.edge_index()
    mine = np.flatnonzero(slot[owner[target]] >= 0)
    graph = owner[target[mine]]
    out[mine] = found[slot[graph], target[mine] - graphs.ptr[graph], source[mine] - graphs.ptr[graph]]


def _partitions(items: list[int]) -> Iterator[list[list[int]]]:
    if not items:
        yield []
        return
    for rest in _partitions(items[1:]):
        yield [[items[0]], *rest]
        for place, block in enumerate(rest):
            yield [*rest[:place], [items[0], *block], *rest[place + 1 :]]
