"""Sparse aggregation of node states over incoming edges, with gradients through the cached transpose."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from graphkit.errors import ConfigError, ShapeError
from graphkit.kernels import reference
from graphkit.kernels.arrays import as_computed, empty, flat, indices
from graphkit.kernels.csr import CSRGraph
from graphkit.kernels.pool import run_rows

REDUCTIONS = ("sum", "mean", "max", "min")


def spmm(graph: CSRGraph, x: Tensor, weight: Tensor | None = None, reduce: str = "sum") -> Tensor:
    """Reduces weight_e * x[source of e] over the incoming edges e of every node; no [E, F] tensor is made.

    Args:
        graph: N target rows and E edges.
        x: [num_sources, ...] floating node states.
        weight: [E] edge weights in edge order; ones if None.
        reduce: "sum", "mean" (the sum divided by the number of edges), "max" or "min".

    Returns:
        [num_targets, ...]; zero where a node has no incoming edge.

    Raises:
        ShapeError: `x` or `weight` does not fit the graph.
        ConfigError: unknown `reduce`.

    Example:
        >>> import torch
        >>> from graphkit.kernels import CSRGraph, spmm
        >>> graph = CSRGraph.from_edge_index(torch.tensor([[0, 1], [1, 0]]), 2)
        >>> spmm(graph, torch.ones(2, 4)).shape
        torch.Size([2, 4])
    """
    if reduce not in REDUCTIONS:
        raise ConfigError(f"unknown reduce {reduce!r}; use one of {', '.join(REDUCTIONS)}")
    if x.dim() == 0 or x.size(0) != graph.num_sources:
        raise ShapeError(f"x has shape {list(x.shape)}, but the graph has {graph.num_sources} source nodes")
    if weight is not None and weight.shape != (graph.num_edges,):
        raise ShapeError(f"weight has shape {list(weight.shape)}, but the graph has {graph.num_edges} edges")
    if x.device.type != "cpu":
        return reference.spmm(graph, x, weight, reduce)
    (states, weights), restore = as_computed(x, weight)
    slots = None if weights is None else graph.to_slots(weights)
    function = _Extreme if reduce in ("max", "min") else _Sum
    return restore(function.apply(states, slots, graph, reduce))


def gather_max(graph: CSRGraph, x: Tensor) -> Tensor:
    """Maximum of x over the sources of the incoming edges; the gradient goes to the first edge that attains it.

    Args:
        graph: N target rows.
        x: [num_sources, ...] floating node states.

    Returns:
        [num_targets, ...]; zero where a node has no incoming edge, NaN where a source is NaN.

    Raises:
        ShapeError: `x` does not fit the graph.

    Example:
        >>> import torch
        >>> from graphkit.kernels import CSRGraph, gather_max
        >>> graph = CSRGraph.from_edge_index(torch.tensor([[0, 1], [1, 1]]), 2)
        >>> gather_max(graph, torch.tensor([[3.0], [5.0]])).tolist()
        [[0.0], [5.0]]
    """
    return spmm(graph, x, None, "max")


class _Sum(torch.autograd.Function):
    """Sum or mean: A x forward, A^T g backward through the cached transpose, <g_i, x_j> for the weights."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor | None, graph: CSRGraph, reduce: str) -> Tensor:
        ctx.graph, ctx.mean = graph, reduce == "mean"
        ctx.save_for_backward(x if ctx.needs_input_grad[1] else None, weight)
        ctx.shape = x.shape
        return _sum(graph, x, weight, None, ctx.mean)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor | None, None, None]:
        (x, weight), graph, grad_x, grad_weight = ctx.saved_tensors, ctx.graph, None, None
        if ctx.needs_input_grad[1]:
            from graphkit.kernels.cpu import aggregate

            grad_weight = torch.empty_like(weight)
            width = x[0].numel() if x.size(0) else 0
            rows = (*indices(graph), flat(grad), flat(x), flat(grad_weight))
            run_rows(graph, width, aggregate.edge_dots, *rows, width, ctx.mean)
        if ctx.needs_input_grad[0]:
            transposed, slot = graph.t, graph.t_slot
            if ctx.mean:
                share = 1 / graph.in_degree.clamp(min=1).to(grad.dtype)
                # An entry of the transpose leads to row col, whose share of the mean it carries.
                weight, slot = (share, transposed.col) if weight is None else (weight * share[graph.row.long()], slot)
            grad_x = _sum(transposed, grad, weight, slot, False)
        return grad_x, grad_weight, None, None


def _sum(graph: CSRGraph, x: Tensor, weight: Tensor | None, slot: Tensor | None, mean: bool) -> Tensor:
    from graphkit.kernels.cpu import aggregate

    out = x.new_empty((graph.num_targets, *x.shape[1:]))
    width = out.numel() // max(graph.num_targets, 1)
    rowptr, col = indices(graph)
    if weight is None:
        run_rows(graph, width, aggregate.sum_rows, rowptr, col, flat(x), flat(out), width, mean)
    else:
        at = empty(col.dtype) if slot is None else slot.numpy()
        arguments = (rowptr, col, flat(weight), at, flat(x), flat(out), width, mean)
        run_rows(graph, width, aggregate.weighted_sum_rows, *arguments)
    return out


class _Extreme(torch.autograd.Function):
    """Maximum or minimum with the winning slot kept, so that the gradient is one pass over the transpose."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor | None, graph: CSRGraph, reduce: str) -> Tensor:
        from graphkit.kernels.cpu import aggregate

        out = x.new_zeros((graph.num_targets, *x.shape[1:]))
        width = out.numel() // max(graph.num_targets, 1)
        rowptr, col = indices(graph)
        winner = torch.full(out.shape, -1, dtype=graph.col.dtype)
        states = flat(x)
        weights = empty(states.dtype) if weight is None else flat(weight)
        sign = states.dtype.type(1.0 if reduce == "max" else -1.0)
        arguments = (rowptr, col, weights, states, flat(out), flat(winner), width, sign)
        run_rows(graph, width, aggregate.extreme_rows, *arguments)
        ctx.graph, ctx.width = graph, width
        ctx.save_for_backward(x, weight, winner)
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor | None, None, None]:
        from graphkit.kernels.cpu import aggregate

        (x, weight, winner), graph, width, grad_x, grad_weight = ctx.saved_tensors, ctx.graph, ctx.width, None, None
        gradient = flat(grad)
        if ctx.needs_input_grad[0]:
            grad_x = torch.zeros_like(x, memory_format=torch.contiguous_format)
            weights = empty(gradient.dtype) if weight is None else flat(weight)
            arguments = (graph.t_slot.numpy(), weights, flat(winner), gradient, flat(grad_x), width)
            run_rows(graph.t, width, aggregate.extreme_rows_grad, *indices(graph.t), *arguments)
        if ctx.needs_input_grad[1]:
            grad_weight = torch.empty_like(weight, memory_format=torch.contiguous_format)
            saved = (flat(winner), gradient, flat(x), flat(grad_weight), width)
            run_rows(graph, width, aggregate.extreme_edge_dots, *indices(graph), *saved)
        return grad_x, grad_weight, None, None
