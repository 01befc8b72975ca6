"""What holds for every generator: determinism, clean graphs, disjoint splits, honest refusals."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import pytest
from scipy import sparse

from graphkit.data.cards import Card
from graphkit.data.checks import check_raw
from graphkit.data.raw import RawGraph
from graphkit.data.synthetic import GENERATORS
from graphkit.errors import ConfigError, UnknownNameError

SMALL: list[tuple[str, dict[str, Any], str]] = [
    ("csbm", {"nodes": 300, "features": 16}, "multiclass"),
    ("sbm-cluster", {"graphs": 12}, "multiclass"),
    ("sbm-pattern", {"graphs": 14}, "multiclass"),
    ("dictionary-lookup", {"k": 6, "graphs": 20}, "multiclass"),
    ("ring-transfer", {"distance": 4, "graphs": 20}, "multiclass"),
    ("tree-neighbours-match", {"depth": 2, "graphs": 20}, "multiclass"),
    ("connectivity", {"nodes": 10, "graphs": 20}, "multiclass"),
    ("colour-counting", {"nodes": 12, "graphs": 20}, "multiclass"),
    ("shortest-path", {"nodes": 10, "graphs": 20}, "regression"),
    ("root-neighbours", {"components": 10}, "regression"),
    ("social", {"graph": "karate"}, "multiclass"),
    ("social", {"graph": "les-miserables"}, "multiclass"),
    ("social", {"graph": "davis-southern-women"}, "multiclass"),
]
IDS = [f"{name}-{params.get('graph', '')}" for name, params, _ in SMALL]


def digest(graph: RawGraph) -> str:
    x = graph.x.toarray() if sparse.issparse(graph.x) else graph.x
    parts = [x, graph.edge_index, graph.y, *graph.splits["generator"][0]]
    return hashlib.sha256(b"".join(np.ascontiguousarray(part).tobytes() for part in parts)).hexdigest()


@pytest.mark.parametrize(("name", "params", "target"), SMALL, ids=IDS)
def test_same_seed_same_graph(name: str, params: dict[str, Any], target: str) -> None:
    generate = GENERATORS.get(name)
    assert digest(generate(0, **params)) == digest(generate(0, **params))
    assert digest(generate(0, **params)) != digest(generate(1, **params))


@pytest.mark.parametrize(("name", "params", "target"), SMALL, ids=IDS)
def test_graph_is_clean(name: str, params: dict[str, Any], target: str) -> None:
    graph = GENERATORS.get(name)(3, **params)
    found = check_raw(graph, Card(name="tiny", target=target))
    assert found["duplicate_edges"] == found["self_loops"] == 0
    (parts,) = graph.splits["generator"]
    assert all(len(part) for part in parts)
    if graph.ptr is not None:  # no edge joins two graphs of a union, and every graph is in one part
        owner = np.repeat(np.arange(len(graph.ptr) - 1), np.diff(graph.ptr))
        assert (owner[graph.edge_index[0]] == owner[graph.edge_index[1]]).all()
        owners = [set(owner[part]) for part in parts]
        assert not owners[0] & owners[1] | owners[0] & owners[2] | owners[1] & owners[2]


@pytest.mark.parametrize(("name", "params", "target"), SMALL, ids=IDS)
def test_edges_go_both_ways_but_for_dictionary_lookup(name: str, params: dict[str, Any], target: str) -> None:
    source, target_nodes = GENERATORS.get(name)(0, **params).edge_index
    pairs = set(zip(source.tolist(), target_nodes.tolist(), strict=True))
    assert (pairs == {(b, a) for a, b in pairs}) == (name != "dictionary-lookup")


@pytest.mark.parametrize(
    ("name", "params", "message"),
    [
        ("csbm", {"edge_signal": 5.0}, "edge_signal"),
        ("csbm", {"nodes": 5}, "nodes >= 10"),
        ("sbm-cluster", {"graphs": 2}, "graphs >= 3"),
        ("sbm-cluster", {"p": 1.5}, "p is a probability"),
        ("sbm-pattern", {"smallest": 9, "largest": 9}, "smallest < largest"),
        ("sbm-pattern", {"patterns": 0}, "patterns"),
        ("dictionary-lookup", {"k": 1}, "k >= 2"),
        ("root-neighbours", {"components": 0}, "components >= 1"),
    ],
)
def test_refuses_bad_options(name: str, params: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        GENERATORS.get(name)(0, **params)


def test_unknown_social_graph_is_suggested() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'karate'"):
        GENERATORS.get("social")(0, graph="karat")
