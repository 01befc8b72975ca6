from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from graphkit.cli.main import main
from graphkit.data.negatives import NegativeSet


@pytest.fixture
def events(tmp_path: Path) -> str:
    rng = np.random.default_rng(0)
    path = tmp_path / "events.npz"
    np.savez(path, src=rng.integers(0, 5, 60), dst=rng.integers(5, 25, 60), t=np.sort(rng.integers(0, 40, 60)))
    return str(path)


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    assert main(["data", "negatives", *arguments, "--json"]) == 0, capsys.readouterr().err
    answer: dict[str, Any] = json.loads(capsys.readouterr().out)
    return answer


@pytest.mark.parametrize("kind", ["uniform", "historical", "inductive", "hist_rnd", "tgb-all", "tgb-seq"])
def test_generate_saves_what_it_says(
    kind: str, events: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = str(tmp_path / "set.safetensors")
    told = run(capsys, "generate", kind, events, "-k", "5", "--seed", "3", "-o", out)
    loaded = NegativeSet.load(out)
    assert told["sha256"] == loaded.sha256 and told["kind"] == kind and told["positives"] == len(loaded)
    assert run(capsys, "info", out)["sha256"] == loaded.sha256
    part = str(tmp_path / "part")
    run(capsys, "generate", kind, events, "-k", "5", "--seed", "3", "--rows", "2:4", "-o", part)
    assert NegativeSet.load(part).values.tolist() == loaded.rows(slice(2, 4))[0].tolist()


def test_export_and_import_are_inverse(events: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, pkl, back = (str(tmp_path / name) for name in ("set", "ns.pkl", "back"))
    run(capsys, "generate", "hist_rnd", events, "-k", "6", "--split", "valid", "--pool", "5:25", "-o", out)
    run(capsys, "export", "tgb", out, "-o", pkl)
    assert isinstance(pickle.loads(Path(pkl).read_bytes()), dict)
    told = run(capsys, "import", "tgb", pkl, "--events", events, "--split", "valid", "-o", back)
    assert told["kind"] == "published"
    assert NegativeSet.load(back).values.tolist() == NegativeSet.load(out).values.tolist()
    npy = str(tmp_path / "ns.npy")
    run(capsys, "generate", "tgb-seq", events, "-k", "4", "-o", out)
    run(capsys, "export", "tgb-seq", out, "-o", npy)
    run(capsys, "import", "tgb-seq", npy, "--events", events, "-o", back)
    assert NegativeSet.load(back).values.tolist() == NegativeSet.load(out).values.tolist()


def test_people_get_lines(events: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "negatives", "generate", "tgb-all", events, "-o", str(tmp_path / "set")]) == 0
    out = capsys.readouterr().out
    assert "kind        tgb-all" in out and "filtered    True" in out and "pool=[5, " in out


@pytest.mark.parametrize(
    ("arguments", "code", "hint"),
    [
        (["generate", "historical", "EVENTS", "-o", "x"], 2, "--count"),
        (["generate", "histrical", "EVENTS", "-o", "x"], 2, "historical"),
        (["generate", "tgb-all", "EVENTS", "--pool", "3", "-o", "x"], 2, "LOW:HIGH"),
        (["generate", "tgb-all", "nothing.npz", "-o", "x"], 3, "nothing.npz"),
        (["info", "nothing"], 3, "there is no file"),
        (["import", "heart", "nothing.npy", "-o", "x"], 3, "there is no file"),
    ],
)
def test_mistakes(arguments: list[str], code: int, hint: str, events: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "negatives", *(events if word == "EVENTS" else word for word in arguments)]) == code
    error = capsys.readouterr().err
    assert hint in error and len(error.strip().splitlines()) == 1
