"""Self-loops for attention layers, with features for the loops where the edges have features."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from graphkit.kernels import CSRGraph

LoopFill = float | Literal["mean"]


def with_loops(graph: CSRGraph, edge_attr: Tensor | None, fill: LoopFill) -> tuple[CSRGraph, Tensor | None]:
    """Replaces all self-loops by one a node; a loop's features are `fill`, or the mean over the node's other edges.

    Args:
        graph: N nodes, E edges.
        edge_attr: [E, D] or None.
        fill: value of every feature of a loop, or "mean" (zero for a node without other incoming edges).

    Returns:
        The graph of E' edges, its loops last in edge order, and their features [E', D].
    """
    looped = graph.with_remaining_self_loops()
    if edge_attr is None:
        return looped, None
    assert looped.parent_edge is not None
    nodes = graph.num_nodes
    others = edge_attr[looped.parent_edge[: looped.num_edges - nodes].long()]
    if fill == "mean":
        targets = looped.edge_index()[1, : len(others)]
        count = torch.bincount(targets, minlength=nodes).clamp(min=1).unsqueeze(-1)
        loops = others.new_zeros(nodes, others.size(1)).index_add(0, targets, others) / count
    else:
        loops = others.new_full((nodes, others.size(1)), fill)
    return looped, torch.cat([others, loops])
