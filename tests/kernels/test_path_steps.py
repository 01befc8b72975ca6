"""Rows of a path tree that hold equal numbers are one, and no others."""

from __future__ import annotations

import torch

from graphkit.kernels.lstm import Step
from graphkit.kernels.path_steps import PathSteps, merged_steps, path_steps
from graphkit.transforms.paths import PathTree
from graphkit.transforms.structures import Graphs


def ring(nodes: int, length: int = 2) -> list[PathSteps]:
    around = torch.arange(nodes)
    ends = torch.stack([torch.cat([around, (around + 1) % nodes]), torch.cat([(around + 1) % nodes, around])])
    found = PathTree("ap", length).compute(Graphs(ends, torch.tensor([0, nodes])))
    return path_steps({name: field.values for name, field in found.items()}, length)


def test_nodes_of_a_ring_are_one() -> None:
    merged = merged_steps(ring(12), torch.ones(12, 3))
    assert [[len(step.node) for step in layer.steps] for layer in merged] == [[1, 1], [1, 1, 1]]
    assert all(len(layer.root) == 24 and not layer.row.any() for layer in merged if layer.row is not None)


def test_one_other_label_is_seen_as_far_as_paths_reach() -> None:
    labels = torch.zeros(12, 1)
    labels[0] = 1.0
    first, second = merged_steps(ring(12), labels)
    assert first.nodes is not None and second.nodes is not None
    assert first.nodes.tolist() == [0, 1]
    assert second.nodes.tolist() == [0, 1, 2]  # the odd one, its two neighbours, all others


def test_there_is_not_back_again() -> None:
    labels = torch.tensor([[0.0], [0.0], [1.0], [1.0]])
    (merged,) = merged_steps(ring(4, 1), labels)
    assert len(merged.steps[-1].node) == 4  # each label after each


def test_extras_keep_rows_apart() -> None:
    step = Step(torch.zeros(4, dtype=torch.int32), extra=torch.tensor([0, 1, 0, 1]), more=torch.tensor([0, 0, 1, 0]))
    (merged,) = merged_steps([PathSteps((step,), step.node)], torch.ones(2, 1))
    assert merged.row is not None and merged.row.tolist() == [0, 1, 2, 1]


def test_measured_inputs_merge_nothing() -> None:
    steps = ring(12)
    assert merged_steps(steps, torch.randn(12, 2)) is steps
    assert merged_steps(steps, torch.ones(12, 2)) is not steps


def test_single_and_double_words_agree() -> None:
    labels = torch.arange(12).remainder(3).view(-1, 1)
    single, double = (merged_steps(ring(12), labels.to(kind))[1] for kind in (torch.float32, torch.float64))
    assert single.row is not None and double.row is not None and torch.equal(single.row, double.row)
