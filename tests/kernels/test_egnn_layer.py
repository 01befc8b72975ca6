"""The fused layer of EGNN against the same layer made of tensor operations, and the small matrix product in it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numba import njit

from graphkit.encoders.equivariant.base import Points
from graphkit.encoders.equivariant.egnn import EGNN, EGNNLayer
from graphkit.kernels.cpu.matrices import add_product
from graphkit.kernels.egnn import can_fuse
from graphkit.kernels.point_edges import PointEdges


@njit
def _product(out, so, x, sr, sk, w, sw, rows, columns, inner):  # type: ignore[no-untyped-def]
    add_product(out, 0, so, x, 0, sr, sk, w, 0, sw, rows, columns, inner)


@pytest.mark.parametrize("rows", [0, 1, 5, 9, 12])
def test_products_of_small_matrices(rows: int) -> None:
    generator = np.random.default_rng(0)
    x, w, out = (generator.normal(size=shape) for shape in ((rows, 7), (7, 16), (rows, 16)))
    due, found = out + x @ w, out.copy()
    _product(found.reshape(-1), 16, x.reshape(-1), 7, 1, w.reshape(-1), 16, rows, 16, 7)
    np.testing.assert_allclose(found, due, atol=1e-13)
    turned = np.ascontiguousarray(x.T)
    found = out.copy()
    _product(found.reshape(-1), 16, turned.reshape(-1), 1, max(1, rows), w.reshape(-1), 16, rows, 16, 7)
    np.testing.assert_allclose(found, due, atol=1e-13)


def layer_and_inputs(
    features: int, dim: int, *, velocity: bool, residual: bool, sparse: bool = False, width: int = 8
) -> tuple[EGNNLayer, PointEdges, list[torch.Tensor]]:
    torch.manual_seed(0)
    layer = EGNNLayer(width, features, velocity=velocity, residual=residual).double()
    torch.nn.init.normal_(layer.move_out.weight)
    edges = PointEdges.complete(torch.tensor([0, 5, 6, 8, 17]))
    if sparse:
        edges = PointEdges.from_edge_index(torch.randint(0, 17, (2, 60)), 17)
    edges.attr = torch.randn(edges.num_edges, features).double() if features else None
    widths = (width, dim, dim) if velocity else (width, dim)
    return layer, edges, [torch.randn(17, size).double().requires_grad_() for size in widths]


CASES = [(2, 3, True, True, False), (0, 2, False, False, False), (1, 5, True, False, True)]


@pytest.mark.parametrize(("features", "dim", "velocity", "residual", "sparse"), CASES)
def test_values_and_gradients_are_those_of_the_composed_layer(
    features: int, dim: int, velocity: bool, residual: bool, sparse: bool
) -> None:
    layer, edges, inputs = layer_and_inputs(features, dim, velocity=velocity, residual=residual, sparse=sparse)
    h, pos, *vel = inputs
    wanted = [*inputs, *layer.parameters()]
    found = []
    for fused in (False, True):
        outputs = layer(h, pos, edges, *vel, fused=fused)
        slopes = [torch.cos(torch.arange(value.numel(), dtype=torch.double)).view_as(value) for value in outputs]
        both = torch.autograd.grad(outputs, wanted, slopes, retain_graph=True)
        moves = torch.autograd.grad(outputs[1], wanted, slopes[1], retain_graph=True, allow_unused=True)
        with torch.no_grad():
            again = layer(h, pos, edges, *vel, fused=fused)
        found.append([*outputs, *again, *both, *(value for value in moves if value is not None and value.any())])
    for plain, fused in zip(*found, strict=True):
        torch.testing.assert_close(fused, plain, rtol=1e-12, atol=1e-12)


def test_second_derivatives() -> None:
    layer, edges, (h, pos, vel) = layer_and_inputs(1, 2, velocity=True, residual=True)

    def call(h: torch.Tensor, pos: torch.Tensor, vel: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return layer(h, pos, edges, vel, fused=True)

    assert torch.autograd.gradgradcheck(call, (h, pos, vel), fast_mode=True)


def test_a_weight_shared_by_two_layers_gets_both_gradients() -> None:
    layer, edges, (h, pos) = layer_and_inputs(0, 3, velocity=False, residual=True)
    norms = []
    for fused in (False, True):
        out = layer(*layer(h, pos, edges, fused=fused), edges, fused=fused)[1].square().sum()
        (slope,) = torch.autograd.grad(out, pos, create_graph=True)
        norms.append(torch.autograd.grad(slope.square().sum(), layer.edge_out.weight)[0])
    torch.testing.assert_close(norms[1], norms[0], rtol=1e-10, atol=1e-10)


def test_threads_do_not_change_results(monkeypatch: pytest.MonkeyPatch) -> None:
    from graphkit.kernels import egnn, pool

    monkeypatch.setattr(egnn, "_BLOCK_WORK", 1 << 10)
    monkeypatch.setattr(pool, "SMALL_CALL", 0)
    before, found = torch.get_num_threads(), []
    try:
        for threads in (1, 3):
            torch.set_num_threads(threads)
            layer, edges, inputs = layer_and_inputs(2, 3, velocity=True, residual=True)
            h, pos, vel = inputs
            out = layer(h, pos, edges, vel, fused=True)[1].sum()
            found.append(torch.autograd.grad(out, [*inputs, *list(layer.parameters())[:6]]))
    finally:
        torch.set_num_threads(before)
    assert all(torch.equal(one, other) for one, other in zip(*found, strict=True))


def test_what_it_does_not_do_is_composed() -> None:
    layer, edges, (h, pos) = layer_and_inputs(1, 3, velocity=False, residual=True)
    assert can_fuse(h, pos, edges, None)
    assert not can_fuse(h.float(), pos, edges, None) and not can_fuse(h[:, :7], pos, edges, None)
    edges.attr = edges.attr.requires_grad_()
    assert not can_fuse(h, pos, edges, None)
    layer(h, pos, edges, fused=True)[1].sum().backward()
    assert edges.attr.grad is not None


def test_a_network_fuses_unless_positions_are_differentiated(monkeypatch: pytest.MonkeyPatch) -> None:
    from graphkit.encoders.equivariant import egnn

    calls: list[int] = []
    whole = egnn.fused_layer
    monkeypatch.setattr(egnn, "fused_layer", lambda *given, **named: calls.append(1) or whole(*given, **named))
    model = EGNN(1, 0, hidden_channels=16, num_layers=2, velocity=True)
    points = Points.of(torch.randn(10, 3), torch.tensor([0, 5, 10]), x=torch.ones(10, 1), vel=torch.randn(10, 3))
    plain = model(points.with_(pos=points.pos.clone().requires_grad_())).pos
    assert not calls
    torch.testing.assert_close(model(points).pos, plain, rtol=1e-5, atol=1e-5)
    assert len(calls) == 2
