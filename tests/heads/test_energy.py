"""Energies and forces: references fitted on training systems, forces that are gradients, weights of the loss."""

from __future__ import annotations

import pytest
import torch

from graphkit.encoders.equivariant.base import Points
from graphkit.encoders.equivariant.egnn import EGNN
from graphkit.encoders.equivariant.painn import PaiNN
from graphkit.errors import ConfigError
from graphkit.heads.energy import DipoleHead, DirectForceHead, EnergyHead, EnergyReference

Z = torch.tensor([6, 1, 8, 1])
PTR = torch.tensor([0, 2, 4])


def points(dtype: torch.dtype = torch.double) -> Points:
    pos = torch.randn(4, 3, generator=torch.Generator().manual_seed(0), dtype=dtype)
    return Points.of(pos, PTR, z=Z)


def test_references_are_isolated_atoms_or_least_squares() -> None:
    z, system = torch.tensor([1, 1, 8, 8, 1, 8]), torch.tensor([0, 0, 0, 1, 1, 2])
    energy = torch.tensor([-2.0 - 80.0, -1.0 - 80.0, -80.0], dtype=torch.double)
    fitted = EnergyReference()
    fitted.fit(z, system, energy, None, {})
    torch.testing.assert_close(fitted(z, system, 3), energy)
    given = EnergyReference()
    given.fit(z, system, energy - 0.5 * torch.tensor([3.0, 2.0, 1.0]), torch.full((6, 3), 2.0), {"1": -1.0, "8": -80.0})
    assert float(given.mean) == pytest.approx(-0.5) and float(given.scale) == pytest.approx(2.0)
    with pytest.raises(ConfigError, match="lack element 8"):
        EnergyReference().fit(z, system, energy, None, {"1": -1.0})


def test_reference_energies_are_not_rounded() -> None:
    head = EnergyHead(EGNN(0, 0, hidden_channels=4)).float()
    assert head.reference.element.dtype == torch.float64


def test_forces_are_the_gradient_and_train_the_weights() -> None:
    torch.manual_seed(0)
    encoder = EGNN(0, 0, hidden_channels=6, num_layers=2, move=False).double()
    head = EnergyHead(encoder).double().train()
    found = head(encoder, points())
    pos = points().pos
    for atom, axis in ((0, 0), (3, 2)):
        step = torch.zeros_like(pos)
        step[atom, axis] = 1e-5
        up, down = (head.energy(encoder, points().with_(pos=pos + s)).sum() for s in (step, -step))
        assert float(found["forces"][atom, axis]) == pytest.approx(-float(up - down) / 2e-5, rel=1e-6)
    head.loss(found, {"energy": torch.zeros(2), "forces": torch.zeros(4, 3)}, points()).backward()
    assert encoder.layers[0].edge_in.weight.grad.abs().sum() > 0


def test_weights_and_kinds_of_loss() -> None:
    encoder = EGNN(0, 0, hidden_channels=4)
    predicted = {"energy": torch.tensor([2.0, 0.0]).double(), "forces": torch.full((4, 3), 0.1)}
    targets = {"energy": torch.zeros(2).double(), "forces": torch.zeros(4, 3)}
    squared = EnergyHead(encoder, energy_weight=2.0, forces_weight=10.0).loss(predicted, targets, points())
    assert float(squared) == pytest.approx(2 * 0.5 + 10 * 0.01)
    absolute = EnergyHead(encoder, energy_weight=2.0, forces_weight=0.0, loss="mae").loss(predicted, targets, points())
    assert float(absolute) == pytest.approx(2 * 0.5)
    with pytest.raises(ConfigError, match="weights"):
        EnergyHead(encoder, energy_weight=0.0, forces_weight=0.0)


def test_direct_forces_are_flagged_and_need_vectors() -> None:
    encoder = PaiNN(0, 0, hidden_channels=4, num_layers=1)
    head = DirectForceHead(encoder)
    assert not head.conservative and EnergyHead.conservative
    assert head(encoder, points(torch.float32))["forces"].shape == (4, 3)
    with pytest.raises(ConfigError, match="no vectors"):
        DirectForceHead(EGNN(0, 0, hidden_channels=4, move=False))


def test_dipoles_do_not_depend_on_the_origin() -> None:
    torch.manual_seed(0)
    encoder = PaiNN(0, 0, hidden_channels=4, num_layers=1).double()
    head = DipoleHead(encoder).double()
    here, there = (head(encoder, points().with_(pos=points().pos + s))["dipole"] for s in (0.0, 5.0))
    torch.testing.assert_close(here, there)
