"""Messages relu(h_u + w_uv) between nodes, where few edges differ: rows of edges are kept once a kind of edge."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional

from graphkit.errors import ShapeError
from graphkit.kernels.arrays import as_computed, flat, indices
from graphkit.kernels.csr import CSRGraph
from graphkit.kernels.pool import run_rows


@dataclass(frozen=True, eq=False)
class SharedRows:
    """Rows of which many are alike: a table of the distinct ones, and where every row finds its own.

    A molecule's bonds are of a dozen kinds. A layer that maps their vectors maps the kinds, not the bonds.

    Args:
        table: [R, F].
        index: [E] row of the table, int64; None where every row of the table stands for itself (E = R).

    Example:
        >>> rows = SharedRows(torch.eye(2), torch.tensor([0, 1, 1]))
        >>> rows.map(lambda table: 2 * table).dense().tolist()
        [[2.0, 0.0], [0.0, 2.0], [0.0, 2.0]]
    """

    table: Tensor
    index: Tensor | None = None
    _plans: dict[int, _Plan] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, rows: Tensor | SharedRows) -> SharedRows:
        """Takes rows [E, F] as they are."""
        return rows if isinstance(rows, SharedRows) else cls(rows)

    @property
    def shape(self) -> torch.Size:
        """[E, F]."""
        return torch.Size([len(self), self.table.size(1)])

    def __len__(self) -> int:
        return len(self.table) if self.index is None else len(self.index)

    def dim(self) -> int:
        """2, as a tensor would say."""
        return 2

    def map(self, function: Callable[[Tensor], Tensor]) -> SharedRows:
        """Applies a function of single rows, once a distinct row."""
        return SharedRows(function(self.table), self.index, self._plans)

    def at(self, rows: Tensor) -> Tensor:
        """Returns the named rows [M, F]."""
        return self.table.index_select(0, self.places(rows))

    def places(self, rows: Tensor) -> Tensor:
        """Returns the rows of the table [M] where the named rows are found."""
        return rows.long() if self.index is None else self.index.index_select(0, rows.long())

    def dense(self) -> Tensor:
        """Returns all rows [E, F]."""
        return self.table if self.index is None else self.table.index_select(0, self.index)


def relu_messages(states: Tensor, rows: SharedRows, graph: CSRGraph, edge: Tensor | None = None) -> Tensor:
    """Sums relu(state + row of the edge) over the edges into every node, without a tensor of messages.

    Hu et al., "Strategies for Pre-training Graph Neural Networks", ICLR 2020 (arXiv 1905.12265): GINE.

        out_v = sum_(u -> v) relu(h_u + w_uv)

    Args:
        states: [N, F], or [N, S, F]: S states a node, which all meet the same row.
        rows: [E, F].
        graph: N sources; its edges name the rows.
        edge: [E'] row of every slot of the graph; a number that names none, such as -1, sends the state as it is; None
            for `graph.edge_id`.

    Returns:
        [targets, F], or [targets, S, F].

    Raises:
        ShapeError: states, rows and graph do not fit.

    Example:
        >>> graph = CSRGraph.from_edge_index(torch.tensor([[0, 1], [1, 0]]), 2)
        >>> relu_messages(torch.ones(2, 3), SharedRows(-torch.ones(1, 3), torch.tensor([0, 0])), graph).sum()
        tensor(0.)
    """
    fits = states.dim() in (2, 3) and len(states) == graph.num_sources and states.size(-1) == rows.table.size(1)
    if not fits or (edge is None and len(rows) != graph.num_edges):
        raise ShapeError(
            f"relu_messages: states {list(states.shape)} and rows {list(rows.shape)} do not fit a graph of "
            f"{graph.num_sources} sources and {graph.num_edges} edges"
        )
    if states.device.type != "cpu":
        return reference_messages(states, rows, graph, edge)
    inputs, restore = as_computed(states, rows.table)
    return restore(_Messages.apply(*inputs, _plan(rows, graph, edge)))


def reference_messages(states: Tensor, rows: SharedRows, graph: CSRGraph, edge: Tensor | None = None) -> Tensor:
    """The same in plain torch: the oracle of the kernel, and what runs on an accelerator."""
    kind = _kinds(rows, graph, edge)
    sent, known = states.index_select(0, graph.col.long()), kind >= 0
    added = rows.table.index_select(0, kind.clamp(min=0)) if len(rows.table) else rows.table.new_zeros(len(kind), 1)
    shape = (-1, *[1] * (states.dim() - 2), added.size(1))
    sent = torch.where(known.view(-1, *[1] * (states.dim() - 1)), functional.relu(sent + added.view(shape)), sent)
    return states.new_zeros(graph.num_targets, *states.shape[1:]).index_add(0, graph.row.long(), sent)


@dataclass(frozen=True, eq=False)
class _Plan:
    """Where the slots of a graph, and those of its transpose, find their rows; and the slots of every row."""

    graph: CSRGraph
    edge: Tensor | None
    kind: Tensor
    kind_t: Tensor
    slots: CSRGraph


def _kinds(rows: SharedRows, graph: CSRGraph, edge: Tensor | None) -> Tensor:
    edge = graph.edge_id if edge is None else edge
    if not len(rows):
        return torch.full_like(edge, -1, dtype=torch.long)
    named = (edge >= 0) & (edge < len(rows))
    return torch.where(named, rows.places(torch.where(named, edge, 0)), -1)


def _plan(rows: SharedRows, graph: CSRGraph, edge: Tensor | None) -> _Plan:
    """Made once a batch: all layers that map the same rows share it."""
    found = rows._plans.get(id(graph))
    if found is None or found.graph is not graph or found.edge is not edge:
        kind = _kinds(rows, graph, edge)
        known = (kind >= 0).nonzero().flatten()
        of_kind = CSRGraph.from_edge_index(
            torch.stack([known, kind[known]]), (graph.num_edges, max(len(rows.table), 1))
        )
        found = _Plan(graph, edge, kind, kind.index_select(0, graph.t_slot.long()), of_kind)
        rows._plans[id(graph)] = found
    return found


class _Messages(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, states: Tensor, table: Tensor, plan: _Plan) -> Tensor:
        from graphkit.kernels.cpu import edge_messages as compiled

        width = states.size(-1)
        sizes = (width, states.size(1) if states.dim() == 3 else 1)
        out = states.new_empty(plan.graph.num_targets, *states.shape[1:])
        inputs = (*indices(plan.graph), flat(plan.kind), flat(states), flat(table))
        run_rows(plan.graph, sizes[0] * sizes[1], compiled.forward, *inputs, flat(out), *sizes)
        ctx.save_for_backward(states, table)
        ctx.plan, ctx.sizes = plan, sizes
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        from graphkit.kernels.cpu import edge_messages as compiled

        (states, table), plan, sizes = ctx.saved_tensors, ctx.plan, ctx.sizes
        given, work = (flat(grad), flat(states), flat(table)), 2 * sizes[0] * sizes[1]
        grad_states = grad_table = None
        if ctx.needs_input_grad[0]:
            grad_states, graph = torch.empty_like(states, memory_format=torch.contiguous_format), plan.graph.t
            outputs = (flat(grad_states), *sizes)
            run_rows(graph, work, compiled.backward_states, *indices(graph), flat(plan.kind_t), *given, *outputs)
        if ctx.needs_input_grad[1]:
            grad_table = torch.zeros_like(table, memory_format=torch.contiguous_format)
            ends = (flat(plan.graph.row), flat(plan.graph.col))
            if len(table):
                outputs = (flat(grad_table), *sizes)
                run_rows(plan.slots, work, compiled.backward_table, *indices(plan.slots), *ends, *given, *outputs)
        return grad_states, grad_table, None
