"""Structural transforms: arrays that an encoder needs beside edges, computed once for all graphs of a dataset.

An encoder names what it `requires`; a transform is a class of `STRUCTURES` whose constructor takes the options. Its
`count` says what it will take before anything is allocated, its `compute` returns `Ragged` arrays by name.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

import torch
from torch import Tensor

from graphkit.config import stable_hash
from graphkit.errors import BudgetExceeded, ConfigError, GraphValidationError
from graphkit.kernels.ragged import Ragged, whole
from graphkit.registry import Registry

if TYPE_CHECKING:
    from torch_geometric.data import Data

BUDGET = 1024
"""Most memory, in 10^6 bytes, that the arrays of one transform may take unless told otherwise (`data.budget_mb`)."""


@dataclass(frozen=True, eq=False)
class Graphs:
    """What a transform sees: all graphs of a dataset as one disjoint union, or a single one.

    Args:
        edge_index: [2, E] int64, the edges of a graph side by side.
        ptr: [G + 1] int64 first node of every graph.
        x: [N, F] features or categories, for transforms that read them.

    Raises:
        GraphValidationError: `edge_ptr` of edges that are not sorted by graph.

    Example:
        >>> Graphs(torch.tensor([[0, 1], [1, 0]]), torch.tensor([0, 2])).edge_ptr.tolist()
        [0, 2]
    """

    edge_index: Tensor
    ptr: Tensor
    x: Tensor | None = None

    @property
    def num_nodes(self) -> int:
        """N."""
        return int(self.ptr[-1])

    @cached_property
    def edge_ptr(self) -> Tensor:
        """[G + 1] first edge of every graph."""
        graph = torch.searchsorted(self.ptr, self.edge_index[0].contiguous(), right=True) - 1
        if bool((graph.diff() < 0).any()):
            raise GraphValidationError("the edges of a graph must lie side by side, in the order of the graphs")
        count = torch.bincount(graph, minlength=len(self.ptr) - 1)
        return torch.cat([count.new_zeros(1), count.cumsum(0)])

    @classmethod
    def of(cls, data: Data) -> Graphs:
        """Returns the graphs of a PyG `Data`: those of its `ptr`, or the one it is."""
        ptr = data.get("ptr")
        return cls(data.edge_index, torch.tensor([0, data.num_nodes]) if ptr is None else ptr.long(), data.get("x"))


@dataclass(frozen=True)
class Cost:
    """What arrays will take, known before they are allocated.

    Args:
        bytes: memory of all of them.
        what: the largest part in words, `49,012,118 paths of 3 edges`.
    """

    bytes: int
    what: str = ""


class StructureTransform(Protocol):
    """A structural transform; its module has a `VERSION`, raised whenever `compute` returns something else."""

    def count(self, graphs: Graphs) -> Cost:
        """Returns what `compute` will take, without allocating it."""

    def compute(self, graphs: Graphs) -> Mapping[str, Ragged]:
        """Returns the arrays by name, for all graphs at once."""


STRUCTURES: Registry[type[Any]] = Registry(
    "structural transform",
    {
        "canonical-order": "graphkit.transforms.node_patterns:CanonicalOrder",
        "dag": "graphkit.transforms.dag:OrientDAG",
        "laplacian-pe": "graphkit.transforms.positional:LaplacianPE",
        "node-order": "graphkit.transforms.orders:NodeOrder",
        "path-rows": "graphkit.transforms.paths:PathRows",
        "path-tree": "graphkit.transforms.paths:PathTree",
        "pattern-counts": "graphkit.transforms.node_patterns:PatternCounts",
        "random-walk-pe": "graphkit.transforms.positional:RandomWalkPE",
        "walk-tokens": "graphkit.transforms.walk_tokens:WalkTokens",
    },
    group="graphkit.structures",
)


@dataclass(frozen=True)
class Requirement:
    """A structural transform with its options: a pure function of the graphs.

    Args:
        name: a name in `STRUCTURES`.
        options: arguments of its constructor.
    """

    name: str
    options: Mapping[str, Any] = field(default_factory=dict)

    def compute(self, graphs: Graphs, budget_mb: int = BUDGET) -> Mapping[str, Ragged]:
        """Counts, then computes.

        Raises:
            BudgetExceeded: the arrays would take more than the budget; nothing was allocated.
        """
        transform: StructureTransform = STRUCTURES.get(self.name)(**self.options)
        self.check(transform.count(graphs), budget_mb)
        return transform.compute(graphs)

    def check(self, cost: Cost, budget_mb: int) -> None:
        """Raises BudgetExceeded where arrays of that cost take more than the budget."""
        if cost.bytes > budget_mb * 1_000_000:
            told = ", ".join(f"{key}={value}" for key, value in self.options.items())
            raise BudgetExceeded(
                f"transform {self.name} ({told}) would take {cost.bytes:,} bytes ({cost.what}), more than "
                f"the budget of {budget_mb * 1_000_000:,}; raise data.budget_mb, or ask for less"
            )

    def key(self, fingerprint: str) -> str:
        """Returns a digest of the dataset, the transform, its version and its options."""
        module = sys.modules[STRUCTURES.get(self.name).__module__]
        return stable_hash([fingerprint, self.name, getattr(module, "VERSION", 0), dict(self.options)])


def attach(data: Data, requires: Iterable[Requirement], budget_mb: int = BUDGET) -> Data:
    """Returns a copy of a PyG `Data` with the arrays that an encoder requires, for `encoder(data)`.

    Args:
        data: one graph, or a batch with `ptr`.
        requires: an encoder's `requires`.
        budget_mb: most memory in 10^6 bytes that a transform may take.

    Raises:
        BudgetExceeded: a transform would take more.
        ConfigError: an array would replace a key of the data.

    Example:
        >>> from torch_geometric.data import Data
        >>> attach(Data(x=torch.ones(2, 1), edge_index=torch.tensor([[0, 1], [1, 0]])), []).num_nodes
        2
    """
    found = data.clone()
    for requirement in requires:
        for name, values in whole(requirement.compute(Graphs.of(data), budget_mb)).items():
            if name in data:
                raise ConfigError(f"transform {requirement.name} makes {name!r}, which the data has already")
            found[name] = values
    return found
