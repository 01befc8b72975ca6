"""Edge lists as readers need them: without duplicates, sorted, and in both directions where a graph is undirected."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from graphkit.errors import GraphValidationError

Nodes = NDArray[np.int64]


def coalesce(source: ArrayLike, target: ArrayLike, num_nodes: int) -> Nodes:
    """Sorts directed edges by (source, target) and drops duplicates.

    Args:
        source: [E] node numbers.
        target: [E] node numbers.
        num_nodes: N.

    Returns:
        [2, E'] int64 edge index.

    Raises:
        GraphValidationError: an edge names a node outside 0..N-1.

    Example:
        >>> coalesce([1, 0, 1], [0, 1, 0], 2).tolist()
        [[0, 1], [1, 0]]
    """
    source, target = np.asarray(source, dtype=np.int64), np.asarray(target, dtype=np.int64)
    for ends in (source, target):
        if ends.size and not (ends.min() >= 0 and ends.max() < num_nodes):
            raise GraphValidationError(
                f"the edge list names nodes {ends.min()}..{ends.max()}, but the graph has nodes 0..{num_nodes - 1}"
            )
    key = np.unique(source * num_nodes + target)
    return np.stack([key // max(num_nodes, 1), key % max(num_nodes, 1)])


def both_directions(source: ArrayLike, target: ArrayLike, num_nodes: int, self_loops: bool = True) -> Nodes:
    """Adds the reverse of every edge, then sorts and drops duplicates, and self loops unless they are kept.

    Args:
        source: [E] node numbers.
        target: [E] node numbers.
        num_nodes: N.
        self_loops: keeps edges from a node to itself.

    Returns:
        [2, E'] int64 symmetric edge index.

    Example:
        >>> both_directions([0, 1], [1, 1], 2, self_loops=False).tolist()
        [[0, 1], [1, 0]]
    """
    source, target = np.asarray(source, dtype=np.int64), np.asarray(target, dtype=np.int64)
    if not self_loops:
        proper = source != target
        source, target = source[proper], target[proper]
    return coalesce(np.concatenate([source, target]), np.concatenate([target, source]), num_nodes)
