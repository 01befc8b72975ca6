"""Pieces that several generators share: split graphs or nodes, sample sparse edges, join small graphs into a union."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from graphkit.data.raw import Triple

Nodes = NDArray[np.int64]


def graph_split(rng: np.random.Generator, graphs: int, train: float, valid: float) -> Triple:
    """Divides graphs 0..graphs-1 at random: shares `train` and `valid` (at least one each), the rest tests."""
    order = rng.permutation(graphs)
    first = min(max(round(train * graphs), 1), graphs - 2)
    second = min(first + max(round(valid * graphs), 1), graphs - 1)
    return np.sort(order[:first]), np.sort(order[first:second]), np.sort(order[second:])


def nodes_of_graphs(graphs: Nodes, ptr: Nodes) -> Nodes:
    """Returns the nodes of the given graphs of a union.

    Args:
        graphs: sorted graph numbers.
        ptr: [G + 1] first node of every graph.

    Example:
        >>> nodes_of_graphs(np.array([1]), np.array([0, 2, 5])).tolist()
        [2, 3, 4]
    """
    chosen = np.zeros(len(ptr) - 1, dtype=bool)
    chosen[graphs] = True
    return np.flatnonzero(np.repeat(chosen, np.diff(ptr)))


def stratified_split(rng: np.random.Generator, y: Nodes, train: float, valid: float) -> Triple:
    """Divides nodes at random within every class: shares `train` (at least one node) and `valid`, the rest tests."""
    parts: tuple[list[Nodes], list[Nodes], list[Nodes]] = ([], [], [])
    for label in np.unique(y):
        order = rng.permutation(np.flatnonzero(y == label))
        first = max(round(train * len(order)), 1)
        second = first + round(valid * len(order))
        for part, nodes in zip(parts, (order[:first], order[first:second], order[second:]), strict=True):
            part.append(nodes)
    train_nodes, valid_nodes, test_nodes = (np.sort(np.concatenate(part)) for part in parts)
    return train_nodes, valid_nodes, test_nodes


def sample_block(rng: np.random.Generator, rows: Nodes, columns: Nodes | None, probability: float) -> Nodes:
    """Samples undirected edges independently, in time proportional to the edges drawn.

    Args:
        rng: source of randomness.
        rows: nodes of one block.
        columns: nodes of another, disjoint block, or None for the pairs within `rows`.
        probability: of each pair.

    Returns:
        [2, M] int64, each undirected edge once.
    """
    pairs = len(rows) * (len(rows) - 1) // 2 if columns is None else len(rows) * len(columns)
    if not pairs:
        return np.empty((2, 0), dtype=np.int64)
    drawn = rng.choice(pairs, size=int(rng.binomial(pairs, probability)), replace=False, shuffle=False)
    if columns is not None:
        return np.stack([rows[drawn // len(columns)], columns[drawn % len(columns)]])
    # Pair number i(i-1)/2 + j stands for (i, j), j < i; the float root may be off by one for huge blocks.
    high = ((1 + np.sqrt(1 + 8 * drawn.astype(np.float64))) // 2).astype(np.int64)
    high -= high * (high - 1) // 2 > drawn
    high += (high + 1) * high // 2 <= drawn
    return np.stack([rows[high], rows[drawn - high * (high - 1) // 2]])


def join(edges: Sequence[Nodes], sizes: Sequence[int]) -> tuple[Nodes, Nodes]:
    """Joins graphs into a disjoint union.

    Args:
        edges: [2, E_g] edge index of every graph.
        sizes: number of nodes of every graph.

    Returns:
        [2, E] edge index of the union and [G + 1] ptr.
    """
    ptr = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    return np.concatenate([one + start for one, start in zip(edges, ptr, strict=False)], axis=1), ptr
