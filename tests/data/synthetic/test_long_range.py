"""Long-range tasks: the answer is the one that the definition gives, and node numbers tell nothing."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest

from graphkit.data.raw import RawGraph
from graphkit.data.synthetic import global_tasks, ring_transfer, tree_match
from graphkit.errors import ConfigError


def networks(graph: RawGraph) -> list[nx.Graph]:
    whole = nx.Graph(graph.edge_index.T.tolist())
    assert graph.ptr is not None
    return [nx.Graph(whole.subgraph(range(low, high))) for low, high in zip(graph.ptr, graph.ptr[1:], strict=False)]


def dense(graph: RawGraph) -> np.ndarray:
    assert isinstance(graph.x, np.ndarray)
    return graph.x


def test_the_target_of_a_ring_is_straight_across_its_source() -> None:
    graph = ring_transfer.generate(0, distance=5, classes=3, graphs=12)
    x = dense(graph)
    for ring in networks(graph):
        nodes = np.array(sorted(ring))
        (source,) = nodes[x[nodes, :3].any(1)]
        (target,) = nodes[x[nodes, 3] == 1]
        assert all(degree == 2 for _, degree in ring.degree) and nx.shortest_path_length(ring, source, target) == 5
        assert graph.y[target] == x[source, :3].argmax() and (graph.y[nodes[nodes != target]] == -1).all()


def test_the_root_of_a_tree_asks_for_the_leaf_with_its_key() -> None:
    graph = tree_match.generate(0, depth=3, graphs=10)
    x = dense(graph).reshape(10, 15, -1)
    for tree, y in zip(x, graph.y.reshape(10, 15), strict=True):
        (leaf,) = np.flatnonzero((tree[7:, :8] == tree[0, :8]).all(1))
        assert y[0] == tree[7 + leaf, 8:16].argmax() and (tree[7:, :8].sum(0) == 1).all()
    assert all(nx.is_tree(tree) and nx.diameter(tree) == 6 for tree in networks(graph))


def test_connectivity_is_what_networkx_says() -> None:
    graph = global_tasks.connectivity(0, nodes=14, graphs=30)
    x = dense(graph)
    for network in networks(graph):
        nodes = np.array(sorted(network))
        one, other = (int(nodes[x[nodes, column] == 1][0]) for column in (1, 2))
        assert graph.y[one] == nx.has_path(network, one, other) and nx.number_connected_components(network) == 2


def test_colours_are_counted() -> None:
    graph = global_tasks.colour_counting(0, nodes=12, colours=3, most=5, graphs=30)
    x = dense(graph).reshape(30, 12, 4)
    for nodes, y in zip(x, graph.y.reshape(30, 12), strict=True):
        (asked,) = np.flatnonzero(nodes[:, 3])
        assert y[asked] + 1 == (nodes[:, :3].argmax(1) == nodes[asked, :3].argmax()).sum()


def test_distances_are_what_networkx_says() -> None:
    graph = global_tasks.shortest_path(0, nodes=20, graphs=30)
    x = dense(graph)
    for network in networks(graph):
        nodes = np.array(sorted(network))
        one, other = (int(nodes[x[nodes, column] == 1][0]) for column in (1, 2))
        assert graph.y[one, 0] == nx.shortest_path_length(network, one, other)


def test_options_out_of_range_are_refused() -> None:
    for refuse in (
        lambda: ring_transfer.generate(0, distance=1),
        lambda: tree_match.generate(0, depth=0),
        lambda: global_tasks.connectivity(0, nodes=4),
        lambda: global_tasks.colour_counting(0, nodes=6, most=6),
        lambda: global_tasks.shortest_path(0, graphs=2),
    ):
        with pytest.raises(ConfigError, match="takes"):
            refuse()
