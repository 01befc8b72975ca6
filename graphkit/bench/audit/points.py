"""Audits of encoders of points: what turns with them, what stays, forces, batches, memory, gradients."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from graphkit.bench.audit.checks import Array, Check, common_checks, gradient_check
from graphkit.config import RunSpec
from graphkit.data.systems import SystemDataset
from graphkit.encoders.equivariant.base import Points
from graphkit.encoders.equivariant.check import check_equivariance, outputs_of
from graphkit.seeds import SeedStreams
from graphkit.training.system_feed import SystemFeed
from graphkit.training.systems import SystemModel, build_system_model, fit_statistics, step

SYSTEMS = 4
"""Systems that questions are about."""


def audit_points(spec: RunSpec, dataset: SystemDataset, index: int) -> Iterator[Check]:
    """Yields the verdict of every guard for an encoder and a head of points, in double precision.

    Args:
        spec: the model's settings on the dataset.
        dataset: systems of points.
        index: the split, whose training systems are used.
    """
    split = dataset.split(spec.protocol, index)

    def make(model: SystemModel) -> SystemFeed:
        cutoff = model.encoder.cutoff
        return SystemFeed(dataset, split, spec, SeedStreams(spec.seed), cutoff=cutoff, dtype=torch.float64)

    feed = make(build_system_model(spec, dataset, SeedStreams(spec.seed)))

    def build() -> SystemModel:
        model = build_system_model(spec, dataset, SeedStreams(spec.seed))
        fit_statistics(model, feed)
        return model.double()

    chosen = np.asarray(split.train)[: 2 * SYSTEMS]
    first, other = feed.batch(chosen[:SYSTEMS]), feed.batch(chosen[SYSTEMS:] if len(chosen) > SYSTEMS else chosen[:1])
    yield from common_checks(build, _ask, first.points, other.points)
    report = check_equivariance(build(), first.points, seed=spec.seed)
    for check in report.checks:
        seen = f"{check.output}: off by {check.error:.1e}, at most {check.tolerance:.0e} is due"
        hint = f"; look at {', '.join(report.suspects)}" if report.suspects and not check.passed else ""
        text = "outputs transform as they should" if check.passed else seen + hint
        yield Check(check.name, "points moved, and outputs with them", check.passed, text, check.error)
    model = build().train()
    yield gradient_check(model, step(model, first)[0])


def _ask(model: SystemModel, points: Points) -> Array:
    found: dict[str, Any] = outputs_of(model.eval(), points)
    return np.concatenate([found[name].detach().double().numpy().ravel() for name in sorted(found)])
