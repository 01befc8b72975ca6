"""Each generator against what its paper says, by slow checks."""

from __future__ import annotations

import math

import networkx as nx
import numpy as np
import pytest

from graphkit.data.synthetic import csbm, dictionary_lookup, root_neighbours, sbm_cluster, sbm_pattern, social
from graphkit.data.synthetic.parts import graph_split, sample_block, stratified_split


@pytest.mark.parametrize("seed", [0, 1])
def test_dictionary_lookup_answers_are_in_the_graph(seed: int) -> None:
    k = 5
    graph = dictionary_lookup.generate(seed, k=k, graphs=9)
    x = graph.x.toarray()
    assert (x.sum(axis=1) == 2).all()
    key, value = x[:, :k].argmax(axis=1), x[:, k:].argmax(axis=1)
    for first in graph.ptr[:-1]:
        queries, pairs = range(first, first + k), range(first + k, first + 2 * k)
        assert sorted(value[list(pairs)]) == list(range(k))
        for query in queries:
            assert value[query] == k  # empty
            (answer,) = [value[pair] for pair in pairs if key[pair] == key[query]]
            assert graph.y[query] == answer
            senders = graph.edge_index[0][graph.edge_index[1] == query]
            assert sorted(senders) == list(pairs)
    scored = np.concatenate(graph.splits["generator"][0])
    assert sorted(scored) == np.flatnonzero(graph.y >= 0).tolist()


def test_dictionary_lookup_takes_every_permutation_once_where_few() -> None:
    graph = dictionary_lookup.generate(0, k=3, graphs=50)
    assert len(graph.ptr) == 7
    assert len({tuple(row) for row in graph.y.reshape(6, 6)[:, :3]}) == 6


def test_root_neighbours_targets_by_loop() -> None:
    graph = root_neighbours.generate(0, components=30)
    degree = np.bincount(graph.edge_index[0], minlength=graph.num_nodes)
    train, valid, test = graph.splits["generator"][0]
    hubs_of = {}
    for root in np.concatenate([train, valid, test]):
        near = graph.edge_index[1][graph.edge_index[0] == root]
        hubs = [node for node in near if degree[node] == 6]
        hubs_of[root] = len(hubs)
        np.testing.assert_allclose(graph.y[root], graph.x[hubs].mean(axis=0), rtol=1e-5)
        assert all(degree[node] in (2, 3, 6) for node in near)
        assert 3 <= len(near) <= 10
    assert {hubs_of[root] for root in train} == {1, 2, 3}
    assert {hubs_of[root] for root in test} == {3, 4, 5}
    assert np.isnan(np.delete(graph.y, np.concatenate([train, valid, test]), axis=0)).all()
    union = nx.Graph(graph.edge_index.T.tolist())
    assert nx.number_connected_components(union) == 90
    assert nx.is_forest(union)


def test_cluster_shows_one_node_of_each_community() -> None:
    graph = sbm_cluster.generate(0, graphs=20)
    shown = graph.x.argmax(axis=1)
    for first, last in zip(graph.ptr[:-1], graph.ptr[1:], strict=True):
        inside = np.arange(first, last)
        seeds = inside[shown[inside] > 0]
        assert sorted(graph.y[seeds]) == list(range(6))
        np.testing.assert_array_equal(shown[seeds], graph.y[seeds] + 1)
        assert ((np.bincount(graph.y[inside]) >= 5) & (np.bincount(graph.y[inside]) < 35)).all()


def test_cluster_edge_rates() -> None:
    graph = sbm_cluster.generate(0, graphs=40)
    source, target = graph.edge_index
    same = within = across = 0
    for first, last in zip(graph.ptr[:-1], graph.ptr[1:], strict=True):
        counts = np.bincount(graph.y[first:last])
        within += int((counts * (counts - 1)).sum())
        across += int(counts.sum() ** 2 - (counts**2).sum())
    same = int((graph.y[source] == graph.y[target]).sum())
    assert same / within == pytest.approx(0.55, abs=0.01)
    assert (len(source) - same) / across == pytest.approx(0.25, abs=0.01)


def test_pattern_is_the_same_graph_every_time() -> None:
    graph = sbm_pattern.generate(0, graphs=6, patterns=2)
    found = []
    for first, last in zip(graph.ptr[:-1], graph.ptr[1:], strict=True):
        members = first + np.flatnonzero(graph.y[first:last])
        assert len(members) == 20
        drawn = nx.Graph()
        drawn.add_nodes_from((node, {"signal": int(graph.x[node].argmax())}) for node in members)
        inside = np.isin(graph.edge_index, members).all(axis=0)
        drawn.add_edges_from(graph.edge_index[:, inside].T.tolist())
        found.append(drawn)

    def same(a: nx.Graph, b: nx.Graph) -> bool:
        return nx.is_isomorphic(a, b, node_match=lambda one, other: one["signal"] == other["signal"])

    assert same(found[0], found[2]) and same(found[1], found[3])
    assert not same(found[0], found[1])


def test_pattern_sizes_are_near_the_published_mean() -> None:
    # 118.9 nodes and 6,098.9 directed edges a graph in the published set of 14,000
    graph = sbm_pattern.generate(0, graphs=200)
    assert graph.num_nodes / 200 == pytest.approx(118.9, rel=0.03)
    assert graph.num_edges / 200 == pytest.approx(6098.9, rel=0.06)


def test_csbm_follows_its_parameters() -> None:
    graph = csbm.generate(0, nodes=4000, features=64, average_degree=12.0, edge_signal=-2.0, feature_signal=16.0)
    assert graph.num_edges / graph.num_nodes == pytest.approx(12.0, rel=0.03)
    source, target = graph.edge_index
    due = (12 - 2 * math.sqrt(12)) / 24
    assert (graph.y[source] == graph.y[target]).mean() == pytest.approx(due, abs=0.01)
    sign = 2 * graph.y - 1
    centre = (sign[:, None] * graph.x).mean(axis=0)  # an estimate of sqrt(m / N) u, |u| near 1
    assert np.linalg.norm(centre) == pytest.approx(math.sqrt(16 / 4000), rel=0.35)
    assert graph.x.std() == pytest.approx(1 / math.sqrt(64), rel=0.05)


def test_karate_is_zachary_s() -> None:
    graph = social.generate(0)
    club = nx.karate_club_graph()
    assert {tuple(edge) for edge in graph.edge_index.T.tolist() if edge[0] < edge[1]} == set(club.edges)
    assert graph.y[0] == 0 and graph.y[33] == 1
    assert graph.y.sum() == 17


def test_every_event_joins_a_woman() -> None:
    graph = social.generate(0, graph="davis-southern-women")
    assert (graph.y[graph.edge_index[0]] != graph.y[graph.edge_index[1]]).all()
    assert np.bincount(graph.y).tolist() in ([18, 14], [14, 18])


@pytest.mark.parametrize("probability", [0.0, 0.3, 1.0])
def test_sample_block_draws_distinct_pairs(probability: float) -> None:
    rng = np.random.default_rng(0)
    nodes = np.arange(10, 50)
    inside = sample_block(rng, nodes, None, probability)
    pairs = {frozenset(pair) for pair in inside.T.tolist()}
    assert len(pairs) == inside.shape[1]
    assert all(len(pair) == 2 and min(pair) >= 10 and max(pair) < 50 for pair in pairs)
    assert inside.shape[1] == pytest.approx(probability * 780, abs=60)
    between = sample_block(rng, nodes, np.arange(5), probability)
    assert len({*map(tuple, between.T.tolist())}) == between.shape[1] == pytest.approx(probability * 200, abs=35)


def test_splits_cover_everything_once() -> None:
    rng = np.random.default_rng(0)
    for parts, count in ((graph_split(rng, 3, 0.8, 0.1), 3), (graph_split(rng, 11, 0.8, 0.1), 11)):
        assert np.sort(np.concatenate(parts)).tolist() == list(range(count))
        assert all(len(part) for part in parts)
    y = np.repeat([0, 1, 2], [10, 20, 1])
    train, valid, test = stratified_split(rng, y, 0.3, 0.2)
    assert np.bincount(y[train]).tolist() == [3, 6, 1]
    assert np.sort(np.concatenate([train, valid, test])).tolist() == list(range(31))
