import copy
import pickle

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch_geometric.nn.conv.gcn_conv import gcn_norm

from graphkit.errors import GraphValidationError, ShapeError
from graphkit.kernels import CSRGraph
from graphkit.kernels.build import _sort_rows


def test_rows_are_targets_in_the_order_given():
    graph = CSRGraph.from_edge_index(torch.tensor([[2, 0, 1, 0], [1, 0, 1, 1]]), 3)
    assert graph.rowptr.tolist() == [0, 1, 4, 4]
    assert graph.col.tolist() == [0, 2, 1, 0]
    assert graph.edge_id.tolist() == [1, 0, 2, 3]
    assert graph.row.tolist() == [0, 1, 1, 1]
    assert graph.col.dtype == torch.int32


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 8), st.integers(1, 8), st.integers(0, 30), st.integers(0, 10**6))
def test_edge_list_and_transpose_round_trip(sources, targets, edges, seed):
    generator = torch.Generator().manual_seed(seed)
    source = torch.randint(0, sources, (edges,), generator=generator)
    target = torch.randint(0, targets, (edges,), generator=generator)
    edge_index = torch.stack([source, target])
    graph = CSRGraph.from_edge_index(edge_index, (sources, targets))
    assert torch.equal(graph.edge_index(), edge_index)
    assert torch.equal(graph.t.edge_index().flip(0), edge_index)
    assert torch.equal(graph.t.t.edge_index(), edge_index)
    assert torch.equal(graph.edge_id[graph.t_slot.long()], graph.t.edge_id)
    assert torch.equal(graph.in_degree, torch.bincount(target, minlength=targets))
    assert torch.equal(graph.out_degree, torch.bincount(source, minlength=sources))


@pytest.mark.parametrize("dtype", [torch.int32, torch.int64])
def test_order_is_that_of_a_stable_sort(dtype):
    edge_index = torch.randint(0, 40, (2, 500), generator=torch.Generator().manual_seed(3)).to(dtype)
    graph = CSRGraph.from_edge_index(edge_index, (40, 50))
    rowptr, order = _sort_rows(edge_index[1], 50, torch.int32)  # what runs on an accelerator
    assert torch.equal(graph.rowptr, rowptr)
    assert torch.equal(graph.edge_id.long(), order)
    assert torch.equal(graph.col.long(), edge_index[0, order].long())
    flipped, back = _sort_rows(graph.col, 40, torch.int32)
    assert torch.equal(graph.t.rowptr, flipped)
    assert torch.equal(graph.t_slot.long(), back)
    assert torch.equal(graph.t.col, graph.row[back])


def test_values_move_between_edge_and_slot_order(random_graph):
    graph = random_graph()
    values = torch.randn(graph.num_edges, 2, dtype=torch.float64, requires_grad=True)
    slots = graph.to_slots(values)
    assert torch.equal(slots, values[graph.edge_id.long()])
    assert torch.equal(graph.to_edges(slots), values)
    assert torch.autograd.gradcheck(graph.to_slots, (values,))
    assert torch.autograd.gradgradcheck(graph.to_slots, (values,))


def test_sorted_graph_needs_no_reordering(random_graph):
    graph = random_graph()
    ordered = graph.sorted()
    values = torch.randn(graph.num_edges)
    assert ordered.edges_sorted and ordered.to_slots(values) is values
    assert torch.equal(ordered.edge_index(), graph.edge_index()[:, ordered.parent_edge.long()])


@pytest.mark.parametrize(
    ("edges", "message"),
    [
        ([[0, 3], [1, 1]], "edge 1 has source 3, but the graph has 3 source nodes"),
        ([[0, 0], [-1, 1]], "edge 0 has target -1, but the graph has 3 target nodes"),
    ],
)
def test_index_out_of_range_names_edge_and_node(edges, message):
    with pytest.raises(GraphValidationError, match=message):
        CSRGraph.from_edge_index(torch.tensor(edges), 3)


@pytest.mark.parametrize("bad", [torch.zeros(3, 4, dtype=torch.long), torch.zeros(2, 4), torch.zeros(2).long()])
def test_malformed_edge_index_is_refused(bad):
    with pytest.raises(ShapeError, match="edge_index must be an integer tensor of shape"):
        CSRGraph.from_edge_index(bad, 3)


def test_self_loops_are_appended_by_node():
    graph = CSRGraph.from_edge_index(torch.tensor([[0, 1, 1], [1, 1, 0]]), 3)
    assert graph.with_self_loops().edge_index().tolist() == [[0, 1, 1, 0, 1, 2], [1, 1, 0, 0, 1, 2]]
    remaining = graph.with_remaining_self_loops()
    assert remaining.edge_index().tolist() == [[0, 1, 0, 1, 2], [1, 0, 0, 1, 2]]
    assert remaining.parent_edge.tolist() == [0, 2, -1, 1, -1]
    assert graph.with_self_loops() is graph.with_self_loops()


def test_self_loops_on_a_bipartite_graph_are_refused(random_graph):
    with pytest.raises(GraphValidationError, match="bipartite"):
        random_graph(sources=5, targets=9).with_self_loops()


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("self_loops", [False, True])
def test_gcn_norm_agrees_with_pyg(random_graph, weighted, self_loops):
    edge_index = random_graph().edge_index()
    edge_index = edge_index[:, ~((edge_index[0] == 1) & (edge_index[1] == 1))]  # PyG leaves repeated loops undefined
    graph = CSRGraph.from_edge_index(edge_index, 30)
    weight = torch.rand(edge_index.size(1)) if weighted else None
    ours, values = graph.gcn_norm(weight, self_loops=self_loops)
    theirs, expected = gcn_norm(edge_index, weight, 30, add_self_loops=self_loops)

    def dense(index, value):
        return torch.zeros(30, 30).index_put((index[1], index[0]), value, accumulate=True)

    torch.testing.assert_close(dense(ours.edge_index(), values), dense(theirs, expected))
    assert ours.edges_sorted
    assert weighted or graph.gcn_norm(None, self_loops)[1] is values


def test_copies_and_pickles_leave_derived_tensors_behind(random_graph):
    graph = random_graph()
    assert graph.t is graph.t
    for twin in (copy.deepcopy(graph), pickle.loads(pickle.dumps(graph))):
        assert torch.equal(twin.edge_index(), graph.edge_index())
        assert "_transposed" not in {name for name in pickle.loads(pickle.dumps(twin)).__dict__}


def test_graph_is_immutable(random_graph):
    with pytest.raises(AttributeError):
        random_graph().col = torch.zeros(1)


def test_empty_graph():
    graph = CSRGraph.from_edge_index(torch.empty(2, 0, dtype=torch.long), 4)
    assert graph.num_edges == 0 and graph.t.num_edges == 0
    assert graph.with_self_loops().num_edges == 4
    assert CSRGraph.from_edge_index(torch.empty(2, 0, dtype=torch.long), 0).num_nodes == 0
