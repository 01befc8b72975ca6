"""Softmax over the incoming edges of every node."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from graphkit.errors import ShapeError
from graphkit.kernels import reference
from graphkit.kernels.arrays import as_computed, flat, indices
from graphkit.kernels.csr import CSRGraph
from graphkit.kernels.pool import run_rows


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
    if logits.device.type != "cpu":
        return reference.segment_softmax(graph, logits)
    (values,), restore = as_computed(logits)
    assert values is not None
    return restore(graph.to_edges(_Softmax.apply(graph.to_slots(values), graph)))


class _Softmax(torch.autograd.Function):
    """Softmax of values in slot order."""

    @staticmethod
    def forward(ctx: Any, logits: Tensor, graph: CSRGraph) -> Tensor:
        from graphkit.kernels.cpu import softmax

        alpha = logits.detach().clone(memory_format=torch.contiguous_format)
        heads = alpha.numel() // max(graph.num_edges, 1)
        run_rows(graph, 4 * heads, softmax.softmax_forward, indices(graph)[0], flat(alpha), heads)
        ctx.save_for_backward(alpha)
        ctx.graph, ctx.heads = graph, heads
        return alpha

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        from graphkit.kernels.cpu import softmax

        (alpha,), graph, heads = ctx.saved_tensors, ctx.graph, ctx.heads
        out = torch.empty_like(alpha)
        arguments = (indices(graph)[0], flat(alpha), flat(grad), flat(out), heads)
        run_rows(graph, 2 * heads, softmax.softmax_backward, *arguments)
        return out, None
