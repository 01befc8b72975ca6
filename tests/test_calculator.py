"""The ASE calculator: energies and forces of the model, conserved in dynamics, and its refusals."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from graphkit.encoders.equivariant.painn import PaiNN
from graphkit.errors import ConfigError
from graphkit.heads.energy import DirectForceHead, EnergyHead
from graphkit.training.systems import SystemModel

ase = pytest.importorskip("ase")


def model(head: type = EnergyHead) -> SystemModel:
    torch.manual_seed(0)
    encoder = PaiNN(0, 0, hidden_channels=8, num_layers=1, basis=6, cutoff=4.0).double()
    return SystemModel(encoder, head(encoder).double())


def water() -> object:
    return ase.Atoms("OHH", [[0, 0, 0], [0, 0.76, 0.59], [0, -0.76, 0.59]])


def test_energy_is_conserved_in_dynamics() -> None:
    from ase import units
    from ase.md.verlet import VelocityVerlet

    from graphkit.calculator import GraphkitCalculator

    atoms = water()
    atoms.calc = GraphkitCalculator(model())
    atoms.set_velocities(0.01 * np.random.default_rng(0).normal(size=(3, 3)))
    energies = []
    dynamics = VelocityVerlet(atoms, 0.2 * units.fs)
    for _ in range(20):
        dynamics.run(1)
        energies.append(atoms.get_total_energy())
    assert np.ptp(energies) < 1e-5 and atoms.get_kinetic_energy() > 0


def test_periodic_images_and_units() -> None:
    from graphkit.calculator import UNITS, GraphkitCalculator

    atoms = water()
    atoms.calc = GraphkitCalculator(model())
    free = atoms.get_potential_energy()
    atoms.calc = GraphkitCalculator(model(), energy_unit="kcal/mol")
    assert atoms.get_potential_energy() == pytest.approx(free * UNITS["kcal/mol"])
    atoms.calc = GraphkitCalculator(model())
    atoms.set_cell([3.0, 3.0, 3.0])
    atoms.pbc = True
    assert atoms.get_potential_energy() != pytest.approx(free)
    assert np.abs(atoms.get_forces().sum(0)).max() < 1e-10


def test_refusals() -> None:
    from graphkit.calculator import GraphkitCalculator

    with pytest.raises(ConfigError, match="no gradient"):
        GraphkitCalculator(model(DirectForceHead))
    with pytest.raises(ConfigError, match="unknown unit"):
        GraphkitCalculator(model(), energy_unit="eV/mol")
