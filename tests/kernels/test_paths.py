"""Paths against networkx on random graphs, their edges and distances, caps, budgets and shapes."""

from __future__ import annotations

import random
from typing import Any, get_args

import networkx as nx
import numpy as np
import pytest
import torch

from graphkit.errors import BudgetExceeded, ConfigError
from graphkit.kernels import CSRGraph
from graphkit.kernels.paths import Kind, count_paths, distinct, enumerate_paths, paths_bytes

LENGTH = 5


def graph_of(edges: list[tuple[int, int]], nodes: int) -> CSRGraph:
    return CSRGraph.from_edge_index(torch.tensor(edges, dtype=torch.long).reshape(-1, 2).t().contiguous(), nodes)


def drawn(seed: int, undirected: bool) -> tuple[int, list[tuple[int, int]]]:
    rng = random.Random(seed)
    nodes = rng.randint(1, 10)
    pairs = [(a, b) for a in range(nodes) for b in range(nodes) if a != b and (a < b or not undirected)]
    edges = [pair for pair in pairs if rng.random() < 0.35]
    return nodes, edges + [(b, a) for a, b in edges] if undirected else edges


def by_networkx(nodes: int, edges: list[tuple[int, int]], kind: str) -> tuple[list[set[Any]], dict[Any, int]]:
    backwards = nx.DiGraph()
    backwards.add_nodes_from(range(nodes))
    backwards.add_edges_from((b, a) for a, b in edges)
    found: list[set[Any]] = [set() for _ in range(LENGTH)]
    distance = {}
    for root in range(nodes):
        for other, steps in nx.single_source_shortest_path_length(backwards, root).items():
            distance[root, other] = steps
            if other == root:
                continue
            paths = nx.all_simple_paths(backwards, root, other, LENGTH)
            for path in paths if kind == "ap" else nx.all_shortest_paths(backwards, root, other):
                if len(path) <= LENGTH + 1:
                    found[len(path) - 2].add(tuple(path))
    return found, distance


@pytest.mark.parametrize("kind", get_args(Kind))
@pytest.mark.parametrize("seed", range(12))
def test_against_networkx(kind: Kind, seed: int) -> None:
    nodes, edges = drawn(seed, undirected=seed % 2 == 0)
    found = enumerate_paths(graph_of(edges, nodes), LENGTH, kind, edges=True, distances=True)
    wanted, distance = by_networkx(nodes, edges, kind)
    for level, due in zip(found, wanted, strict=True):
        rows = [tuple(row) for row in level.nodes.tolist()]
        assert len(set(rows)) == len(rows) == level.total and rows == sorted(rows, key=lambda row: row[0])
        if kind == "sp":
            ends = [(row[0], row[-1]) for row in rows]
            assert set(rows) <= due and len(set(ends)) == len(ends) and set(ends) == {(r[0], r[-1]) for r in due}
        else:
            assert set(rows) == due
        for row, own, far in zip(rows, level.edges.tolist(), level.distances.tolist(), strict=True):
            assert [edges[edge] for edge in own] == [(row[j + 1], row[j]) for j in range(len(own))]
            assert far == [distance[row[0], node] for node in row]
        plain = enumerate_paths(graph_of(edges, nodes), LENGTH, kind)[len(rows[0]) - 2 if rows else 0]
        assert not rows or torch.equal(plain.nodes, level.nodes)


def test_a_graph_without_long_paths_keeps_their_shape() -> None:
    levels = enumerate_paths(graph_of([(0, 1), (1, 0)], 3), 3, edges=True)
    assert [tuple(level.nodes.shape) for level in levels] == [(2, 2), (0, 3), (0, 4)]
    assert levels[2].edges.shape == (0, 3) and levels[0].ptr.tolist() == [0, 1, 2, 2]


def test_threads_do_not_matter() -> None:
    graph = graph_of([(k, (k * s + 1) % 4000) for k in range(4000) for s in (1, 3, 7)], 4000)
    before = torch.get_num_threads()
    found = []
    for threads in (1, 3):
        torch.set_num_threads(threads)
        found.append([level.nodes for level in enumerate_paths(graph, 4, max_per_root=5, seed=3)])
    torch.set_num_threads(before)
    assert all(torch.equal(a, b) for a, b in zip(*found, strict=True))


def test_a_cap_keeps_a_uniform_sample() -> None:
    star = graph_of([(k, 0) for k in range(1, 21)], 21)
    seen = np.zeros(21, dtype=int)
    for seed in range(400):
        (level,) = enumerate_paths(star, 1, max_per_root=5, seed=seed)
        assert level.total == 20 and len(level.nodes) == 5
        seen[level.nodes[:, 1].numpy()] += 1
    assert seen[0] == 0 and abs(seen[1:] - 100).max() < 45  # five deviations
    again = [enumerate_paths(star, 1, max_per_root=5, seed=9)[0].nodes.tolist() for _ in range(2)]
    assert again[0] == again[1]


def test_a_budget_names_the_bytes() -> None:
    full = graph_of([(a, b) for a in range(9) for b in range(9) if a != b], 9)
    rows = count_paths(full, 3).sum(axis=0)
    assert rows.tolist() == [72, 504, 3024]
    with pytest.raises(BudgetExceeded, match=f"{paths_bytes(rows):,} bytes"):
        enumerate_paths(full, 3, budget=1000)


def test_impossible_options() -> None:
    with pytest.raises(ConfigError, match="sp"):
        count_paths(graph_of([], 1), 2, "longest")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="254"):
        count_paths(graph_of([], 1), 0)


def test_distinct_rows_are_numbered_as_they_appear() -> None:
    node = np.array([5, 3, 5, 5], dtype=np.int32)
    first, number = distinct(np.array([0, 0, 0, 1], dtype=np.int32), node, np.empty(0, dtype=np.uint8))
    assert first.tolist() == [0, 1, 3] and number.tolist() == [0, 1, 0, 2]
