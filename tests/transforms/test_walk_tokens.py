"""Random-walk tokens: subgraphs that walks of the right length can reach, with all edges between their nodes."""

from __future__ import annotations

import networkx as nx
import pytest
import torch

from graphkit.errors import ConfigError
from graphkit.transforms.structures import Graphs
from graphkit.transforms.walk_tokens import WalkTokens


def test_tokens_are_induced_subgraphs_of_reachable_nodes(graphs: Graphs) -> None:
    transform = WalkTokens(length=3, walks=2, samples=2)
    arrays = transform.compute(graphs)
    network = nx.Graph(graphs.edge_index.t().tolist())
    network.add_nodes_from(range(graphs.num_nodes))
    size, edges = arrays["token_size"].values, arrays["token_edge"].values
    assert len(size) == graphs.num_nodes * 7
    first = 0
    for number, token in enumerate(arrays["token_node"].values.split(size.tolist())):
        node, place = number // 7, number % 7
        steps = 0 if place == 6 else 3 - place // 2
        reach = nx.single_source_shortest_path_length(network, node, cutoff=steps)
        assert node in token and set(token.tolist()) <= set(reach) and len(set(token.tolist())) == len(token)
        inside = (edges[:, 1] >= first) & (edges[:, 1] < first + len(token))
        found = {tuple(token[edge - first].tolist()) for edge in edges[inside]}
        due = network.subgraph(token.tolist()).to_directed().edges
        assert found == set(due)
        first += len(token)


def test_the_seed_decides_and_the_count_is_a_bound(graphs: Graphs) -> None:
    one, same, other = (WalkTokens(2, 3, 1, seed=seed).compute(graphs)["token_node"].values for seed in (0, 0, 1))
    assert torch.equal(one, same) and not torch.equal(one, other)
    rows = int(WalkTokens(2, 3, 1).count(graphs).what.split()[2].replace(",", ""))
    assert len(one) <= rows


def test_graphs_without_edges_have_tokens_of_one_node() -> None:
    lonely = Graphs(torch.empty(2, 0, dtype=torch.long), torch.tensor([0, 2, 3]))
    arrays = WalkTokens(1, 1, 1).compute(lonely)
    assert arrays["token_size"].values.tolist() == [1] * 6 and not len(arrays["token_edge"].values)


def test_arguments_out_of_range_are_refused() -> None:
    with pytest.raises(ConfigError, match="walks"):
        WalkTokens(1, 0, 1)
