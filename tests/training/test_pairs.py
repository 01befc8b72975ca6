"""Reliable paired comparison on BREC, and the ladder that stands beside it."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from graphkit import RunSpec, run_cell
from graphkit.bench.ladder import Bound, climb, render
from graphkit.bench.suites import load_suite
from graphkit.training.pairs import THRESHOLD, Verdict, hotelling


def test_the_statistic() -> None:
    torch.manual_seed(0)
    base = torch.randn(64, 4, dtype=torch.float64)
    mean, cov = (base[0::2] - base[1::2]).mean(0), torch.cov((base[0::2] - base[1::2]).T)
    expected = float(mean @ torch.linalg.inv(cov + 1e-7 * torch.eye(4)) @ mean)
    assert hotelling(base) == pytest.approx(expected)
    assert Verdict(THRESHOLD + 1, 0.0).separated and not Verdict(THRESHOLD - 1, 0.0).separated
    assert not Verdict(100.0, 100.0).separated and not Verdict(100.0, 100.0).reliable


@pytest.mark.mirror
@pytest.mark.parametrize(("policy", "expected"), [("node-marked", 1), ("none", 0)])
def test_a_pair_is_told_apart_by_marks_alone(mirror: Path, policy: str, expected: int) -> None:
    encoder = (
        {"name": "gin"} if policy == "none" else {"name": "subgraph", "options": {"policy": policy, "num_layers": 3}}
    )
    spec = RunSpec.from_dict(
        {
            "data": {"name": "brec"},
            "encoder": encoder,
            "head": {"name": "graph"},
            "protocol": "brec-rpc",
            "limit": 0.001,
        }
    )
    spec = spec.merged({"encoder": {"options": {"hidden_channels": 8}}})
    result = run_cell(spec)
    assert result.status == "partial" and result.evaluation["unreliable"] == 0
    assert result.evaluation["separated"]["basic"] == expected == result.evaluation["separated"]["extension"]
    assert result.evaluation["separated"]["strongly-regular"] == 0


@pytest.mark.mirror
def test_a_pair_that_takes_too_much_memory_is_refused_and_counts_as_not_told_apart(mirror: Path) -> None:
    options = {"policy": "tuples", "radius": 0, "num_layers": 2, "hidden_channels": 8, "budget_mb": 1}
    encoder = {"name": "subgraph", "options": options}
    spec = RunSpec.from_dict(
        {
            "data": {"name": "brec"},
            "encoder": encoder,
            "head": {"name": "graph"},
            "protocol": "brec-rpc",
            "limit": 0.001,
        }
    )
    result = run_cell(spec)
    assert result.evaluation["refused"] == sum(result.evaluation["pairs"].values()) == 7 and result.test == 0.0


def test_the_ladder_of_a_suite() -> None:
    bounds = [Bound(**bound) for bound in load_suite("expressiveness").bounds]
    rungs = climb([bound for bound in bounds if bound.model in ("gin", "gnn-ak", "ds")], families=["c6-2c3", "c8-2c4"])
    assert all(rung.holds for rung in rungs)
    text = render(rungs)
    assert "1/1" in text and "2/2" in text and "Xu et al." in text
