"""Autograd for compiled GAT attention: one pass over rows forward, one over the transpose backward."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from graphkit.kernels.arrays import empty, flat, indices
from graphkit.kernels.csr import CSRGraph
from graphkit.kernels.dropout import threshold
from graphkit.kernels.pool import run_rows


class GATAttention(torch.autograd.Function):
    """Inputs as in `gat_attention`, edge scores in slot order; returns the result and the coefficients (or [0, H])."""

    @staticmethod
    def forward(
        ctx: Any,
        value: Tensor,
        score_source: Tensor,
        score_target: Tensor,
        edge_score: Tensor | None,
        graph: CSRGraph,
        negative_slope: float,
        dropout: float,
        seed: int,
        return_attention: bool,
    ) -> tuple[Tensor, Tensor]:
        """One pass over the rows."""
        from graphkit.kernels.cpu import gat

        heads, width = value.size(1), value.size(2)
        out = value.new_zeros((graph.num_targets, heads, width))
        peak, inverse = value.new_zeros((2, graph.num_targets, heads))
        alpha = value.new_empty((graph.num_edges if return_attention else 0, heads))
        values = flat(value)
        number = values.dtype.type
        factor = 1.0 / (1.0 - dropout) if dropout < 1.0 else 0.0
        inputs = [values, flat(score_source), flat(score_target)]
        inputs.append(empty(values.dtype) if edge_score is None else flat(edge_score))
        statistics = [flat(peak), flat(inverse)]
        settings = (heads, width, number(negative_slope), seed, threshold(dropout), number(factor))
        results = (flat(out), *statistics, flat(alpha))
        run_rows(
            graph, out[0].numel() if len(out) else 0, gat.gat_forward, *indices(graph), *inputs, *results, *settings
        )
        ctx.save_for_backward(value, score_source, score_target, edge_score, out, peak, inverse)
        ctx.graph, ctx.settings = graph, settings
        ctx.mark_non_differentiable(alpha)
        return out, alpha

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor, _: Tensor) -> tuple[Any, ...]:
        """One pass over the transpose, then sums over rows."""
        from graphkit.kernels.cpu import gat

        value, score_source, score_target, edge_score, out, peak, inverse = ctx.saved_tensors
        graph, settings = ctx.graph, ctx.settings
        heads, width = settings[0], settings[1]
        gradient, values = flat(grad), flat(value)
        delta = torch.empty_like(peak)
        run_rows(graph, width, gat.head_dots, gradient, flat(out), flat(delta), heads, width)
        grad_value = torch.zeros_like(value, memory_format=torch.contiguous_format)
        grad_source = torch.zeros_like(score_source, memory_format=torch.contiguous_format)
        grad_target = torch.zeros_like(score_target, memory_format=torch.contiguous_format)
        grad_logit = value.new_empty((graph.num_edges, heads))
        inputs = [values, flat(score_source), flat(score_target)]
        inputs.append(empty(values.dtype) if edge_score is None else flat(edge_score))
        results = (flat(grad_value), flat(grad_source), flat(grad_logit))
        saved = (flat(peak), flat(inverse), gradient, flat(delta))
        positions = (*indices(graph.t), graph.t_slot.numpy())
        run_rows(graph.t, heads * width, gat.gat_backward, *positions, *inputs, *saved, *results, *settings)
        run_rows(graph, heads, gat.sum_slots, indices(graph)[0], results[2], flat(grad_target), heads)
        grad_edge = grad_logit if ctx.needs_input_grad[3] else None
        return grad_value, grad_source, grad_target, grad_edge, None, None, None, None, None
