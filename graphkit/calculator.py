"""A trained model as a calculator of ASE, so that it runs molecular dynamics in the tool chemists use (extra `ase`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from graphkit.encoders.equivariant.base import Points
from graphkit.errors import ConfigError
from graphkit.kernels.radius import radius_edges

try:
    from ase.calculators.calculator import Calculator, all_changes
except ImportError as error:
    raise ConfigError("graphkit.calculator needs ASE: pip install 'graphkit[ase]'") from error

UNITS = {"eV": 1.0, "kcal/mol": 0.0433641153087705, "kJ/mol": 0.010364269656262175, "hartree": 27.211386245988}
"""Energies in eV."""


class GraphkitCalculator(Calculator):
    """Energies and forces of a trained `SystemModel`, in eV and eV/Angstrom as ASE wants them.

    Args:
        model: encoder and energy head, as `training.systems.build_system_model` makes them.
        energy_unit: unit of the data the model was trained on; lengths are Angstrom.
        dtype: precision of the computation.
        allow_direct: takes forces that are no gradient all the same.

    Raises:
        ConfigError: an unknown unit, a model without forces, or one whose forces are no gradient: dynamics would drift.

    Example:
        >>> from ase import Atoms  # doctest: +SKIP
        >>> water = Atoms("OHH", [[0, 0, 0], [0, 0.76, 0.59], [0, -0.76, 0.59]])  # doctest: +SKIP
        >>> water.calc = GraphkitCalculator(model)  # doctest: +SKIP
        >>> water.get_forces().shape  # doctest: +SKIP
        (3, 3)
    """

    implemented_properties = ["energy", "forces"]

    def __init__(
        self, model: Any, *, energy_unit: str = "eV", dtype: torch.dtype = torch.float64, allow_direct: bool = False
    ) -> None:
        super().__init__()
        if energy_unit not in UNITS:
            raise ConfigError(f"unknown unit of energy {energy_unit!r}; known: {', '.join(UNITS)}")
        if not getattr(model.head, "conservative", False) and not allow_direct:
            raise ConfigError(
                "forces of this head are no gradient of its energy; take head energy, or allow_direct=True"
            )
        self.model, self.factor, self.dtype = model.to(dtype).eval(), UNITS[energy_unit], dtype

    def calculate(
        self,
        atoms: Any = None,
        properties: Sequence[str] = ("energy", "forces"),
        system_changes: Sequence[str] = all_changes,
    ) -> None:
        """Computes energy and forces of `atoms`, with images where its cell repeats."""
        super().calculate(atoms, properties, system_changes)
        held: Any = self.atoms
        pos = torch.tensor(held.get_positions(), dtype=self.dtype)
        z = torch.tensor(held.get_atomic_numbers(), dtype=torch.int64)
        ptr, cutoff = torch.tensor([0, len(pos)]), self.model.encoder.cutoff
        if cutoff:
            cell, pbc = torch.tensor(held.cell.array), torch.tensor(held.pbc)
            points = Points(pos, radius_edges(pos, cutoff, cell=cell, pbc=pbc), ptr, z=z)
        else:
            points = Points.of(pos, ptr, z=z)
        found = self.model(points)
        self.results = {
            "energy": self.factor * float(found["energy"].detach()[0]),
            "forces": self.factor * found["forces"].detach().double().numpy(),
        }
