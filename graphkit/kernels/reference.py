"""The kernels in plain PyTorch: slow, obvious, differentiable by autograd.

They are the oracles of the tests and serve CUDA tensors. Values of edges come and go in edge order.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from graphkit.kernels.csr import CSRGraph
from graphkit.kernels.dropout import keep_mask


def spmm(graph: CSRGraph, x: Tensor, weight: Tensor | None = None, reduce: str = "sum") -> Tensor:
    """See `graphkit.kernels.spmm`."""
    messages = x.index_select(0, graph.col)
    if weight is not None:
        messages = messages * graph.to_slots(weight).view(-1, *[1] * (x.dim() - 1))
    if reduce in ("max", "min"):
        return _extreme(graph, messages, largest=reduce == "max")
    total = _sum_rows(graph, messages)
    if reduce == "mean":
        total = total / graph.in_degree.clamp(min=1).to(x.dtype).view(-1, *[1] * (x.dim() - 1))
    return total


def gather_max(graph: CSRGraph, x: Tensor) -> Tensor:
    """See `graphkit.kernels.gather_max`."""
    return _extreme(graph, x.index_select(0, graph.col), largest=True)


def segment_softmax(graph: CSRGraph, logits: Tensor) -> Tensor:
    """See `graphkit.kernels.segment_softmax`."""
    return graph.to_edges(_softmax_slots(graph, graph.to_slots(logits)))


def gat_attention(
    graph: CSRGraph,
    value: Tensor,
    score_source: Tensor,
    score_target: Tensor,
    edge_score: Tensor | None = None,
    negative_slope: float = 0.2,
    dropout: float = 0.0,
    seed: int = 0,
) -> tuple[Tensor, Tensor]:
    """See `graphkit.kernels.gat_attention`; returns the result and the coefficients before dropout."""
    scores = score_source.index_select(0, graph.col) + score_target.index_select(0, graph.row)
    if edge_score is not None:
        scores = scores + graph.to_slots(edge_score)
    return _attend(graph, functional.leaky_relu(scores, negative_slope), value, dropout, seed)


def gatv2_attention(
    graph: CSRGraph,
    source: Tensor,
    target: Tensor,
    att: Tensor,
    edge: Tensor | None = None,
    negative_slope: float = 0.2,
    dropout: float = 0.0,
    seed: int = 0,
) -> tuple[Tensor, Tensor]:
    """See `graphkit.kernels.gatv2_attention`; returns the result and the coefficients before dropout."""
    mixed = source.index_select(0, graph.col) + target.index_select(0, graph.row)
    if edge is not None:
        mixed = mixed + graph.to_slots(edge)
    logits = (functional.leaky_relu(mixed, negative_slope) * att).sum(-1)
    return _attend(graph, logits, source, dropout, seed)


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
    """See `graphkit.kernels.pair_sum`."""
    mixed = query.index_select(0, graph.row) + key.index_select(0, graph.col)
    if edge is not None:
        mixed = mixed + graph.to_slots(edge)
    messages = activate(mixed, activation, negative_slope)
    if weight is not None:
        messages = messages * graph.to_slots(weight).unsqueeze(-1)
    if reduce == "max":
        return _extreme(graph, messages, largest=True)
    total = _sum_rows(graph, messages)
    return total / graph.in_degree.clamp(min=1).to(total.dtype).unsqueeze(-1) if reduce == "mean" else total


def activate(x: Tensor, name: str, negative_slope: float = 0.2) -> Tensor:
    """Applies an activation of `pair_sum` by name."""
    if name == "leaky_relu":
        return functional.leaky_relu(x, negative_slope)
    functions = {
        "identity": lambda value: value,
        "relu": functional.relu,
        "elu": functional.elu,
        "gelu": functional.gelu,
        "silu": functional.silu,
        "tanh": torch.tanh,
        "sigmoid": torch.sigmoid,
    }
    return functions[name](x)


def _attend(graph: CSRGraph, logits: Tensor, value: Tensor, dropout: float, seed: int) -> tuple[Tensor, Tensor]:
    alpha = _softmax_slots(graph, logits)
    kept = alpha
    if dropout > 0.0:
        mask = keep_mask(graph.num_edges, alpha.size(1), dropout, seed, alpha.device)
        kept = alpha * mask.to(alpha.dtype) * (1.0 / (1.0 - dropout) if dropout < 1.0 else 0.0)
    messages = value.index_select(0, graph.col) * kept.unsqueeze(-1)
    return _sum_rows(graph, messages), graph.to_edges(alpha)


def _softmax_slots(graph: CSRGraph, logits: Tensor) -> Tensor:
    index = graph.row.long()
    expanded = index.view(-1, *[1] * (logits.dim() - 1)).expand_as(logits)
    peak = logits.new_zeros((graph.num_targets, *logits.shape[1:]))
    peak = peak.scatter_reduce(0, expanded, logits.detach(), "amax", include_self=False)
    exponentials = (logits - peak.index_select(0, index)).exp()
    return exponentials / _sum_rows(graph, exponentials).index_select(0, index)


def _sum_rows(graph: CSRGraph, messages: Tensor) -> Tensor:
    zeros = messages.new_zeros((graph.num_targets, *messages.shape[1:]))
    return zeros.index_add(0, graph.row, messages)


def _extreme(graph: CSRGraph, messages: Tensor, largest: bool) -> Tensor:
    """Row-wise maximum or minimum: the gradient goes to the first edge that attains it, isolated nodes give zero."""
    flat = messages.reshape(messages.size(0), -1)
    with torch.no_grad():
        values = flat if largest else -flat
        index = graph.row.long().unsqueeze(-1).expand_as(flat)
        best = values.new_full((graph.num_targets, flat.size(1)), -torch.inf)
        best = best.scatter_reduce(0, index, values, "amax")
        reached = best.gather(0, index)
        hit = (values == reached) | (reached.isnan() & values.isnan())
        slots = torch.arange(graph.num_edges, device=flat.device).unsqueeze(-1).expand_as(flat)
        first = torch.full_like(best, graph.num_edges, dtype=torch.long)
        first = first.scatter_reduce(0, index, torch.where(hit, slots, graph.num_edges), "amin")
    padded = torch.cat([flat, flat.new_zeros((1, flat.size(1)))])
    return padded.gather(0, first).view(graph.num_targets, *messages.shape[1:])
