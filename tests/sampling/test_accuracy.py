"""Training on sampled neighbourhoods reaches what training on the whole graph reaches."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from statistics import mean

import pytest

from graphkit.config import RunSpec
from graphkit.training.run import run_cell

SAGE = RunSpec.from_dict(
    {
        "data": {"name": "cora", "features": "row"},
        "encoder": {"name": "sage", "options": {"hidden_channels": 64, "dropout": 0.5}},
        "train": {"epochs": 60, "lr": 0.01, "weight_decay": 5e-4},
        "protocol": "planetoid-public",
    }
)


@pytest.mark.slow
@pytest.mark.mirror
def test_sampled_sage_matches_full_batch_sage(mirror: Path) -> None:
    def accuracy(**sampling: object) -> float:
        spec = SAGE.merged({"data": sampling})
        return mean(run_cell(replace(spec, seed=seed)).test for seed in range(5))

    full, sampled = accuracy(), accuracy(batch_size=32, fanout=[25, 10])
    assert sampled > full - 0.015
    assert min(full, sampled) > 0.78
