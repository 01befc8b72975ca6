"""EGNN against its equations, its parameter count, and the sums over edges it is made of."""

from __future__ import annotations

import pytest
import torch

from graphkit.encoders.equivariant.base import Points
from graphkit.encoders.equivariant.egnn import EGNN, EGNNLayer
from graphkit.errors import GraphValidationError, ShapeError
from graphkit.kernels.point_edges import PointEdges, add_up, take


def test_nbody_model_has_the_published_parameters() -> None:
    assert sum(p.numel() for p in EGNN(1, 2, velocity=True).parameters()) == 134_020


def test_layer_follows_the_equations_pair_by_pair() -> None:
    torch.manual_seed(0)
    layer = EGNNLayer(4, 2, velocity=True, gate=True).double()
    torch.nn.init.normal_(layer.move_out.weight)
    h, x, v = torch.randn(5, 4).double(), torch.randn(5, 2).double(), torch.randn(5, 2).double()
    edges = PointEdges.complete(torch.tensor([0, 2, 5]))
    edges.attr = torch.randn(edges.num_edges, 2).double()
    new_h, new_x = layer(h, x, edges, v)
    silu = torch.nn.functional.silu
    for i in range(5):
        total, moves = torch.zeros(4).double(), []
        for e in (edges.target == i).nonzero().flatten().tolist():
            j = int(edges.source[e])
            square = ((x[i] - x[j]) ** 2).sum().view(1)
            m = silu(layer.edge_out(silu(layer.edge_in(torch.cat([h[i], h[j], square, edges.attr[e]])))))
            m = m * torch.sigmoid(layer.gate(m))
            total = total + m
            moves.append((x[i] - x[j]) * layer.move_out(silu(layer.move_in(m))))
        torch.testing.assert_close(new_x[i], x[i] + torch.stack(moves).mean(0) + layer.velocity(h[i]) * v[i])
        torch.testing.assert_close(new_h[i], h[i] + layer.node(torch.cat([h[i], total])))


def test_complete_edges_know_their_opposites() -> None:
    edges = PointEdges.complete(torch.tensor([0, 4, 5, 8]))
    assert edges.num_edges == 12 + 6
    assert torch.equal(edges.source[edges.reverse], edges.target) and torch.equal(
        edges.target[edges.reverse], edges.source
    )
    listed = PointEdges.from_edge_index(torch.stack([edges.source, edges.target]), 8)
    assert torch.equal(listed.source[listed.reverse], listed.target)


@pytest.mark.parametrize("symmetric", [True, False])
def test_sums_are_adjoint_to_all_orders(symmetric: bool) -> None:
    pairs = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]]) if symmetric else torch.tensor([[0, 2, 1], [1, 1, 0]])
    edges = PointEdges.from_edge_index(pairs, 4)
    x = torch.randn(4, 3, dtype=torch.double, requires_grad=True)

    def both(x: torch.Tensor) -> torch.Tensor:
        return add_up(take(x, edges.out) ** 2 * take(x, edges.into), edges.into) + add_up(
            take(x, edges.into), edges.out
        )

    assert torch.autograd.gradcheck(both, x) and torch.autograd.gradgradcheck(both, x)
    dense = torch.zeros(4, 3).double().index_add(0, edges.target, x[edges.source])
    torch.testing.assert_close(add_up(take(x, edges.out), edges.into), dense)


def test_wrong_inputs_are_named() -> None:
    with pytest.raises(ShapeError, match="x of width 3"):
        EGNN(3, 0)(Points.of(torch.randn(4, 3), torch.tensor([0, 4])))
    with pytest.raises(GraphValidationError, match="sorted by target"):
        PointEdges(torch.tensor([0, 1]), torch.tensor([1, 0]), 2)
