"""Edge weights that follow what a link predictor thinks of a node's neighbours."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from graphkit.errors import ConfigError, ShapeError
from graphkit.kernels import CSRGraph, segment_softmax, spmm


def concentrated_weights(
    graph: CSRGraph, states: Tensor, base: Tensor, score: Callable[[Tensor], Tensor], *, alpha: float = 2.0
) -> Tensor:
    r"""Returns edge weights that favour neighbours who are near the rest of the neighbourhood.

    Wang, Zhao, Zhao, Derr: "A Topological Perspective on Demystifying GNN-Based Link Prediction Performance", ICLR 2024
    (arXiv 2310.04612), section 5, which raises the Topological Concentration of nodes where it is low.

        h'_v = sum_(u -> v) w0_uv h_u / sum_(u -> v) w0_uv
        w_uv = w0_uv + alpha softmax_(u -> v)(sigmoid(score(h'_v * h_u))) sum_(u -> v) w0_uv

    Weights start from the base every time: applying them again does not add up. No gradient is kept.

    Args:
        graph: N nodes and E edges.
        states: [N, C] floating, of the model in training.
        base: [E] positive weights in edge order, w0.
        score: takes [E, C] products and returns [E] or [E, 1] logits, such as a link head.
        alpha: how much weight is added at a node, as a multiple of what it has; 0 changes nothing.

    Returns:
        [E] weights in edge order, of the type of `base`.

    Raises:
        ShapeError: states, base or scores do not fit the graph.
        ConfigError: alpha is negative or not finite.

    Example:
        >>> graph = CSRGraph.from_edge_index(torch.tensor([[0, 1], [2, 2]]), 3)
        >>> concentrated_weights(graph, torch.ones(3, 4), torch.ones(2), lambda h: h.sum(-1), alpha=1.0).tolist()
        [2.0, 2.0]
    """
    if not 0 <= alpha < float("inf"):
        raise ConfigError(f"alpha must be finite and not negative, got {alpha}")
    if base.shape != (graph.num_edges,):
        raise ShapeError(f"base has shape {list(base.shape)}, but the graph has {graph.num_edges} edges")
    with torch.no_grad():
        states, base = states.detach(), base.detach()
        source, target = graph.edge_index()
        weight = base.to(states.dtype)
        incoming = weight.new_zeros(graph.num_nodes).index_add(0, target, weight)
        around = spmm(graph, states, weight) / incoming.clamp_min(torch.finfo(weight.dtype).tiny).unsqueeze(-1)
        logits = score(around[target] * states[source])
        if logits.numel() != graph.num_edges:
            raise ShapeError(f"score gave {list(logits.shape)} for {graph.num_edges} edges; one logit an edge is due")
        share = segment_softmax(graph, torch.sigmoid(logits.reshape(-1)))
        return (weight + alpha * share * incoming[target]).to(base.dtype)
