"""k-path rooted subgraphs: roots are the simple paths, and what they tell apart."""

from __future__ import annotations

import networkx as nx
import pytest
import torch
from torch import Tensor
from torch_geometric.utils import from_networkx

from graphkit.encoders.policies import make_roots
from graphkit.encoders.subgraph import SubgraphEncoder
from graphkit.kernels import as_graph


def encoder(length: int) -> SubgraphEncoder:
    torch.manual_seed(0)
    options = {"policy": "paths", "radius": length, "pool": "subgraph", "norm": False, "num_layers": 3}
    return SubgraphEncoder(1, 4, hidden_channels=8, **options).double().eval()


def embedded(model: SubgraphEncoder, graph: nx.Graph) -> Tensor:
    x = torch.ones(graph.number_of_nodes(), 1, dtype=torch.double)
    return model(x, from_networkx(graph).edge_index).mean(0)


def test_roots_are_paths_and_nodes_without_any() -> None:
    edges = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]])
    roots, owner = make_roots("paths", as_graph(edges, 4), torch.tensor([0, 3, 4]), radius=2)
    assert roots.tolist() == [[0, 1, 2], [1, 1, 1], [2, 1, 0], [3, 3, 3]] and owner.tolist() == [0, 0, 0, 1]


@pytest.mark.parametrize("length", [1, 2])
def test_two_triangles_are_no_hexagon(length: int) -> None:
    model, hexagon = encoder(length), nx.cycle_graph(6)
    triangles = nx.disjoint_union(nx.cycle_graph(3), nx.cycle_graph(3))
    assert (embedded(model, hexagon) - embedded(model, triangles)).abs().max() > 1e-7
    turned = nx.relabel_nodes(hexagon, {node: (5 * node + 2) % 6 for node in range(6)})
    same = nx.Graph()
    same.add_nodes_from(range(6))
    same.add_edges_from(turned.edges)
    torch.testing.assert_close(embedded(model, same), embedded(model, hexagon))
    assert torch.isfinite(embedded(model, nx.empty_graph(1))).all()
