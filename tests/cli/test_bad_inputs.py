"""Every kind of bad input as a user meets it: a whole command, one clear error, the documented exit code."""

from __future__ import annotations

import errno
import io
import json
import os
import pickle
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from graphkit.cli.main import main
from graphkit.data.disk import sha256_of

NODES = 12
CARD = """
name = "mine"
title = "Mine"
kind = "test"
task = "node-classification"
target = "binary"
metric = "roc-auc"
protocols = ["heterophilous-10"]
reader = "{reader}"
reader_options = {{ folder = "mine", split = "time" }}
licence = "none"
citation = "none"
[[files]]
path = "{path}"
[[files.sources]]
{source}
"""


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GRAPHKIT_DATA", str(tmp_path / "cache"))
    monkeypatch.delenv("GRAPHKIT_MIRROR", raising=False)
    monkeypatch.setattr("graphkit.data.download.BACKOFF", 0.0)
    return tmp_path / "cache"


def graph(**over: Any) -> bytes:
    """A ring of 12 nodes in the format of the heterophilous graphs."""
    nodes = np.arange(NODES)
    part = np.stack([nodes % 3] * 10)
    arrays = {
        "node_features": np.random.default_rng(0).normal(size=(NODES, 2)),
        "node_labels": nodes // 3 % 2,
        "edges": np.stack([nodes, (nodes + 1) % NODES], axis=1),
        "train_masks": part == 0,
        "val_masks": part == 1,
        "test_masks": part == 2,
    }
    stream = io.BytesIO()
    np.savez(stream, **{**arrays, **over})
    return stream.getvalue()


def publish(
    folder: Path, content: bytes, path: str = "mine.npz", reader: str = "heterophilous", sha256: str = ""
) -> Path:
    """A folder as a colleague hands it over: a card called `mine` and its file."""
    folder.mkdir()
    (folder / path).write_bytes(content)
    source = f'sha256 = "{sha256}"\nbytes = {len(content)}' if sha256 else 'encoding = "plain"'
    (folder / "mine.toml").write_text(CARD.format(reader=reader, path=path, source=source))
    return folder


def refused(capsys: pytest.CaptureFixture[str], code: int, message: str, *arguments: str) -> str:
    capsys.readouterr()
    assert main(list(arguments)) == code
    error = capsys.readouterr().err
    assert error.startswith("error: ") and error.count("error: ") == 1 and "Traceback" not in error
    assert message in error
    return error


def test_the_good_file_passes_every_verb(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = publish(tmp_path / "good", graph())
    assert main(["data", "import", "mine", "--from", str(folder)]) == 0
    assert main(["data", "verify", "mine"]) == 0
    assert "12 nodes, 24 edges" in capsys.readouterr().out


def nan_features() -> bytes:
    x = np.ones((NODES, 2))
    x[7, 1] = np.nan
    return graph(node_features=x)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (nan_features, "mine: feature 1 of node 7 is NaN or infinite"),
        (
            lambda: graph(edges=np.array([[0, NODES]])),
            "mine: the edge list names nodes 0..12, but the graph has nodes 0..11",
        ),
        (lambda: graph(edges=np.array([[-1, 0]])), "mine: the edge list names nodes -1..0"),
        (lambda: graph()[:-200], "mine: its files are not what reader heterophilous knows"),
        (lambda: graph(node_features=np.array([[None]] * NODES)), "mine"),
    ],
    ids=["nan-features", "edge-too-large", "edge-negative", "truncated", "pickled-array"],
)
def test_damaged_graphs(
    content: Callable[[], bytes], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["data", "import", "mine", "--from", str(publish(tmp_path / "bad", content()))]) == 0
    refused(capsys, 3, message, "data", "verify", "mine")
    refused(capsys, 3, message, "data", "info", "mine")


def test_a_benchmark_on_damaged_data_ends_with_3_and_says_why_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["data", "import", "mine", "--from", str(publish(tmp_path / "bad", nan_features()))]) == 0
    capsys.readouterr()
    run = ["bench", "run", "-d", "mine", "-m", "sgc", "-n", "2", "-o", str(tmp_path / "runs")]
    assert main([*run, "--json"]) == 3
    (row,) = json.loads(capsys.readouterr().out)["results"]
    assert row["test_mean"] is None and "NaN" in row["status"]
    assert main(["bench", "report", str(tmp_path / "runs")]) == 0
    table = capsys.readouterr().out
    assert table.count("feature 1 of node 7 is NaN") == 1 and "seeds 0, 1 failed" in table


def test_a_wrong_checksum(tmp_path: Path, capsys: pytest.CaptureFixture[str], cache: Path) -> None:
    folder = publish(tmp_path / "bad", graph(), sha256="0" * 64)
    refused(capsys, 3, "could not get mine.npz", "data", "import", "mine", "--from", str(folder))
    (folder / "MANIFEST.tsv").write_text(f"path\tbytes\tsha256\nmine.npz\t{len(graph())}\t{'0' * 64}\n")
    error = refused(capsys, 3, "has sha256", "data", "import", "mine", "--from", str(folder))
    assert "0" * 64 in error and not list((cache / "raw").rglob("mine.npz*"))


def test_a_file_cut_short_on_the_way(tmp_path: Path, capsys: pytest.CaptureFixture[str], cache: Path) -> None:
    whole = publish(tmp_path / "whole", graph())
    digest, size = sha256_of(whole / "mine.npz"), (whole / "mine.npz").stat().st_size
    folder = publish(tmp_path / "cut", graph()[:-50], sha256=digest)
    (folder / "MANIFEST.tsv").write_text(f"path\tbytes\tsha256\nmine.npz\t{size}\t{digest}\n")
    refused(capsys, 3, "mine.npz", "data", "import", "mine", "--from", str(folder))
    assert not list((cache / "raw").rglob("mine.npz"))


def test_an_archive_that_climbs_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("mine/raw/num-node-list.csv.gz", b"")
        archive.writestr("../climbed", b"out")
    folder = publish(tmp_path / "bad", stream.getvalue(), path="mine.zip", reader="ogb-node")
    assert main(["data", "import", "mine", "--from", str(folder)]) == 0
    refused(capsys, 3, "'../climbed' would be written outside", "data", "verify", "mine")
    assert not list(tmp_path.rglob("climbed"))


class Evil:
    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.system, (self.command,)


def test_a_pickle_that_runs_a_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    content = pickle.dumps(Evil(f"touch {tmp_path / 'owned'}"))
    folder = publish(tmp_path / "bad", content, path="ind.mine.x", reader="planetoid")
    card = folder / "mine.toml"
    names = ["y", "tx", "ty", "allx", "ally", "graph"]
    others = "".join(f'[[files]]\npath = "ind.mine.{name}"\n[[files.sources]]\nencoding = "plain"\n' for name in names)
    card.write_text(card.read_text() + others)
    for name in names:
        (folder / f"ind.mine.{name}").write_bytes(content)
    assert main(["data", "import", "mine", "--from", str(folder)]) == 0
    refused(capsys, 3, "system, which is not on the allow-list", "data", "verify", "mine")
    assert not (tmp_path / "owned").exists()


def test_a_cache_that_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, mkdir = publish(tmp_path / "good", graph()), Path.mkdir

    def read_only(path: Path, *args: Any, **kwargs: Any) -> None:
        if path.is_relative_to(tmp_path / "cache"):
            raise OSError(errno.EROFS, "Read-only file system")
        mkdir(path, *args, **kwargs)

    monkeypatch.setattr(Path, "mkdir", read_only)
    refused(capsys, 3, "Read-only file system; set GRAPHKIT_DATA", "data", "import", "mine", "--from", str(folder))


def test_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    folder = publish(tmp_path / "good", graph())
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=10))
    refused(capsys, 3, "no space left", "data", "import", "mine", "--from", str(folder))


def test_no_network(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")  # nobody listens there
    monkeypatch.setenv("no_proxy", "")
    assert "mend: " in refused(capsys, 3, "no connection", "data", "download", "cora")


def test_a_mirror_that_does_not_answer(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("GRAPHKIT_MIRROR", "http://127.0.0.1:9/graphs")
    refused(capsys, 3, "mend or unset GRAPHKIT_MIRROR", "data", "download", "cora")


def test_verify_says_that_a_cached_file_was_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], cache: Path
) -> None:
    folder = publish(tmp_path / "good", graph())
    assert main(["data", "import", "mine", "--from", str(folder)]) == 0
    (cache / "raw" / "mine" / "mine.npz").write_bytes(b"damaged")
    assert main(["data", "verify", "mine"]) == 3 and "is damaged" in capsys.readouterr().err
    (folder / "MANIFEST.tsv").write_text(f"path\tbytes\tsha256\nmine/mine.npz\t1\t{sha256_of(folder / 'mine.npz')}\n")
    (folder / "mine").mkdir()
    shutil.copy(folder / "mine.npz", folder / "mine" / "mine.npz")
    monkeypatch.setenv("GRAPHKIT_MIRROR", str(folder))
    assert main(["data", "verify", "mine"]) == 0
    printed = capsys.readouterr()
    assert "is damaged" in printed.err and "mine: ok" in printed.out
