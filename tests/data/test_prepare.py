from __future__ import annotations

import dataclasses

import networkx
import numpy as np
import pytest
from scipy import sparse

from graphkit.data.prepare import PrepareOptions, largest_component, prepare, row_normalise, undirected
from graphkit.data.raw import RawGraph
from graphkit.errors import GraphValidationError


def random_graph(seed: int = 0, nodes: int = 60, edges: int = 50) -> RawGraph:
    draw = np.random.default_rng(seed)
    return RawGraph(
        x=draw.random((nodes, 5), dtype=np.float32),
        edge_index=draw.integers(0, nodes, (2, edges)),
        y=draw.integers(0, 3, nodes),
        name="random",
    )


def test_rows_sum_to_one_and_zero_rows_stay() -> None:
    x = np.array([[1, 3], [0, 0], [2, 0]], dtype=np.float32)
    wanted = [[0.25, 0.75], [0, 0], [1, 0]]
    np.testing.assert_allclose(row_normalise(x), wanted)
    csr = row_normalise(sparse.csr_matrix(x))
    np.testing.assert_allclose(csr.toarray(), wanted)
    assert csr.dtype == row_normalise(x).dtype == np.float32 and x[0, 0] == 1


def test_undirected_equals_networkx() -> None:
    raw = random_graph()
    graph = networkx.Graph()
    graph.add_edges_from(raw.edge_index.T.tolist())
    wanted = {(a, b) for a, b in graph.edges} | {(b, a) for a, b in graph.edges}
    found = undirected(raw).edge_index
    assert found.shape[1] == len(wanted) and {(int(a), int(b)) for a, b in found.T} == wanted
    np.testing.assert_array_equal(found, found[:, np.lexsort((found[1], found[0]))])


def test_undirected_refuses_edge_features() -> None:
    raw = dataclasses.replace(random_graph(), edge_attr=np.ones((50, 1), dtype=np.float32))
    with pytest.raises(GraphValidationError, match="no meaning on reversed edges"):
        undirected(raw)


def test_largest_component_equals_networkx_and_moves_splits() -> None:
    raw = random_graph()
    graph = networkx.Graph()
    graph.add_nodes_from(range(60))
    graph.add_edges_from(raw.edge_index.T.tolist())
    keep = sorted(max(networkx.connected_components(graph), key=len))
    raw.splits = {"given": [(np.array([0, keep[2]]), np.array([keep[0]]), np.array([keep[1]]))]}
    raw.edge_attr = np.arange(50, dtype=np.float32)[:, None]
    small = largest_component(raw)
    np.testing.assert_array_equal(small.y, raw.y[keep])
    np.testing.assert_array_equal(small.x, raw.x[keep])
    assert {tuple(edge) for edge in np.array(keep)[small.edge_index].T.tolist()} == {
        tuple(edge) for edge in raw.edge_index.T.tolist() if edge[0] in keep
    }
    assert small.edge_attr is not None and len(small.edge_attr) == small.num_edges
    train, valid, test = small.splits["given"][0]
    assert [*valid, *test] == [0, 1] and 2 in train


def test_component_without_training_nodes_and_unions_are_refused() -> None:
    raw = random_graph(edges=1)
    raw.edge_index = np.array([[0], [1]])
    raw.splits = {"given": [(np.array([5]), np.array([0]), np.array([1]))]}
    with pytest.raises(GraphValidationError, match="no training node"):
        largest_component(raw)
    with pytest.raises(GraphValidationError, match="union of graphs"):
        largest_component(dataclasses.replace(raw, ptr=np.array([0, 60])))


def test_steps_compose_and_leave_the_input_alone() -> None:
    raw = random_graph()
    before = raw.edge_index.copy()
    done = prepare(raw, PrepareOptions("row", True, True))
    np.testing.assert_allclose(np.asarray(done.x).sum(1), 1, rtol=1e-6)
    assert done.num_nodes < 60 and prepare(raw, PrepareOptions()) is raw
    np.testing.assert_array_equal(raw.edge_index, before)


def test_a_graph_without_edges_can_be_prepared() -> None:
    raw = dataclasses.replace(random_graph(), edge_index=np.empty((2, 0), dtype=np.int64))
    assert prepare(raw, PrepareOptions("row", True, True)).num_nodes == 1
