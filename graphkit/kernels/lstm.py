"""An LSTM over sequences that share beginnings: a step of many rows, each continuing one row of the step before."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from graphkit.kernels.arrays import flat
from graphkit.kernels.csr import CSRGraph
from graphkit.kernels.pool import run_range
from graphkit.kernels.spmm import spmm


@dataclass(frozen=True, eq=False)
class Step:
    """Which rows a step reads.

    Args:
        node: [M] row of the node table that each row of the step reads.
        parent: [M] row of the step before that each continues; None at the first step.
        extra: [M] row of the table of extras; None for none. `more` likewise, of another table.
    """

    node: Tensor
    parent: Tensor | None = None
    extra: Tensor | None = None
    more: Tensor | None = None

    @cached_property
    def of_node(self) -> _Groups:
        """The rows of the step by the node they read."""
        return _Groups(self.node)

    @cached_property
    def of_parent(self) -> _Groups:
        """The rows of the step by the row they continue."""
        assert self.parent is not None
        return _Groups(self.parent)


class _Groups:
    """Rows by an index: sums over the rows of every group."""

    def __init__(self, index: Tensor) -> None:
        self.index = index
        self.graph: CSRGraph | None = None

    def sum(self, values: Tensor, groups: int) -> Tensor:
        """Sums rows [M, C] into [groups, C]."""
        if self.graph is None or self.graph.num_targets != groups:
            rows = torch.arange(len(self.index), device=values.device)
            self.graph = CSRGraph.from_edge_index(torch.stack([rows, self.index.long()]), (len(rows), groups))
        return spmm(self.graph, values)


def lstm_step(
    step: Step,
    node: Tensor,
    state: Tensor | None = None,
    cell: Tensor | None = None,
    recurrent: Tensor | None = None,
    extra: Tensor | None = None,
    more: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    r"""One step of an LSTM whose input projection was taken once a node.

    Hochreiter and Schmidhuber, 1997, as `torch.nn.LSTM` has it: with the sums s = node + W h + extra + more of a row,
    c' = sigmoid(s_f) c + sigmoid(s_i) tanh(s_g) and h' = sigmoid(s_o) tanh(c').

    Args:
        step: which rows are read; M rows.
        node: [N, 4 C] projected inputs, biases included, gates in the order i, f, g, o.
        state: [P, C] of the step before; None at the first step.
        cell: [P, C] of the step before.
        recurrent: [4 C, C] weights W.
        extra: [X, 4 C] further addends.
        more: [Y, 4 C] further addends.

    Returns:
        States and cells [M, C].

    Example:
        >>> first = Step(torch.tensor([0, 1]))
        >>> states, cells = lstm_step(first, torch.zeros(3, 8))
        >>> after = Step(torch.tensor([2, 2, 0]), parent=torch.tensor([0, 1, 1]))
        >>> lstm_step(after, torch.zeros(3, 8), states, cells, torch.zeros(8, 2))[0].shape
        torch.Size([3, 2])
    """
    # the product is taken once a row of the step before, however many rows continue it
    product = None if state is None or recurrent is None else state @ recurrent.t()
    if node.device.type != "cpu":
        return reference_step(step, node, product, cell, extra, more)
    return _Step.apply(step, node, product, cell, extra, more)


def reference_step(
    step: Step,
    node: Tensor,
    product: Tensor | None = None,
    cell: Tensor | None = None,
    extra: Tensor | None = None,
    more: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """The same in plain torch: the oracle of the kernel, and what runs on an accelerator."""
    total = node[step.node.long()]
    if product is not None and step.parent is not None:
        total = total + product[step.parent.long()]
    for table, index in ((extra, step.extra), (more, step.more)):
        if table is not None and index is not None:
            total = total + table[index.long()]
    into, forget, new, out = total.chunk(4, dim=-1)
    fresh = torch.sigmoid(into) * torch.tanh(new)
    if cell is not None and step.parent is not None:
        fresh = fresh + torch.sigmoid(forget) * cell[step.parent.long()]
    return torch.sigmoid(out) * torch.tanh(fresh), fresh


class _Step(torch.autograd.Function):
    """Gates, cell and state of every row in one pass; gradients row by row, then summed by what the rows read."""

    @staticmethod
    def forward(
        ctx: Any,
        step: Step,
        node: Tensor,
        product: Tensor | None,
        cell: Tensor | None,
        extra: Tensor | None,
        more: Tensor | None,
    ) -> tuple[Tensor, Tensor]:
        from graphkit.kernels.cpu import lstm as compiled

        rows, width = len(step.node), node.size(1) // 4
        gates, new_cell, state = (
            node.new_empty(rows, 4 * width),
            node.new_empty(rows, width),
            node.new_empty(rows, width),
        )
        run_range(
            rows,
            compiled.forward,
            flat(node),
            _rows(step.node),
            _flat(product),
            _flat(cell),
            _rows(step.parent),
            _flat(extra),
            _rows(step.extra),
            _flat(more),
            _rows(step.more),
            flat(gates),
            flat(new_cell),
            flat(state),
            width,
            work=20 * width,
        )
        ctx.step, ctx.width = step, width
        ctx.rows = [None if table is None else len(table) for table in (node, product, extra, more)]
        ctx.save_for_backward(gates, cell, new_cell)
        return state, new_cell

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_state: Tensor, grad_cell: Tensor) -> tuple[Any, ...]:
        from graphkit.kernels.cpu import lstm as compiled

        gates, cell, new_cell = ctx.saved_tensors
        step, width = ctx.step, ctx.width
        grad = torch.empty_like(gates)
        before = None if cell is None else torch.empty_like(new_cell)
        run_range(
            len(gates),
            compiled.backward,
            flat(gates),
            _flat(cell),
            _rows(step.parent),
            flat(new_cell),
            flat(grad_state),
            flat(grad_cell),
            flat(grad),
            _flat(before),
            width,
            work=20 * width,
        )
        nodes, products, extras, mores = ctx.rows
        return (
            None,
            step.of_node.sum(grad, nodes),
            None if products is None else step.of_parent.sum(grad, products),
            None if before is None else step.of_parent.sum(before, len(cell)),
            None if extras is None else _Groups(step.extra).sum(grad, extras),
            None if mores is None else _Groups(step.more).sum(grad, mores),
        )


def _flat(tensor: Tensor | None) -> Any:
    return None if tensor is None else flat(tensor)


def _rows(index: Tensor | None) -> Any:
    """Row numbers in one type, so that a kernel is compiled once for all that callers have."""
    return None if index is None else flat(index.to(torch.int32))
