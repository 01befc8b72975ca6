"""Energies and forces of molecules: conservative forces by differentiation, or direct ones, and dipole moments."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import torch
from torch import Tensor, nn

from graphkit.errors import ConfigError
from graphkit.heads.points import PointHead, Predicted

ELEMENTS = 119
Loss = Literal["mse", "mae"]


class EnergyReference(nn.Module):
    """What an energy is measured from: a number an element, a mean an atom, and the unit of the network's outputs.

    Isolated-atom energies are used where the data has them, else numbers fitted by least squares. Everything is
    fitted on training systems alone and kept in float64, because total energies are ten thousand times what is to be
    learnt.

    Shapes:
        element [119], mean and scale: float64 buffers.

    Example:
        >>> reference = EnergyReference()
        >>> z, system = torch.tensor([1, 1, 8]), torch.tensor([0, 0, 0])
        >>> reference.fit(z, system, torch.tensor([-76.0]), None, {})
        >>> round(float(reference(z, system, 1)[0]), 6)
        -76.0
    """

    element: Tensor
    mean: Tensor
    scale: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("element", torch.zeros(ELEMENTS, dtype=torch.float64))
        self.register_buffer("mean", torch.zeros((), dtype=torch.float64))
        self.register_buffer("scale", torch.ones((), dtype=torch.float64))

    def _apply(self, fn: Any, recurse: bool = True) -> Any:
        super()._apply(fn, recurse)
        for name in ("element", "mean", "scale"):  # `.float()` must not round reference energies
            setattr(self, name, getattr(self, name).double())
        return self

    def forward(self, z: Tensor, system: Tensor, systems: int) -> Tensor:
        """Returns reference energies [G] of systems with atoms z [N] of numbers system [N]."""
        each = self.element[z] + self.mean
        return each.new_zeros(systems).index_add(0, system, each)

    def fit(
        self, z: Tensor, system: Tensor, energy: Tensor, forces: Tensor | None, isolated: Mapping[str, float]
    ) -> None:
        """Fits the numbers to energies [G], and the scale to forces [N, 3] or to energies an atom.

        Raises:
            ConfigError: isolated-atom energies lack an element of the data.
        """
        systems, energy = len(energy), energy.double().cpu()
        z, system = z.cpu(), system.cpu()
        counts = torch.zeros(systems, ELEMENTS, dtype=torch.float64).index_put_(
            (system, z), torch.ones(len(z), dtype=torch.float64), accumulate=True
        )
        present = counts.sum(0).nonzero().flatten()
        element = torch.zeros(ELEMENTS, dtype=torch.float64)
        if isolated:
            missing = [int(number) for number in present if str(int(number)) not in isolated]
            if missing:
                raise ConfigError(f"isolated-atom energies lack element {missing[0]}; add it, or give none to fit them")
            for number, value in isolated.items():
                element[int(number)] = value
        else:
            element[present] = torch.linalg.lstsq(counts[:, present], energy, driver="gelsd").solution
        atoms = counts.sum(1)
        rest = energy - counts @ element
        mean = rest.sum() / atoms.sum()
        spread = (
            forces.double().square().mean().sqrt() if forces is not None else ((rest / atoms) - mean).std(correction=0)
        )
        self.element.copy_(element)
        self.mean.copy_(mean)
        self.scale.copy_(spread if torch.isfinite(spread) and spread > 1e-12 else torch.ones(()))


class EnergyHead(PointHead):
    """A total energy as a sum over atoms, and forces that are its exact negative gradient.

        E = sum_i (reference(z_i) + scale * MLP(x_i))    F = -dE/dpos

    The gradient is kept differentiable in training, so a loss on forces reaches the weights; every operation of the
    encoders here can be differentiated twice.

    Args:
        encoder: gives x [N, F].
        energy_weight: weight of the squared error of the energy an atom, in the data's units.
        forces_weight: weight of the squared error of force components; 0 predicts no forces.
        loss: `mse` or `mae`.

    Attributes:
        conservative: True, forces are a gradient.

    Shapes:
        predicts `energy` [G] float64 and `forces` [N, d].

    Example:
        >>> from graphkit.encoders.equivariant.base import Points
        >>> from graphkit.encoders.equivariant.egnn import EGNN
        >>> encoder = EGNN(0, 0, hidden_channels=8, move=False)
        >>> points = Points.of(torch.randn(5, 3), torch.tensor([0, 5]), z=torch.tensor([6, 1, 1, 1, 1]))
        >>> found = EnergyHead(encoder)(encoder, points)
        >>> found["energy"].shape, found["forces"].shape
        (torch.Size([1]), torch.Size([5, 3]))
    """

    tasks = ("energy-forces", "energy")
    conservative = True

    def __init__(
        self, encoder: Any, *, energy_weight: float = 1.0, forces_weight: float = 10.0, loss: Loss = "mse"
    ) -> None:
        super().__init__(encoder)
        if energy_weight < 0 or forces_weight < 0 or energy_weight + forces_weight <= 0:
            raise ConfigError(f"loss weights must not be negative or all 0, got {energy_weight} and {forces_weight}")
        self.energy_weight, self.forces_weight, self.kind = energy_weight, forces_weight, loss
        self.scored = "forces" if forces_weight else "energy"
        self.reference = EnergyReference()
        self.readout = readout(encoder.out_channels)

    def fit_statistics(self, arrays: Mapping[str, Tensor], facts: Mapping[str, Any]) -> None:
        """Fits reference energies and scale on the training systems."""
        forces = arrays.get("forces") if self.forces_weight else None
        self.reference.fit(arrays["z"], arrays["system"], arrays["energy"], forces, facts.get("isolated_atoms", {}))

    def energy(self, encoder: Any, points: Any) -> Tensor:
        """Returns energies [G] without forces."""
        each = self.readout(encoder(points).x).squeeze(-1).double()
        z = points.z if points.z is not None else torch.zeros(len(each), dtype=torch.int64, device=each.device)
        return self.reference(z, points.system, points.num_systems) + self.reference.scale * points.per_system(each)

    def predict(self, encoder: Any, points: Any) -> Predicted:
        """Returns energies, and forces where they have a weight."""
        if not self.forces_weight:
            return {"energy": self.energy(encoder, points)}
        with torch.enable_grad():
            pos = points.pos if points.pos.requires_grad else points.pos.detach().requires_grad_()
            energy = self.energy(encoder, points.with_(pos=pos))
            (slope,) = torch.autograd.grad(energy.sum(), pos, create_graph=self.training)
        return {"energy": energy, "forces": -slope}

    def loss(self, predicted: Predicted, targets: Mapping[str, Tensor], points: Any) -> Tensor:
        """Returns the weighted sum of the errors of energies an atom and of force components."""
        atoms = points.ptr.diff().to(torch.float64)
        total = self.energy_weight * self._mean((predicted["energy"] - targets["energy"]) / atoms)
        if self.forces_weight:
            total = total + self.forces_weight * self._mean(predicted["forces"] - targets["forces"])
        return total

    def _mean(self, error: Tensor) -> Tensor:
        return error.abs().mean() if self.kind == "mae" else error.square().mean()


class DirectForceHead(EnergyHead):
    """Energies as in `EnergyHead`, and forces read off vectors: cheaper, and NOT a gradient of the energy.

    Such forces do not conserve energy: molecular dynamics with them drifts.

    Args:
        encoder: gives x [N, F] and vec [N, d, V].
        energy_weight: as in `EnergyHead`.
        forces_weight: as in `EnergyHead`, above 0.
        loss: `mse` or `mae`.

    Attributes:
        conservative: False.

    Raises:
        ConfigError: the encoder gives no vectors.
    """

    conservative = False

    def __init__(
        self, encoder: Any, *, energy_weight: float = 1.0, forces_weight: float = 10.0, loss: Loss = "mse"
    ) -> None:
        super().__init__(encoder, energy_weight=energy_weight, forces_weight=forces_weight, loss=loss)
        if not encoder.vec_channels:
            raise ConfigError(f"{self.encoder_name} gives no vectors to read forces off; take head energy")
        self.vectors = VectorReadout(encoder)

    def predict(self, encoder: Any, points: Any) -> Predicted:
        """Returns energies and direct forces."""
        output = encoder(points)
        each = self.readout(output.x).squeeze(-1).double()
        base = self.reference(points.z, points.system, points.num_systems)
        forces = self.vectors(output) * self.reference.scale.to(output.x.dtype)
        return {"energy": base + self.reference.scale * points.per_system(each), "forces": forces}


class DipoleHead(PointHead):
    """Dipole moments of neutral systems: charges of atoms times positions, plus vectors of atoms where there are any.

    Args:
        encoder: gives x [N, F], and vec [N, 3, V] or none.

    Shapes:
        predicts `dipole` [G, 3]; it does not change when a system is moved, because charges are shifted to sum to 0.

    Example:
        >>> from graphkit.encoders.equivariant.base import Points
        >>> from graphkit.encoders.equivariant.egnn import EGNN
        >>> encoder = EGNN(0, 0, hidden_channels=8)
        >>> DipoleHead(encoder)(encoder, Points.of(torch.randn(3, 3), torch.tensor([0, 3])))["dipole"].shape
        torch.Size([1, 3])
    """

    tasks = ("dipole",)
    scored = "dipole"

    def __init__(self, encoder: Any) -> None:
        super().__init__(encoder)
        self.charge = readout(encoder.out_channels)
        self.vectors = VectorReadout(encoder) if encoder.vec_channels else None

    def predict(self, encoder: Any, points: Any) -> Predicted:
        """Returns dipole moments."""
        output = encoder(points)
        charge = self.charge(output.x)
        size = points.ptr.diff().to(charge.dtype).unsqueeze(-1)
        charge = charge - (points.per_system(charge) / size)[points.system]
        moment = charge * points.pos
        if self.vectors is not None:
            moment = moment + self.vectors(output)
        return {"dipole": points.per_system(moment)}

    def loss(self, predicted: Predicted, targets: Mapping[str, Tensor], points: Any) -> Tensor:
        """Returns the squared error of components."""
        return nn.functional.mse_loss(predicted["dipole"], targets["dipole"])


class VectorReadout(nn.Module):
    """One vector a point: a mix of the encoder's vectors, each gated by invariants.

    Args:
        encoder: its widths are read.

    Shapes:
        x [N, F], vec [N, d, V]; returns [N, d].
    """

    def __init__(self, encoder: Any) -> None:
        super().__init__()
        self.gate = nn.Linear(encoder.out_channels, encoder.vec_channels)

    def forward(self, output: Any) -> Tensor:
        """Returns vectors."""
        return (output.vec * self.gate(output.x).unsqueeze(1)).sum(-1)


def readout(channels: int) -> nn.Sequential:
    """Returns the map from x [N, F] to a number an atom; smooth, because forces are its derivative."""
    half = max(1, channels // 2)
    return nn.Sequential(nn.Linear(channels, half), nn.SiLU(), nn.Linear(half, 1))
