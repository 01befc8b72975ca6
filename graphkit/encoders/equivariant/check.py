"""Tests for any module on points: what should turn with the points does, and nothing else changes."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from graphkit.encoders.equivariant.base import Points
from graphkit.errors import GraphkitError

Outputs = dict[str, Tensor]
KINDS: Mapping[str, str] = {
    "x": "invariant",
    "vec": "vector",
    "tensor": "tensor",
    "pos": "position",
    "future": "position",
    "energy": "invariant",
    "forces": "vector",
    "dipole": "vector",
    "edges": "invariant",
}
"""How outputs transform, by the names that encoders and heads of points give them."""
PER_SYSTEM = ("energy", "dipole")
TOLERANCE: Mapping[torch.dtype, float] = {torch.float64: 1e-12, torch.float32: 1e-5}


class NotEquivariant(GraphkitError, AssertionError):
    """A module's output does not transform as it should."""


@dataclass(frozen=True)
class Check:
    """One test and what came out of it.

    Args:
        name: what was tested.
        error: largest error relative to the largest output; infinite where an output is not finite.
        tolerance: the most that passes.
        output: name of the output with that error.
    """

    name: str
    error: float
    tolerance: float
    output: str = ""

    @property
    def passed(self) -> bool:
        """Whether the error is within the tolerance."""
        return self.error <= self.tolerance


@dataclass(frozen=True)
class Report:
    """All tests of a module.

    Args:
        checks: one a test.
        suspects: submodules that act point by point on something that is not invariant (`lint_nonlinearities`).
    """

    checks: tuple[Check, ...]
    suspects: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether every test passed."""
        return all(check.passed for check in self.checks)

    def raise_if_failed(self) -> Report:
        """Returns the report; raises NotEquivariant, naming tests and suspects, where one failed."""
        if self.passed:
            return self
        failed = ", ".join(
            f"{c.name} ({c.output}: {c.error:.1e} > {c.tolerance:.0e})" for c in self.checks if not c.passed
        )
        hint = f"; look at {', '.join(self.suspects)}" if self.suspects else ""
        raise NotEquivariant(f"not equivariant: {failed}{hint}")

    def __str__(self) -> str:
        rows = [
            f"{'ok  ' if c.passed else 'FAIL'} {c.name:<18} {c.error:.1e} (at most {c.tolerance:.0e})"
            for c in self.checks
        ]
        return "\n".join([*rows, *(f"suspect: {name}" for name in self.suspects)])


def check_equivariance(
    module: Callable[[Points], Any],
    points: Points,
    *,
    cutoff: float | None = None,
    mirror: bool = True,
    tolerance: float | None = None,
    kinds: Mapping[str, str] = KINDS,
    seed: int = 0,
) -> Report:
    """Puts a module through rotations, mirror images, translations, permutations, degenerate inputs, and its forces.

    Args:
        module: takes `Points`; returns an encoder's output, a head's dictionary or one tensor of invariants.
        points: a batch of at least two systems, in the precision to be tested.
        cutoff: of the edges, for tests that move points; the module's own unless given, 0 for all pairs.
        mirror: whether reflections are symmetries too, O(3); False expects them to change something, SO(3).
        tolerance: largest relative error; 1e-12 in float64 and 1e-5 in float32 unless given.
        kinds: how an output transforms, by its name: invariant, vector, tensor or position.
        seed: of the transformations.

    Returns:
        A report; `.raise_if_failed()` makes it an assertion. Forces are tested where the module gives `forces` and
        `energy` and says that it is `conservative`.

    Example:
        >>> from graphkit.encoders.equivariant.egnn import EGNN
        >>> points = Points.of(torch.randn(9, 3).double(), torch.tensor([0, 5, 9]))
        >>> check_equivariance(EGNN(0, 0, hidden_channels=8).double(), points).passed
        True
    """
    if isinstance(module, nn.Module):
        module = copy.deepcopy(module).eval()
    encoder = getattr(module, "encoder", module)
    reach = float(getattr(encoder, "cutoff", 0.0)) if cutoff is None else cutoff
    bound = TOLERANCE[points.pos.dtype] if tolerance is None else tolerance
    test = _Battery(module, points, reach, bound, kinds, torch.Generator().manual_seed(seed))
    checks = list(test.run(mirror))
    suspects = () if all(check.passed for check in checks) else tuple(lint_nonlinearities(module, points, seed=seed))
    return Report(tuple(checks), suspects)


class _Battery:
    def __init__(
        self, module: Any, points: Points, cutoff: float, bound: float, kinds: Mapping[str, str], generator: Any
    ) -> None:
        self.module, self.points, self.cutoff, self.bound, self.kinds = module, points, cutoff, bound, kinds
        self.generator = generator
        self.dim = points.pos.size(1)
        self.plain = outputs_of(module, points)

    def run(self, mirror: bool) -> Iterator[Check]:
        turn = random_rotation(self.dim, self.generator).to(self.points.pos.dtype)
        flip = torch.eye(self.dim, dtype=turn.dtype)
        flip[0, 0] = -1.0
        yield self._turned("rotation", turn)
        reflected = self._turned("reflection", turn @ flip)
        if mirror:
            yield reflected
        else:  # an SO(3) module is there to tell left from right
            yield Check(
                "reflection differs", 0.0 if reflected.error > self.bound else 1.0, self.bound, reflected.output
            )
        step = torch.randn(self.dim, generator=self.generator, dtype=torch.float64).to(turn.dtype)
        shifted = self._moved(self.points.pos + step)
        yield self._compare("translation", shifted, lambda kind, value: value + step if kind == "position" else value)
        yield self._permuted()
        yield self._alone()
        yield from self._degenerate()
        if {"energy", "forces"} <= self.plain.keys() and getattr(
            getattr(self.module, "head", self.module), "conservative", False
        ):
            yield from self._forces()
        if self.cutoff:
            yield self._cutoff()

    def _moved(self, pos: Tensor, **changes: Any) -> Points:
        return self.points.with_(pos=pos, **changes)

    def _turned(self, name: str, turn: Tensor) -> Check:
        vel = None if self.points.vel is None else self.points.vel @ turn.t()
        given = self._moved(self.points.pos @ turn.t(), vel=vel)
        return self._compare(name, given, lambda kind, value: _transform(kind, value, turn))

    def _compare(self, name: str, given: Points, due: Callable[[str, Tensor], Tensor]) -> Check:
        found = outputs_of(self.module, given)
        expected = {key: due(self.kinds.get(key, "invariant"), value) for key, value in self.plain.items()}
        return self._check(name, found, expected)

    def _check(self, name: str, found: Outputs, expected: Outputs) -> Check:
        worst, where = 0.0, next(iter(found), "")
        for key, value in found.items():
            error = _error(value, expected[key])
            if error > worst:
                worst, where = error, key
        return Check(name, worst, self.bound, where)

    def _permuted(self) -> Check:
        """Points change places inside their systems, and edges with them."""
        ptr = self.points.ptr.tolist()
        order = torch.cat(
            [torch.randperm(b - a, generator=self.generator) + a for a, b in zip(ptr, ptr[1:], strict=False)]
        )
        place = torch.argsort(order)
        edges, old = self.points.edges, None
        old = torch.stack([edges.source, edges.target])
        moved = type(edges).from_edge_index(place[old], edges.num_points, shift=edges.shift, attr=edges.attr)
        fields = {key: _rows(getattr(self.points, key), order) for key in ("x", "z", "vel")}
        found = outputs_of(self.module, self._moved(self.points.pos[order], edges=moved, **fields))
        per_point = {key: value for key, value in self.plain.items() if key != "edges"}
        expected = {key: value if key in PER_SYSTEM else value[order] for key, value in per_point.items()}
        return self._check("permutation", {key: found[key] for key in expected}, expected)

    def _alone(self) -> Check:
        """The first system alone gives what it gives among others."""
        last = int(self.points.ptr[1])
        edges = self.points.edges
        count = int((edges.target < last).sum())
        pieces = {key: _rows(getattr(edges, key), slice(0, count)) for key in ("shift", "attr", "reverse")}
        own = type(edges)(edges.source[:count], edges.target[:count], last, **pieces)
        fields = {key: _rows(getattr(self.points, key), slice(0, last)) for key in ("x", "z", "vel")}
        charge = _rows(self.points.charge, slice(0, 1))
        alone = Points(self.points.pos[:last], own, self.points.ptr[:2], charge=charge, **fields)
        found = outputs_of(self.module, alone)
        expected = {
            key: value[: 1 if key in PER_SYSTEM else count if key == "edges" else last]
            for key, value in self.plain.items()
        }
        return self._check("batch independence", found, expected)

    def _degenerate(self) -> Iterator[Check]:
        """One point alone, and two points in one place, give finite outputs and gradients."""
        for name, size in (("single point", 1), ("coincident points", 3)):
            pos = self.points.pos[:size].clone()
            if size > 1:
                pos[1] = pos[0]
            fields = {key: _rows(getattr(self.points, key), slice(0, size)) for key in ("x", "z", "vel")}
            try:
                given = Points.of(pos, torch.tensor([0, size]), cutoff=self.cutoff, **fields)
                if self.points.edges.attr is not None:
                    given.edges.attr = pos.new_zeros(given.edges.num_edges, self.points.edges.attr.size(1))
                finite = _finite_with_gradients(self.module, given)
            except RuntimeError:
                finite = False
            yield Check(name, 0.0 if finite else float("inf"), self.bound)

    def _forces(self) -> Iterator[Check]:
        forces, pos = self.plain["forces"], self.points.pos
        scale = float(forces.abs().max().clamp(min=1e-30))
        net = self.points.per_system(forces).abs().max()
        yield Check("net force", float(net) / scale, self.bound, "forces")
        if self.dim == 3 and self.points.edges.shift is None:
            torque = self.points.per_system(torch.linalg.cross(pos, forces)).abs().max()
            size = float(pos.abs().max().clamp(min=1.0))
            yield Check("net torque", float(torque) / (scale * size), self.bound, "forces")
        double = _as_double(self.module)
        points = _points_as_double(self.points)
        way = torch.randn(pos.shape, generator=self.generator, dtype=torch.float64)
        step = 1e-5
        up, down = (outputs_of(double, points.with_(pos=points.pos + s * way))["energy"] for s in (step, -step))
        slope = -float((up - down).sum()) / (2 * step)
        due = float((outputs_of(double, points)["forces"] * way).sum())
        yield Check("force = -gradient", abs(slope - due) / max(abs(due), 1e-12), 1e-5, "forces")

    def _cutoff(self) -> Check:
        """Outputs change by no more than a step's worth as a pair crosses the cutoff."""
        double = _as_double(self.module)
        fields = {key: _rows(getattr(_points_as_double(self.points), key), slice(0, 3)) for key in ("x", "z", "vel")}
        found = []
        for gap in (-1e-7, 1e-7):
            pos = torch.zeros(3, self.dim, dtype=torch.float64)
            pos[1, 0], pos[2, 0] = 0.5 * self.cutoff, self.cutoff * (1.0 + gap)
            found.append(outputs_of(double, Points.of(pos, torch.tensor([0, 3]), cutoff=self.cutoff, **fields)))
        errors = {key: _error(value, found[1][key]) for key, value in found[0].items() if key != "edges"}
        where = max(errors, key=lambda key: errors[key], default="")
        return Check("cutoff smoothness", errors.get(where, 0.0), 1e-5, where)


def lint_nonlinearities(module: Any, points: Points, *, seed: int = 0) -> list[str]:
    """Names the submodules that act entry by entry on something that is not invariant.

    Pacini, Dong, Lepri and Santin: "A Characterization Theorem for Equivariant Networks with Point-wise Activations",
    ICLR 2024: under rotations, point-wise nonlinear functions keep equivariance on invariants alone. The points are
    turned at random; a submodule of torch's activations (or one without children that maps a tensor to the same shape,
    is not linear, and works entry by entry) whose input changes breaks the rule.

    Args:
        module: any module on points.
        points: a batch to run it on.
        seed: of the rotation.

    Returns:
        Names of submodules, in order of use; empty where all nonlinear functions see invariants only.
    """
    if not isinstance(module, nn.Module):
        return []
    generator = torch.Generator().manual_seed(seed)
    turn = random_rotation(points.pos.size(1), generator).to(points.pos.dtype)
    vel = None if points.vel is None else points.vel @ turn.t()
    seen = [_inputs(module, given) for given in (points, points.with_(pos=points.pos @ turn.t(), vel=vel))]
    bound = 1e-4 if points.pos.dtype == torch.float32 else 1e-9
    names = []
    for name, before in seen[0].items():
        after = seen[1].get(name, [])
        if any(a.shape == b.shape and _error(a, b) > bound for a, b in zip(before, after, strict=False)):
            names.append(name)
    return names


def random_rotation(dim: int, generator: torch.Generator) -> Tensor:
    """Returns a uniformly random rotation [d, d], determinant 1, in float64."""
    q, r = torch.linalg.qr(torch.randn(dim, dim, generator=generator, dtype=torch.float64))
    q = q * torch.sign(r.diagonal())
    if torch.linalg.det(q) < 0:
        q[:, 0] = -q[:, 0]
    return q


def outputs_of(module: Any, points: Points) -> Outputs:
    """Returns what a module makes of points as a dictionary of tensors."""
    found = module(points)
    if isinstance(found, Tensor):
        found = {"x": found}
    elif not isinstance(found, Mapping):
        found = {key: getattr(found, key) for key in ("x", "vec", "tensor", "pos")}
    return {key: value.detach() for key, value in found.items() if value is not None}


def _inputs(module: nn.Module, points: Points) -> dict[str, list[Tensor]]:
    """Inputs of the point-wise nonlinear submodules, by name."""
    found: dict[str, list[Tensor]] = {}
    hooks = []
    for name, child in module.named_modules():
        if type(child).__module__ == "torch.nn.modules.activation":

            def keep(_: nn.Module, given: tuple[Any, ...], name: str = name) -> None:
                found.setdefault(name, []).append(given[0].detach())

            hooks.append(child.register_forward_pre_hook(keep))
    try:
        module(points)
    finally:
        for hook in hooks:
            hook.remove()
    return found


def _transform(kind: str, value: Tensor, turn: Tensor) -> Tensor:
    turn = turn.to(value.dtype)
    if kind == "vector":
        return torch.einsum("ij,nj...->ni...", turn, value)
    if kind == "tensor":
        return torch.einsum("ij,kl,njl...->nik...", turn, turn, value)
    return value @ turn.t() if kind == "position" else value


def _error(found: Tensor, due: Tensor) -> float:
    if not torch.isfinite(found).all():
        return float("inf")
    if not found.numel():
        return 0.0
    return float((found - due).abs().max() / due.abs().max().clamp(min=1.0))


def _finite_with_gradients(module: Any, points: Points) -> bool:
    pos = points.pos.clone().requires_grad_()
    found = module(points.with_(pos=pos))
    values = found if isinstance(found, Mapping) else {"x": found if isinstance(found, Tensor) else found.x}
    total = sum(value.double().sum() for value in values.values())
    # forces are the gradient already
    if "forces" not in values and isinstance(total, Tensor) and total.requires_grad:
        (slope,) = torch.autograd.grad(total, pos, allow_unused=True)
        if slope is not None and not torch.isfinite(slope).all():
            return False
    return all(bool(torch.isfinite(value).all()) for value in values.values())


def _rows(value: Tensor | None, index: Any) -> Tensor | None:
    return None if value is None else value[index]


def _as_double(module: Any) -> Any:
    return copy.deepcopy(module).double() if isinstance(module, nn.Module) else module


def _points_as_double(points: Points) -> Points:
    fields = {key: getattr(points, key) for key in ("pos", "x", "vel", "charge")}
    return points.with_(**{key: None if value is None else value.double() for key, value in fields.items()})
