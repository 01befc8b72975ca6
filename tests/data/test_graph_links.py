"""Links inside graphs: the generator's rule, and broken links that are refused with their names."""

from __future__ import annotations

import dataclasses

import networkx as nx
import numpy as np
import pytest

from graphkit.data import load_dataset
from graphkit.data.cards import load_card
from graphkit.data.graph_links import GraphLinkDataset, RawGraphLinks, check, measure
from graphkit.data.synthetic.far_links import generate
from graphkit.errors import ConfigError, GraphValidationError
from graphkit.evaluation.inside import ranks_inside


def test_links_are_those_of_the_rule() -> None:
    raw = generate(3, nodes=14, far=4, graphs=12)
    whole = nx.Graph(raw.edge_index.T.tolist())
    due = set()
    for low, high in zip(raw.ptr, raw.ptr[1:], strict=False):
        tree = whole.subgraph(range(low, high))
        assert nx.is_tree(tree)
        for one, lengths in nx.all_pairs_shortest_path_length(tree):
            due |= {(one, other) for other, far in lengths.items() if far >= 4 and (raw.x[one] == raw.x[other]).all()}
    assert set(map(tuple, raw.links.T.tolist())) == due and (raw.y > 0).all()
    facts = measure(raw, load_card("far-links"))
    assert facts["links_in_both_directions"] == 1.0 and facts["graphs_without_links"] == 0


@pytest.mark.parametrize("colours", [2, 3])
def test_colours_alone_do_not_answer_and_node_numbers_neither(colours: int) -> None:
    raw = generate(0, graphs=100, colours=colours)
    nodes = 24
    source, row = np.unique(raw.links[0], return_inverse=True)
    colour = raw.x.reshape(100, nodes, -1)
    alike = (colour[source // nodes] * raw.x[source][:, None]).sum(-1)
    number = np.tile(np.arange(nodes, dtype=float), (len(source), 1))
    rule = np.zeros_like(alike)
    rule[row, raw.links[1] % nodes] = 1.0
    value = {}
    for name, scores in (("colour", alike), ("number", number), ("rule", rule)):
        offsets = np.arange(len(source) + 1) * nodes
        place = raw.links[1] % nodes, source % nodes
        value[name] = np.mean(1 / ranks_inside(scores.ravel(), offsets, row, *place, "extended"))
    assert value["rule"] == 1.0 and 0.3 < value["colour"] < 0.52 and value["number"] < 0.35


def small(links: list[list[int]]) -> RawGraphLinks:
    """Two chains of four nodes."""
    edges = np.array([[0, 1, 2, 4, 5, 6], [1, 2, 3, 5, 6, 7]])
    x = np.ones((8, 1), dtype=np.float32)
    return RawGraphLinks(ptr=np.array([0, 4, 8]), edge_index=edges, x=x, links=np.array(links).T)


def test_broken_links_are_named() -> None:
    card = dataclasses.replace(load_card("far-links"), statistics={}, protocols=())
    assert check(small([[0, 3], [3, 0], [4, 7]]), card)["graphs"] == 2
    for links, message in (
        ([[0, 5]], "link 0 joins two graphs"),
        ([[4, 7], [0, 3]], "side by side"),
        ([[0, 1]], r"1 links are edges of their graph or loops, \[0, 1\] first"),
        ([[2, 2]], "loops"),
        ([[0, 3], [0, 3]], r"1 links are listed twice, \[0, 3\] first"),
        ([[3, 0], [3, 1], [3, 2]], "node 3 is linked to all other nodes"),
        ([[0, 9]], "edge 0 is 0 -> 9"),
    ):
        with pytest.raises(GraphValidationError, match=message):
            check(small(links), card)


def test_options_of_the_generator_and_the_dataset() -> None:
    with pytest.raises(ConfigError, match="nodes >= 2 far"):
        generate(nodes=10, far=5)
    dataset = load_dataset("far-links", options={"graphs": 10})
    assert isinstance(dataset, GraphLinkDataset) and "links=" in repr(dataset)
    assert len(dataset.split().parts[2]) == 2
