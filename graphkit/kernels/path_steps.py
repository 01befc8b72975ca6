"""Which rows a recurrent network reads for the paths of every length, each kind of row once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from graphkit.kernels.arrays import flat
from graphkit.kernels.csr import CSRGraph
from graphkit.kernels.lstm import Step
from graphkit.kernels.spmm import spmm

_WORTH = 0.9
"""Share of distinct nodes above which nothing is merged: with measured features all differ."""


@dataclass(frozen=True, eq=False)
class PathSteps:
    """How the paths of one length are read.

    Args:
        steps: far end first; the nodes that they name are rows of `nodes`.
        root: [R] the node in which each path ends.
        nodes: [U] the nodes that are read; None for all.
        row: [R] the row of the last step that is each path's state; None where every path has its own.
    """

    steps: tuple[Step, ...]
    root: Tensor
    nodes: Tensor | None = None
    row: Tensor | None = None

    def sum(self, states: Tensor, num_nodes: int) -> Tensor:
        """Sums the states [M, C] of the last step over the paths into every node [N, C]."""
        if self.row is None:
            return self.steps[-1].of_node.sum(states, num_nodes)
        ends = torch.stack([self.row.long(), self.root.long()])
        return spmm(CSRGraph.from_edge_index(ends, (len(states), num_nodes)), states)


def path_steps(
    structure: Mapping[str, Tensor], length: int, edge: Tensor | None = None, distances: bool = False
) -> list[PathSteps]:
    """Returns the steps of a path tree (`transforms.paths.PathTree`) as they are, for the lengths 1 to K.

    Args:
        structure: the arrays of the tree.
        length: K.
        edge: [E] row of a table that holds what is read of an edge; None where edges are not read.
        distances: whether a node's distance to the root is read.
    """
    found = []
    for k in range(1, length + 1):
        steps = []
        for t in range(1, k + 2):
            name = f"path_{k}_{t}"
            taken = structure.get(f"{name}_edge") if edge is not None else None
            steps.append(
                Step(
                    structure[f"{name}_node"],
                    structure.get(f"{name}_parent"),
                    structure.get(f"{name}_distance") if distances else None,
                    None if taken is None or edge is None else edge[taken.long()],
                )
            )
        found.append(PathSteps(tuple(steps), steps[-1].node))
    return found


def merged_steps(steps: list[PathSteps], inputs: Tensor) -> list[PathSteps]:
    """Returns steps with the same outcome in which rows that hold equal numbers are one.

    Nodes with equal inputs are alike in the first layer, and nodes with equal states and equal paths into them are in
    the next: the colours of a refinement, as 64-bit keys (a collision among n rows has probability n^2 / 2^65). Where
    inputs are the labels of atoms, most rows are copies of others. Valid where a layer is a function of single rows, so
    without dropout; and for the gradients of everything but the inputs, for those of equal rows are added up.

    Args:
        steps: from `path_steps`.
        inputs: [N, F] what the first layer starts from, on the processor.

    Example:
        >>> one = PathSteps((Step(torch.tensor([0, 1, 2])),), torch.tensor([0, 1, 2]))
        >>> (merged,) = merged_steps([one], torch.tensor([[1.0], [2.0], [1.0]]))
        >>> merged.nodes.tolist(), merged.row.tolist()
        ([0, 1], [0, 1, 0])
    """
    from graphkit.kernels.cpu import row_keys

    key = torch.empty(len(inputs), dtype=torch.uint64)
    words = inputs.detach().contiguous().view(torch.int64 if inputs.element_size() == 8 else torch.int32)
    row_keys.of_words(flat(words), inputs.size(1), flat(key))
    found: list[PathSteps] = []
    for layer in steps:
        nodes, place = _distinct(key)
        if not found and len(nodes) > _WORTH * len(inputs):
            return steps
        merged: list[Step] = []
        before = before_place = None
        for step in layer.steps:
            keys = torch.empty(len(step.node), dtype=torch.uint64)
            parent, extra, more = _flat(step.parent), _flat(step.extra), _flat(step.more)
            row_keys.of_step(flat(step.node), flat(key), parent, _flat(before), extra, more, flat(keys))
            first, row = _distinct(keys)
            merged.append(
                Step(
                    place[step.node[first].long()],
                    None if step.parent is None or before_place is None else before_place[step.parent[first].long()],
                    None if step.extra is None else step.extra[first],
                    None if step.more is None else step.more[first],
                )
            )
            before, before_place = keys, row
        assert before is not None and before_place is not None
        found.append(PathSteps(tuple(merged), layer.root, nodes, before_place))
        after = torch.empty_like(key)
        row_keys.of_sums(flat(layer.root), flat(before), flat(key), flat(after))
        key = after
    return found


def _distinct(key: Tensor) -> tuple[Tensor, Tensor]:
    """Returns the first row of every key [U] int64, and for every row the number of its key [M] int32."""
    from graphkit.kernels.cpu import row_keys

    slots = torch.full((1 << (2 * len(key)).bit_length(),), -1, dtype=torch.int32)
    first, place = torch.empty(len(key), dtype=torch.int64), torch.empty(len(key), dtype=torch.int32)
    count = row_keys.distinct(flat(key), flat(slots), flat(first), flat(place))
    return first[:count], place


def _flat(tensor: Tensor | None) -> Any:
    return None if tensor is None else flat(tensor)
