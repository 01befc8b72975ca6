"""The process that trains: torch is loaded once, every job runs in a fork of its own, its seeds one after another.

Talks to the runner in JSON lines: jobs come in on standard input, events go out on standard output. A fork starts at
once, a crash takes nothing but its own job along, and its memory is its own to measure.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from graphkit.bench.environment import git_commit, hardware, package_versions
from graphkit.bench.limits import UNLIMITED, Limits
from graphkit.bench.store import Log, cell_lock, save_result
from graphkit.bench.track import open_tracker
from graphkit.config import RunSpec
from graphkit.data.cards import load_card
from graphkit.data.tasks import card_under
from graphkit.errors import GraphkitError
from graphkit.evaluation.protocols import PROTOCOLS
from graphkit.evaluation.results import Result
from graphkit.runtime import allocator_settings, leave_with_parent

EVENT_SECONDS = 0.2
"""Least time between two epoch events to the runner; the cell's log gets every epoch."""
WATCH_SECONDS = 0.1
"""Longest time between two looks at whether the job has ended or the runner is gone."""
AGAIN_SECONDS = 1.0
"""Processor time after which an interrupted process that still computes is interrupted again."""

Emit = Callable[[dict[str, Any]], None]


def main() -> int:
    """Runs the jobs on standard input until it ends; returns 0, or 130 when interrupted."""
    catch_interrupts()
    runner = os.getppid()
    pipe = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # a stray print must not break the protocol

    def emit(event: dict[str, Any]) -> None:
        try:
            pipe.write(json.dumps(event) + "\n")
            pipe.flush()
        except BrokenPipeError:
            # The command is gone: no failure of the run. The checkpoint is what it finds when it comes back.
            raise KeyboardInterrupt from None

    _import_once()
    try:
        for line in sys.stdin:
            emit({"event": "exit", "code": _fork(json.loads(line), emit, runner)})
    except KeyboardInterrupt:
        return 130
    return 0


def catch_interrupts() -> None:
    """Turns SIGTERM into KeyboardInterrupt, raised again until the process leaves.

    Python drops an exception of a signal that meets a finaliser, and compilers have many of them.
    """

    def interrupt(signum: int, frame: Any) -> None:
        signal.setitimer(signal.ITIMER_VIRTUAL, AGAIN_SECONDS)
        raise KeyboardInterrupt

    for each in (signal.SIGTERM, signal.SIGVTALRM):
        signal.signal(each, interrupt)


def _import_once() -> None:
    """Imports what every cell needs, once for all forks.

    torch imports its compiler when deterministic algorithms are first asked for, or an optimiser is first built, and
    the dataset classes import PyG: several seconds that every cell would spend again. No tensor is computed here,
    because a fork of a process whose threads have worked may hang.
    """
    import torch
    import torch_geometric.data  # noqa: F401

    import graphkit.training.run  # noqa: F401

    torch.use_deterministic_algorithms(torch.are_deterministic_algorithms_enabled())


def _fork(job: dict[str, Any], emit: Emit, runner: int) -> int:
    """Runs a job in a child and returns its exit code, negative for the signal that ended it."""
    child = os.fork()
    if child == 0:
        os._exit(_child(job, emit))
    try:
        return os.waitstatus_to_exitcode(_watch(child, runner))
    except KeyboardInterrupt:
        with contextlib.suppress(ProcessLookupError, ChildProcessError):
            os.kill(child, signal.SIGTERM)
            os.waitpid(child, 0)
        raise


def _watch(child: int, runner: int) -> int:
    """Waits for the child, and kills it once the runner is gone: another command may already be at its cells."""
    pause = 0.001
    while True:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return status
        if os.getppid() != runner:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            raise KeyboardInterrupt
        time.sleep(pause)
        pause = min(2 * pause, WATCH_SECONDS)


def _child(job: dict[str, Any], emit: Emit) -> int:
    leave_with_parent()
    try:
        _run_job(job, emit)
    except KeyboardInterrupt:
        return 130
    except BaseException:
        traceback.print_exc()
        return 1
    finally:
        sys.stderr.flush()
    return 0


def _run_job(job: dict[str, Any], emit: Emit) -> None:
    import torch

    torch.set_num_threads(job["threads"])
    limits = Limits(**job["limits"])
    for cell in job["cells"]:
        folder = Path(cell["folder"])
        spec = replace(RunSpec.from_dict(job["spec"]), seed=cell["seed"])
        emit({"event": "cell", "seed": spec.seed, "pid": os.getpid()})
        more = {"track": job["track"], "devices": job["devices"]}
        result, code = run_one(spec, folder, job["model"], emit, job["threads"], limits, **more)
        outcome = {"status": result.status, "test": result.test, "error": result.error, "exit_code": code}
        emit({"event": "done", "seed": spec.seed, **outcome})


def run_one(
    spec: RunSpec,
    folder: Path,
    model: str,
    emit: Emit,
    threads: int,
    limits: Limits = UNLIMITED,
    *,
    track: str = "",
    devices: int = 1,
) -> tuple[Result, int]:
    """Runs one cell in `folder` and leaves its record there, whatever happens short of a kill.

    Returns:
        The record, and 0 or the exit code of the error that ended the run.

    Raises:
        CacheError: the folder cannot be written, so that not even a failure can be recorded.
    """
    with cell_lock(folder):
        return _run_one(spec, folder, model, emit, threads, limits, track, devices)


def _run_one(
    spec: RunSpec, folder: Path, model: str, emit: Emit, threads: int, limits: Limits, track: str, devices: int
) -> tuple[Result, int]:
    from graphkit.training.run import run_cell

    log, last, started, code = Log(folder), 0.0, _now(), 0
    tracker = open_tracker(track, folder, spec, model)

    def on_event(event: dict[str, Any]) -> None:
        nonlocal last
        log.write(event)
        tracker.event(event)
        limits.check(event)
        if event["event"] != "epoch" or time.monotonic() - last > EVENT_SECONDS:
            last = time.monotonic()
            emit({**event, "seed": spec.seed})

    try:
        with limits.clock():
            result = run_cell(spec, folder, model_name=model, on_event=on_event, devices=devices)
    except GraphkitError as error:
        code = error.exit_code
        log.write({"event": "failed", "error": str(error), "exit_code": code})
        result = failed_result(spec, model, str(error))
    except Exception as error:
        code = GraphkitError.exit_code
        log.write({"event": "failed", "error": repr(error), "traceback": traceback.format_exc()})
        result = failed_result(spec, model, f"{type(error).__name__}: {error}")
    finally:
        log.close()
    result = replace(
        result,
        versions=package_versions(),
        environment={
            **hardware(),
            "threads": threads,
            "deterministic": spec.train.deterministic,
            "allocator": allocator_settings(),
            **({"devices": devices} if devices > 1 else {}),
        },
        git_commit=git_commit(),
        started=started,
        finished=_now(),
    )
    save_result(folder, result)
    tracker.close(result)
    return result, code


def failed_result(spec: RunSpec, model: str, error: str) -> Result:
    """Returns the record of a run that gave no number."""
    card = card_under(load_card(spec.data.name), spec.protocol)
    protocol = PROTOCOLS[spec.protocol]
    return Result(
        dataset=card.name,
        model=model,
        protocol=protocol.id,
        protocol_hash=protocol.hash,
        metric=protocol.metric_for(card.metric),
        seed=spec.seed,
        split=protocol.split_index(spec.seed) if spec.data.split is None else spec.data.split,
        status="failed",
        error=" ".join(error.split()),
        spec=spec.to_dict(),
    )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


if __name__ == "__main__":
    sys.exit(main())
