import gc

import pytest
import torch

from graphkit.errors import ShapeError
from graphkit.kernels import as_graph, graph_cache


def test_same_tensor_gives_the_same_graph():
    edge_index = torch.tensor([[0, 1], [1, 0]])
    graph = as_graph(edge_index, 2)
    assert as_graph(edge_index, 2) is graph
    assert as_graph(edge_index, 3) is not graph
    assert as_graph(edge_index, 2) is graph
    assert as_graph(edge_index.clone(), 2) is not graph


def test_change_in_place_is_noticed():
    edge_index = torch.tensor([[0, 1], [1, 0]])
    as_graph(edge_index, 2)
    edge_index[0, 0] = 1
    assert as_graph(edge_index, 2).edge_index().tolist() == [[1, 1], [1, 0]]


def test_graph_dies_with_its_tensor():
    before = len(graph_cache._graphs)
    edge_index = torch.tensor([[0, 1], [1, 0]])
    as_graph(edge_index, 2)
    assert len(graph_cache._graphs) == before + 1
    del edge_index
    gc.collect()
    assert len(graph_cache._graphs) <= before


def test_given_graph_must_fit(random_graph):
    graph = random_graph(sources=5, targets=8)
    assert as_graph(graph, (5, 8)) is graph
    with pytest.raises(ShapeError, match="5 sources and 8 targets"):
        as_graph(graph, 5)


def test_inference_tensors_are_never_remembered():
    with torch.inference_mode():
        edge_index = torch.tensor([[0, 1], [1, 0]])
        assert as_graph(edge_index, 2) is not as_graph(edge_index, 2)
