"""Counts of patterns against enumeration, and canonical orders against isomorphism."""

from __future__ import annotations

import itertools

import networkx as nx
import numpy as np
import pytest
import torch
from torch_geometric.data import Data

from graphkit.encoders.augmented import AugmentedGIN
from graphkit.errors import BudgetExceeded, ConfigError
from graphkit.expressiveness import from_networkx, ladder
from graphkit.expressiveness.canonical import canonical_order, stability_report
from graphkit.expressiveness.contraction import (
    Pattern,
    clique,
    cycle,
    homomorphisms,
    injective,
    path,
    random_tree_pattern,
)
from graphkit.transforms.structures import attach

GRAPHS = [nx.gnp_random_graph(n, 0.5, seed=n) for n in (5, 7, 6)] + [nx.empty_graph(2)]
PATTERNS = [cycle(3), cycle(4), path(3), clique(4), Pattern(((0, 1), (0, 2), (0, 3)))]


def maps(graph: nx.Graph, pattern: Pattern, one_to_one: bool) -> list[tuple[int, ...]]:
    choose = itertools.permutations if one_to_one else lambda n, k: itertools.product(n, repeat=k)
    return [
        images
        for images in choose(range(len(graph)), pattern.size)
        if all(graph.has_edge(images[a], images[b]) for a, b in pattern.edges)
    ]


@pytest.mark.parametrize("one_to_one", [False, True])
@pytest.mark.parametrize("pattern", PATTERNS, ids=str)
def test_counts_are_those_of_enumeration(pattern: Pattern, one_to_one: bool) -> None:
    count = injective if one_to_one else homomorphisms
    found = count(from_networkx(GRAPHS), pattern)
    assert found.tolist() == [len(maps(graph, pattern, one_to_one)) for graph in GRAPHS]


def test_rooted_counts_and_counts_at_edges() -> None:
    graphs = from_networkx(GRAPHS)
    rooted = homomorphisms(graphs, cycle(4, (0,)))
    at_edges = homomorphisms(graphs, Pattern(((0, 1), (1, 2), (2, 3)), (0, 3)))
    expected = np.concatenate(
        [[sum(images[0] == v for images in maps(graph, cycle(4), False)) for v in graph] for graph in GRAPHS]
    )
    np.testing.assert_array_equal(rooted, expected)
    np.testing.assert_allclose(np.bincount(graphs.edge_index()[1], weights=at_edges, minlength=len(rooted)), rooted)


def test_patterns_are_checked() -> None:
    with pytest.raises(ConfigError, match="needs an edge"):
        Pattern(((0, 2),))
    drawn = random_tree_pattern(6, 2, seed=3)
    assert drawn.size == 6 and drawn == random_tree_pattern(6, 2, seed=3)


@pytest.mark.parametrize("family", ["c8-2c4", "decalin", "rook-shrikhande", "cfi-c5", "dodecahedron"])
def test_canonical_orders_make_isomorphic_graphs_equal(family: str) -> None:
    graphs = ladder()[family]
    forms = []
    for given in (graphs, graphs.relabelled(1), graphs.relabelled(2)):
        place = canonical_order(given)
        for number in range(given.num_graphs):
            inside = (given.edge_index()[0] >= given.ptr[number]) & (given.edge_index()[0] < given.ptr[number + 1])
            forms.append((number, frozenset(zip(*place[given.edge_index()[:, inside]].tolist(), strict=True))))
    assert len(set(forms)) == graphs.num_graphs and len({form for _, form in forms}) == graphs.num_graphs


def test_too_many_symmetries_are_refused_and_twins_are_not_too_many() -> None:
    with pytest.raises(BudgetExceeded, match="more than 5 orders"):
        canonical_order(ladder()["rook-shrikhande"], leaves=5)
    assert sorted(canonical_order(from_networkx([nx.star_graph(30)])).tolist()) == list(range(31))


def test_canonical_orders_are_not_stable() -> None:
    assert 0 < stability_report(from_networkx([nx.gnp_random_graph(12, 0.3, seed=seed) for seed in range(5)])) < 0.5


def test_counts_let_a_gin_tell_cycles_apart() -> None:
    graphs = ladder()["c6-2c3"]
    data = Data(x=torch.ones(12, 1), edge_index=torch.from_numpy(graphs.edge_index()), ptr=torch.from_numpy(graphs.ptr))
    torch.manual_seed(0)
    for extra in ("cycles", "patterns"):
        encoder = AugmentedGIN(1, 4, extra=extra, hidden_channels=8).eval()  # type: ignore[arg-type]
        out = encoder(attach(data, encoder.requires)).x
        assert not torch.allclose(out[:6].sum(0), out[6:].sum(0))
