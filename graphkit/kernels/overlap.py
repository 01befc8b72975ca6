"""Shared and unshared neighbours of many pairs, edges of pairs, and triangles."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import torch
from torch import Tensor

from graphkit.errors import ShapeError
from graphkit.kernels.arrays import Array, empty, indices
from graphkit.kernels.csr import CSRGraph
from graphkit.kernels.links import pair_ends
from graphkit.kernels.pool import run_range


def common_neighbors(
    graph: CSRGraph, pairs: Tensor, remove_target: bool = True, removed: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Lists the nodes with an edge to both ends of each pair, ascending.

    Rows are compared by a merge, or searched where one is much longer; a node counts once, however often its edge is
    repeated.

    Args:
        graph: N nodes; give both directions of an undirected graph.
        pairs: [2, B] integer; for a pair of a node with itself the lists hold its own neighbours.
        remove_target: leave out the edges between the two ends of a pair (they matter where nodes have self-loops).
        removed: [E] bool in edge order, edges to skip as if they were not there; see `find_edges`.

    Returns:
        offsets [B + 1] int64 and nodes [L] int64: those of pair b are `nodes[offsets[b]:offsets[b + 1]]`.

    Raises:
        ShapeError: `pairs` is no integer [2, B] tensor, `removed` no bool [E], or the graph is bipartite.
        GraphValidationError: a pair names a node that is not there.

    Example:
        >>> graph = CSRGraph.from_edge_index(torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]]), 3)
        >>> common_neighbors(graph, torch.tensor([[0, 0], [2, 1]]))
        (tensor([0, 1, 1]), tensor([1]))
    """
    return _compared(graph, pairs, False, remove_target, removed)


def exclusive_neighbors(
    graph: CSRGraph, pairs: Tensor, remove_target: bool = True, removed: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Lists the nodes with an edge to the first end of each pair but none to the second, ascending.

    Arguments, results and errors as in `common_neighbors`; flip the pairs for the neighbours of the second end.

    Example:
        >>> graph = CSRGraph.from_edge_index(torch.tensor([[0, 2, 3], [1, 1, 2]]), 4)
        >>> exclusive_neighbors(graph, torch.tensor([[1], [2]]))
        (tensor([0, 1]), tensor([0]))
    """
    return _compared(graph, pairs, True, remove_target, removed)


def find_edges(graph: CSRGraph, pairs: Tensor, both: bool = True) -> Tensor:
    """Returns the edges from the first to the second end of pairs, and by default those back; repeated ones, too.

    Args:
        graph: N nodes.
        pairs: [2, B] integer; pairs without an edge add nothing.
        both: look for edges in either direction.

    Returns:
        [K] int64 columns of the edge list the graph was made from; an edge met by several pairs occurs again.

    Raises:
        ShapeError: `pairs` is no integer [2, B] tensor, or the graph is bipartite.
        GraphValidationError: a pair names a node that is not there.

    Example:
        >>> graph = CSRGraph.from_edge_index(torch.tensor([[0, 1, 1], [1, 0, 2]]), 3)
        >>> removed = torch.zeros(3, dtype=torch.bool)
        >>> removed[find_edges(graph, torch.tensor([[0], [1]]))] = True
        >>> removed.tolist()
        [True, True, False]
    """
    from graphkit.kernels.cpu import overlap

    source, target = pair_ends(graph, pairs)
    if both:
        source, target = np.concatenate([source, target]), np.concatenate([target, source])
    rowptr, col, edge_id, _ = _sorted_rows(graph)
    low, counts = np.empty(len(source), np.int64), np.empty(len(source), np.int64)
    run_range(len(source), overlap.locate, source, target, rowptr, col, low, counts, work=16)
    start = np.cumsum(counts) - counts
    slots = np.repeat(low - start, counts) + np.arange(counts.sum())
    return torch.from_numpy(edge_id[slots].astype(np.int64))


def triangle_counts(graph: CSRGraph) -> Tensor:
    """Counts the triangles through each node of the simple undirected graph beneath `graph`.

    Every edge is given to its end with fewer neighbours, so that hubs are not looked through again and again: O(E^1.5)
    (Chiba and Nishizeki, SIAM J. Comput. 14(1), 1985).

    Args:
        graph: N nodes; directions, repeats and self-loops do not count.

    Returns:
        [N] int64.

    Raises:
        ShapeError: the graph is bipartite.

    Example:
        >>> triangle_counts(CSRGraph.from_edge_index(torch.tensor([[0, 1, 2, 2], [1, 2, 0, 3]]), 4)).tolist()
        [1, 1, 1, 0]
    """
    from graphkit.kernels.cpu import overlap

    pair_ends(graph, torch.empty(2, 0, dtype=torch.int64))
    rowptr, col = _upward_rows(graph)
    total, lock = np.zeros(graph.num_nodes, np.int64), threading.Lock()

    def count(first: int, last: int, block: int) -> None:
        own = np.zeros(graph.num_nodes, np.int64)
        overlap.triangles(first, last, rowptr, col, np.full(graph.num_nodes, -1, np.int64), own)
        with lock:  # whole numbers: the order of the blocks does not matter
            np.add(total, own, out=total)

    run_range(graph.num_nodes, count, work=1 + len(col) * 8 // max(graph.num_nodes, 1))
    return torch.from_numpy(total)


def _compared(
    graph: CSRGraph, pairs: Tensor, exclusive: bool, remove_target: bool, removed: Tensor | None
) -> tuple[Tensor, Tensor]:
    from graphkit.kernels.cpu import overlap

    source, target = pair_ends(graph, pairs)
    if removed is not None and (removed.shape != (graph.num_edges,) or removed.dtype != torch.bool):
        raise ShapeError(
            f"removed must be a bool tensor [{graph.num_edges}], one flag an edge, got {removed.dtype}"
            f" {list(removed.shape)}"
        )
    flags = empty(np.bool_) if removed is None else removed.contiguous().numpy()
    rowptr, col, edge_id, plain = _sorted_rows(graph)
    sizes = (rowptr[1:] - rowptr[:-1]).astype(np.int64)
    bound = sizes[source] if exclusive else np.minimum(sizes[source], sizes[target])
    # Room for the longest possible lists is untouched memory for the most part; written once, then moved together.
    offset = np.cumsum(bound + 1) - (bound + 1)
    scattered, counts = np.empty(int(bound.sum()) + len(bound), col.dtype), np.zeros(len(bound), np.int64)
    work = 2 + 2 * graph.num_edges // max(graph.num_nodes, 1)
    ends: tuple[Any, ...] = source, target, exclusive, not remove_target
    run_range(
        len(bound), overlap.overlap, *ends, rowptr, col, edge_id, flags, plain, offset, scattered, counts, work=work
    )
    offsets = np.zeros(len(bound) + 1, np.int64)
    np.cumsum(counts, out=offsets[1:])
    nodes = np.empty(offsets[-1], np.int64)
    run_range(len(bound), overlap.gather, offset, counts, offsets, scattered, nodes, work=work)
    return torch.from_numpy(offsets), torch.from_numpy(nodes)


def _sorted_rows(graph: CSRGraph) -> tuple[Array, Array, Array, bool]:
    """rowptr, ascending neighbours, their edges, and whether no row holds a node twice (kept with the graph)."""
    kept: tuple[Array, Array, Array, bool] | None = graph.__dict__.get("_sorted_rows")
    if kept is None:
        rowptr, col = indices(graph)
        edge_id, row = graph.edge_id.numpy(), graph.row.numpy()
        same = row[1:] == row[:-1]
        if (col[1:] < col[:-1])[same].any():
            order = np.lexsort((col, row))
            col, edge_id = col[order], edge_id[order]
        plain = not bool((col[1:] == col[:-1])[same].any())
        kept = graph.__dict__["_sorted_rows"] = (rowptr, col, edge_id, plain)
    return kept


def _upward_rows(graph: CSRGraph) -> tuple[Array, Array]:
    """The simple undirected graph as rows that hold the neighbours of higher (degree, number) alone."""
    nodes, (_, col) = graph.num_nodes, indices(graph)
    one, two = graph.row.numpy().astype(np.int64), col.astype(np.int64)
    key = np.unique(np.minimum(one, two) * nodes + np.maximum(one, two))
    one, two = np.divmod(key, max(nodes, 1))
    one, two = one[one != two], two[one != two]
    degree = np.bincount(one, minlength=nodes) + np.bincount(two, minlength=nodes)
    upward = degree[one] <= degree[two]  # among equals, one < two already
    low, high = np.where(upward, one, two), np.where(upward, two, one)
    rowptr = np.zeros(nodes + 1, np.int64)
    np.cumsum(np.bincount(low, minlength=nodes), out=rowptr[1:])
    return rowptr, high[np.argsort(low, kind="stable")]
