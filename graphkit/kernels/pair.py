"""Sums of an activation of (query of the target + key of the source): the message of SIR-GCN, never stored."""

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

ACTIVATIONS = ("identity", "relu", "leaky_relu", "elu", "gelu", "silu", "tanh", "sigmoid")


def pair_sum(
    graph: CSRGraph,
    query: Tensor,
    key: Tensor,
    edge: Tensor | None = None,
    activation: str = "relu",
    weight: Tensor | None = None,
    reduce: str = "sum",
    negative_slope: float = 0.2,
) -> Tensor:
    """Reduces weight_e * activation(query[target] + key[source] + edge_e) over incoming edges (SIR-GCN, Lim 2024).

    Args:
        graph: N target rows and E edges.
        query: [num_targets, D] floating states of the receiving nodes.
        key: [num_sources, D] states of the sending nodes.
        edge: [E, D] states of the edges in edge order; zero if None.
        activation: one of `ACTIVATIONS`.
        weight: [E] edge weights in edge order; ones if None.
        reduce: "sum", "mean" (the sum divided by the number of edges) or "max".
        negative_slope: slope of "leaky_relu" below zero.

    Returns:
        [num_targets, D]; zero where a node has no incoming edge.

    Raises:
        ShapeError: an argument does not fit the graph.
        ConfigError: unknown `activation` or `reduce`.

    Example:
        >>> import torch
        >>> from graphkit.kernels import CSRGraph, pair_sum
        >>> graph = CSRGraph.from_edge_index(torch.tensor([[0, 1], [1, 0]]), 2)
        >>> pair_sum(graph, torch.ones(2, 4), torch.ones(2, 4)).tolist()[0]
        [2.0, 2.0, 2.0, 2.0]
    """
    if activation not in ACTIVATIONS:
        raise ConfigError(f"unknown activation {activation!r}; use one of {', '.join(ACTIVATIONS)}")
    if reduce not in ("sum", "mean", "max"):
        raise ConfigError(f"unknown reduce {reduce!r}; use one of sum, mean, max")
    width = query.size(-1)
    wanted = {
        "query": (query, (graph.num_targets, width)),
        "key": (key, (graph.num_sources, width)),
        "edge": (edge, (graph.num_edges, width)),
        "weight": (weight, (graph.num_edges,)),
    }
    for name, (tensor, shape) in wanted.items():
        if tensor is not None and tensor.shape != shape:
            raise ShapeError(f"{name} has shape {list(tensor.shape)}, expected {list(shape)}")
    if query.device.type != "cpu":
        return reference.pair_sum(graph, query, key, edge, activation, weight, reduce, negative_slope)
    (queries, keys, edges, weights), restore = as_computed(query, key, edge, weight)
    edges = None if edges is None else graph.to_slots(edges)
    weights = None if weights is None else graph.to_slots(weights)
    result = _Pair.apply(queries, keys, edges, weights, graph, activation, reduce == "max", negative_slope)
    if reduce == "mean":
        result = result / graph.in_degree.clamp(min=1).to(result.dtype).unsqueeze(-1)
    return restore(result)


class _Pair(torch.autograd.Function):
    """Edges and weights in slot order; a sum or a maximum."""

    @staticmethod
    def forward(
        ctx: Any,
        query: Tensor,
        key: Tensor,
        edge: Tensor | None,
        weight: Tensor | None,
        graph: CSRGraph,
        activation: str,
        largest: bool,
        negative_slope: float,
    ) -> Tensor:
        from graphkit.kernels.cpu import activations, pair

        out = torch.zeros_like(query, memory_format=torch.contiguous_format)
        winner = torch.full(out.shape if largest else (0,), -1, dtype=graph.col.dtype)
        ctx.save_for_backward(query, key, edge, weight, winner)
        ctx.graph = graph
        number = flat(out).dtype.type
        ctx.settings = (query.size(1), activations.CODES[activation], number(negative_slope))
        arguments = (*_inputs(query, key, edge, weight), flat(out), flat(winner), *ctx.settings)
        run_rows(graph, query.size(1), pair.pair_forward, *indices(graph), *arguments)
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Any, ...]:
        from graphkit.kernels.cpu import pair

        query, key, edge, weight, winner = ctx.saved_tensors
        graph, settings, width = ctx.graph, ctx.settings, query.size(1)
        inputs, gradient = _inputs(query, key, edge, weight), flat(grad)
        saved = (*inputs, flat(winner), gradient)
        nothing = empty(gradient.dtype)
        wanted = ctx.needs_input_grad
        grad_query = torch.zeros_like(query, memory_format=torch.contiguous_format)
        grad_edge = torch.zeros_like(edge, memory_format=torch.contiguous_format) if wanted[2] else None
        grad_weight = torch.zeros_like(weight, memory_format=torch.contiguous_format) if wanted[3] else None
        if wanted[0] or wanted[2] or wanted[3]:
            results = [nothing if result is None else flat(result) for result in (grad_edge, grad_weight)]
            arguments = (*saved, flat(grad_query), *results, *settings)
            run_rows(graph, 2 * width, pair.pair_backward_target, *indices(graph), *arguments)
        grad_key = torch.zeros_like(key, memory_format=torch.contiguous_format)
        if wanted[1]:
            arguments = (*indices(graph.t), graph.t_slot.numpy(), *saved, flat(grad_key), *settings)
            run_rows(graph.t, 2 * width, pair.pair_backward_source, *arguments)
        return grad_query, grad_key, grad_edge, grad_weight, None, None, None, None


def _inputs(query: Tensor, key: Tensor, edge: Tensor | None, weight: Tensor | None) -> tuple[Any, ...]:
    queries = flat(query)
    weights = empty(queries.dtype) if weight is None else flat(weight)
    return queries, flat(key), None if edge is None else flat(edge), weights
