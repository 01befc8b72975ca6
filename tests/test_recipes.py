"""Recipes: each runs as a script; the slow check compares its number with the one on record."""

from __future__ import annotations

import re
import runpy
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

RECIPES = Path(__file__).parents[1] / "recipes"
EXPECTED = tomllib.loads((RECIPES / "expected.toml").read_text())


def run(name: str, *arguments: str) -> str:
    command = [sys.executable, str(RECIPES / f"{name}.py"), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("path", sorted(RECIPES.glob("*.py")), ids=lambda path: path.stem)
def test_recipes_are_short_scripts_that_say_what_they_are(
    path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert len(path.read_text().splitlines()) < 150
    assert "arXiv" in path.read_text().split('"""')[1]
    monkeypatch.setattr(sys, "argv", [str(path), "--help"])
    with pytest.raises(SystemExit) as ended:  # in this process: importing torch for each would take minutes
        runpy.run_path(str(path), run_name="__main__")
    assert ended.value.code == 0 and "usage" in capsys.readouterr().out


@pytest.mark.mirror
def test_a_recipe_runs_on_published_files(mirror: Path) -> None:
    assert "cora: test accuracy 0.81" in run("sgc_planetoid", "-n", "2")


@pytest.mark.slow
@pytest.mark.mirror
@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_recipes_give_the_number_on_record(mirror: Path, name: str) -> None:
    means = re.findall(r"test [\w-]+ (\d\.\d+) ±", run(name))
    assert abs(float(means[0]) - EXPECTED[name]["value"]) <= EXPECTED[name]["tolerance"]


@pytest.mark.slow
def test_dictionary_lookup_separates_static_from_dynamic_attention() -> None:
    printed = run("dictionary_lookup", "-k", "10")
    accuracy = dict(re.findall(r"k = 10  (\S+) +test accuracy (\d\.\d+)", printed))
    assert float(accuracy["gatv2"]) == float(accuracy["sir-gcn"]) == 1.0 and float(accuracy["gat"]) < 0.5


@pytest.mark.slow
def test_a_state_space_carries_a_class_over_fifty_edges_and_four_layers_of_messages_do_not() -> None:
    printed = run("ring_transfer", "-d", "50", "-m", "gcn-tuned", "graph-mamba")
    accuracy = dict(re.findall(r"distance +50  (\S+) +test accuracy (\d\.\d+)", printed))
    assert float(accuracy["graph-mamba"]) > 0.95 and float(accuracy["gcn-tuned"]) < 0.45
