"""Autograd for compiled GATv2 attention."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from graphkit.kernels.arrays import empty, flat, indices
from graphkit.kernels.csr import CSRGraph
from graphkit.kernels.dropout import threshold
from graphkit.kernels.pool import row_blocks, run_rows


class GATv2Attention(torch.autograd.Function):
    """Inputs as in `gatv2_attention`, edges in slot order; returns the result and the coefficients (or [0, H])."""

    @staticmethod
    def forward(
        ctx: Any,
        source: Tensor,
        target: Tensor,
        att: Tensor,
        edge: Tensor | None,
        graph: CSRGraph,
        negative_slope: float,
        dropout: float,
        seed: int,
        return_attention: bool,
    ) -> tuple[Tensor, Tensor]:
        """One pass over the rows."""
        from graphkit.kernels.cpu import gatv2

        heads, width = source.size(1), source.size(2)
        out = source.new_zeros((graph.num_targets, heads, width))
        peak, inverse = source.new_zeros((2, graph.num_targets, heads))
        alpha = source.new_empty((graph.num_edges if return_attention else 0, heads))
        inputs = (flat(source), flat(target), flat(att), None if edge is None else flat(edge))
        number = inputs[0].dtype.type
        factor = 1.0 / (1.0 - dropout) if dropout < 1.0 else 0.0
        settings = (heads, width, number(negative_slope), seed, threshold(dropout), number(factor))
        results = (flat(out), flat(peak), flat(inverse), flat(alpha))
        run_rows(graph, 2 * heads * width, gatv2.gatv2_forward, *indices(graph), *inputs, *results, *settings)
        ctx.save_for_backward(source, target, att, edge, out, peak, inverse)
        ctx.graph, ctx.settings = graph, settings
        ctx.mark_non_differentiable(alpha)
        return out, alpha

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor, _: Tensor) -> tuple[Any, ...]:
        """One pass over the transpose, then sums over rows."""
        from graphkit.kernels.cpu import gat, gatv2

        source, target, att, edge, out, peak, inverse = ctx.saved_tensors
        graph, settings = ctx.graph, ctx.settings
        heads, width, slope = settings[:3]
        gradient = flat(grad)
        inputs = (flat(source), flat(target), flat(att), None if edge is None else flat(edge))
        delta = torch.empty_like(peak)
        run_rows(graph, width, gat.head_dots, gradient, flat(out), flat(delta), heads, width)

        grad_source = torch.zeros_like(source, memory_format=torch.contiguous_format)
        grad_logit = source.new_empty((graph.num_edges, heads))
        saved = (flat(peak), flat(inverse), gradient, flat(delta))
        results = (flat(grad_source), flat(grad_logit))
        positions = (*indices(graph.t), graph.t_slot.numpy())
        arguments = (*positions, *inputs, *saved, *results, *settings)
        run_rows(graph.t, 4 * heads * width, gatv2.gatv2_backward_source, *arguments)

        grad_target = torch.zeros_like(target, memory_format=torch.contiguous_format)
        parts = att.new_zeros((len(row_blocks(graph)) - 1, *att.shape))
        grad_edge = torch.zeros_like(edge, memory_format=torch.contiguous_format) if ctx.needs_input_grad[3] else None
        edges = empty(gradient.dtype) if grad_edge is None else flat(grad_edge)
        sums = (results[1], flat(grad_target), flat(parts), edges, heads, width, slope)
        run_rows(graph, 3 * heads * width, gatv2.gatv2_backward_target, *indices(graph), *inputs, *sums)
        return grad_source, grad_target, parts.sum(0), grad_edge, None, None, None, None, None
