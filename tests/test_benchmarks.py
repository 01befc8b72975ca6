"""The harness of `benchmarks/`: names, rows and bars, committed results; the measurements themselves run elsewhere."""

from __future__ import annotations

import importlib
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
pytestmark = pytest.mark.skipif(not (ROOT / "benchmarks").is_dir(), reason="needs the source tree")


@pytest.fixture
def harness(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(ROOT))
    return importlib.import_module("benchmarks.__main__")


def test_every_benchmark_is_listed_with_what_it_does(harness: Any) -> None:
    listed = set(
        re.findall(r"^\| `(\w+)` \|", (ROOT / "benchmarks/README.md").read_text(encoding="utf-8"), re.MULTILINE)
    )
    assert listed == set(harness.NAMES)
    assert all(harness.title(name) for name in harness.NAMES)


def test_every_benchmark_has_a_committed_result_with_its_machine(harness: Any) -> None:
    records = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in harness.RESULTS.glob("*.json")}
    assert set(records) == set(harness.NAMES)
    for name, record in records.items():
        assert record["benchmark"] == name and record["title"]
        assert {"cpu", "cores", "versions", "threads"} <= set(record["machine"])
        for row in record["rows"]:
            assert row["case"] and row["values"] and set(row.get("bars", {})) <= {*row["values"], ""}


def test_ratios_say_how_many_times_better_we_are(harness: Any) -> None:
    seconds = harness.Row("x", {"graphkit": 0.5, "peer": 2.0}, bars={"peer": 5.0, "absent": 2.0})
    rate = harness.Row("x", {"graphkit": 8.0, "peer": 2.0}, "1/s", more=True, bars={"": 9.0})
    assert (seconds.ratios, rate.ratios) == ({"peer": 4.0}, {"peer": 4.0})
    assert (seconds.missed(), rate.missed()) == (["peer"], [""])
    assert seconds.record() == {
        "case": "x",
        "values": {"graphkit": 0.5, "peer": 2.0},
        "unit": "s",
        "bars": {"peer": 5.0, "absent": 2.0},
        "ratios": {"peer": 4.0},
    }
    assert "MISSED" in harness.line(seconds) and "4.00 x, asked 5" in harness.line(seconds)


def test_sides_take_turns_and_warm_up_does_not_count(harness: Any) -> None:
    measure, calls, now = importlib.import_module("benchmarks.measure"), [], iter(range(100))
    sides = {name: lambda name=name: calls.append(name) for name in ("a", "b")}
    times = measure.alternate(sides, 2, warm=1, clock=lambda: float(next(now)))
    assert calls == ["a", "b"] * 3 and times == {"a": 1.0, "b": 1.0}


def test_the_command_lists_and_suggests() -> None:
    listed = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--list"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert "kernels" in listed.stdout
    wrong = subprocess.run([sys.executable, "-m", "benchmarks", "kernel"], cwd=ROOT, capture_output=True, text=True)
    assert wrong.returncode == 2 and "kernels" in wrong.stderr


@pytest.mark.slow
@pytest.mark.parametrize("name", ["kernels", "links", "scan", "temporal", "equivariant"])
def test_a_benchmark_runs_on_small_cases(name: str) -> None:
    command = [sys.executable, "-m", "benchmarks", name, "--quick"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_kept_result_with_a_peer_that_is_missing_now_is_left_alone(
    harness: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(harness, "RESULTS", tmp_path)
    both, alone = harness.Row("x", {"graphkit": 0.5, "peer": 2.0}), harness.Row("x", {"graphkit": 0.4})
    assert harness.keep("scan", [both], harness.Options()) == 0
    before = (tmp_path / "scan.json").read_bytes()
    assert harness.keep("scan", [alone], harness.Options()) == 1
    assert (tmp_path / "scan.json").read_bytes() == before and "peer, which did not run" in capsys.readouterr().out
    assert harness.keep("scan", [harness.Row("y", {"graphkit": 0.4})], harness.Options()) == 0  # its case is gone
