"""Batches of whole graphs, cut out of one disjoint union by slices."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor
from torch_geometric.data import Data

from graphkit.errors import ConfigError, GraphValidationError


class GraphBatches:
    """Cuts batches of graphs out of a many-graph `Data` without touching single graphs.

    Args:
        data: a disjoint union with `ptr [G + 1]`: graph g owns the nodes ptr[g] to ptr[g + 1].
        graph_ids: [B] graphs to serve.
        batch_size: graphs a batch.

    Raises:
        ConfigError: no positive batch size, or `data` has no `ptr`.
        GraphValidationError: an edge joins two graphs, or a graph does not exist.

    Example:
        >>> data = Data(x=torch.eye(4), edge_index=torch.tensor([[0, 2], [1, 3]]), ptr=torch.tensor([0, 2, 4]))
        >>> [batch.num_nodes for batch in GraphBatches(data, [0, 1], 1).epoch()]
        [2, 2]
    """

    def __init__(self, data: Data, graph_ids: ArrayLike, batch_size: int) -> None:
        if batch_size < 1:
            raise ConfigError(f"batch_size must be at least 1, got {batch_size}")
        if "ptr" not in data:
            raise ConfigError("batches of whole graphs need data.ptr, the first node of every graph")
        self._data, self._batch_size = data, batch_size
        self._ptr: Tensor = data.ptr.long()
        self._ids = torch.as_tensor(np.asarray(graph_ids), dtype=torch.long)
        graphs = len(self._ptr) - 1
        if len(self._ids) and not 0 <= int(self._ids.min()) <= int(self._ids.max()) < graphs:
            raise GraphValidationError(f"graph ids must lie in 0..{graphs - 1}")
        graph_of = torch.repeat_interleave(torch.arange(graphs), self._ptr.diff())
        owner = graph_of[data.edge_index[0]]
        if bool((owner != graph_of[data.edge_index[1]]).any()):
            raise GraphValidationError("an edge joins two graphs; data.ptr does not fit data.edge_index")
        self._edges = owner.argsort(stable=True)
        self._edge_ptr = torch.cat(
            [torch.zeros(1, dtype=torch.long), torch.bincount(owner, minlength=graphs).cumsum(0)]
        )
        self._node_keys = [key for key in ("x", "y", "pos") if data.get(key) is not None]
        self._edge_keys = [key for key in ("edge_attr", "edge_weight") if data.get(key) is not None]
        self._in_order: list[Data] | None = None

    def epoch(self, seed: int | None = None) -> Iterator[Data]:
        """Yields the batches of one pass: in the order drawn by `seed`, or as given for None.

        Yields:
            `Data` with `x`, `y`, `edge_attr` as far as there, `edge_index` in batch numbers, `ptr`, `batch`, and
            `node_id [M]`, the nodes' numbers in the union. Batches in given order are cut once and served again.
        """
        if seed is None:
            if self._in_order is None:
                self._in_order = [self._cut(ids) for ids in self._ids.split(self._batch_size)]
            yield from self._in_order
            return
        order = torch.randperm(len(self._ids), generator=torch.Generator().manual_seed(seed))
        for ids in self._ids[order].split(self._batch_size):
            yield self._cut(ids)

    def _cut(self, ids: Tensor) -> Data:
        nodes, ptr = _ranges(self._ptr, ids)
        slots, edge_ptr = _ranges(self._edge_ptr, ids)
        edges = self._edges[slots]
        shift = torch.repeat_interleave(ptr[:-1] - self._ptr[ids], edge_ptr.diff())
        batch = torch.repeat_interleave(torch.arange(len(ids)), ptr.diff())
        block = Data(edge_index=self._data.edge_index[:, edges] + shift, ptr=ptr, batch=batch, node_id=nodes)
        block.num_nodes = len(nodes)
        for key in self._node_keys:
            block[key] = self._data[key][nodes]
        for key in self._edge_keys:
            block[key] = self._data[key][edges]
        return block


def _ranges(ptr: Tensor, ids: Tensor) -> tuple[Tensor, Tensor]:
    """Returns the concatenated ranges ptr[i] to ptr[i + 1] of `ids`, and where each begins."""
    sizes = ptr[ids + 1] - ptr[ids]
    begin = torch.cat([sizes.new_zeros(1), sizes.cumsum(0)])
    return torch.arange(int(begin[-1])) + torch.repeat_interleave(ptr[ids] - begin[:-1], sizes), begin
