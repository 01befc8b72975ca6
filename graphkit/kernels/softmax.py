"""Softmax over the incoming edges of every node."""

from __future__ import annotations

from torch import Tensor

from graphkit.errors import ShapeError
from graphkit.kernels import reference
from graphkit.kernels.csr import CSRGraph


def segment_softmax(graph: CSRGraph, logits: Tensor) -> Tensor:
    """Softmax of edge logits over the edges that share a target, for every head alone.

    Args:
        graph: the segments; E edges.
        logits: [E, H] or [E], floating, in edge order.

    Returns:
        Coefficients of the same shape, in edge order; they sum to one at every node with an incoming edge.

    Raises:
        ShapeError: `logits` does not fit the graph.

    Example:
        >>> import torch
        >>> from graphkit.kernels import CSRGraph, segment_softmax
        >>> graph = CSRGraph.from_edge_index(torch.tensor([[0, 1], [1, 1]]), 2)
        >>> segment_softmax(graph, torch.zeros(2)).tolist()
        [0.5, 0.5]
    """
    if logits.dim() not in (1, 2) or logits.size(0) != graph.num_edges:
        raise ShapeError(f"logits have shape {list(logits.shape)}, but the graph has {graph.num_edges} edges")
    return reference.segment_softmax(graph, logits)
