"""Kernels under equivariant networks against dense formulas, with first and second derivatives."""

from __future__ import annotations

import pytest
import torch
from torch.autograd import gradcheck, gradgradcheck

from graphkit.kernels.cartesian import PartMix, _Mix, direction_components, from_matrices, matrix_product, to_matrices
from graphkit.kernels.messages import outer_messages, pair_messages
from graphkit.kernels.parts import dot_parts, scale_parts
from graphkit.kernels.point_edges import PointEdges, take
from graphkit.kernels.smooth import silu

PARTS = (0, 1, 1, 1)


def drawn(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.double).requires_grad_()


def test_matrices_there_and_back_with_their_norms() -> None:
    x = drawn(9, 4, 21)
    torch.testing.assert_close(from_matrices(to_matrices(x)), x)
    torch.testing.assert_close((x * x).sum(0), to_matrices(x).square().sum((1, 2)))


@pytest.mark.parametrize("symmetric", [True, False])
def test_products(symmetric: bool) -> None:
    x, y = drawn(9, 4, 21), drawn(9, 4, 21, seed=1)
    left, right = to_matrices(x), to_matrices(y)
    due = torch.einsum("nijf,njkf->nikf", left, right)
    due = due + torch.einsum("nijf,njkf->nikf", right, left) if symmetric else due
    torch.testing.assert_close(to_matrices(matrix_product(x, y, symmetric=symmetric)), due)
    small = drawn(9, 2, 1), drawn(9, 2, 1, seed=1)
    product = lambda a, b: matrix_product(a, b, symmetric=symmetric)  # noqa: E731
    assert gradcheck(product, small) and gradgradcheck(product, small)


def test_direction_components_are_identity_skew_and_symmetric() -> None:
    r = torch.nn.functional.normalize(drawn(5, 3), dim=-1)
    full = to_matrices(direction_components(r).t().unsqueeze(-1)).squeeze(-1)
    eye = torch.eye(3, dtype=torch.double)
    torch.testing.assert_close((full + full.mT) / 2, eye + r[:, :, None] * r[:, None] - eye / 3)
    w = drawn(5, 3, seed=2)
    torch.testing.assert_close(((full - full.mT) / 2 @ w.unsqueeze(-1)).squeeze(-1), torch.linalg.cross(r, w))


@pytest.mark.parametrize("loops", [False, True])
def test_pair_messages(loops: bool) -> None:
    edges = PointEdges.complete(torch.tensor([0, 3, 5]))
    weight, states = drawn(edges.pairs.count + loops, 2, 3), drawn(4, 5, 3, seed=1)
    each = states[:, edges.source] * weight[edges.pairs.of_edge][:, list(PARTS)].transpose(0, 1)
    due = torch.zeros(4, 5, 3, dtype=torch.double).index_add(1, edges.target, each)
    due = due + states * weight[-1, list(PARTS)].unsqueeze(1) if loops else due
    call = lambda w, s: pair_messages(w, s, edges, PARTS)  # noqa: E731
    torch.testing.assert_close(call(weight, states), due)
    assert gradcheck(call, (weight, states)) and gradgradcheck(call, (weight, states))


def test_outer_messages() -> None:
    edges = PointEdges.complete(torch.tensor([0, 3, 5]))
    factor, rows = drawn(edges.num_edges, 4), drawn(edges.num_edges, 2, 3, seed=1)
    due = torch.zeros(4, 5, 3, dtype=torch.double)
    due = due.index_add(1, edges.target, (factor.unsqueeze(-1) * rows[:, list(PARTS)]).transpose(0, 1))
    call = lambda f, r: outer_messages(f, r, edges, PARTS)  # noqa: E731
    torch.testing.assert_close(call(factor, rows), due)
    assert gradcheck(call, (factor, rows)) and gradgradcheck(call, (factor, rows))


def test_parts_and_mixes() -> None:
    states, factor = drawn(4, 2, 3), drawn(2, 2, 3, seed=1)
    scale, dot = (lambda a, b: scale_parts(a, b, PARTS)), (lambda a: dot_parts(a, a, PARTS))
    torch.testing.assert_close(scale(states, factor), states * factor[list(PARTS)])
    torch.testing.assert_close(dot(states)[1], states[1:].square().sum(0))
    assert gradcheck(scale, (states, factor)) and gradgradcheck(scale, (states, factor))
    assert gradcheck(dot, states) and gradgradcheck(dot, states)
    mix, x = PartMix(3).double(), drawn(9, 2, 3)
    torch.testing.assert_close(mix(x)[2], x[2] @ mix.weight[1].t())
    assert gradcheck(_Mix.apply, (x, mix.weight)) and gradgradcheck(_Mix.apply, (x, mix.weight))


def test_silu_to_the_second_derivative() -> None:
    wide = torch.linspace(-200, 200, 51, dtype=torch.double)
    torch.testing.assert_close(silu(wide), torch.nn.functional.silu(wide))
    x = drawn(17)
    assert gradcheck(silu, x) and gradgradcheck(silu, x)


def test_rows_of_pairs_reach_both_edges() -> None:
    edges = PointEdges.complete(torch.tensor([0, 3, 4, 6]))
    rows = drawn(edges.pairs.count, 2)
    taken = take(rows, edges.edges_of_pairs)
    torch.testing.assert_close(taken, taken[edges.reverse])
    assert gradcheck(lambda r: take(r, edges.edges_of_pairs) ** 2, rows)
