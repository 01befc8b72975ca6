"""The runner with real workers on a built-in graph: resuming, killing, failing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from graphkit.bench.limits import Limits
from graphkit.bench.matrix import Job, plan
from graphkit.bench.pool import WorkerPool
from graphkit.bench.report import summarise, to_payload
from graphkit.bench.runner import Runner
from graphkit.bench.store import Store, cell_key
from graphkit.errors import DataError, RunFailed

Run = Callable[..., list[Any]]
CHANGING = ("train_seconds", "seconds_per_epoch", "peak_memory_mb")


def jobs(*overrides: str, seeds: tuple[int, ...] = (0, 1), models: tuple[str, ...] = ("gcn",)) -> list[Job]:
    return plan(["karate"], models, seeds, overrides=["train.epochs=30", "train.stop=never", *overrides])


def table(results: list[Any]) -> list[dict[str, Any]]:
    rows = to_payload(summarise(results))["results"]
    return [{key: value for key, value in row.items() if key not in CHANGING} for row in rows]


@pytest.fixture(scope="module")
def run(workers: WorkerPool) -> Run:
    return lambda root, jobs, **options: Runner(Store(root), workers=workers, **options).run(jobs)


@pytest.fixture(scope="module")
def undisturbed(run: Run, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[dict[str, Any]]]:
    root = tmp_path_factory.mktemp("runs")
    return root, table(run(root, jobs()))


def test_a_finished_job_leaves_its_files_and_is_not_run_again(
    run: Run, undisturbed: tuple[Path, list[dict[str, Any]]]
) -> None:
    root, rows = undisturbed
    (job,) = jobs()
    folder = Store(root).cell_folder(job, 1)
    assert {path.name for path in folder.iterdir()} == {"result.json", "log.jsonl", "best.safetensors"}
    record = json.loads((folder / "result.json").read_text())
    assert record["versions"]["torch"] and record["environment"]["cores"] and record["started"]
    events: list[dict[str, Any]] = []
    again = run(root, [job], on_event=lambda job, event: events.append(event))
    assert table(again) == rows and [event["event"] for event in events] == ["job", "job-done"]


def test_a_killed_process_costs_one_seed_and_a_second_run_mends_it(
    run: Run, tmp_path: Path, undisturbed: tuple[Path, list[dict[str, Any]]]
) -> None:
    def kill(job: Job, event: dict[str, Any]) -> None:
        if event["event"] == "cell" and event["seed"] == 0:
            os.kill(event["pid"], signal.SIGKILL)

    first = run(tmp_path, jobs(), on_event=kill)
    assert [(result.seed, result.status) for result in first] == [(0, "failed"), (1, "ok")]
    assert "SIGKILL" in first[0].error
    assert summarise(first)[0].summary.status != "ok"
    assert table(run(tmp_path, jobs())) == undisturbed[1]


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_a_killed_command_takes_its_workers_along_and_leaves_no_failure(tmp_path: Path, how: signal.Signals) -> None:
    command = [sys.executable, "-m", "graphkit", "bench", "run", "-d", "karate", "-m", "gcn", "-o", str(tmp_path)]
    command += ["-n", "1", "--set", "train.epochs=100000", "--set", "train.stop=never"]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as process:
        log = wait_for(lambda: next(tmp_path.rglob("log.jsonl"), None))
        wait_for(lambda: log.stat().st_size > 0)
        process.send_signal(how)
        try:
            assert process.wait(20) == (130 if how is signal.SIGTERM else -how)
        finally:
            process.kill()
    wait_for(lambda: size_stands_still(log))
    assert not list(tmp_path.rglob("result.json"))


def test_an_interrupt_that_a_finaliser_swallows_comes_again() -> None:
    # numba's compiler has such finalisers, and the interrupt of a command is sent once
    code = """
import os, signal, time
from graphkit.bench import worker

class Finalised:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(1)

worker.AGAIN_SECONDS = 0.05
worker.catch_interrupts()
try:
    Finalised()
    print("swallowed", flush=True)
    while True:
        pass
except KeyboardInterrupt:
    os._exit(130)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout == "swallowed\n" and done.returncode == 130
    assert "Exception ignored" in done.stderr


def wait_for(condition: Callable[[], Any], seconds: float = 60.0) -> Any:
    end = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)
    return value


def size_stands_still(path: Path) -> bool:
    size = path.stat().st_size
    time.sleep(0.3)
    return path.stat().st_size == size


def test_a_diverging_run_is_a_failure_with_its_reason(run: Run, tmp_path: Path) -> None:
    results = run(tmp_path, jobs("train.lr=1e38", seeds=(0,)))
    assert results[0].status == "failed" and results[0].test is None and "non-finite" in results[0].error


def test_a_time_limit_stops_and_the_next_run_goes_on(
    run: Run, tmp_path: Path, undisturbed: tuple[Path, list[dict[str, Any]]]
) -> None:
    with pytest.raises(RunFailed, match="2 cells to go"):
        run(tmp_path, jobs(), time_limit=0.2)
    assert table(run(tmp_path, jobs())) == undisturbed[1]


def test_other_settings_are_other_cells() -> None:
    keys = {cell_key(job) for options in ([], ["train.lr=0.02"], ["limit=0.5"]) for job in jobs(*options)}
    assert len(keys) == 3
    assert cell_key(jobs(seeds=(0,))[0]) == cell_key(jobs(seeds=(5,))[0])


def test_seeds_that_another_command_runs_are_waited_for_after_all_others(
    run: Run, tmp_path: Path, undisturbed: tuple[Path, list[dict[str, Any]]]
) -> None:
    taken, other = jobs(models=("gcn", "sgc"))
    claim, events = Store(tmp_path).claimed(taken, 0), []

    def listen(job: Job, event: dict[str, Any]) -> None:
        events.append((job.model, event["event"], event.get("seed")))
        if event["event"] == "waiting":
            claim.__exit__(None, None, None)

    claim.__enter__()
    results = run(tmp_path, [taken, other], on_event=listen)
    assert table(results[:2]) == undisturbed[1]
    order = [
        ("gcn", "done", 1),
        ("sgc", "job-done", None),
        ("gcn", "waiting", None),
        ("gcn", "job", None),
        ("gcn", "done", 0),
    ]
    assert [events.index(event) for event in order[:3]] == sorted(events.index(event) for event in order[:3])
    assert [event for event in events[events.index(order[2]) :] if event in order] == order[2:]


def test_a_damaged_record_is_named(tmp_path: Path) -> None:
    (job,) = jobs()
    folder = Store(tmp_path).cell_folder(job, 0)
    folder.mkdir(parents=True)
    (folder / "result.json").write_text('{"schema_version": 1')
    with pytest.raises(DataError, match="result.json"):
        Store(tmp_path).missing(job)


def test_workers_keep_large_buffers_and_say_so(undisturbed: tuple[Path, list[dict[str, Any]]]) -> None:
    (job,) = jobs()
    record = Store(undisturbed[0]).stored(job, 0)
    assert record and record.environment["allocator"]["MALLOC_TRIM_THRESHOLD_"]


def test_a_model_above_its_bound_has_failed_and_says_its_size(run: Run, tmp_path: Path) -> None:
    (result,) = run(tmp_path, jobs(seeds=(0,)), limits=Limits(parameters=1000))
    assert result.status == "failed" and "2,370 parameters are above the bound of 1,000" in result.error


def test_a_cell_that_takes_too_long_has_failed(run: Run, tmp_path: Path) -> None:
    slow = jobs("train.epochs=100000", seeds=(0,))
    (result,) = run(tmp_path, slow, limits=Limits(seconds=1.0))
    assert result.status == "failed" and "timed out after 1 s" in result.error


def test_a_cell_imports_nothing_slow_that_its_worker_has_not() -> None:
    code = (
        "import sys; from graphkit.bench.worker import _import_once; _import_once(); before = set(sys.modules)\n"
        "from graphkit.bench.matrix import plan; from graphkit.training.run import run_cell\n"
        "run_cell(plan(['karate'], ['gcn'], [0], overrides=['train.epochs=1'])[0].spec)\n"
        "new = [name for name in set(sys.modules) - before if name.partition('.')[0] in ('torch', 'torch_geometric')]\n"
        "sys.exit(f'{len(new)} modules: {sorted(new)[:5]}' if len(new) > 20 else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
