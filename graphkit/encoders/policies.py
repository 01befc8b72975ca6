"""Which subgraphs a bag holds: the roots of every policy."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from graphkit.kernels import CSRGraph
from graphkit.kernels.bags import make_bag
from graphkit.kernels.paths import enumerate_paths

Policy = Literal["node-marked", "node-deleted", "edge-deleted", "ego", "ego+", "tuples", "random", "edge-ego", "paths"]


def make_roots(
    policy: Policy,
    graph: CSRGraph,
    ptr: Tensor,
    radius: int = 0,
    count: int = 2,
    generator: torch.Generator | None = None,
) -> tuple[Tensor, Tensor]:
    """Returns the roots of the subgraphs of a batch, and the graph of each.

    Args:
        policy: a policy of `SubgraphEncoder`.
        graph: N nodes.
        ptr: [G + 1] first node of every graph.
        radius: largest distance within a tuple, 0 for any; edges of the paths of `paths`.
        count: nodes that `random` draws from a graph, all of a smaller one.
        generator: of the draw.

    Returns:
        Roots [S, l] and graphs [S].

    Example:
        >>> path = CSRGraph.from_edge_index(torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]]), 3)
        >>> make_roots("edge-deleted", path, torch.tensor([0, 3]))[0].tolist()
        [[0, 1], [1, 2]]
    """
    device = graph.device
    owner = torch.repeat_interleave(torch.arange(len(ptr) - 1, device=device), ptr.diff())
    if policy == "edge-deleted":
        source, target = graph.edge_index()
        roots = torch.stack([source, target], dim=1)[source < target].unique(dim=0)
        return roots, owner[roots[:, 0]]
    if policy == "edge-ego":
        roots = graph.edge_index().T
        return roots, owner[roots[:, 0]]
    nodes = torch.arange(len(owner), device=device)
    if policy == "paths":
        listed = enumerate_paths(graph, max(radius, 1), "ap")[-1]
        alone = nodes[listed.ptr.diff().to(device) == 0]  # no path that long: the node is the whole path
        roots = torch.cat([listed.nodes.long().to(device), alone[:, None].expand(-1, max(radius, 1) + 1)])
        roots = roots[torch.argsort(roots[:, 0], stable=True)]
        return roots, owner[roots[:, 0]]
    if policy == "tuples":
        single = make_bag(graph, nodes[:, None], owner, ptr, "mark", max(radius, 1), whole=radius == 0)
        return torch.stack([single.sub, single.node], dim=1), owner[single.sub]
    if policy == "random":
        nodes = _draw(owner, ptr, count, generator)
    return nodes[:, None], owner[nodes]


def _draw(owner: Tensor, ptr: Tensor, count: int, generator: torch.Generator | None) -> Tensor:
    key = torch.rand(len(owner), generator=generator).to(owner.device)
    order = torch.argsort(key)
    order = order[torch.argsort(owner[order], stable=True)]  # shuffled within every graph
    rank = torch.arange(len(owner), device=owner.device) - ptr[:-1][owner]
    return order[rank < count].sort().values
