"""Kills at the worst moments, a full disk, two commands on one folder: the final table is always the same."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch

from graphkit.bench.matrix import plan
from graphkit.bench.report import read_results, summarise, to_payload
from graphkit.bench.worker import run_one
from graphkit.errors import CacheError, DataError
from graphkit.evaluation import Result

CHANGING = ("train_seconds", "seconds_per_epoch", "peak_memory_mb")
SUITE = """
title = "three models"
[[row]]
datasets = ["karate", "csbm"]
models = ["gcn", "sgc", "gat"]
seeds = "2"
set = ["train.epochs=30", "train.stop=never"]
"""


def table(results: list[Result]) -> list[dict[str, Any]]:
    rows = to_payload(summarise(results))["results"]
    return [{key: value for key, value in row.items() if key not in CHANGING} for row in rows]


def run_cell_in(folder: Path) -> tuple[Result, int]:
    (job,) = plan(["karate"], ["gcn"], [0], overrides=["train.epochs=6", "train.stop=never"])
    return run_one(replace(job.spec, seed=0), folder, "gcn", lambda event: None, 1)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Computes on one thread: earlier tests may have started those of torch, and a fork would wait for them forever."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def in_a_child(act: Callable[[], None]) -> int:
    """Returns how a fork that acts ended: the signal, negative."""
    child = os.fork()
    if child == 0:
        try:
            act()
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def half_a_checkpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    """Dies in the middle of the third checkpoint."""
    write, calls = os.pwrite, []

    def torn(descriptor: int, data: bytes, offset: int) -> int:
        calls.append(offset)
        if len(calls) == 3:
            write(descriptor, data[: len(data) // 2], offset)
            die()
        return write(descriptor, data, offset)

    monkeypatch.setattr(os, "pwrite", torn)


def weights_not_renamed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Dies when the weights are written beside their place."""
    rename = Path.replace

    def renamed(self: Path, target: Path) -> Path:
        if self.name == "best.partial":
            die()
        return rename(self, target)

    monkeypatch.setattr(Path, "replace", renamed)


def record_not_renamed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Dies with half a record beside its place."""

    def flushed(descriptor: int) -> None:
        os.ftruncate(descriptor, 100)
        die()

    monkeypatch.setattr(os, "fsync", flushed)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    return table([run_cell_in(tmp_path_factory.mktemp("calm") / "seed-0")[0]])


@pytest.mark.parametrize("crash", [half_a_checkpoint, weights_not_renamed, record_not_renamed])
def test_a_kill_at_the_worst_moment_changes_nothing(
    crash: Callable[[pytest.MonkeyPatch], None], tmp_path: Path, undisturbed: list[dict[str, Any]]
) -> None:
    folder = tmp_path / "seed-0"
    with pytest.MonkeyPatch.context() as patched:
        crash(patched)
        assert in_a_child(lambda: run_cell_in(folder)) == -signal.SIGKILL
    with pytest.raises(DataError, match="no result.json"):
        read_results(tmp_path)
    assert table([run_cell_in(folder)[0]]) == undisturbed
    assert table(read_results(tmp_path)) == undisturbed
    events = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    assert "resumed" in [event["event"] for event in events]


@pytest.mark.parametrize("call", ["pwrite", "fsync"])
def test_a_full_disk_is_one_error_and_the_next_run_goes_on(
    call: str, tmp_path: Path, undisturbed: list[dict[str, Any]]
) -> None:
    def full(*arguments: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    folder = tmp_path / "seed-0"
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(os, call, full)
        if call == "fsync":
            with pytest.raises(CacheError, match="No space left"):
                run_cell_in(folder)
            assert not (folder / "result.json").exists()
        else:
            result, code = run_cell_in(folder)
            assert (result.status, code) == ("failed", 3) and "free some space" in result.error
    assert table([run_cell_in(folder)[0]]) == undisturbed


def command(suite: Path, out: Path) -> list[str]:
    return [sys.executable, "-m", "graphkit", "bench", "suite", str(suite), "-o", str(out), "--json"]


def events_in(out: Path) -> int:
    """Returns how many events the logs of a folder hold."""
    return sum(len(log.read_bytes().splitlines()) for log in out.rglob("log.jsonl"))


@pytest.mark.slow
def test_twenty_kills_at_random_moments(tmp_path: Path) -> None:
    """kill -9 of the command, or of it and all its workers, whenever it is; then the table of a calm run."""
    suite = tmp_path / "three.toml"
    suite.write_text(SUITE)
    subprocess.run(command(suite, tmp_path / "calm"), check=True, capture_output=True)
    chance, out = random.Random(0), tmp_path / "killed"
    for number in range(20):
        process = subprocess.Popen(command(suite, out), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        goal, deadline = events_in(out) + chance.randint(0, 30), time.monotonic() + 300
        while events_in(out) < goal and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(chance.uniform(0.0, 0.1))
        whole = psutil.Process(process.pid).children(recursive=True) if number % 2 and process.poll() is None else []
        process.kill()
        for worker in whole:
            with contextlib.suppress(psutil.NoSuchProcess):
                worker.kill()
        process.wait()
        if list(out.rglob("result.json")):
            assert all(result.status == "ok" for result in read_results(out))
    done = subprocess.run(command(suite, out), check=True, capture_output=True, text=True)
    assert table(read_results(out)) == table(read_results(tmp_path / "calm"))
    assert [row["status"] for row in json.loads(done.stdout)["results"]] == ["ok"] * 6


@pytest.mark.slow
def test_two_commands_share_a_folder(tmp_path: Path) -> None:
    suite, out = tmp_path / "three.toml", tmp_path / "shared"
    suite.write_text(SUITE)
    both = [subprocess.Popen(command(suite, out), stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(2)]
    told = [process.communicate()[0] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    first, second = ([row["test_values"] for row in json.loads(text)["results"]] for text in told)
    assert first == second
    for log in out.rglob("log.jsonl"):
        assert [json.loads(line)["event"] for line in log.read_text().splitlines()].count("start") == 1
