"""Paths as structural transforms: their rows, and the tree of steps in which equal beginnings are one."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from graphkit.kernels import CSRGraph
from graphkit.kernels.paths import Kind, Paths, count_paths, distinct, enumerate_paths, paths_bytes
from graphkit.kernels.ragged import Ragged
from graphkit.transforms.structures import Cost, Graphs

VERSION = 1


class PathRows:
    """The paths of 1 to K edges into every node, row by row.

    Arrays, for every length k: `path_{k}_nodes` [R, k + 1] int32, the root first, rows sorted by root;
    `path_{k}_edges` [R, k] and `path_{k}_distances` [R, k + 1] where asked for.

    Args:
        kind: `ap` all simple paths, `sp+` all shortest paths, `sp` one shortest path from every node, which depends on
            the order of nodes.
        length: K.
        edges: also list edges.
        distances: also list distances to the root.
        max_per_root: most paths of one length and root; 0 keeps all.
        seed: of the sample where there are more.

    Example:
        >>> ring = Graphs(torch.tensor([[0, 1, 2], [1, 2, 0]]), torch.tensor([0, 3]))
        >>> PathRows("ap", 2).compute(ring)["path_2_nodes"].values.tolist()
        [[0, 2, 1], [1, 0, 2], [2, 1, 0]]
    """

    def __init__(
        self,
        kind: Kind = "ap",
        length: int = 2,
        edges: bool = False,
        distances: bool = False,
        max_per_root: int = 0,
        seed: int = 0,
    ) -> None:
        self.kind, self.length, self.edges, self.distances = kind, length, edges, distances
        self.max_per_root, self.seed = max_per_root, seed
        self._counts: NDArray[np.int64] | None = None

    def count(self, graphs: Graphs) -> Cost:
        """Returns the memory of the rows."""
        self._counts = count_paths(_graph(graphs), self.length, self.kind)
        kept = np.minimum(self._counts, self.max_per_root) if self.max_per_root else self._counts
        rows = kept.sum(axis=0)
        top = int(rows.argmax())
        return Cost(paths_bytes(rows, self.edges, self.distances), f"{int(rows[top]):,} paths of {top + 1} edges")

    def compute(self, graphs: Graphs) -> dict[str, Ragged]:
        """Returns the rows."""
        found = {}
        for k, level in enumerate(self._listed(graphs), start=1):
            ptr = level.ptr[graphs.ptr]
            found[f"path_{k}_nodes"] = Ragged(level.nodes, ptr, "node")
            if level.edges is not None:
                found[f"path_{k}_edges"] = Ragged(level.edges, ptr, "edge")
            if level.distances is not None:
                found[f"path_{k}_distances"] = Ragged(level.distances, ptr)
        return found

    def _listed(self, graphs: Graphs) -> list[Paths]:
        return enumerate_paths(
            _graph(graphs),
            self.length,
            self.kind,
            edges=self.edges,
            distances=self.distances,
            max_per_root=self.max_per_root,
            seed=self.seed,
            counts=self._counts,
        )


class PathTree(PathRows):
    """The steps in which a recurrent network reads the paths, far end first, equal beginnings once.

    A network that reads p_k, ..., p_1, root has after t steps one state for every distinct beginning, not for every
    path: N states after the first step, at most as many as edges after the second. Arrays, for every length k and step
    t of 1..k + 1: `path_{k}_{t}_node` [M] the node read; `path_{k}_{t}_parent` [M] the row of step t - 1 that is
    continued (t > 1); `path_{k}_{t}_distance` [M] of the node to the root, where distances are read; and
    `path_{k}_{t}_edge` [M] the edge from the node before (t > 1), where edges are. After the last step every row is one
    path, sorted by root.
    """

    def count(self, graphs: Graphs) -> Cost:
        """Returns the memory of the rows and, at most, of the tree."""
        cost = super().count(graphs)
        assert self._counts is not None
        kept = np.minimum(self._counts, self.max_per_root) if self.max_per_root else self._counts
        tokens = int((kept.sum(axis=0) * np.arange(2, self.length + 2)).sum())
        return Cost(cost.bytes + 8 * tokens, cost.what)

    def compute(self, graphs: Graphs) -> dict[str, Ragged]:
        """Returns the steps."""
        found: dict[str, Ragged] = {}
        graph_of = np.repeat(np.arange(len(graphs.ptr) - 1), np.diff(graphs.ptr.numpy()))
        for k, level in enumerate(self._listed(graphs), start=1):
            nodes = level.nodes.numpy()
            distances = None if level.distances is None else level.distances.numpy()
            edges = None if level.edges is None else level.edges.numpy()
            number: NDArray[np.int32] = np.empty(0, dtype=np.int32)
            for t in range(1, k + 2):
                column = k + 1 - t  # the root is the last that is read
                token = np.ascontiguousarray(nodes[:, column])
                away = np.empty(0, np.uint8) if distances is None else np.ascontiguousarray(distances[:, column])
                if t <= k:
                    first, following = distinct(number, token, away)
                else:
                    first, following = np.arange(len(nodes)), number
                ptr = torch.from_numpy(np.searchsorted(graph_of[token[first]], np.arange(len(graphs.ptr))))
                name = f"path_{k}_{t}"
                found[f"{name}_node"] = Ragged(torch.from_numpy(token[first]), ptr, "node")
                if t > 1:
                    before = torch.from_numpy(number[first])
                    found[f"{name}_parent"] = Ragged(before, ptr, f"path_{k}_{t - 1}_node")
                if distances is not None:
                    found[f"{name}_distance"] = Ragged(torch.from_numpy(away[first]), ptr)
                if edges is not None and t > 1:
                    edge = np.ascontiguousarray(edges[first, column])
                    found[f"{name}_edge"] = Ragged(torch.from_numpy(edge), ptr, "edge")
                number = following
        return found


def _graph(graphs: Graphs) -> CSRGraph:
    return CSRGraph.from_edge_index(graphs.edge_index, graphs.num_nodes)
