"""WalkPool and SEAL cells from card to record."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from graphkit.bench.models import load_model
from graphkit.data.cards import load_card
from graphkit.training.run import run_cell


@pytest.mark.mirror
@pytest.mark.parametrize(("model", "least"), [("walkpool", 0.97), ("seal", 0.85)])
def test_cards_run_on_published_splits(model: str, least: float, mirror: Path) -> None:
    spec = load_model(model).spec(load_card("ns"), "seal-10")
    spec = dataclasses.replace(spec, train=dataclasses.replace(spec.train, epochs=1, lr=1e-3))
    result = run_cell(spec)
    assert result.status == "ok" and result.split == 0 and result.metric == "roc-auc"
    assert result.test is not None and result.test > least


@pytest.mark.parametrize("model", ["walkpool", "seal"])
def test_an_encoder_may_come_first(model: str) -> None:
    small = {"mlp_factor": 1, "walk_length": 3} if model == "walkpool" else {"k": 10}
    spec = load_model(model).spec(load_card("karate"), "random-85-5-10")
    settings = {"encoder": {"name": "gcn", "options": {"hidden_channels": 8}}, "head": {"options": small}}
    result = run_cell(spec.merged({**settings, "train": {"epochs": 2}}))
    assert result.status == "ok" and result.seconds_per_epoch > 0
