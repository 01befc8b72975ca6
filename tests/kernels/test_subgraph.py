from __future__ import annotations

import pickle
from concurrent.futures import ThreadPoolExecutor

import networkx as nx
import numpy as np
import pytest
import torch
from scipy import sparse
from scipy.sparse.csgraph import shortest_path
from torch_geometric.utils import k_hop_subgraph

from graphkit.errors import ConfigError, GraphValidationError, ShapeError
from graphkit.kernels import CSRGraph, enclosing_subgraphs, pool


def random_edges(nodes, edges, seed, both=True):
    generator = torch.Generator().manual_seed(seed)
    half = torch.randint(0, nodes - 2, (2, edges), generator=generator)  # the last two nodes are isolated
    return torch.cat([half, half.flip(0)], dim=1) if both else half


def random_pairs(nodes, count, seed):
    pairs = torch.randint(0, nodes, (2, count), generator=torch.Generator().manual_seed(seed))
    return pairs[:, pairs[0] != pairs[1]]


def one(batch, link):
    """Nodes, edges (in whole-graph numbers, sorted) and labels of one link."""
    low, high = batch.ptr[link], batch.ptr[link + 1]
    edges = batch.edge_index[:, batch.edge_ptr[link] : batch.edge_ptr[link + 1]]
    assert ((edges >= low) & (edges < high)).all()
    return batch.node[low:high], sorted(batch.node[edges].T.tolist()), batch.label[low:high]


def scipy_distances(nodes, edges, number, start, without=None):
    """Steps along edges to `start`, by scipy on the subgraph's own matrix."""
    kept = [k for k, node in enumerate(nodes.tolist()) if node != without]
    place = {int(nodes[k]): row for row, k in enumerate(kept)}
    matrix = sparse.lil_matrix((len(kept), len(kept)))
    for source, target in edges:
        if source in place and target in place:
            matrix[place[target], place[source]] = 1
    found = shortest_path(matrix.tocsr(), indices=place[start], unweighted=True)
    out = np.full(len(nodes), -1)
    out[kept] = np.where(np.isinf(found), -1, found)
    return out


def drnl(a, b):
    h = (a + b) // 2
    label = 1 + np.minimum(a, b) + h * (h + (a + b) % 2 - 1)
    label[(a < 0) | (b < 0)] = 0
    label[:2] = 1
    return label


@pytest.mark.parametrize("hops", [1, 2, 3])
@pytest.mark.parametrize("both", [True, False], ids=["undirected", "directed"])
@pytest.mark.parametrize(("nodes", "edges"), [(8, 10), (30, 45), (40, 160), (25, 0)])
def test_nodes_edges_and_labels_are_those_of_pyg_and_scipy(nodes, edges, both, hops):
    for seed in range(3):
        edge_index = random_edges(nodes, edges, seed, both)
        pairs = random_pairs(nodes, 12, seed + 100)
        graph = CSRGraph.from_edge_index(edge_index, nodes)
        batch = enclosing_subgraphs(graph, pairs, hops)
        distances = enclosing_subgraphs(graph, pairs, hops, labels="distance")
        assert batch.edge_index.dtype == batch.node.dtype == torch.int64 and batch.num_links == pairs.size(1)
        assert torch.equal(batch.node[batch.edge_index], edge_index[:, batch.edge_id])
        for link, (i, j) in enumerate(pairs.T.tolist()):
            found, found_edges, label = one(batch, link)
            expected, expected_edges, _, _ = k_hop_subgraph(torch.tensor([i, j]), hops, edge_index, num_nodes=nodes)
            assert found[:2].tolist() == [i, j] and sorted(found.tolist()) == sorted(expected.tolist())
            kept = [e for e in sorted(expected_edges.T.tolist()) if e not in ([i, j], [j, i])]
            assert found_edges == kept
            ways = [scipy_distances(found, kept, nodes, start, without) for start, without in ((i, j), (j, i))]
            assert label.tolist() == drnl(*ways).tolist()
            through = [scipy_distances(found, kept, nodes, start) for start in (i, j)]
            assert one(distances, link)[2].T.tolist() == [way.tolist() for way in through]


def test_labels_against_networkx_and_under_swapping_the_ends():
    graph = nx.barbell_graph(5, 3)
    edges = torch.tensor([*graph.edges, *[(v, u) for u, v in graph.edges]]).T
    pair = torch.tensor([[4], [8]])
    batch = enclosing_subgraphs(CSRGraph.from_edge_index(edges, 13), pair, 4)
    a = nx.single_source_shortest_path_length(graph.subgraph(set(graph) - {8}), 4)
    b = nx.single_source_shortest_path_length(graph.subgraph(set(graph) - {4}), 8)
    ways = [np.array([way.get(node, -1) for node in batch.node.tolist()]) for way in (a, b)]
    assert batch.label.tolist() == drnl(*ways).tolist()
    back = enclosing_subgraphs(CSRGraph.from_edge_index(edges, 13), pair.flip(0), 4)
    assert dict(zip(batch.node.tolist(), batch.label.tolist(), strict=True)) == dict(
        zip(back.node.tolist(), back.label.tolist(), strict=True)
    )


def test_the_target_link_makes_no_difference():
    edges = random_edges(30, 60, 0)
    edges = edges[:, ~((edges[0] + edges[1] == 5) & ((edges[0] == 2) | (edges[0] == 3)))]
    link = torch.tensor([[2, 3, 2], [3, 2, 3]])  # one direction twice
    pair = torch.tensor([[2], [3]])
    without = enclosing_subgraphs(CSRGraph.from_edge_index(edges, 30), pair, 2)
    there = enclosing_subgraphs(CSRGraph.from_edge_index(torch.cat([edges, link], 1), 30), pair, 2)
    assert all(torch.equal(getattr(without, name), getattr(there, name)) for name in ("node", "label", "edge_index"))


def test_isolated_ends_and_zero_one_labels():
    graph = CSRGraph.from_edge_index(torch.tensor([[0, 1], [1, 0]]), 4)
    batch = enclosing_subgraphs(graph, torch.tensor([[2, 2, 0], [3, 0, 1]]), 2, labels="zero-one")
    assert batch.node.tolist() == [2, 3, 2, 0, 1, 0, 1] and batch.label.tolist() == [1, 1, 1, 1, 0, 1, 1]
    assert batch.edge_index.tolist() == [[4, 3], [3, 4]] and batch.batch.tolist() == [0, 0, 1, 1, 1, 2, 2]


def test_no_pairs_give_an_empty_batch():
    graph = CSRGraph.from_edge_index(torch.tensor([[0, 1], [1, 0]]), 4)
    for labels, shape in (("drnl", (0,)), ("distance", (0, 2))):
        batch = enclosing_subgraphs(graph, torch.empty(2, 0, dtype=torch.int64), 2, labels=labels)
        assert batch.ptr.tolist() == [0] and batch.edge_index.shape == (2, 0) and batch.label.shape == shape


def test_a_cap_bounds_every_hop_and_draws_by_seed_and_pair():
    edges = random_edges(200, 1500, 1)
    graph = CSRGraph.from_edge_index(edges, 200)
    pairs = random_pairs(200, 40, 2)
    capped = enclosing_subgraphs(graph, pairs, 2, cap=5)
    assert capped.ptr.diff().max() == 12
    for link in range(pairs.size(1)):
        nodes, found, _ = one(capped, link)
        assert len(set(nodes.tolist())) == len(nodes)
        inside = set(nodes.tolist())
        pair = set(pairs[:, link].tolist())
        assert found == sorted([u, v] for u, v in edges.T.tolist() if {u, v} <= inside and (u == v or {u, v} != pair))
    alone = enclosing_subgraphs(graph, pairs[:, 7:8], 2, cap=5)
    assert torch.equal(alone.node, one(capped, 7)[0])
    again, other = (enclosing_subgraphs(graph, pairs, 2, cap=5, seed=seed) for seed in (0, 1))
    assert torch.equal(again.node, capped.node) and not torch.equal(other.node[:24], capped.node[:24])
    assert torch.equal(enclosing_subgraphs(graph, pairs, 2, cap=1000).node, enclosing_subgraphs(graph, pairs, 2).node)
    half = enclosing_subgraphs(graph, pairs, 1, ratio=0.5).ptr.diff() - 2
    assert torch.equal(half, (enclosing_subgraphs(graph, pairs, 1).ptr.diff() - 2) // 2)


def test_draws_under_a_cap_are_uniform():
    leaves = torch.arange(2, 42)
    star = torch.stack([leaves, torch.zeros_like(leaves)])
    graph = CSRGraph.from_edge_index(star, 42)
    counts = torch.zeros(42)
    for seed in range(2000):
        counts[enclosing_subgraphs(graph, torch.tensor([[0], [1]]), 1, cap=10, seed=seed).node[2:]] += 1
    assert counts[:2].sum() == 0 and counts.sum() == 20_000
    assert (counts[2:] - 500).abs().max() < 5 * (2000 * 0.25 * 0.75) ** 0.5


def test_threads_and_concurrent_callers_give_the_same_answer(monkeypatch):
    graph = CSRGraph.from_edge_index(random_edges(500, 3000, 3), 500)
    pairs = random_pairs(500, 300, 4)
    alone = enclosing_subgraphs(graph, pairs, 2, cap=20)
    before = torch.get_num_threads()
    monkeypatch.setattr(pool, "SMALL_CALL", 0)
    torch.set_num_threads(3)
    try:
        with ThreadPoolExecutor(2) as workers:
            results = list(workers.map(lambda _: enclosing_subgraphs(graph, pairs, 2, cap=20), range(4)))
    finally:
        torch.set_num_threads(before)
    for result in results:
        for name in ("node", "ptr", "label", "edge_index", "edge_id"):
            assert torch.equal(getattr(result, name), getattr(alone, name))


def test_a_batch_can_be_sent_to_another_process():
    graph = CSRGraph.from_edge_index(random_edges(30, 60, 0), 30)
    batch = enclosing_subgraphs(graph, torch.tensor([[2], [3]]), 2)
    assert torch.equal(pickle.loads(pickle.dumps(batch)).edge_index, batch.edge_index)


def test_wrong_arguments_are_named():
    graph = CSRGraph.from_edge_index(torch.tensor([[0, 1], [1, 0]]), 3)
    with pytest.raises(GraphValidationError, match="pair 1 is 0 - 3, but nodes are numbered 0..2"):
        enclosing_subgraphs(graph, torch.tensor([[0, 0], [1, 3]]), 1)
    with pytest.raises(GraphValidationError, match="pair 0 is -1 - 1"):
        enclosing_subgraphs(graph, torch.tensor([[-1], [1]]), 1)
    with pytest.raises(GraphValidationError, match="pair 1 joins node 2 with itself"):
        enclosing_subgraphs(graph, torch.tensor([[0, 2], [1, 2]]), 1)
    with pytest.raises(ShapeError, match=r"shape \[2, B\], got torch.float32 \[2, 1\]"):
        enclosing_subgraphs(graph, torch.ones(2, 1), 1)
    with pytest.raises(ShapeError, match="3 sources and 4 targets"):
        bipartite = CSRGraph.from_edge_index(torch.tensor([[0], [1]]), (3, 4))
        enclosing_subgraphs(bipartite, torch.tensor([[0], [1]]), 1)
    for wrong in ({"hops": 0}, {"hops": 1, "cap": 0}, {"hops": 1, "ratio": 0.0}, {"hops": 1, "labels": "de"}):
        with pytest.raises(ConfigError):
            enclosing_subgraphs(graph, torch.tensor([[0], [1]]), **wrong)
