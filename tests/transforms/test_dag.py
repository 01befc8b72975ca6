"""Directed acyclic graphs: no cycle, levels that order the lines, at most one path in the multitree."""

from __future__ import annotations

import networkx as nx
import torch

from graphkit.kernels.levels import level_recurrence
from graphkit.transforms.dag import OrientDAG
from graphkit.transforms.structures import Graphs


def test_lines_join_edges_that_follow_one_another(graphs: Graphs) -> None:
    arrays = {name: field.values for name, field in OrientDAG("pagerank").compute(graphs).items()}
    edges, lines = arrays["dag_edge"], arrays["dag_line"]
    assert nx.is_directed_acyclic_graph(nx.DiGraph(edges.tolist()))
    assert len(edges) == graphs.edge_index.size(1) // 2
    due = {(a, b) for a in range(len(edges)) for b in range(len(edges)) if edges[a, 1] == edges[b, 0]}
    assert {tuple(line) for line in lines.tolist()} == due
    for side, (first, second) in enumerate([(0, 1), (1, 0)]):
        level = arrays["dag_level"][:, side]
        into = torch.full((len(edges),), -1).scatter_reduce(0, lines[:, second], level, "amax")
        assert (into[lines[:, first]] < level).all()  # all of a state's lines come before those out of it
        tree = lines[arrays["dag_tree"][:, side]]
        network = nx.DiGraph(tree[:, [first, second]].tolist())
        assert all(degree <= 1 for _, degree in network.in_degree())


def test_the_recurrence_is_its_definition_and_differentiable() -> None:
    generator = torch.Generator().manual_seed(0)
    lines = torch.tensor([[0, 2], [1, 2], [2, 3], [0, 3]])
    level = torch.tensor([1, 1, 2, 2])
    entering = torch.randn(4, 2, 3, generator=generator, dtype=torch.double, requires_grad=True)
    weight = torch.randn(4, 2, generator=generator, dtype=torch.double, requires_grad=True)
    states = level_recurrence(entering, weight, lines, level)
    third = entering[2] + weight[0, :, None] * entering[0] + weight[1, :, None] * entering[1]
    fourth = entering[3] + weight[2, :, None] * third + weight[3, :, None] * entering[0]
    torch.testing.assert_close(states, torch.stack([entering[0], entering[1], third, fourth]))
    assert torch.autograd.gradcheck(lambda *given: level_recurrence(*given, lines, level), (entering, weight))
    none = torch.empty(0, 2, dtype=torch.long)
    assert torch.equal(level_recurrence(entering, weight[:0], none, none[:, 0]), entering)


def test_a_graph_without_edges() -> None:
    arrays = OrientDAG().compute(Graphs(torch.empty(2, 0, dtype=torch.long), torch.tensor([0, 3])))
    assert all(len(field.values) == 0 for field in arrays.values())
