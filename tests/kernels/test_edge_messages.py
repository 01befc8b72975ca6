"""Sums of relu(state + row of the edge) against plain torch, and rows kept once a kind of edge."""

import pytest
import torch

from graphkit.errors import ShapeError
from graphkit.kernels import CSRGraph
from graphkit.kernels.edge_messages import SharedRows, reference_messages, relu_messages


def _case(seed=0, nodes=30, edges=200, kinds=5, width=11, copies=0):
    draw = torch.Generator().manual_seed(seed)
    graph = CSRGraph.from_edge_index(torch.randint(nodes, (2, edges), generator=draw), nodes)
    shape = (nodes, copies, width) if copies else (nodes, width)
    states = torch.randn(shape, generator=draw, dtype=torch.double).requires_grad_()
    table = torch.randn(kinds, width, generator=draw, dtype=torch.double).requires_grad_()
    return states, table, torch.randint(kinds, (edges,), generator=draw), graph


def _both(states, table, index, graph, edge=None):
    found = []
    for function in (relu_messages, reference_messages):
        out = function(states, SharedRows(table, index), graph, edge)
        found.append((out, *torch.autograd.grad((out * torch.arange(out.numel()).view_as(out)).sum(), (states, table))))
    return zip(*found, strict=True)


@pytest.mark.parametrize("copies", [0, 1, 3])
@pytest.mark.parametrize("width", [1, 7, 32, 37])
def test_kernel_equals_plain_torch(width, copies):
    for ours, reference in _both(*_case(width=width, copies=copies)):
        torch.testing.assert_close(ours, reference, rtol=1e-12, atol=1e-9)


def test_slots_without_a_row_send_their_state_as_it_is():
    states, table, index, graph = _case()
    edge = torch.randint(-2, 250, (graph.num_edges,), generator=torch.Generator().manual_seed(1))
    for ours, reference in _both(states, table, index, graph, edge):
        torch.testing.assert_close(ours, reference, rtol=1e-12, atol=1e-9)


def test_gradients_by_differences():
    states, table, index, graph = _case(nodes=5, edges=9, kinds=3, width=3)
    assert torch.autograd.gradcheck(lambda x, rows: relu_messages(x, SharedRows(rows, index), graph), (states, table))


def test_rows_of_their_own_equal_shared_rows():
    states, table, index, graph = _case()
    shared = SharedRows(table, index)
    own = SharedRows.of(shared.dense())
    torch.testing.assert_close(relu_messages(states, shared, graph), relu_messages(states, own, graph))
    assert own.shape == shared.shape == (200, 11)


def test_a_mapped_table_is_found_by_the_same_edges():
    states, table, index, graph = _case()
    rows, linear = SharedRows(table, index), torch.nn.Linear(11, 11).double()
    relu_messages(states, rows, graph)  # the plan that the mapped rows share
    mapped = rows.map(linear)
    torch.testing.assert_close(mapped.dense(), linear(rows.dense()))
    torch.testing.assert_close(relu_messages(states, mapped, graph), reference_messages(states, mapped, graph))


def test_another_graph_with_the_same_rows_has_a_plan_of_its_own():
    states, table, index, graph = _case()
    rows = SharedRows(table, index)
    for other in (graph, graph.t, graph.sorted(), graph):
        torch.testing.assert_close(relu_messages(states, rows, other), reference_messages(states, rows, other))


def test_bits_do_not_depend_on_threads():
    before, results = torch.get_num_threads(), []
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            states, table, index, graph = _case(nodes=4000, edges=20_000, width=32)
            out = relu_messages(states, SharedRows(table, index), graph)
            results.append((out, *torch.autograd.grad(out.square().sum(), (states, table))))
    finally:
        torch.set_num_threads(before)
    assert all(torch.equal(one, two) for one, two in zip(*results, strict=True))


def test_no_edges_and_not_a_number():
    empty = CSRGraph.from_edge_index(torch.empty(2, 0, dtype=torch.long), 3)
    rows = SharedRows(torch.empty(0, 2, requires_grad=True))
    relu_messages(torch.ones(3, 2, requires_grad=True), rows, empty).sum().backward()
    states, table, index, graph = _case()
    broken = states.detach().clone()
    broken[3, 2] = torch.nan
    ours, reference = (f(broken, SharedRows(table, index), graph) for f in (relu_messages, reference_messages))
    assert torch.equal(ours.isnan(), reference.isnan()) and ours.isnan().any()


@pytest.mark.parametrize("shape", [(29, 11), (30, 10), (30,)])
def test_what_does_not_fit_is_named(shape):
    _, table, index, graph = _case()
    with pytest.raises(ShapeError, match="do not fit a graph of 30 sources and 200 edges"):
        relu_messages(torch.ones(shape), SharedRows(table, index), graph)
