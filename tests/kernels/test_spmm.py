import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from graphkit.errors import ConfigError, ShapeError
from graphkit.kernels import CSRGraph, gather_max, reference, spmm

REDUCTIONS = ("sum", "mean", "max", "min")


def tolerance(dtype):
    return {"rtol": 1e-10, "atol": 1e-10} if dtype == torch.float64 else {"rtol": 1e-5, "atol": 1e-5}


@pytest.mark.parametrize("reduce", REDUCTIONS)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("width", [1, 7, 40])
def test_agrees_with_reference(random_graph, dtype, reduce, weighted, width):
    graph = random_graph(sources=20, targets=33)
    x = torch.randn(20, width, dtype=dtype, requires_grad=True)
    weight = torch.randn(graph.num_edges, dtype=dtype, requires_grad=True) if weighted else None
    inputs = [x] if weight is None else [x, weight]
    ours, theirs = spmm(graph, x, weight, reduce), reference.spmm(graph, x, weight, reduce)
    torch.testing.assert_close(ours, theirs, **tolerance(dtype))
    grad = torch.randn_like(ours)
    for mine, other in zip(
        torch.autograd.grad(ours, inputs, grad), torch.autograd.grad(theirs, inputs, grad), strict=True
    ):
        torch.testing.assert_close(mine, other, **tolerance(dtype))


@pytest.mark.parametrize("reduce", REDUCTIONS)
def test_gradients(random_graph, reduce):
    graph = random_graph(6, 8, 15)
    x = torch.randn(6, 3, dtype=torch.float64, requires_grad=True)
    weight = torch.rand(15, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda *args: spmm(graph, *args, reduce), (x, weight))


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 6), st.integers(0, 25), st.sampled_from(REDUCTIONS), st.integers(0, 10**6))
def test_agrees_with_a_loop_over_edges(nodes, edges, reduce, seed):
    generator = torch.Generator().manual_seed(seed)
    edge_index = torch.randint(0, nodes, (2, edges), generator=generator)
    x = torch.randn(nodes, 2, dtype=torch.float64, generator=generator)
    weight = torch.randn(edges, dtype=torch.float64, generator=generator)
    expected = torch.zeros(nodes, 2, dtype=torch.float64)
    for node in range(nodes):
        messages = [weight[e] * x[edge_index[0, e]] for e in range(edges) if edge_index[1, e] == node]
        if messages:
            stacked = torch.stack(messages)
            expected[node] = stacked.amax(0) if reduce == "max" else getattr(stacked, _METHOD[reduce])(0)
    result = spmm(CSRGraph.from_edge_index(edge_index, nodes), x, weight, reduce)
    torch.testing.assert_close(result, expected, rtol=1e-12, atol=1e-12)


_METHOD = {"sum": "sum", "mean": "mean", "min": "amin"}


def test_renaming_nodes_renames_the_result(random_graph):
    graph, x = random_graph(), torch.randn(30, 5, dtype=torch.float64)
    order = torch.randperm(30)
    renamed = CSRGraph.from_edge_index(order[graph.edge_index()], 30)
    moved = torch.empty_like(x)
    moved[order] = x
    for reduce in REDUCTIONS:
        torch.testing.assert_close(spmm(renamed, moved, None, reduce)[order], spmm(graph, x, None, reduce))


def test_isolated_nodes_and_empty_graphs_give_zero(random_graph):
    for reduce in REDUCTIONS:
        assert spmm(random_graph(), torch.randn(30, 4) - 9.0, None, reduce)[-3:].eq(0).all()
        empty = CSRGraph.from_edge_index(torch.empty(2, 0, dtype=torch.long), 3)
        x = torch.randn(3, 4, requires_grad=True)
        result = spmm(empty, x, None, reduce)
        result.sum().backward()
        assert result.eq(0).all() and x.grad.eq(0).all()
        assert spmm(empty, x[:, :0], None, reduce).shape == (3, 0)


@pytest.mark.parametrize("reduce", REDUCTIONS)
@pytest.mark.parametrize("width", [3, 20])
def test_nan_reaches_exactly_the_neighbours(random_graph, reduce, width):
    graph, x = random_graph(), torch.randn(30, width)
    x[4] = float("nan")
    touched = torch.zeros(30, dtype=torch.bool)
    sources, targets = graph.edge_index()
    touched[targets[sources == 4]] = True
    assert torch.equal(spmm(graph, x, None, reduce).isnan().all(1), touched)
    assert torch.equal(spmm(graph, x, None, reduce).isnan().any(1), touched)


def test_first_edge_wins_a_tie():
    graph = CSRGraph.from_edge_index(torch.tensor([[1, 0], [0, 0]]), 2)
    x = torch.ones(2, 1, requires_grad=True)
    gather_max(graph, x).sum().backward()
    assert x.grad.flatten().tolist() == [0.0, 1.0]


def test_more_dimensions_half_precision_and_strides(random_graph):
    graph, x = random_graph(), torch.randn(30, 2, 3)
    torch.testing.assert_close(spmm(graph, x), spmm(graph, x.view(30, 6)).view(30, 2, 3))
    torch.testing.assert_close(spmm(graph, x[:, 0, 0]), spmm(graph, x)[:, 0, 0])
    torch.testing.assert_close(spmm(graph, x.transpose(1, 2)), spmm(graph, x).transpose(1, 2))
    assert spmm(graph, x.bfloat16()).dtype == torch.bfloat16


def test_arguments_that_do_not_fit_are_refused(random_graph):
    graph = random_graph()
    with pytest.raises(ShapeError, match="30 source nodes"):
        spmm(graph, torch.zeros(4, 2))
    with pytest.raises(ShapeError, match="150 edges"):
        spmm(graph, torch.zeros(30, 2), torch.zeros(3))
    with pytest.raises(ConfigError, match="unknown reduce 'median'"):
        spmm(graph, torch.zeros(30, 2), None, "median")
