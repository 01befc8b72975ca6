"""Structural transforms that give every node numbers: pattern counts, polynomials and the canonical order."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch

from graphkit.expressiveness.canonical import canonical_order
from graphkit.expressiveness.contraction import Pattern, clique, cycle, node_features, path
from graphkit.expressiveness.flat import FlatGraphs
from graphkit.kernels.ragged import Ragged
from graphkit.transforms.structures import Cost, Graphs

VERSION = 1
SETS: Mapping[str, tuple[Pattern, ...]] = {
    "cycles": tuple(cycle(length, (0,)) for length in (3, 4, 5, 6)),
    "patterns": (
        *(cycle(length, (0,)) for length in (3, 4, 5, 6)),
        *(path(length, (0,)) for length in (1, 2, 3)),
        clique(4, (0,)),
    ),
}
"""Sets of patterns rooted at a node."""


class PatternCounts:
    """Homomorphism counts of a set of rooted patterns, log(1 + count): array `pattern_counts` [N, P].

    Args:
        patterns: `cycles` of 3 to 6 nodes, or `patterns`: cycles, paths and the clique of four.
    """

    def __init__(self, patterns: str = "cycles") -> None:
        self.patterns = SETS[patterns]

    def count(self, graphs: Graphs) -> Cost:
        """The counts, and the dense adjacency matrix of the largest graph with an intermediate of the same size."""
        largest = int(graphs.ptr.diff().max()) if len(graphs.ptr) > 1 else 0
        return Cost(
            graphs.num_nodes * len(self.patterns) * 4 + 2 * 8 * largest**2, f"a matrix of {largest:,} x {largest:,}"
        )

    def compute(self, graphs: Graphs) -> Mapping[str, Ragged]:
        """Returns the counts of all graphs."""
        return {"pattern_counts": Ragged(torch.from_numpy(node_features(flat(graphs), self.patterns)), graphs.ptr)}


class CanonicalOrder:
    """The place of every node in its graph's canonical order: array `canonical_place` [N] int64."""

    def count(self, graphs: Graphs) -> Cost:
        """One number a node."""
        return Cost(graphs.num_nodes * 8, "places")

    def compute(self, graphs: Graphs) -> Mapping[str, Ragged]:
        """Returns the places of all graphs."""
        return {"canonical_place": Ragged(torch.from_numpy(canonical_order(flat(graphs))), graphs.ptr)}


def flat(graphs: Graphs) -> FlatGraphs:
    """The graphs for oracles and counts: edges in both directions, equal features in equal colours."""
    color = None
    if graphs.x is not None:
        classes = np.unique(graphs.x.numpy(), axis=0, return_inverse=True)[1]
        color = (classes.reshape(-1) + 1).astype(np.uint64)
    edges = torch.cat([graphs.edge_index, graphs.edge_index.flip(0)], dim=1)
    return FlatGraphs.from_union(edges.numpy(), graphs.ptr.numpy(), color)
