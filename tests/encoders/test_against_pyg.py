"""Layers against PyG's: a state dict goes over unchanged, and the outputs agree."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor
from torch_geometric import nn as pyg

from graphkit.encoders.conv import GATConv, GATv2Conv, GCNConv, SAGEConv
from graphkit.encoders.sgc import SGC

Graph = tuple[Tensor, Tensor]


def close(ours: torch.nn.Module, theirs: torch.nn.Module, *inputs: Any, both_ways: bool = True) -> None:
    theirs, ours = theirs.double(), ours.double()
    for parameter in theirs.parameters():
        torch.nn.init.normal_(parameter)
    ours.load_state_dict(theirs.state_dict())
    torch.testing.assert_close(ours.eval()(*inputs), theirs.eval()(*inputs), atol=1e-10, rtol=1e-8)
    if both_ways:
        theirs.load_state_dict(ours.state_dict())


@pytest.mark.parametrize("options", [{}, {"add_self_loops": False}, {"normalize": False}, {"bias": False}])
def test_gcn(graph: Graph, options: dict[str, Any]) -> None:
    close(GCNConv(5, 3, **options), pyg.GCNConv(5, 3, **options), *graph)


def test_gcn_edge_weights(graph: Graph) -> None:
    weight = torch.rand(graph[1].size(1), dtype=torch.double)
    close(GCNConv(5, 3), pyg.GCNConv(5, 3), *graph, weight)


@pytest.mark.parametrize("ours, theirs", [(GATConv, pyg.GATConv), (GATv2Conv, pyg.GATv2Conv)])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"heads": 4},
        {"heads": 4, "concat": False},
        {"heads": 2, "add_self_loops": False},
        {"heads": 2, "bias": False, "negative_slope": 0.1},
        {"heads": 2, "residual": True},
    ],
)
def test_attention(graph: Graph, ours: Any, theirs: Any, options: dict[str, Any]) -> None:
    close(ours(5, 3, **options), theirs(5, 3, **options), *graph)


@pytest.mark.parametrize("ours, theirs", [(GATConv, pyg.GATConv), (GATv2Conv, pyg.GATv2Conv)])
@pytest.mark.parametrize("fill", ["mean", "add", "max", "min", 0.5])
def test_attention_with_edge_features(graph: Graph, ours: Any, theirs: Any, fill: float | str) -> None:
    edge_attr = torch.randn(graph[1].size(1), 2, dtype=torch.double)
    options = {"heads": 3, "edge_dim": 2, "fill_value": fill}
    close(ours(5, 4, **options), theirs(5, 4, **options), *graph, edge_attr)


def test_shared_weights(graph: Graph) -> None:
    close(GATv2Conv(5, 3, share_weights=True), pyg.GATv2Conv(5, 3, share_weights=True), *graph)


@pytest.mark.parametrize("ours, theirs", [(GATConv, pyg.GATConv), (GATv2Conv, pyg.GATv2Conv)])
def test_attention_coefficients(graph: Graph, ours: Any, theirs: Any) -> None:
    theirs, ours = theirs(5, 3, heads=2).double(), ours(5, 3, heads=2).double()
    ours.load_state_dict(theirs.state_dict())
    _, (edges, alpha) = theirs(*graph, return_attention_weights=True)
    _, (our_graph, our_alpha) = ours(*graph, return_attention=True)

    def listed(edge_index: Tensor, values: Tensor) -> list[tuple[Any, ...]]:
        return sorted((*edge, *row) for edge, row in zip(edge_index.t().tolist(), values.tolist(), strict=True))

    expected, found = listed(edges, alpha), listed(our_graph.edge_index(), our_alpha)
    torch.testing.assert_close(torch.tensor(found), torch.tensor(expected))


@pytest.mark.parametrize(
    "options", [{}, {"aggr": "max"}, {"normalize": True}, {"project": True, "aggr": "max"}, {"root_weight": False}]
)
@pytest.mark.parametrize("width", [3, 7])
def test_sage(graph: Graph, options: dict[str, Any], width: int) -> None:
    close(SAGEConv(5, width, **options), pyg.SAGEConv(5, width, **options), *graph)


def test_sage_lstm_where_every_degree_is_equal() -> None:
    # PyG's LSTM runs on over padding, so the two agree exactly where there is none.
    nodes = torch.arange(6)
    edge_index = torch.stack([torch.cat([(nodes + k) % 6 for k in (1, 2, 3)]), nodes.repeat(3)])
    edge_index = edge_index[:, edge_index[1].argsort(stable=True)]
    close(SAGEConv(5, 3, aggr="lstm"), pyg.SAGEConv(5, 3, aggr="lstm"), torch.randn(6, 5).double(), edge_index)


def test_lstm_states_do_not_depend_on_the_rest_of_the_batch() -> None:
    layer, x = SAGEConv(5, 3, aggr="lstm").double(), torch.randn(7, 5).double()
    small = torch.tensor([[1, 2], [0, 0]])
    large = torch.cat([small, torch.tensor([[3, 4, 5, 6, 0], [1, 1, 1, 1, 1]])], dim=1)
    torch.testing.assert_close(layer(x, small)[0], layer(x, large)[0])


@pytest.mark.parametrize("hops", [1, 2, 3])
def test_sgc(graph: Graph, hops: int) -> None:
    theirs, ours = pyg.SGConv(5, 3, K=hops).double(), SGC(5, 3, hops=hops).double()
    ours.load_state_dict(theirs.state_dict())
    torch.testing.assert_close(ours(*graph), theirs(*graph))
