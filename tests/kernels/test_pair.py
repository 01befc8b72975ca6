import pytest
import torch

from graphkit.errors import ConfigError, ShapeError
from graphkit.kernels import pair_sum, reference
from graphkit.kernels.pair import ACTIVATIONS


def make_inputs(graph, width, dtype, everything):
    def state(*shape):
        return torch.randn(shape, dtype=dtype, requires_grad=True)

    query, key = state(graph.num_targets, width), state(graph.num_sources, width)
    return query, key, *((state(graph.num_edges, width), state(graph.num_edges)) if everything else (None, None))


@pytest.mark.parametrize("reduce", ["sum", "mean", "max"])
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize(("width", "everything"), [(21, True), (7, False)])
def test_agrees_with_reference(random_graph, dtype, reduce, activation, width, everything):
    torch.manual_seed(0)
    graph = random_graph(sources=21, targets=34)
    query, key, edge, weight = make_inputs(graph, width, dtype, everything)
    inputs = [tensor for tensor in (query, key, edge, weight) if tensor is not None]
    ours = pair_sum(graph, query, key, edge, activation, weight, reduce)
    theirs = reference.pair_sum(graph, query, key, edge, activation, weight, reduce)
    bounds = {"rtol": 1e-10, "atol": 1e-10} if dtype == torch.float64 else {"rtol": 1e-5, "atol": 1e-5}
    torch.testing.assert_close(ours, theirs, **bounds)
    grad = torch.randn_like(ours)
    for mine, other in zip(
        torch.autograd.grad(ours, inputs, grad), torch.autograd.grad(theirs, inputs, grad), strict=True
    ):
        torch.testing.assert_close(mine, other, **bounds)


@pytest.mark.parametrize("activation", ["identity", "leaky_relu", "gelu", "tanh"])
@pytest.mark.parametrize("reduce", ["sum", "max"])
def test_gradients(random_graph, activation, reduce):
    torch.manual_seed(0)
    graph = random_graph(5, 7, 12)
    query, key, edge, weight = make_inputs(graph, 3, torch.float64, True)

    def pair(query, key, edge, weight):
        return pair_sum(graph, query, key, edge, activation, weight, reduce)

    assert torch.autograd.gradcheck(pair, (query, key, edge, weight))


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_extreme_values(random_graph, activation):
    graph = random_graph()
    for size in (100.0, -100.0, 1e4, -1e4):
        query = torch.full((30, 17), size)
        ours = pair_sum(graph, query, torch.zeros(30, 17), None, activation)
        theirs = reference.pair_sum(graph, query, torch.zeros(30, 17), None, activation)
        torch.testing.assert_close(ours, theirs)
    key = torch.zeros(30, 17)
    key[3] = float("nan")
    ours = pair_sum(graph, torch.zeros(30, 17), key, None, activation)
    assert torch.equal(ours.isnan(), reference.pair_sum(graph, torch.zeros(30, 17), key, None, activation).isnan())


def test_isolated_nodes_give_zero(random_graph):
    graph = random_graph()
    result = pair_sum(graph, torch.ones(30, 4), torch.ones(30, 4), None, "sigmoid")
    assert result[graph.in_degree == 0].eq(0).all()


def test_arguments_that_do_not_fit_are_refused(random_graph):
    graph = random_graph()
    with pytest.raises(ShapeError, match="key has shape"):
        pair_sum(graph, torch.ones(30, 4), torch.ones(30, 5))
    with pytest.raises(ConfigError, match="unknown activation 'softplus'"):
        pair_sum(graph, torch.ones(30, 4), torch.ones(30, 4), activation="softplus")
    with pytest.raises(ConfigError, match="unknown reduce 'median'"):
        pair_sum(graph, torch.ones(30, 4), torch.ones(30, 4), reduce="median")
