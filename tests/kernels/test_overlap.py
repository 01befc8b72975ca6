from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
import torch

from graphkit.errors import GraphValidationError, ShapeError
from graphkit.kernels import CSRGraph, common_neighbors, exclusive_neighbors, find_edges, pool, triangle_counts


def neighbours(edge_index, node, other, remove_target, removed):
    source, target = edge_index.tolist()
    found = set()
    for edge, (u, v) in enumerate(zip(source, target, strict=True)):
        if v != node or (removed is not None and removed[edge]) or (remove_target and u == other):
            continue
        found.add(u)
    return found


def expected(edge_index, pairs, exclusive, remove_target, removed):
    out = []
    for i, j in pairs.T.tolist():
        one = neighbours(edge_index, i, j, remove_target, removed)
        two = neighbours(edge_index, j, i, remove_target, removed)
        out.append(sorted(one - two - ({i, j} if remove_target else set()) if exclusive else one & two))
    return out


def lists(result):
    offsets, nodes = result
    assert offsets.dtype == nodes.dtype == torch.int64 and int(offsets[-1]) == len(nodes)
    return [part.tolist() for part in nodes.tensor_split(offsets[1:-1])]


def all_pairs(nodes):
    return torch.cartesian_prod(torch.arange(nodes), torch.arange(nodes)).T


@pytest.mark.parametrize("remove_target", [True, False])
@pytest.mark.parametrize("flagged", [True, False])
@pytest.mark.parametrize("kind", ["multigraph", "simple", "hub", "empty"])
def test_lists_are_those_of_sets(kind, flagged, remove_target):
    generator = torch.Generator().manual_seed(1)
    edges = torch.randint(0, 18, (2, 0 if kind == "empty" else 80), generator=generator)
    nodes = 20
    if kind == "simple":
        edges = edges.unique(dim=1)[:, torch.randperm(edges.unique(dim=1).size(1), generator=generator)]
    if kind == "hub":  # a row more than sixteen times as long as others, which is searched
        nodes = 70
        hub = torch.stack([torch.arange(1, 70), torch.zeros(69, dtype=torch.int64)])
        edges = torch.cat([edges[:, :40] + 1, hub, hub.flip(0)], dim=1)
    removed = torch.rand(edges.size(1), generator=generator) < 0.3 if flagged else None
    graph = CSRGraph.from_edge_index(edges, nodes)
    pairs = all_pairs(nodes)[:, :: 1 if nodes < 50 else 7]
    for exclusive, function in ((False, common_neighbors), (True, exclusive_neighbors)):
        found = lists(function(graph, pairs, remove_target, removed))
        assert found == expected(edges, pairs, exclusive, remove_target, removed)


def test_removed_edges_equal_an_edited_graph():
    edges = torch.randint(0, 40, (2, 300), generator=torch.Generator().manual_seed(0)).unique(dim=1)
    edges = torch.cat([edges, edges.flip(0)], dim=1).unique(dim=1)
    graph = CSRGraph.from_edge_index(edges, 40)
    batch = edges[:, ::9]
    removed = torch.zeros(edges.size(1), dtype=torch.bool)
    removed[find_edges(graph, batch)] = True
    edited = CSRGraph.from_edge_index(edges[:, ~removed], 40)
    pairs = all_pairs(40)
    assert lists(common_neighbors(graph, pairs, removed=removed)) == lists(common_neighbors(edited, pairs))


def test_edges_of_pairs_are_found_in_both_directions_and_as_often_as_they_are_there():
    edges = torch.tensor([[2, 0, 1, 0, 1, 3], [2, 1, 0, 1, 2, 1]])
    graph = CSRGraph.from_edge_index(edges, 5)
    assert sorted(find_edges(graph, torch.tensor([[0], [1]])).tolist()) == [1, 2, 3]
    assert find_edges(graph, torch.tensor([[1], [0]]), both=False).tolist() == [2]
    assert find_edges(graph, torch.tensor([[4, 3], [0, 2]])).tolist() == []
    assert find_edges(graph, torch.empty(2, 0, dtype=torch.int64)).dtype == torch.int64
    big = torch.randint(0, 100, (2, 4000), generator=torch.Generator().manual_seed(3))
    found = find_edges(CSRGraph.from_edge_index(big, 100), big[:, :50], both=False)
    wanted = {tuple(pair) for pair in big[:, :50].T.tolist()}
    assert sorted(set(found.tolist())) == [e for e, pair in enumerate(big.T.tolist()) if tuple(pair) in wanted]


def test_triangles_are_those_of_networkx():
    for seed, size in ((0, 60), (1, 400), (2, 0)):
        edges = torch.randint(0, 40, (2, size), generator=torch.Generator().manual_seed(seed))
        graph = nx.Graph(edges.T.tolist())
        graph.remove_edges_from(list(nx.selfloop_edges(graph)))
        found = triangle_counts(CSRGraph.from_edge_index(edges, 42)).tolist()
        counts = nx.triangles(graph)
        assert found == [counts.get(node, 0) for node in range(42)]


def test_threads_change_nothing(monkeypatch):
    edges = torch.randint(0, 3000, (2, 40_000), generator=torch.Generator().manual_seed(5))
    graph, pairs = CSRGraph.from_edge_index(edges, 3000), edges[:, :20_000]
    alone = common_neighbors(graph, pairs), triangle_counts(graph)
    before = torch.get_num_threads()
    monkeypatch.setattr(pool, "SMALL_CALL", 0)
    torch.set_num_threads(3)
    try:
        shared = common_neighbors(graph, pairs), triangle_counts(graph)
    finally:
        torch.set_num_threads(before)
    assert torch.equal(alone[0][1], shared[0][1]) and torch.equal(alone[0][0], shared[0][0])
    assert torch.equal(alone[1], shared[1]) and alone[1].sum() > 0


def test_no_pairs_give_empty_lists():
    graph = CSRGraph.from_edge_index(torch.tensor([[0], [1]]), 3)
    offsets, nodes = common_neighbors(graph, torch.empty(2, 0, dtype=torch.int64))
    assert offsets.tolist() == [0] and nodes.tolist() == []


def test_wrong_arguments_are_named():
    graph = CSRGraph.from_edge_index(torch.tensor([[0], [1]]), 3)
    with pytest.raises(GraphValidationError, match="pair 0 is 0 - 3"):
        common_neighbors(graph, torch.tensor([[0], [3]]))
    with pytest.raises(ShapeError, match=r"removed must be a bool tensor \[1\]"):
        common_neighbors(graph, torch.tensor([[0], [1]]), removed=torch.zeros(2, dtype=torch.bool))
    with pytest.raises(ShapeError, match="one node set"):
        triangle_counts(CSRGraph.from_edge_index(torch.tensor([[0], [1]]), (2, 3)))


def test_numbers_beyond_32_bits_are_not_needed_for_large_products():
    nodes = 200_000  # N * N does not fit 32 bits
    ring = torch.arange(nodes)
    edges = torch.stack([ring, (ring + 1) % nodes])
    edges = torch.cat([edges, torch.stack([ring, (ring + 2) % nodes])], dim=1)
    assert np.all(triangle_counts(CSRGraph.from_edge_index(edges, nodes)).numpy() == 3)
