"""graph6, flat graphs, and colours against slow counterparts."""

from __future__ import annotations

import itertools

import networkx as nx
import numpy as np
import pytest

from graphkit.errors import DataError, GraphValidationError, UnknownNameError
from graphkit.expressiveness import FlatGraphs, classes, from_networkx, oracles, read_graph6
from graphkit.expressiveness.refine import distances


def test_graph6_reads_what_networkx_writes() -> None:
    graphs = [nx.gnp_random_graph(n, 0.3, seed=n) for n in (1, 2, 3, 10, 62, 63, 70)]
    read = read_graph6([nx.to_graph6_bytes(graph) for graph in graphs])
    assert read.sizes.tolist() == [1, 2, 3, 10, 62, 63, 70]
    np.testing.assert_array_equal(read.col, from_networkx(graphs).col)
    np.testing.assert_array_equal(read.rowptr, from_networkx(graphs).rowptr)


@pytest.mark.parametrize("line", [b"I", b"Iabc", b"A\x07", b"~?"])
def test_damaged_graph6_is_refused(line: bytes) -> None:
    with pytest.raises(DataError, match="graph6"):
        read_graph6([line])


def test_graph6_skips_empty_lines_and_the_header() -> None:
    assert read_graph6([b">>graph6<<Bw\n", b"\n", "Bw"]).num_graphs == 2


def test_edges_outside_the_graph_are_refused() -> None:
    with pytest.raises(GraphValidationError, match="graph 0"):
        FlatGraphs.from_edges([(2, [(0, 2)])])


def test_loops_and_repeated_edges_are_left_out() -> None:
    graphs = FlatGraphs.from_edges([(3, [(0, 0), (0, 1), (1, 0), (0, 1)]), (0, []), (1, [])])
    assert graphs.col.tolist() == [1, 0] and graphs.sizes.tolist() == [3, 0, 1]


def test_unknown_policy() -> None:
    with pytest.raises(UnknownNameError, match="node-marked"):
        oracles.bags(FlatGraphs.from_edges([(2, [(0, 1)])]), "node-market")


def test_distances_are_those_of_networkx() -> None:
    graph = nx.gnp_random_graph(25, 0.08, seed=1)
    flat = from_networkx([graph])
    table = distances(0, 25, flat.rowptr, flat.col)
    lengths = dict(nx.all_pairs_shortest_path_length(graph))
    assert all(table[u, v] == lengths[u].get(v, 255) for u, v in itertools.product(range(25), repeat=2))


def test_wl_classes_are_those_of_refinement_by_dictionary() -> None:
    graphs = [nx.gnp_random_graph(9, 0.3, seed=seed) for seed in range(40)]
    colors = [dict.fromkeys(graph, 0) for graph in graphs]
    for _ in range(9):
        names: dict[tuple[int, tuple[int, ...]], int] = {}
        colors = [
            {v: names.setdefault((c[v], tuple(sorted(c[u] for u in graph[v]))), len(names)) for v in graph}
            for graph, c in zip(graphs, colors, strict=True)
        ]
    expected = len({tuple(sorted(c.values())) for c in colors})
    assert classes(oracles.wl(from_networkx(graphs))) == expected


def test_pair_marking_tells_all_small_graphs_apart_and_no_oracle_beats_isomorphism() -> None:
    atlas = [graph for graph in nx.graph_atlas_g() if graph.number_of_nodes() == 5]
    for run in (oracles.wl, oracles.fwl2, lambda graphs: oracles.bags(graphs, "pair-marked")):
        assert classes(run(from_networkx(atlas))) <= len(atlas)
    assert classes(oracles.bags(from_networkx(atlas), "pair-marked")) == len(atlas)


def test_colours_of_nodes_and_edges_count() -> None:
    path = FlatGraphs.from_edges([(3, [(0, 1), (1, 2)])] * 2)
    marked = FlatGraphs(path.ptr, path.rowptr, path.col, np.array([1, 2, 1, 2, 1, 1], np.uint64), path.edge_color)
    bonds = FlatGraphs(path.ptr, path.rowptr, path.col, path.color, np.array([1, 1, 1, 1, 1, 2, 1, 2], np.uint64))
    assert classes(oracles.wl(path)) == 1
    assert classes(oracles.wl(marked)) == 2 and classes(oracles.fwl2(marked)) == 2
    assert classes(oracles.wl(bonds)) == 2 and classes(oracles.fwl2(bonds)) == 2


def test_deleted_edges_tell_what_marked_nodes_tell() -> None:
    pair = from_networkx([nx.cycle_graph(8), nx.disjoint_union(nx.cycle_graph(4), nx.cycle_graph(4))])
    assert classes(oracles.bags(pair, "edge-deleted")) == 2
    assert classes(oracles.shared_bags(pair, "edge-deleted")) == 2
