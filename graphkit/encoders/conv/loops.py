"""Self-loops for attention layers, with features for the loops where the edges have features."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from graphkit.encoders.base import require_choice
from graphkit.kernels import CSRGraph

Reduction = Literal["mean", "add", "max", "min"]
LoopFill = float | Reduction
_SCATTER = {"mean": "mean", "add": "sum", "max": "amax", "min": "amin"}


def with_loops(graph: CSRGraph, edge_attr: Tensor | None, fill: LoopFill) -> tuple[CSRGraph, Tensor | None]:
    """Replaces all self-loops by one a node, with the features PyG's attention layers would give it.

    Args:
        graph: N nodes, E edges.
        edge_attr: [E, D] or None.
        fill: value of every feature of a loop, or how the node's other incoming edges are reduced to it (zero for a
            node without any).

    Returns:
        The graph of E' edges, its loops last in edge order, and their features [E', D].

    Raises:
        UnknownNameError: `fill` names no reduction.

    Example:
        >>> import torch
        >>> graph = CSRGraph.from_edge_index(torch.tensor([[0], [1]]), 2)
        >>> with_loops(graph, torch.tensor([[3.0]]), "mean")[1].tolist()
        [[3.0], [0.0], [3.0]]
    """
    looped = graph.with_remaining_self_loops()
    if edge_attr is None:
        return looped, None
    assert looped.parent_edge is not None
    nodes = graph.num_nodes
    others = edge_attr[looped.parent_edge[: looped.num_edges - nodes].long()]
    loops = others.new_zeros(nodes, others.size(1))
    if isinstance(fill, str):
        require_choice(Reduction, fill_value=fill)
        targets = looped.edge_index()[1, : len(others)].unsqueeze(-1).expand_as(others)
        loops = loops.scatter_reduce(0, targets, others, _SCATTER[fill], include_self=False)
    else:
        loops = loops + float(fill)
    return looped, torch.cat([others, loops])
