"""`graphkit bench` as scripts use it: whole processes on a built-in graph."""

from __future__ import annotations

import ast
import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from graphkit.cli.bench_run import seconds
from graphkit.cli.main import main
from graphkit.errors import ConfigError

pytestmark = pytest.mark.usefixtures("shared_workers")

CHANGING = {"train_seconds", "seconds_per_epoch", "peak_memory_mb"}
RUN = [
    "bench",
    "run",
    "-d",
    "karate",
    "-m",
    "gcn,sgc",
    "-n",
    "2",
    "--set",
    "train.epochs=200",
    "--set",
    "train.stop=never",
]


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "graphkit", *arguments]


def results(text: str) -> list[dict[str, Any]]:
    rows = json.loads(text)["results"]
    return [{key: value for key, value in row.items() if key not in CHANGING} for row in rows]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    folder = tmp_path_factory.mktemp("bench") / "runs"
    done = subprocess.run(command(*RUN, "-o", str(folder), "--json"), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder, done.stdout


def test_json_is_one_object_with_the_promised_fields(finished: tuple[Path, str]) -> None:
    rows = json.loads(finished[1])["results"]
    assert [(row["dataset"], row["model"]) for row in rows] == [("karate", "gcn"), ("karate", "sgc")]
    for row in rows:
        assert row["protocol"] == "generator" and row["metric"] == "accuracy" and row["status"] == "ok"
        assert row["seeds"] == [0, 1] and 0 < row["test_mean"] <= 1 and 0 < row["valid_mean"] <= 1
        assert row["test_std"] >= 0


def test_a_stopped_command_goes_on_to_the_same_table(tmp_path: Path, finished: tuple[Path, str]) -> None:
    stopped(tmp_path, signal.SIGKILL)
    code, errors = stopped(tmp_path, signal.SIGINT)
    assert code == 130 and "again" in errors
    done = subprocess.run(command(*RUN, "-o", str(tmp_path), "--json"), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert results(done.stdout) == results(finished[1])
    repeated = [len(epochs) - len(set(epochs)) for epochs in logged(tmp_path)]
    assert sum(repeated) <= 2, "a stop costs one epoch at most"


def stopped(folder: Path, how: signal.Signals) -> tuple[int, str]:
    """Goes on with the cells of a folder, ends the command by a signal at its first epoch; returns code and errors."""
    before = sum(map(len, logged(folder)))
    process = subprocess.Popen(
        command(*RUN, "-o", str(folder), "--json"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a shell's background jobs ignore it
    )
    deadline = time.monotonic() + 300
    while sum(map(len, logged(folder))) == before:
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.01)
    process.send_signal(how)
    _, errors = process.communicate(timeout=30)
    time.sleep(0.5)  # a worker whose command was killed sees it within 0.1 s
    return process.returncode, errors


def logged(folder: Path) -> list[list[int]]:
    """The epochs in the logs of a folder's cells."""
    found = []
    for log in folder.rglob("log.jsonl"):
        whole = [line for line in log.read_text().splitlines(keepends=True) if line.endswith("\n")]
        found.append([event["epoch"] for event in map(json.loads, whole) if event["event"] == "epoch"])
    return found


def test_report_and_compare_read_the_folder(
    finished: tuple[Path, str], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["bench", "report", str(finished[0]), "--json"]) == 0
    assert results(capsys.readouterr().out) == results(finished[1])
    assert main(["bench", "report", str(finished[0])]) == 0
    assert "gcn" in capsys.readouterr().out
    assert main(["bench", "compare", str(finished[0]), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)
    assert main(["bench", "report", str(tmp_path / "nothing")]) == 3


def test_compare_ends_with_4_on_a_regression_and_0_on_a_tie(
    finished: tuple[Path, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in finished[0].rglob("result.json"):
        record = json.loads(path.read_text())
        record["test"] -= 0.05
        target = tmp_path / path.relative_to(finished[0])
        target.parent.mkdir(parents=True)
        target.write_text(json.dumps(record))
    same, worse = [str(finished[0])] * 2, [str(finished[0]), str(tmp_path)]
    assert main(["bench", "compare", *same, "--fail-if-worse", "0.5%"]) == 0
    assert main(["bench", "compare", *worse, "--fail-if-worse", "0.5%"]) == 4


def test_a_failed_run_ends_with_1_and_is_no_number(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    arguments = ["bench", "run", "-d", "karate", "-m", "gcn", "--set", "train.lr=1e38", "-o", str(tmp_path), "--json"]
    assert main(arguments) == 1
    (row,) = json.loads(capfd.readouterr().out)["results"]
    assert row["status"] != "ok" and row["test_mean"] is None and "non-finite" in str(row["failed"])


def test_missing_files_end_with_3_before_anything_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("GRAPHKIT_MIRROR", raising=False)
    monkeypatch.setenv("GRAPHKIT_DATA", str(tmp_path / "empty"))
    arguments = ["bench", "run", "-d", "karate,cora", "-m", "gcn", "--offline", "-o", str(tmp_path / "runs")]
    assert main(arguments) == 3
    assert "cora" in capsys.readouterr().err and not (tmp_path / "runs").exists()


def test_dry_run_and_print_config_run_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    base = ["bench", "run", "-d", "cora", "-m", "gat,sgc", "-n", "4", "-o", str(tmp_path / "runs")]
    assert main([*base, "--dry-run"]) == 0
    assert "planetoid-public" in capsys.readouterr().out
    config = tmp_path / "mine.toml"
    config.write_text("[train]\nlr = 0.5\n")
    assert main([*base, "--print-config", "-c", str(config)]) == 0
    assert [job["train"]["lr"] for job in json.loads(capsys.readouterr().out)] == [0.5, 0.5]
    assert not (tmp_path / "runs").exists()


def test_time_limits() -> None:
    assert [seconds(text) for text in ("", "90", "30m", "1.5h")] == [0, 90, 1800, 5400]
    with pytest.raises(ConfigError):
        seconds("1d")


def test_a_users_encoder_is_a_benchmark_row_in_under_thirty_lines(tmp_path: Path) -> None:
    copied = subprocess.run(command("recipe", "copy", "own_encoder"), cwd=tmp_path, capture_output=True, check=False)
    assert copied.returncode == 0
    program = (tmp_path / "own_encoder.py").read_text(encoding="utf-8")
    statements = [line for line in ast.unparse(ast.parse(program)).splitlines() if line.strip()]
    assert len(statements) + len(["the copy", "the run"]) < 30, "all there is to edit, docstrings included"
    run = [
        "bench",
        "run",
        "-d",
        "karate",
        "-m",
        "own_encoder:OwnEncoder,gcn",
        "--set",
        "train.epochs=3",
        "--json",
        "-q",
    ]
    done = subprocess.run(command(*run), cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    rows = {row["model"]: row for row in json.loads(done.stdout)["results"]}
    own, gcn = rows["own_encoder:OwnEncoder"], rows["gcn"]
    assert own["status"] == gcn["status"] == "ok" and own["protocol"] == gcn["protocol"]


def test_searched_settings_are_a_row_with_what_was_spent(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = str(tmp_path / "runs")
    run = ["bench", "run", "-d", "karate", "-m", "sgc", "--tune", "3", "--set", "train.epochs=3", "-o", out, "-q"]
    assert main([*run, "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)["results"]
    assert row["model"] == "sgc@random-3"
    (record,) = (tmp_path / "runs").rglob("result.json")
    assert json.loads(record.read_text())["spec"]["tuning"]["trials"] == 3
    assert len(list((tmp_path / "runs-tuning").rglob("result.json"))) == 3


def test_kept_cells_of_other_code_are_told(
    tmp_path: Path, finished: tuple[Path, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("graphkit.bench.environment.git_commit", lambda: "f" * 40)
    for path in finished[0].rglob("result.json"):
        target = tmp_path / path.relative_to(finished[0])
        target.parent.mkdir(parents=True)
        target.write_text(json.dumps({**json.loads(path.read_text()), "git_commit": "a" * 40}))
    assert main([*RUN, "-o", str(tmp_path), "-q"]) == 0
    assert "kept cells are of commit aaaaaaaaaa;" in capsys.readouterr().err


def test_a_dry_run_estimates_time_from_earlier_results(
    finished: tuple[Path, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    base = ["bench", "run", "-d", "karate,cora", "-m", "gcn", "--dry-run", "-n", "50", "--json"]
    assert main([*base, "-o", str(finished[0])]) == 0
    known = json.loads(capsys.readouterr().out)
    assert known["jobs"][0]["seconds_from"] == "results" and known["jobs"][0]["seconds"] > 0 < known["seconds"]
    assert main([*base[:-1], "-o", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    assert "100 cells to run" in printed and "download" in printed and "built in" in printed
