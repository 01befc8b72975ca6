from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from graphkit.cli import data as cli
from graphkit.errors import DownloadError, UnknownNameError


def call(*arguments: str) -> int:
    parser = argparse.ArgumentParser(prog="graphkit")
    cli.add_parser(parser.add_subparsers(dest="verb", required=True))
    args = parser.parse_args(["data", *arguments])
    return cli.run(args)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GRAPHKIT_DATA", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_path_prints_the_cache(cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("path") == call("path", "cora") == call("path", "cora", "--json") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == [str(cache), str(cache / "raw" / "cora")] and json.loads(lines[2])["path"] == lines[1]


def test_built_in_datasets_need_no_file(cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("download", "karate", "--offline") == call("verify", "karate") == 0
    out = capsys.readouterr().out
    assert "karate: built in, needs no file" in out and "ok, 0 files; 34 nodes" in out


def test_info_prints_facts_and_homophily(cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("info", "karate") == 0
    text = capsys.readouterr().out
    for word in ("licence", "citation", "nodes", "as published", "homophily"):
        assert word in text
    assert call("info", "karate", "--json") == 0
    answer: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert answer["statistics"]["nodes"] == 34 and answer["diagnostics"]


def test_misspelt_names_fail_before_anything_is_fetched(cache: Path) -> None:
    for verb in (
        ["download", "karate", "coraa"],
        ["verify", "coraa"],
        ["info", "coraa"],
        ["mirror", "m", "coraa"],
    ):
        with pytest.raises(UnknownNameError, match="did you mean 'cora'"):
            call(*verb)
    assert not cache.exists()


def test_verify_says_what_is_missing(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GRAPHKIT_MIRROR", raising=False)
    with pytest.raises(DownloadError, match="could not get ind.cora"):
        call("verify", "cora")


def test_usage_errors_exit_2(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in ([], ["import", "cora"], ["download"]):
        with pytest.raises(SystemExit) as caught:
            call(*arguments)
        assert caught.value.code == 2


@pytest.mark.parametrize("arguments", [["path"], ["path", "cora"], ["--help"]])
def test_light_verbs_import_neither_numpy_nor_torch(arguments: list[str]) -> None:
    code = (
        "import argparse, sys\nfrom graphkit.cli import data\np = argparse.ArgumentParser()\n"
        "data.add_parser(p.add_subparsers())\n"
        f"try:\n    data.run(p.parse_args(['data', *{arguments}]))\nexcept SystemExit: pass\n"
        "assert not {'numpy', 'torch', 'rich'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


@pytest.mark.mirror
def test_download_mirror_import_and_verify(
    cache: Path, tmp_path: Path, mirror: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("download", "texas", "--json") == 0
    printed = capsys.readouterr()
    files = json.loads(printed.out)["texas"]
    assert len(files) == 12 and "texas: 12 files in" in printed.err
    assert all(Path(file["path"]).is_relative_to(cache) for file in files.values())
    assert call("verify", "texas") == call("mirror", str(tmp_path / "m"), "texas", "-q") == 0
    monkeypatch.setenv("GRAPHKIT_DATA", str(tmp_path / "second"))
    monkeypatch.delenv("GRAPHKIT_MIRROR")
    assert call("import", "texas", "--from", str(tmp_path / "m")) == call("verify", "texas") == 0
    assert "183 nodes" in capsys.readouterr().out
