"""Audits of planted mistakes, each caught by its guard, and of clean models, which pass."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from graphkit.bench.audit import audit
from graphkit.cli.main import main
from graphkit.errors import ConfigError

STREAM = ["data.options={events=2000, sources=20}"]
BODIES = ["data.options={train=12, valid=4, test=4, train_drawn=12, steps=4100}"]


def failed(model: str, dataset: str, *overrides: str, protocol: str = "") -> list[str]:
    name = f"planted_models:{model}" if model[0].isupper() else model
    checks = audit(name, dataset, protocol=protocol, overrides=overrides).checks
    return [check.guard for check in checks if check.passed is False]


@pytest.fixture(autouse=True)
def _importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parent))


@pytest.mark.parametrize(
    ("model", "guards"),
    [
        ("Clean", []),
        ("Cached", ["memory"]),
        ("Numbered", ["permutation"]),
        ("Noisy", ["repeat", "memory", "permutation"]),
        ("CutOff", ["gradient"]),
    ],
)
def test_encoders_of_nodes(model: str, guards: list[str]) -> None:
    assert failed(model, "karate") == guards


def test_a_graph_whose_score_depends_on_the_batch() -> None:
    assert failed("Clean", "skip-links") == []
    assert failed("Summed", "skip-links") == ["batch"]


def test_links() -> None:
    assert failed("Clean", "karate", protocol="random-85-5-10") == []
    assert failed("Cached", "karate", protocol="random-85-5-10") == ["memory"]
    shown = failed("Clean", "karate", "train.remove_targets=false", protocol="random-85-5-10")
    assert shown == ["target-edge"]


def test_streams() -> None:
    assert failed("Counts", "repeat-process", *STREAM) == []
    assert "repeat" in failed("Writes", "repeat-process", *STREAM)


def test_points() -> None:
    assert failed("egnn", "nbody", *BODIES) == []
    assert {"rotation", "reflection", "translation"} <= set(failed("Compass", "nbody", *BODIES))


def test_a_random_encoder_that_says_so_is_not_asked_twice() -> None:
    found = audit("rni", "skip-links")
    assert found.passed and [one.passed for one in found.checks if one.guard == "repeat"] == [None]


def test_what_has_no_audit_is_refused() -> None:
    with pytest.raises(ConfigError, match="attribute-forecasting"):
        audit("gcrn", "diffusion")
    with pytest.raises(ConfigError, match="no encoder"):
        audit("fastrp", "karate")


def test_the_command_tells_and_ends_with_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    source = "import torch\n\nclass Last(torch.nn.Linear):\n    def __init__(self, in_channels, out_channels):\n"
    source += "        super().__init__(in_channels, out_channels)\n\n    def forward(self, x, edge_index):\n"
    source += "        return super().forward(x).cumsum(0)\n"
    (tmp_path / "audited_model.py").write_text(source)
    monkeypatch.syspath_prepend(str(tmp_path))
    assert main(["audit", "audited_model:Last", "-d", "karate", "--json"]) == 1
    payload = json.loads(capsys.readouterr().out)
    (bad,) = [check for check in payload["checks"] if check["passed"] is False]
    assert bad["guard"] == "permutation" and bad["magnitude"] > 0.01 and not payload["passed"]
    assert main(["audit", "gcn", "-d", "karate"]) == 0
    printed = capsys.readouterr().out
    assert "permutation" in printed and printed.endswith("all 10 guards passed\n")
