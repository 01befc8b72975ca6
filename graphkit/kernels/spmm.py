"""Sparse aggregation of node states over incoming edges, with gradients through the cached transpose."""

from __future__ import annotations

from torch import Tensor

from graphkit.errors import ConfigError, ShapeError
from graphkit.kernels import reference
from graphkit.kernels.csr import CSRGraph

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
    return reference.spmm(graph, x, weight, reduce)


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
