from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from graphkit.transforms.structures import Graphs

Renumber = Callable[[Graphs], tuple[Graphs, torch.Tensor]]


def _union(sizes: list[int], probability: float = 0.3, seed: int = 0) -> Graphs:
    """Random undirected graphs of the given sizes side by side."""
    generator = torch.Generator().manual_seed(seed)
    edges, first = [], 0
    for size in sizes:
        one = (torch.rand(size, size, generator=generator) < probability).triu(1).nonzero().t()
        edges.append(torch.cat([one, one.flip(0)], dim=1) + first)
        first += size
    return Graphs(torch.cat(edges, dim=1), torch.tensor([0, *sizes]).cumsum(0))


@pytest.fixture
def graphs() -> Graphs:
    """Graphs of 7, 1, 0, 12 and 20 nodes."""
    return _union([7, 1, 0, 12, 20])


@pytest.fixture
def union() -> Callable[..., Graphs]:
    return _union


@pytest.fixture
def renumbered() -> Renumber:
    return _renumbered


def _renumbered(graphs: Graphs, seed: int = 1) -> tuple[Graphs, torch.Tensor]:
    """The same graphs with nodes renumbered inside each, and the new number [N] of every old node."""
    generator = torch.Generator().manual_seed(seed)
    place = torch.cat(
        [
            low + torch.randperm(high - low, generator=generator)
            for low, high in zip(graphs.ptr.tolist(), graphs.ptr.tolist()[1:], strict=False)
        ]
    )
    return Graphs(place[graphs.edge_index], graphs.ptr), place
