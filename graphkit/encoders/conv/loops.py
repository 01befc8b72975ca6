"""Self-loops for attention layers: every node keeps exactly one, whose features are made from its other edges."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from graphkit.errors import ConfigError
from graphkit.kernels import CSRGraph

FillValue = float | Literal["mean", "add", "max", "min"]
_REDUCE = {"mean": "mean", "add": "sum", "max": "amax", "min": "amin"}


def with_loops(graph: CSRGraph, edge_attr: Tensor | None, fill_value: FillValue) -> tuple[CSRGraph, Tensor | None]:
    """Replaces all self-loops by one a node, as PyG's attention layers do.

    Args:
        graph: N nodes and E edges.
        edge_attr: [E, D] in edge order, or None.
        fill_value: features of a loop: a number, or how the node's other incoming edges are reduced; a node without
            any has zeros.

    Returns:
        The graph with E' edges (other edges first, loops last) and their features [E', D].

    Raises:
        ConfigError: unknown `fill_value`.

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
    kept = looped.num_edges - looped.num_nodes
    others = edge_attr.index_select(0, looped.parent_edge[:kept].long())
    shape = (looped.num_nodes, edge_attr.size(1))
    if isinstance(fill_value, str):
        if fill_value not in _REDUCE:
            raise ConfigError(f"fill_value is a number or one of {', '.join(_REDUCE)}, got {fill_value!r}")
        targets = looped.edge_index()[1, :kept].unsqueeze(-1).expand_as(others)
        zeros = others.new_zeros(shape)
        loops = zeros.scatter_reduce(0, targets, others, _REDUCE[fill_value], include_self=False)
    else:
        loops = edge_attr.new_full(shape, float(fill_value))
    return looped, torch.cat([others, loops])
