"""A graph without the links of a batch equals the graph built from the edges that are left."""

from __future__ import annotations

import pytest
import torch

from graphkit.errors import GraphValidationError, ShapeError
from graphkit.kernels import CSRGraph, spmm
from graphkit.kernels.subset import RemovableLinks, keep_slots


def random_edges(nodes: int, links: int, seed: int) -> torch.Tensor:
    edges = torch.randint(nodes, (2, links), generator=torch.Generator().manual_seed(seed))
    return torch.cat([edges, edges.flip(0)], dim=1)


@pytest.mark.parametrize("seed", range(5))
def test_removal_equals_rebuilding_the_graph(seed: int) -> None:
    edges = random_edges(20, 60, seed)  # with parallel edges and self-loops
    gone = edges[:, :7]
    removed = {frozenset(pair) for pair in gone.t().tolist()}
    left = edges[:, [frozenset(pair) not in removed for pair in edges.t().tolist()]]
    full = CSRGraph.from_edge_index(edges, 20)
    _ = full.t
    thinned, rebuilt = RemovableLinks(full).without(gone), CSRGraph.from_edge_index(left, 20)
    assert torch.equal(thinned.rowptr, rebuilt.rowptr) and torch.equal(thinned.col, rebuilt.col)
    assert torch.equal(thinned.t.rowptr, rebuilt.t.rowptr) and torch.equal(thinned.t.col, rebuilt.t.col)
    assert torch.equal(thinned.col[thinned.t_slot.long()], rebuilt.col[rebuilt.t_slot.long()])
    assert torch.equal(edges[:, thinned.parent_edge.long()], thinned.edge_index())
    x = torch.randn(20, 3, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(thinned.num_edges, dtype=torch.float64)
    for graph, values in ((thinned, weight), (rebuilt, rebuilt.to_edges(weight))):
        out = spmm(graph, x, values)
        (gradient,) = torch.autograd.grad(out.square().sum(), x)
        if graph is thinned:
            expected = out, gradient
    assert torch.allclose(out, expected[0], rtol=0, atol=1e-14)
    assert torch.allclose(gradient, expected[1], rtol=0, atol=1e-13)


def test_links_that_are_no_edges_change_nothing() -> None:
    graph = CSRGraph.from_edge_index(torch.tensor([[0, 1], [1, 0]]), 4)
    removable = RemovableLinks(graph)
    assert removable.without(torch.tensor([[2], [3]])).num_edges == 2
    assert removable.without(torch.zeros(2, 0, dtype=torch.int64)).num_edges == 2
    assert RemovableLinks(graph, undirected=False).without(torch.tensor([[0], [1]])).edge_index().tolist() == [[1], [0]]
    empty = CSRGraph.from_edge_index(torch.zeros(2, 0, dtype=torch.int64), 4)
    assert RemovableLinks(empty).without(torch.tensor([[0], [1]])).num_edges == 0


def test_mistakes_are_named() -> None:
    graph = CSRGraph.from_edge_index(torch.tensor([[0, 1], [1, 0]]), 2)
    with pytest.raises(ShapeError, match=r"\[2, B\]"):
        RemovableLinks(graph).without(torch.zeros(3, 2, dtype=torch.int64))
    with pytest.raises(GraphValidationError, match="target 2"):
        RemovableLinks(graph).without(torch.tensor([[0], [2]]))
    with pytest.raises(ShapeError, match="boolean"):
        keep_slots(graph, torch.ones(3, dtype=torch.bool))
