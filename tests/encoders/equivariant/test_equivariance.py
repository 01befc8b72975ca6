"""Every point encoder through the battery, with forces; a broken layer must fail it and be named."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from graphkit.encoders.equivariant import POINT_ENCODERS
from graphkit.encoders.equivariant.base import PointOutput, Points
from graphkit.encoders.equivariant.check import NotEquivariant, check_equivariance, lint_nonlinearities
from graphkit.encoders.equivariant.painn import PaiNN
from graphkit.encoders.equivariant.plain import PointGNN
from graphkit.heads.energy import EnergyHead
from graphkit.heads.points import PositionHead
from graphkit.training.systems import SystemModel

PTR = torch.tensor([0, 5, 7, 11])
OWN: dict[str, dict[str, Any]] = {
    "egnn": {"hidden_channels": 8, "num_layers": 2, "move": False, "cutoff": 3.0},
    "escn": {"hidden_channels": 4, "cutoff": 3.0, "basis": 6},
    "mfn": {"hidden_channels": 8, "num_layers": 1, "matrices": 2, "poles": 2, "basis": 6},
    "painn": {"hidden_channels": 8, "num_layers": 2, "cutoff": 3.0},
    "tensornet": {"hidden_channels": 8, "num_layers": 1, "cutoff": 3.0, "basis": 8},
}
PYG: dict[str, dict[str, Any]] = {
    "dimenet++": {"hidden_channels": 8, "num_layers": 1, "cutoff": 3.0},
    "schnet": {"hidden_channels": 8, "num_layers": 1, "cutoff": 3.0},
    "visnet": {"hidden_channels": 8, "num_layers": 1, "cutoff": 3.0, "basis": 8},
}
MOVING = {"egnn": {"velocity": True, "hidden_channels": 8}, "radial-field": {}, "straight-line": {}}


def points(dtype: torch.dtype = torch.double, dim: int = 3, cutoff: float = 3.0, **fields: Any) -> Points:
    generator = torch.Generator().manual_seed(0)
    pos = 1.2 * torch.randn(11, dim, generator=generator, dtype=torch.double)
    z = torch.randint(1, 9, (11,), generator=generator)
    return Points.of(pos.to(dtype), PTR, cutoff=cutoff, z=z, **fields)


def build(name: str, dtype: torch.dtype = torch.double) -> nn.Module:
    torch.manual_seed(0)
    return POINT_ENCODERS.get(name)(0, 0, **{**OWN, **PYG}[name]).to(dtype)


def test_every_point_encoder_is_tested() -> None:
    names = {name for name in POINT_ENCODERS.names() if not name.startswith("test-")}
    assert names == {*OWN, *PYG, *MOVING, "point-gnn"}


@pytest.mark.parametrize("name", OWN)
def test_energies_and_forces(name: str) -> None:
    encoder = build(name)
    check_equivariance(SystemModel(encoder, EnergyHead(encoder).double()), points()).raise_if_failed()
    check_equivariance(encoder, points()).raise_if_failed()


@pytest.mark.parametrize("name", OWN)
def test_single_precision(name: str) -> None:
    check_equivariance(build(name, torch.float32), points(torch.float32)).raise_if_failed()


@pytest.mark.parametrize(
    "name",
    [pytest.param("dimenet++", marks=pytest.mark.slow), "schnet", "visnet"],  # its basis is worked out by sympy
)
def test_models_of_pyg(name: str) -> None:
    report = check_equivariance(build(name), points(), tolerance=1e-10)
    failed = {check.name for check in report.checks if not check.passed}
    assert failed <= {"single point", "coincident points"}  # their square roots are not guarded


@pytest.mark.parametrize("dim", [2, 5])
def test_egnn_in_any_dimension(dim: int) -> None:
    torch.manual_seed(0)
    encoder = POINT_ENCODERS.get("egnn")(0, 0, hidden_channels=8, num_layers=2).double()
    nn.init.normal_(encoder.layers[0].move_out.weight, std=0.3)
    check_equivariance(encoder, points(dim=dim, cutoff=0.0)).raise_if_failed()


@pytest.mark.parametrize("name", MOVING)
def test_trajectories(name: str) -> None:
    torch.manual_seed(0)
    encoder = POINT_ENCODERS.get(name)(0, 0, **MOVING[name]).double()
    vel = torch.randn(11, 3, dtype=torch.double)
    check_equivariance(SystemModel(encoder, PositionHead(encoder)), points(cutoff=0.0, vel=vel)).raise_if_failed()


@pytest.mark.parametrize("name", ["tensornet", "escn"])
def test_rotation_groups_tell_left_from_right(name: str) -> None:
    torch.manual_seed(0)
    encoder = POINT_ENCODERS.get(name)(0, 0, **OWN[name], group="SO(3)").double()
    report = check_equivariance(encoder, points(), mirror=False)
    assert report.passed, report
    assert not check_equivariance(encoder, points()).passed


def test_periodic_images_turn_along() -> None:
    from graphkit.kernels.radius import radius_edges

    encoder = build("tensornet")
    pos, cell = points().pos[:5], 3.5 * torch.eye(3, dtype=torch.double)
    z, ptr = torch.tensor([1, 6, 8, 1, 1]), torch.tensor([0, 5])
    edges = radius_edges(pos, 3.0, cell=cell, pbc=torch.ones(3, dtype=torch.bool))
    moved = radius_edges(pos + 2.2, 3.0, cell=cell, pbc=torch.ones(3, dtype=torch.bool))
    one, other = encoder(Points(pos, edges, ptr, z=z)).x, encoder(Points(pos + 2.2, moved, ptr, z=z)).x
    torch.testing.assert_close(one, other)


class Broken(PaiNN):
    """PaiNN with a ReLU on its vectors."""

    def __init__(self) -> None:
        super().__init__(0, 0, hidden_channels=8, num_layers=1, cutoff=3.0)
        self.spoiler = nn.ReLU()
        self.fine = nn.Tanh()

    def encode(self, given: Points) -> PointOutput:
        output = super().encode(given)
        return PointOutput(self.fine(output.x), vec=self.spoiler(output.vec))


def test_a_relu_on_vectors_fails_and_is_named() -> None:
    torch.manual_seed(0)
    broken = Broken().double()
    assert lint_nonlinearities(broken, points()) == ["spoiler"]
    assert lint_nonlinearities(build("escn"), points()) == []
    with pytest.raises(NotEquivariant, match=r"rotation .*look at spoiler"):
        check_equivariance(broken, points()).raise_if_failed()


def test_raw_coordinates_fail() -> None:
    torch.manual_seed(0)
    module = PointGNN(0, 0, hidden_channels=8).double()
    given = points(cutoff=0.0, vel=torch.zeros(11, 3, dtype=torch.double))
    failed = {check.name for check in check_equivariance(module, given).checks if not check.passed}
    assert {"rotation", "reflection", "translation"} <= failed and "permutation" not in failed
