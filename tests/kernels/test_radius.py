"""Close points found through bins are those found by trying all pairs and images."""

from __future__ import annotations

import pytest
import torch

from graphkit.errors import ConfigError
from graphkit.kernels.radius import brute_force_edges, radius_edges


def listed(edges: object, cell: torch.Tensor | None = None) -> set[tuple[int, ...]]:
    whole = torch.zeros(edges.num_edges, 3) if cell is None else edges.shift @ torch.linalg.inv(cell)
    ends = zip(edges.source.tolist(), edges.target.tolist(), whole.round().long().tolist(), strict=True)
    found = {(j, i, *image) for j, i, image in ends}
    assert len(found) == edges.num_edges and bool((edges.target[1:] >= edges.target[:-1]).all())
    return found


@pytest.mark.parametrize(("count", "cutoff"), [(1, 1.0), (2, 0.5), (60, 0.3), (150, 0.25)])
def test_open_systems(count: int, cutoff: float) -> None:
    pos = torch.rand(count, 3, dtype=torch.double, generator=torch.Generator().manual_seed(count))
    edges = radius_edges(pos, cutoff)
    assert listed(edges) == brute_force_edges(pos, cutoff)
    assert torch.equal(edges.source[edges.reverse], edges.target)


@pytest.mark.parametrize("cutoff", [0.4, 0.9, 1.3])
@pytest.mark.parametrize("count", [1, 2, 40])
def test_periodic_cells_with_points_outside_and_cells_smaller_than_the_cutoff(count: int, cutoff: float) -> None:
    generator = torch.Generator().manual_seed(count)
    pos = 3 * torch.rand(count, 3, dtype=torch.double, generator=generator) - 1
    cell = torch.eye(3, dtype=torch.double) + 0.3 * torch.rand(3, 3, dtype=torch.double, generator=generator)
    edges = radius_edges(pos, cutoff, cell=cell, pbc=torch.ones(3, dtype=torch.bool))
    assert listed(edges, cell) == brute_force_edges(pos, cutoff, cell=cell, reach=6)
    way = edges.vectors(pos)
    assert bool((way.norm(dim=-1) < cutoff).all())


def test_a_slab_repeats_in_two_directions() -> None:
    pos = torch.tensor([[0.1, 0.1, 0.0], [0.9, 0.1, 5.0]], dtype=torch.double)
    edges = radius_edges(pos, 1.1, cell=torch.eye(3), pbc=torch.tensor([True, True, False]))
    assert {image for *_, image in listed(edges, torch.eye(3).double())} == {0} and edges.num_edges == 8


def test_systems_of_a_batch_and_two_dimensions() -> None:
    pos, ptr = torch.randn(30, 2, dtype=torch.double), torch.tensor([0, 10, 11, 30])
    found = listed(radius_edges(pos, 1.0, ptr))
    due = set()
    for first, last in ((0, 10), (10, 11), (11, 30)):
        own = torch.nn.functional.pad(pos[first:last], (0, 1))
        due |= {(j + first, i + first, 0, 0, 0) for j, i, *_ in brute_force_edges(own, 1.0)}
    assert found == due


def test_impossible_cells_are_refused() -> None:
    with pytest.raises(ConfigError, match="no volume"):
        radius_edges(torch.zeros(1, 3), 1.0, cell=torch.zeros(3, 3), pbc=torch.ones(3, dtype=torch.bool))
    with pytest.raises(ConfigError, match="positive"):
        radius_edges(torch.zeros(1, 3), 0.0)
