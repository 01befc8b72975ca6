"""A graph without some of its edges: one pass over the compressed rows, with no sort and no new edge list."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from graphkit.errors import ShapeError
from graphkit.kernels.build import check_range
from graphkit.kernels.csr import CSRGraph


def keep_slots(graph: CSRGraph, keep: Tensor) -> CSRGraph:
    """The graph of the edges whose slot is kept, in slot order; a transpose that is there already is thinned too.

    Args:
        graph: N nodes and E edges.
        keep: [E] bool in slot order.

    Returns:
        A graph whose `parent_edge` [E'] holds the former edge of every edge.

    Raises:
        ShapeError: `keep` is no boolean [E].

    Example:
        >>> graph = CSRGraph.from_edge_index(torch.tensor([[0, 1], [1, 0]]), 2)
        >>> keep_slots(graph, torch.tensor([True, False])).edge_index().tolist()
        [[1], [0]]
    """
    if keep.dtype != torch.bool or keep.shape != (graph.num_edges,):
        raise ShapeError(f"keep must be boolean [{graph.num_edges}], got {keep.dtype} {list(keep.shape)}")
    thinned = _thin(graph, keep, graph.edge_id[keep])
    if "_transposed" in graph.__dict__:
        flipped, slot = graph._transposed
        kept = keep[slot.long()]
        place = (keep.cumsum(0) - 1).to(slot.dtype)[slot[kept].long()]
        flipped = _thin(flipped, kept, thinned.parent_edge, place)
        thinned.__dict__["_transposed"] = flipped, place
    return thinned


def _thin(graph: CSRGraph, keep: Tensor, parent: Tensor | None, edge_id: Tensor | None = None) -> CSRGraph:
    count = torch.zeros(graph.num_edges + 1, dtype=graph.rowptr.dtype, device=graph.device)
    count[1:] = keep.cumsum(0)
    col = graph.col[keep]
    edges = torch.arange(col.numel(), device=col.device, dtype=col.dtype) if edge_id is None else edge_id
    return CSRGraph(count[graph.rowptr.long()], col, edges, graph.num_sources, graph.num_targets, parent)


@dataclass(frozen=True, eq=False)
class RemovableLinks:
    """A graph from which the links of a batch are taken out: every parallel edge of a link goes.

    The keys of all edges are sorted once; a removal costs B log E look-ups and one pass over the rows.

    Args:
        graph: N nodes.
        undirected: a link names both directions of an edge.

    Example:
        >>> graph = CSRGraph.from_edge_index(torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]]), 3)
        >>> RemovableLinks(graph).without(torch.tensor([[1], [2]])).edge_index().tolist()
        [[1, 0], [0, 1]]
    """

    graph: CSRGraph
    undirected: bool = True

    def without(self, links: Tensor) -> CSRGraph:
        """The graph without the edges of `links` [2, B]; links that are no edges change nothing.

        Raises:
            ShapeError: `links` is no integer [2, B].
            GraphValidationError: a link names a node that is not there.
        """
        if links.dim() != 2 or links.size(0) != 2 or links.dtype not in (torch.int32, torch.int64):
            raise ShapeError(f"links must be an integer tensor [2, B], got {links.dtype} {list(links.shape)}")
        for end, role in zip(links, ("source", "target"), strict=True):
            check_range(end, self.graph.num_nodes, role)
        ordered, slot = self._keys
        wanted = self._key(links[0].long(), links[1].long())
        first, last = torch.searchsorted(ordered, wanted), torch.searchsorted(ordered, wanted, right=True)
        many = last - first
        starts = torch.repeat_interleave(first - many.cumsum(0) + many, many)
        keep = torch.ones(self.graph.num_edges, dtype=torch.bool, device=self.graph.device)
        keep[slot[starts + torch.arange(starts.numel(), device=starts.device)]] = False
        return keep_slots(self.graph, keep)

    @cached_property
    def _keys(self) -> tuple[Tensor, Tensor]:
        keys = self._key(self.graph.col.long(), self.graph.row.long())
        ordered, slot = torch.sort(keys, stable=True)
        return ordered, slot

    def _key(self, source: Tensor, target: Tensor) -> Tensor:
        if self.undirected:
            source, target = torch.minimum(source, target), torch.maximum(source, target)
        return source * self.graph.num_nodes + target
