"""NCN and NCNC against dense matrices, removed links against a rebuilt graph, gradients, and unusual pairs."""

from __future__ import annotations

import pytest
import torch

from graphkit.errors import ConfigError
from graphkit.heads.context import PairContext
from graphkit.heads.ncn import NCNCHead, NCNHead
from graphkit.kernels import CSRGraph
from graphkit.kernels.subset import RemovableLinks

NODES, WIDTH = 14, 4


def adjacency(seed: int = 0) -> torch.Tensor:
    drawn = torch.rand(NODES, NODES, generator=torch.Generator().manual_seed(seed)) < 0.3
    drawn[-1] = drawn[:, -1] = False  # an isolated node
    upper = drawn.triu(1)
    return (upper | upper.t()).double()


def graph_of(matrix: torch.Tensor) -> CSRGraph:
    return CSRGraph.from_edge_index(matrix.nonzero().t().contiguous(), NODES)


def states() -> torch.Tensor:
    return torch.randn(NODES, WIDTH, dtype=torch.float64, generator=torch.Generator().manual_seed(3))


def context(pairs: torch.Tensor, graph: CSRGraph, x: torch.Tensor) -> PairContext:
    return PairContext(pairs, x, graph, lambda x, graph: x)


def all_pairs() -> torch.Tensor:
    return torch.cartesian_prod(torch.arange(NODES), torch.arange(NODES)).t().contiguous()


def ncn(**options: object) -> NCNHead:
    torch.manual_seed(0)
    return NCNHead(WIDTH, **options).double().eval()


def ncnc(**options: object) -> NCNCHead:
    torch.manual_seed(0)
    return NCNCHead(WIDTH, **{"scale": 1.3, "offset": 0.1, "alpha": 0.9, "pt": 0.7, **options}).double().eval()


def dense_ncn(head: NCNHead, a: torch.Tensor, h: torch.Tensor, extra: torch.Tensor | None = None) -> torch.Tensor:
    """[N, N] scores of all pairs; `extra` [N, N, N] weights of further neighbours."""
    transformed = head.transformed(h)
    weight = a[:, None, :] * a[None, :, :] if extra is None else extra
    return head.combine(weight @ transformed, h[:, None, :] * h[None, :, :])


@pytest.mark.parametrize("options", [{}, {"transform": False, "tail_activation": False, "two_layers": True}])
def test_ncn_equals_its_dense_form(options: dict[str, object]) -> None:
    head, a, h = ncn(**options), adjacency(), states()
    found = head(context(all_pairs(), graph_of(a), h)).view(NODES, NODES)
    assert torch.allclose(found, dense_ncn(head, a, h), rtol=0, atol=1e-12)


@pytest.mark.parametrize("official", [False, True])
@pytest.mark.parametrize("depth", [0, 1, 2])
def test_ncnc_equals_its_dense_form(depth: int, official: bool) -> None:
    head, a, h = ncnc(depth=depth, official_recursion=official), adjacency(1), states()

    def dense(h: torch.Tensor, depth: int) -> torch.Tensor:
        if not depth:
            return dense_ncn(head, a, h)
        inner = dense(head.transformed(h) if official else h, depth - 1)
        q = torch.sigmoid(head.scale * (inner - head.offset))
        p = head.alpha * head.pt * q / (head.pt * q + 1 - q)  # p[j, u]: may u be a neighbour of j
        apart = 1 - torch.eye(NODES, dtype=a.dtype)
        alone = a[:, None, :] * (1 - a)[None, :, :] * apart[None, :, :]  # u next to i, not to j, and not j itself
        weight = a[:, None, :] * a[None, :, :] + alone * p[None, :, :] + (alone * p[None, :, :]).transpose(0, 1)
        return dense_ncn(head, a, h, weight)

    chosen = all_pairs()
    chosen = chosen[:, chosen[0] != chosen[1]]
    found = head(context(chosen, graph_of(a), h))
    assert torch.allclose(found, dense(h, depth)[chosen[0], chosen[1]], rtol=0, atol=1e-10)


@pytest.mark.parametrize("make", [ncn, ncnc])
def test_removed_links_equal_a_graph_built_without_them(make: object) -> None:
    a, h = adjacency(2), states()
    links = a.triu().nonzero().t()[:, :6]
    left = a.clone()
    left[links[0], links[1]] = left[links[1], links[0]] = 0.0
    head = make()
    removed = head(context(links, RemovableLinks(graph_of(a)).without(links), h))
    assert torch.allclose(removed, head(context(links, graph_of(left), h)), rtol=0, atol=1e-12)


def test_the_asked_link_itself_never_counts() -> None:
    a, h, pair = adjacency(3), states(), torch.tensor([[0], [5]])
    scores = []
    for value in (0.0, 1.0):
        a[0, 5] = a[5, 0] = value
        scores.append(ncn()(context(pair, graph_of(a), h)))  # the states are fixed, so messages do not matter
    assert torch.allclose(*scores, rtol=0, atol=1e-12)


@pytest.mark.parametrize("make", [ncn, ncnc])
def test_a_score_does_not_depend_on_the_batch_or_the_order_of_ends(make: object) -> None:
    head, graph, h, pairs = make(), graph_of(adjacency()), states(), all_pairs()[:, 20:60]
    scores = head(context(pairs, graph, h))
    alone = torch.cat([head(context(pair, graph, h)) for pair in pairs.split(1, dim=1)])
    assert torch.allclose(scores, alone, rtol=0, atol=1e-12)
    assert torch.allclose(scores, head(context(pairs.flip(0), graph, h)), rtol=0, atol=1e-12)


@pytest.mark.parametrize("make", [ncn, ncnc])
def test_renumbering_nodes_changes_nothing(make: object) -> None:
    head, a, h, pairs = make(), adjacency(), states(), all_pairs()[:, 5:30]
    order = torch.randperm(NODES, generator=torch.Generator().manual_seed(9))
    moved, renamed = torch.empty_like(h), torch.empty_like(a)
    moved[order] = h
    renamed[order[:, None], order[None, :]] = a
    expected = head(context(pairs, graph_of(a), h))
    assert torch.allclose(head(context(order[pairs], graph_of(renamed), moved)), expected, rtol=0, atol=1e-12)


def test_gradients_are_those_of_the_function() -> None:
    head, graph, pairs = ncn(dropout=0.0), graph_of(adjacency()), all_pairs()[:, 3:12]
    h = states().requires_grad_()
    assert torch.autograd.gradcheck(lambda h: head(context(pairs, graph, h)), (h,), atol=1e-6)


def test_completion_weights_carry_no_gradient() -> None:
    head, graph, h = ncnc(), graph_of(adjacency()), states()
    pairs = all_pairs()[:, 3:12]
    (gradient,) = torch.autograd.grad(head(context(pairs, graph, h)).sum(), head.beta)
    assert torch.isfinite(gradient).all()
    for parameter in head.parameters():
        parameter.requires_grad_(False)
    assert not head(context(pairs, graph, h)).requires_grad


@pytest.mark.parametrize("make", [ncn, ncnc])
def test_unusual_pairs_have_defined_scores(make: object) -> None:
    head, graph, h = make(), graph_of(adjacency()), states()
    assert head(context(torch.zeros(2, 0, dtype=torch.int64), graph, h)).shape == (0,)
    lonely = NODES - 1
    pairs = torch.tensor([[lonely, lonely, 2], [0, lonely, 2]])  # isolated ends, self pairs
    assert torch.isfinite(head(context(pairs, graph, h))).all()
    nothing = head.combine(torch.zeros(1, WIDTH, dtype=h.dtype), (h[lonely] * h[lonely])[None])
    assert torch.allclose(head(context(pairs[:, 1:2], graph, h)), nothing, rtol=0, atol=1e-12)
    empty = CSRGraph.from_edge_index(torch.zeros(2, 0, dtype=torch.int64), NODES)
    assert torch.isfinite(head(context(pairs, empty, h))).all()


def test_edges_are_overlooked_in_training_only() -> None:
    head, graph, h, pairs = ncn(edge_dropout=0.5), graph_of(adjacency()), states(), all_pairs()
    assert torch.equal(head(context(pairs, graph, h)), head(context(pairs, graph, h)))
    head.train()
    assert not torch.equal(head(context(pairs, graph, h)), head(context(pairs, graph, h)))


def test_wrong_options_are_named() -> None:
    for make, options in ((NCNHead, {"dropout": 1.0}), (NCNHead, {"edge_dropout": -0.1}), (NCNCHead, {"depth": -1})):
        with pytest.raises(ConfigError, match=next(iter(options))):
            make(WIDTH, **options)
    with pytest.raises(ConfigError, match="pt"):
        NCNCHead(WIDTH, pt=0.0)
