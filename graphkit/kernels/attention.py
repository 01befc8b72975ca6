"""Attention over incoming edges, softmax and weighted sum in one pass: GAT and GATv2."""

from __future__ import annotations

from torch import Tensor

from graphkit.errors import ShapeError
from graphkit.kernels import reference
from graphkit.kernels.arrays import as_computed
from graphkit.kernels.csr import CSRGraph
from graphkit.kernels.dropout import check_rate, draw_seed
from graphkit.kernels.gat import GATAttention
from graphkit.kernels.gatv2 import GATv2Attention


def gat_attention(
    graph: CSRGraph,
    value: Tensor,
    score_source: Tensor,
    score_target: Tensor,
    edge_score: Tensor | None = None,
    negative_slope: float = 0.2,
    dropout: float = 0.0,
    training: bool = False,
    return_attention: bool = False,
) -> Tensor | tuple[Tensor, Tensor]:
    """Graph attention with additive scores (Velickovic et al. 2018, eqs. 3 and 4).

    The logit of an edge is LeakyReLU(score_source[source] + score_target[target] + edge_score); the result is the sum
    of the values of the sources, weighted by the softmax of the logits over incoming edges.

    Args:
        graph: N target rows and E edges; add self-loops beforehand where they are wanted.
        value: [num_sources, H, C] floating.
        score_source: [num_sources, H].
        score_target: [num_targets, H].
        edge_score: [E, H] in edge order; zero if None.
        negative_slope: slope of the LeakyReLU below zero.
        dropout: probability that a coefficient is dropped, in training only; the others grow by 1 / (1 - dropout).
        training: whether dropout acts.
        return_attention: return the coefficients too.

    Returns:
        [num_targets, H, C], zero for a node without incoming edges; with `return_attention` also the coefficients
        [E, H] in edge order, before dropout and without gradient.

    Raises:
        ShapeError: an argument does not fit the graph.
        ConfigError: `dropout` is no probability.

    Example:
        >>> import torch
        >>> from graphkit.kernels import CSRGraph, gat_attention
        >>> graph = CSRGraph.from_edge_index(torch.tensor([[0, 1], [1, 0]]), 2)
        >>> gat_attention(graph, torch.ones(2, 8, 4), torch.zeros(2, 8), torch.zeros(2, 8)).shape
        torch.Size([2, 8, 4])
    """
    heads = value.size(1) if value.dim() == 3 else -1
    _check("value", value, (graph.num_sources, heads, value.size(-1)))
    _check("score_source", score_source, (graph.num_sources, heads))
    _check("score_target", score_target, (graph.num_targets, heads))
    _check("edge_score", edge_score, (graph.num_edges, heads))
    rate, seed = _dropout(dropout, training)
    if value.device.type != "cpu":
        result, alpha = reference.gat_attention(
            graph, value, score_source, score_target, edge_score, negative_slope, rate, seed
        )
        return (result, alpha.detach()) if return_attention else result
    (values, sources, targets, edges), restore = as_computed(value, score_source, score_target, edge_score)
    edges = None if edges is None else graph.to_slots(edges)
    settings = (graph, negative_slope, rate, seed, return_attention)
    result, alpha = GATAttention.apply(values, sources, targets, edges, *settings)
    return (restore(result), graph.to_edges(alpha)) if return_attention else restore(result)


def gatv2_attention(
    graph: CSRGraph,
    source: Tensor,
    target: Tensor,
    att: Tensor,
    edge: Tensor | None = None,
    negative_slope: float = 0.2,
    dropout: float = 0.0,
    training: bool = False,
    return_attention: bool = False,
) -> Tensor | tuple[Tensor, Tensor]:
    """Graph attention whose ranking of keys depends on the query (Brody et al. 2022, eq. 7).

    The logit of an edge is the inner product of `att` and LeakyReLU(source[source] + target[target] + edge); the
    result is the sum of the source states, weighted by the softmax of the logits over incoming edges.

    Args:
        graph: N target rows and E edges; add self-loops beforehand where they are wanted.
        source: [num_sources, H, C] floating.
        target: [num_targets, H, C].
        att: [H, C], or [1, H, C] as in PyG.
        edge: [E, H, C] in edge order; zero if None.
        negative_slope: slope of the LeakyReLU below zero.
        dropout: probability that a coefficient is dropped, in training only; the others grow by 1 / (1 - dropout).
        training: whether dropout acts.
        return_attention: return the coefficients too.

    Returns:
        [num_targets, H, C], zero for a node without incoming edges; with `return_attention` also the coefficients
        [E, H] in edge order, before dropout and without gradient.

    Raises:
        ShapeError: an argument does not fit the graph.
        ConfigError: `dropout` is no probability.

    Example:
        >>> import torch
        >>> from graphkit.kernels import CSRGraph, gatv2_attention
        >>> graph = CSRGraph.from_edge_index(torch.tensor([[0, 1], [1, 0]]), 2)
        >>> gatv2_attention(graph, torch.ones(2, 8, 4), torch.ones(2, 8, 4), torch.ones(8, 4)).shape
        torch.Size([2, 8, 4])
    """
    heads, width = (source.size(1), source.size(2)) if source.dim() == 3 else (-1, -1)
    att = att.squeeze(0) if att.dim() == 3 else att
    _check("source", source, (graph.num_sources, heads, width))
    _check("target", target, (graph.num_targets, heads, width))
    _check("att", att, (heads, width))
    _check("edge", edge, (graph.num_edges, heads, width))
    rate, seed = _dropout(dropout, training)
    if source.device.type != "cpu":
        result, alpha = reference.gatv2_attention(graph, source, target, att, edge, negative_slope, rate, seed)
        return (result, alpha.detach()) if return_attention else result
    (sources, targets, vectors, edges), restore = as_computed(source, target, att, edge)
    edges = None if edges is None else graph.to_slots(edges)
    settings = (graph, negative_slope, rate, seed, return_attention)
    result, alpha = GATv2Attention.apply(sources, targets, vectors, edges, *settings)
    return (restore(result), graph.to_edges(alpha)) if return_attention else restore(result)


def _dropout(dropout: float, training: bool) -> tuple[float, int]:
    check_rate(dropout)
    return (dropout, draw_seed()) if training and dropout > 0.0 else (0.0, 0)


def _check(name: str, tensor: Tensor | None, shape: tuple[int, ...]) -> None:
    if tensor is not None and tensor.shape != shape:
        raise ShapeError(f"{name} has shape {list(tensor.shape)}, but the graph and the other inputs ask for {shape}")
