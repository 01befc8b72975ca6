"""Batches of whole graphs, cut out of one disjoint union by slices."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor
from torch_geometric.data import Data

from graphkit.errors import ConfigError, GraphValidationError
from graphkit.kernels.ragged import Ragged, Structure, cut, ranges

_NO_STRUCTURE: Mapping[str, Ragged] = MappingProxyType({})
NODE_KEYS, EDGE_KEYS = ("x", "pos", "z"), ("edge_attr", "edge_weight")


class GraphBatches:
    """Cuts batches of graphs out of a many-graph `Data` without touching single graphs.

    Args:
        data: a disjoint union with `ptr [G + 1]`: graph g owns the nodes ptr[g] to ptr[g + 1].
        graph_ids: [B] graphs to serve.
        batch_size: graphs a batch.
        level: what has a label: `node` where y has N rows, `graph` where it has G.
        structure: arrays that follow the graphs (`kernels.ragged`), cut with them.

    Raises:
        ConfigError: no positive batch size, or `data` has no `ptr`.
        GraphValidationError: an edge joins two graphs, or a graph does not exist.

    Example:
        >>> data = Data(x=torch.eye(4), edge_index=torch.tensor([[0, 2], [1, 3]]), ptr=torch.tensor([0, 2, 4]))
        >>> [batch.num_nodes for batch in GraphBatches(data, [0, 1], 1).epoch()]
        [2, 2]
    """

    def __init__(
        self,
        data: Data,
        graph_ids: ArrayLike,
        batch_size: int,
        level: Literal["node", "graph"] = "node",
        structure: Structure = _NO_STRUCTURE,
    ) -> None:
        if batch_size < 1:
            raise ConfigError(f"batch_size must be at least 1, got {batch_size}")
        if "ptr" not in data:
            raise ConfigError("batches of whole graphs need data.ptr, the first node of every graph")
        self._data, self._batch_size, self._structure = data, batch_size, structure
        self._ptr: Tensor = data.ptr.long()
        self._ids = torch.tensor(np.asarray(graph_ids), dtype=torch.long)
        graphs = len(self._ptr) - 1
        if len(self._ids) and not 0 <= int(self._ids.min()) <= int(self._ids.max()) < graphs:
            raise GraphValidationError(f"graph ids must lie in 0..{graphs - 1}")
        graph_of = torch.repeat_interleave(torch.arange(graphs), self._ptr.diff())
        owner = graph_of[data.edge_index[0]]
        if bool((owner != graph_of[data.edge_index[1]]).any()):
            raise GraphValidationError("an edge joins two graphs; data.ptr does not fit data.edge_index")
        # most datasets list their edges graph by graph: then a graph's edges are a slice
        self._edges = None if bool((owner.diff() >= 0).all()) else owner.argsort(stable=True)
        self._edge_ptr = torch.cat(
            [torch.zeros(1, dtype=torch.long), torch.bincount(owner, minlength=graphs).cumsum(0)]
        )
        node_keys = NODE_KEYS if level == "graph" else (*NODE_KEYS, "y")
        self._node_keys = [key for key in node_keys if data.get(key) is not None]
        self._edge_keys = [key for key in EDGE_KEYS if data.get(key) is not None]
        self._graph_keys = ["y"] if level == "graph" and data.get("y") is not None else []
        self._in_order: list[Data] | None = None

    def epoch(self, seed: int | None = None, share: tuple[int, int] = (0, 1)) -> Iterator[Data]:
        """Yields the batches of one pass: in the order drawn by `seed`, or as given for None.

        A last batch of a single graph joins the one before it in a drawn pass, because batch normalisation cannot train
        on one row. `share` (r, n) keeps every n-th graph of a batch from the r-th on, for one of n processes; a batch
        of fewer than n graphs goes to all of them.

        Yields:
            `Data` with `x`, `pos`, `z`, `y`, `edge_attr` as far as there, `edge_index` in batch numbers, `ptr`,
            `batch`, `node_id [M]`, the nodes' numbers in the union, and the arrays of the structure. Batches in given
            order are cut once and served again.
        """
        if seed is None:
            if self._in_order is None:
                self._in_order = [self._cut(ids) for ids in self._ids.split(self._batch_size)]
            yield from self._in_order
            return
        order = torch.randperm(len(self._ids), generator=torch.Generator().manual_seed(seed))
        parts = list(self._ids[order].split(self._batch_size))
        if len(parts) > 1 and len(parts[-1]) == 1:
            parts[-2:] = [torch.cat(parts[-2:])]
        for ids in parts:
            yield self._cut(share_of(ids, share))

    def _cut(self, ids: Tensor) -> Data:
        nodes, ptr = ranges(self._ptr, ids)
        slots, edge_ptr = ranges(self._edge_ptr, ids)
        edges = slots if self._edges is None else self._edges[slots]
        shift = torch.repeat_interleave(ptr[:-1] - self._ptr[ids], edge_ptr.diff(), output_size=len(edges))
        batch = torch.repeat_interleave(torch.arange(len(ids)), ptr.diff(), output_size=len(nodes))
        block = Data(edge_index=self._data.edge_index[:, edges] + shift, ptr=ptr, batch=batch, node_id=nodes)
        block.num_nodes = len(nodes)
        for keys, rows in ((self._node_keys, nodes), (self._edge_keys, edges), (self._graph_keys, ids)):
            for key in keys:
                block[key] = self._data[key][rows]
        if self._structure:
            for name, values in cut(self._structure, ids, {"node": self._ptr, "edge": self._edge_ptr}).items():
                block[name] = values
        return block


def share_of(ids: Any, share: tuple[int, int]) -> Any:
    """Returns every n-th entry from the r-th on for `share` (r, n); all where there are fewer than n.

    Example:
        >>> share_of(torch.arange(5), (1, 2)).tolist(), share_of(torch.arange(1), (1, 2)).tolist()
        ([1, 3], [0])
    """
    rank, size = share
    return ids if len(ids) < size else ids[rank::size]
