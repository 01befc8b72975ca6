import pytest
import torch
from torch_geometric.utils import softmax

from graphkit.errors import ShapeError
from graphkit.kernels import CSRGraph, reference, segment_softmax


@pytest.mark.parametrize("shape", [(), (1,), (8,), (19,)])
def test_agrees_with_reference_and_pyg(random_graph, dtype, shape):
    graph = random_graph()
    logits = torch.randn(graph.num_edges, *shape, dtype=dtype, requires_grad=True)
    bounds = {"rtol": 1e-10, "atol": 1e-10} if dtype == torch.float64 else {"rtol": 1e-5, "atol": 1e-6}
    ours, theirs = segment_softmax(graph, logits), reference.segment_softmax(graph, logits)
    torch.testing.assert_close(ours, theirs, **bounds)
    torch.testing.assert_close(ours, softmax(logits, graph.edge_index()[1], num_nodes=30), rtol=1e-5, atol=1e-5)
    grad = torch.randn_like(ours)
    mine, other = torch.autograd.grad(ours, logits, grad)[0], torch.autograd.grad(theirs, logits, grad)[0]
    torch.testing.assert_close(mine, other, **bounds)


def test_gradients(random_graph):
    graph = random_graph(6, 6, 12)
    logits = torch.randn(12, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda tensor: segment_softmax(graph, tensor), (logits,))


def test_edges_masked_by_minus_infinity_get_nothing():
    graph = CSRGraph.from_edge_index(torch.tensor([[0, 1, 2], [0, 0, 0]]), 3)
    assert segment_softmax(graph, torch.tensor([0.0, -torch.inf, 0.0])).tolist() == [0.5, 0.0, 0.5]


def test_exponential_is_accurate():
    graph = CSRGraph.from_edge_index(torch.tensor([[0, 1], [0, 0]]), 2)
    for low in torch.linspace(-86.0, 0.0, 500, dtype=torch.float64):
        exact = low.float().double().exp() / (1.0 + low.float().double().exp())
        value = segment_softmax(graph, torch.tensor([low, 0.0], dtype=torch.float32))[0].double()
        assert (value / exact - 1.0).abs() < 4e-7


def test_wrong_length_is_refused(random_graph):
    with pytest.raises(ShapeError, match="150 edges"):
        segment_softmax(random_graph(), torch.zeros(3, 2))
