from __future__ import annotations

import json
from pathlib import Path

import pytest

from graphkit.cli import doctor
from graphkit.cli.main import main
from graphkit.cli.recipe import list_recipes


@pytest.mark.parametrize("what", ["datasets", "models", "encoders", "protocols", "metrics", "suites", "recipes"])
def test_lists_print_names_and_json(what: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ls", what]) == 0
    text = capsys.readouterr().out
    assert main(["ls", what, "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)[what]
    assert rows and len(text.splitlines()) == len(rows) and all(row["name"] in text for row in rows)


def test_recipes_can_be_shown_copied_but_not_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name = list_recipes()[0]
    assert main(["recipe", "show", name]) == 0
    source = capsys.readouterr().out
    assert main(["recipe", "copy", name, str(tmp_path)]) == 0
    assert (tmp_path / f"{name}.py").read_text() == source
    assert main(["recipe", "copy", name, str(tmp_path)]) == 2
    assert main(["recipe", "ls"]) == 0
    assert name in capsys.readouterr().out


def test_recipes_are_found_by_their_paper(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["recipe", "show", "arxiv:2110.04375"]) == 0
    assert "WalkPool" in capsys.readouterr().out
    assert main(["recipe", "show", "arxiv:1710.10903"]) == 2
    assert "gat_citeseer, gat_cora; name one" in capsys.readouterr().err
    assert main(["recipe", "show", "arxiv:1710.10904"]) == 2
    assert "did you mean '1710.10903'" in capsys.readouterr().err


def test_doctor_finds_nothing_broken_here(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor"]) == 0
    printed = capsys.readouterr().out
    assert all(subject in printed for subject in ("torch", "cache", "mirror", "kernels", "processor"))


def test_doctor_reports_an_unusable_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("GRAPHKIT_DATA", str(tmp_path / "file" / "cache"))
    monkeypatch.setenv("GRAPHKIT_MIRROR", str(tmp_path))
    assert main(["doctor"]) == 1
    printed = capsys.readouterr().out
    assert "fail  cache" in printed and "fail  mirror" in printed


def test_findings_have_known_levels() -> None:
    assert {level for level, _, _ in doctor.findings()} <= {"ok", "note", "fail"}


def test_ls_alone_names_everything(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ls"]) == 0
    text = capsys.readouterr().out
    assert all(
        word in text for word in ("datasets (", "cora", "models (", "gat-sep", "protocols (", "tgb-link", "quick")
    )
    assert main(["ls", "--json"]) == 0
    assert {"datasets", "models", "recipes"} <= json.loads(capsys.readouterr().out).keys()
