"""An immutable compressed sparse graph: rows are targets, columns are sources, the transpose is made once and kept."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from graphkit.errors import GraphValidationError, ShapeError
from graphkit.kernels.build import compress, transpose


@dataclass(frozen=True, eq=False)
class CSRGraph:
    """A directed graph stored by target, so that the messages a node receives lie side by side.

    Two orders of the same edges occur. *Edge order* is the order of the columns of the `edge_index` the graph was made
    from; every public function of this package takes and returns edge values in edge order. *Slot order* is the order
    of `col`; `edge_id` maps a slot to its edge. In a graph made by `sorted()` or `gcn_norm()` the two are the same.

    Args:
        rowptr: [num_targets + 1] slots of target i are `rowptr[i]` to `rowptr[i + 1]`.
        col: [E] source of each slot.
        edge_id: [E] edge of each slot.
        num_sources: number of source nodes.
        num_targets: number of target nodes.
        parent_edge: [E] in edge order: the edge of the graph this one was derived from, or -1 for an added self-loop;
            None where the graph was not derived.

    Example:
        >>> import torch
        >>> graph = CSRGraph.from_edge_index(torch.tensor([[0, 1, 2], [1, 2, 2]]), 3)
        >>> graph.in_degree.tolist()
        [0, 1, 2]
    """

    rowptr: Tensor
    col: Tensor
    edge_id: Tensor
    num_sources: int
    num_targets: int
    parent_edge: Tensor | None = field(default=None, repr=False)

    @classmethod
    def from_edge_index(cls, edge_index: Tensor, num_nodes: int | tuple[int, int]) -> CSRGraph:
        """Sorts an edge list by target, keeping the given order among the edges of one target.

        Args:
            edge_index: [2, E] integer; row 0 holds sources, row 1 targets. Duplicates and self-loops are kept.
            num_nodes: N, or (number of sources, number of targets) for a bipartite graph.

        Returns:
            The graph, with 32-bit indices wherever they suffice.

        Raises:
            ShapeError: `edge_index` is not an integer [2, E] tensor.
            GraphValidationError: an index is negative or not below the number of nodes.

        Example:
            >>> import torch
            >>> CSRGraph.from_edge_index(torch.tensor([[0, 1], [1, 0]]), 2).col.tolist()
            [1, 0]
        """
        if edge_index.dim() != 2 or edge_index.size(0) != 2 or edge_index.dtype not in (torch.int32, torch.int64):
            raise ShapeError(
                f"edge_index must be an integer tensor of shape [2, E], got {edge_index.dtype} {list(edge_index.shape)}"
            )
        num_sources, num_targets = num_nodes if isinstance(num_nodes, tuple) else (num_nodes, num_nodes)
        rowptr, col, edge_id = compress(edge_index, int(num_sources), int(num_targets))
        return cls(rowptr, col, edge_id, int(num_sources), int(num_targets))

    @property
    def num_nodes(self) -> int:
        """Number of target nodes: the rows of every result."""
        return self.num_targets

    @property
    def num_edges(self) -> int:
        """Number of edges E."""
        return self.col.numel()

    @property
    def device(self) -> torch.device:
        """Where the index tensors live."""
        return self.col.device

    @cached_property
    def edges_sorted(self) -> bool:
        """True where edge order and slot order are the same."""
        return bool((self.edge_id == torch.arange(self.num_edges, device=self.device)).all())

    @cached_property
    def row(self) -> Tensor:
        """[E] target of each slot."""
        counts = (self.rowptr[1:] - self.rowptr[:-1]).long()
        nodes = torch.arange(self.num_targets, device=self.device, dtype=self.col.dtype)
        return torch.repeat_interleave(nodes, counts, output_size=self.num_edges)

    @cached_property
    def slot_of_edge(self) -> Tensor:
        """[E] slot of each edge: the inverse of `edge_id`."""
        slots = torch.empty_like(self.edge_id)
        slots[self.edge_id.long()] = torch.arange(self.num_edges, device=self.device, dtype=slots.dtype)
        return slots

    @cached_property
    def _transposed(self) -> tuple[CSRGraph, Tensor]:
        rowptr, col, slot = transpose(self.rowptr, self.col, self.num_sources)
        edge_id = slot if self.edges_sorted else self.edge_id.index_select(0, slot)
        flipped = CSRGraph(rowptr, col, edge_id, self.num_targets, self.num_sources, self.parent_edge)
        return flipped, slot

    @property
    def t(self) -> CSRGraph:
        """The transpose (rows are sources), made once; its `edge_id` names the same edges."""
        return self._transposed[0]

    @property
    def t_slot(self) -> Tensor:
        """[E] for each slot of the transpose, the slot of the same edge in this graph."""
        return self._transposed[1]

    @cached_property
    def in_degree(self) -> Tensor:
        """[num_targets] int64 number of edges that arrive at each target."""
        return (self.rowptr[1:] - self.rowptr[:-1]).long()

    @cached_property
    def out_degree(self) -> Tensor:
        """[num_sources] int64 number of edges that leave each source."""
        return torch.bincount(self.col, minlength=self.num_sources)

    def edge_index(self) -> Tensor:
        """The edge list [2, E] int64 in edge order.

        Example:
            >>> import torch
            >>> CSRGraph.from_edge_index(torch.tensor([[1, 0], [0, 1]]), 2).edge_index().tolist()
            [[1, 0], [0, 1]]
        """
        slots = self.slot_of_edge.long()
        return torch.stack([self.col.long()[slots], self.row.long()[slots]])

    def to_slots(self, edge_values: Tensor) -> Tensor:
        """Edge values [E, ...] in edge order, as slot order (differentiable, no copy if the orders agree)."""
        if self.edges_sorted:
            return edge_values
        return _Permute.apply(edge_values, self.edge_id, self.slot_of_edge)

    def to_edges(self, slot_values: Tensor) -> Tensor:
        """Values [E, ...] in slot order, as edge order (differentiable, no copy if the orders agree)."""
        if self.edges_sorted:
            return slot_values
        return _Permute.apply(slot_values, self.slot_of_edge, self.edge_id)

    @cached_property
    def _in_slot_order(self) -> CSRGraph:
        identity = torch.arange(self.num_edges, device=self.device, dtype=self.edge_id.dtype)
        return CSRGraph(self.rowptr, self.col, identity, self.num_sources, self.num_targets, self.edge_id)

    def sorted(self) -> CSRGraph:
        """The same graph with its edges renumbered by slot; `parent_edge` holds the former edge of each."""
        return self if self.edges_sorted else self._in_slot_order

    def _loops(self, keep: Tensor | None) -> CSRGraph:
        if self.num_sources != self.num_targets:
            raise GraphValidationError(
                f"self-loops need one node set, but the graph has {self.num_sources} sources and {self.num_targets}"
                " targets; leave self-loops off for a bipartite graph"
            )
        edges, nodes = self.edge_index(), torch.arange(self.num_nodes, device=self.device)
        parent = torch.arange(self.num_edges, device=self.device)
        loop_parent = torch.full_like(nodes, -1)
        if keep is not None:
            loops = (~keep).nonzero().flatten()
            loop_parent[edges[0, loops]] = loops
            edges, parent = edges[:, keep], parent[keep]
        joined = torch.cat([edges, nodes.expand(2, -1)], dim=1)
        graph = CSRGraph.from_edge_index(joined, self.num_nodes)
        parent_edge = torch.cat([parent, loop_parent]).to(graph.edge_id.dtype)
        return CSRGraph(graph.rowptr, graph.col, graph.edge_id, self.num_nodes, self.num_nodes, parent_edge)

    @cached_property
    def _with_self_loops(self) -> CSRGraph:
        return self._loops(None)

    @cached_property
    def _with_remaining_self_loops(self) -> CSRGraph:
        sources, targets = self.edge_index()
        return self._loops(sources != targets)

    def with_self_loops(self) -> CSRGraph:
        """Adds one self-loop to every node: edge E + i is the loop of node i (made once).

        Raises:
            GraphValidationError: the graph is bipartite.

        Example:
            >>> import torch
            >>> CSRGraph.from_edge_index(torch.tensor([[0], [0]]), 2).with_self_loops().num_edges
            3
        """
        return self._with_self_loops

    def with_remaining_self_loops(self) -> CSRGraph:
        """Leaves exactly one self-loop on every node: other edges first, then the loops by node (made once).

        Raises:
            GraphValidationError: the graph is bipartite.

        Example:
            >>> import torch
            >>> CSRGraph.from_edge_index(torch.tensor([[0], [0]]), 2).with_remaining_self_loops().num_edges
            2
        """
        return self._with_remaining_self_loops

    def gcn_norm(
        self, weight: Tensor | None = None, self_loops: bool = True, dtype: torch.dtype = torch.float32
    ) -> tuple[CSRGraph, Tensor]:
        """The symmetrically normalised adjacency of GCN (Kipf and Welling 2017, eq. 2): w_ij / sqrt(d_i d_j).

        Args:
            weight: [E] edge weights in edge order; ones if None, and only then is the result kept for the next call.
            self_loops: give every node one self-loop of weight one first (an existing loop keeps its weight).
            dtype: of the result where `weight` is None.

        Returns:
            The graph in slot order and the weights [E'] of its edges (of `dtype`, or of the type of `weight`).

        Example:
            >>> import torch
            >>> graph, weight = CSRGraph.from_edge_index(torch.tensor([[0, 1], [1, 0]]), 2).gcn_norm()
            >>> weight
            tensor([0.5000, 0.5000, 0.5000, 0.5000])
        """
        if weight is not None:
            return self._normalise(weight, self_loops)
        key = (self_loops, dtype)
        if key not in self._normalised:
            ones = torch.ones(self.num_edges, device=self.device, dtype=dtype)
            self._normalised[key] = self._normalise(ones, self_loops)
        return self._normalised[key]

    @cached_property
    def _normalised(self) -> dict[tuple[bool, torch.dtype], tuple[CSRGraph, Tensor]]:
        return {}

    def _normalise(self, weight: Tensor, self_loops: bool) -> tuple[CSRGraph, Tensor]:
        looped = self.with_remaining_self_loops() if self_loops else self
        graph = looped.sorted()
        if not self_loops:
            slots = self.to_slots(weight)
        else:
            assert looped.parent_edge is not None
            with_loop = torch.cat([weight, weight.new_ones(1)])  # parent -1, an added loop, reads the last one
            slots = looped.to_slots(with_loop[looped.parent_edge.long()])
        degree = slots.new_zeros(graph.num_targets).index_add(0, graph.row, slots)
        scale = torch.where(degree > 0, degree, 1.0).rsqrt() * (degree > 0)
        return graph, scale.index_select(0, graph.col) * slots * scale.index_select(0, graph.row)

    def to(self, device: torch.device | str) -> CSRGraph:
        """The graph on another device (itself where it is there already)."""
        if self.device == torch.device(device):
            return self
        parent = None if self.parent_edge is None else self.parent_edge.to(device)
        moved = (self.rowptr.to(device), self.col.to(device), self.edge_id.to(device))
        return CSRGraph(*moved, self.num_sources, self.num_targets, parent)

    def __getstate__(self) -> dict[str, Any]:
        names = ("rowptr", "col", "edge_id", "num_sources", "num_targets", "parent_edge")
        return {name: self.__dict__[name] for name in names}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)


class _Permute(torch.autograd.Function):
    """Reorders rows by a permutation; the gradient is a gather by its inverse instead of a scatter."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, order: Tensor, inverse: Tensor) -> Tensor:
        ctx.order, ctx.inverse = order, inverse
        return values.index_select(0, order)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        return _Permute.apply(gradient, ctx.inverse, ctx.order), None, None
