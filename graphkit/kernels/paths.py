"""Paths into every node: shortest ones, all shortest ones, or all simple ones, of a whole dataset at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from graphkit.errors import BudgetExceeded, ConfigError
from graphkit.kernels.cpu import paths as compiled
from graphkit.kernels.cpu import simple_paths as simple
from graphkit.kernels.csr import CSRGraph
from graphkit.kernels.pool import run_bounds

Kind = Literal["sp", "sp+", "ap"]
_CODES = {"ap": compiled.SIMPLE, "sp+": compiled.ALL_SHORTEST, "sp": compiled.SHORTEST}
_BLOCKS = 32


@dataclass(frozen=True, eq=False)
class Paths:
    """The paths of one length that end in every node.

    Args:
        nodes: [R, k + 1] int32, the root first, then against the edges; rows sorted by root.
        edges: [R, k] int32, edge j joins node j + 1 to node j; None where not asked for.
        distances: [R, k + 1] uint8, edges from every node to the root on a shortest way; None where not asked for.
        ptr: [N + 1] int64, rows of root v are `ptr[v]` to `ptr[v + 1]`.
        total: paths there are, of which a cap may have kept fewer.
    """

    nodes: Tensor
    edges: Tensor | None
    distances: Tensor | None
    ptr: Tensor
    total: int


def count_paths(graph: CSRGraph, length: int, kind: Kind = "ap") -> NDArray[np.int64]:
    """Counts the paths of 1 to K edges that end in every node, without listing them.

    Args:
        graph: N nodes; a path runs along its edges. Every parallel edge makes a path of its own.
        length: K.
        kind: `ap` all simple paths, `sp+` all shortest paths, `sp` one shortest path from every node.

    Returns:
        [N, K] int64.

    Raises:
        ConfigError: an unknown kind, or a length outside 1..254.

    Example:
        >>> ring = CSRGraph.from_edge_index(torch.tensor([[0, 1, 2, 3], [1, 2, 3, 0]]), 4)
        >>> count_paths(ring, 3).tolist()[0]
        [1, 1, 1]
    """
    if kind not in get_args(Kind):
        raise ConfigError(f"unknown kind of paths {kind!r}; use one of {', '.join(get_args(Kind))}")
    if not 1 <= length <= 254:
        raise ConfigError(f"paths have 1 to 254 edges, got length {length}")
    counts = np.zeros((graph.num_nodes, length), dtype=np.int64)
    rowptr, col = (array.cpu().numpy() for array in (graph.rowptr, graph.col))
    if kind == "ap":
        _over_roots(graph, simple.count_simple, length, rowptr, col, counts)
    else:
        _over_roots(graph, compiled.count_paths, _CODES[kind], length, rowptr, col, counts)
    return counts


def paths_bytes(rows: NDArray[np.int64], edges: bool = False, distances: bool = False) -> int:
    """Returns the memory of `rows` [K] paths of 1 to K edges.

    Example:
        >>> paths_bytes(np.array([10, 4]), distances=True)
        160
    """
    k = np.arange(1, len(rows) + 1)
    return int((rows * (4 * (k + 1) + (4 * k if edges else 0) + (k + 1 if distances else 0))).sum())


def enumerate_paths(
    graph: CSRGraph,
    length: int,
    kind: Kind = "ap",
    *,
    edges: bool = False,
    distances: bool = False,
    max_per_root: int = 0,
    seed: int = 0,
    budget: int | None = None,
    counts: NDArray[np.int64] | None = None,
) -> list[Paths]:
    """Lists the paths of 1 to K edges that end in every node.

    One compressed graph holds all graphs of a dataset. Paths are counted, given room, and written in place, in
    parallel over roots; the outcome does not depend on the number of threads.

    Args:
        graph: as in `count_paths`.
        length: K.
        kind: as in `count_paths`; of `sp`, the path through the earliest neighbours.
        edges: also list edges.
        distances: also list distances to the root.
        max_per_root: most paths of one length and root, a uniform sample where there are more; 0 keeps all.
        seed: of the samples.
        budget: most bytes to allocate.
        counts: from `count_paths`, where it was called already.

    Returns:
        One `Paths` a length.

    Raises:
        BudgetExceeded: the paths would take more than `budget`; nothing was allocated.
        ConfigError: as `count_paths`.

    Example:
        >>> ring = CSRGraph.from_edge_index(torch.tensor([[0, 1, 2, 3], [1, 2, 3, 0]]), 4)
        >>> enumerate_paths(ring, 2)[1].nodes.tolist()
        [[0, 3, 2], [1, 0, 3], [2, 1, 0], [3, 2, 1]]
    """
    counts = count_paths(graph, length, kind) if counts is None else counts
    kept = np.minimum(counts, max_per_root) if max_per_root else counts
    rows = kept.sum(axis=0)
    due = paths_bytes(rows, edges, distances)
    if budget is not None and due > budget:
        raise BudgetExceeded(
            f"{int(rows.sum()):,} {kind} paths of up to {length} edges would take {due:,} bytes, more than "
            f"the budget of {budget:,}; raise it, or lower the length or max_per_root"
        )
    offsets = np.zeros((graph.num_nodes + 1, length), dtype=np.int64)
    np.cumsum(kept, axis=0, out=offsets[1:])
    widths = np.arange(1, length + 1)
    base = np.concatenate([[0], np.cumsum(rows * (widths + 1))]).astype(np.int64)
    edge_base = np.concatenate([[0], np.cumsum(rows * widths)]).astype(np.int64)
    nodes = np.empty(base[-1], dtype=np.int32)
    edge_rows = np.empty(edge_base[-1] if edges else 0, dtype=np.int32)
    distance_rows = np.empty(base[-1] if distances else 0, dtype=np.uint8)
    arrays = [array.cpu().numpy() for array in (graph.rowptr, graph.col, graph.edge_id)]
    if kind == "ap" and not (edges or distances or max_per_root):
        _over_roots(graph, simple.fill_simple, length, *arrays[:2], offsets, base, nodes)
    else:
        most = max_per_root or compiled.EVERY
        rows_of = (offsets, most, seed, base, edge_base, nodes, edge_rows, distance_rows)
        _over_roots(graph, compiled.fill_paths, _CODES[kind], length, *arrays, *rows_of)
    found = []
    for k in range(length):
        span, edge_span = slice(base[k], base[k + 1]), slice(edge_base[k], edge_base[k + 1])
        found.append(
            Paths(
                torch.from_numpy(nodes[span].reshape(-1, k + 2)),
                torch.from_numpy(edge_rows[edge_span].reshape(-1, k + 1)) if edges else None,
                torch.from_numpy(distance_rows[span].reshape(-1, k + 2)) if distances else None,
                torch.from_numpy(offsets[:, k].copy()),
                int(counts[:, k].sum()),
            )
        )
    return found


def distinct(
    parent: NDArray[np.int32], node: NDArray[np.int32], distance: NDArray[np.uint8]
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Numbers distinct rows (parent, node, distance) in order of appearance; an empty array leaves a column out.

    Returns:
        The first row of each, and the number [R] of every row.
    """
    size = 1 << max(4, (2 * len(node)).bit_length())
    table = np.full(size, -1, dtype=np.int32)
    first, inverse = np.empty(len(node), dtype=np.int64), np.empty(len(node), dtype=np.int32)
    highest = int(node.max(initial=0)) + 1
    found = compiled.unique_pairs(parent, node, distance, highest, table, first, inverse)
    return first[:found].copy(), inverse


def _over_roots(graph: CSRGraph, kernel: object, *arguments: object) -> None:
    """Calls a kernel over blocks of roots; a block has about the same number of edges and scratch of its own."""
    blocks = max(1, min(_BLOCKS, graph.num_nodes, graph.num_edges // 4096))
    inner = torch.searchsorted(graph.rowptr.cpu().long(), torch.arange(1, blocks) * (graph.num_edges / blocks))
    bounds = [0, *inner.clamp(max=graph.num_nodes).tolist(), graph.num_nodes]
    run_bounds(bounds, 50 * graph.num_edges, kernel, *arguments)  # type: ignore[arg-type]
