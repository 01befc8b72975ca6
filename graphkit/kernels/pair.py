"""Sums of an activation of (query of the target + key of the source): the message of SIR-GCN, never stored."""

from __future__ import annotations

from torch import Tensor

from graphkit.errors import ConfigError, ShapeError
from graphkit.kernels import reference
from graphkit.kernels.csr import CSRGraph

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
    """Reduces weight_e * activation(query[target] + key[source] + edge_e) over incoming edges (SIR-GCN, arXiv 2403.13022).

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
    return reference.pair_sum(graph, query, key, edge, activation, weight, reduce, negative_slope)
