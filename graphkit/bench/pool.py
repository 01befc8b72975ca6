"""Processes that train, each taking one job after another."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from typing import Any

from graphkit.runtime import ALLOCATOR

STOP_SECONDS = 10.0
"""How long an interrupted worker may take to leave before it is killed."""


class WorkerPool:
    """Worker processes that wait for the next job until the end of the context: a start costs seconds of imports.

    Example:
        >>> from graphkit.bench.matrix import plan
        >>> from graphkit.bench.runner import Runner
        >>> from graphkit.bench.store import Store
        >>> with WorkerPool() as workers:  # doctest: +SKIP
        ...     for lr in (0.1, 0.01):
        ...         jobs = plan(["karate"], ["gcn"], [0], overrides=[f"train.lr={lr}"])
        ...         Runner(Store("runs"), workers=workers).run(jobs)
    """

    def __init__(self) -> None:
        self._idle: list[Worker] = []
        self._lock = threading.Lock()

    def __enter__(self) -> WorkerPool:
        return self

    def __exit__(self, *error: object) -> None:
        while self._idle:
            self._idle.pop().end()

    def take(self) -> Worker:
        """Returns a worker that waits, or else a new one."""
        with self._lock:
            return self._idle.pop() if self._idle else Worker()

    def give_back(self, worker: Worker) -> None:
        """Lets a worker wait for the next job; one that has died is cleared away."""
        if not worker.alive:
            worker.end()
            return
        with self._lock:
            self._idle.append(worker)


class Worker:
    """A worker process that takes one job after another."""

    def __init__(self) -> None:
        self.alive, self.reason = True, ""
        self._errors = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115  (closed by `end`)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "graphkit.bench.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            # Idle OpenMP threads that spin slow every other process down many times over on a shared machine.
            env={"OMP_WAIT_POLICY": "PASSIVE", **ALLOCATOR, **os.environ},
            start_new_session=True,  # Ctrl-C reaches the runner alone, which then stops its workers in order
        )

    def run(self, order: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """Yields the events of a job; afterwards `reason` says how it ended, if not well."""
        assert self._process.stdin and self._process.stdout
        code, said = None, self._errors.seek(0, os.SEEK_END)
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(json.dumps(order) + "\n")
            self._process.stdin.flush()
            for line in self._process.stdout:
                event = json.loads(line)
                if event["event"] == "exit":
                    code = event["code"]
                    break
                yield event
        if code is None:
            self.alive, code = False, self._process.wait()
        self._errors.seek(said)
        self.reason = _reason(code, self._errors.read())

    def stop(self) -> None:
        """Asks the process to leave; its checkpoint stands."""
        self.alive = False  # no job of a pool may fall to a process that is about to leave
        if self._process.poll() is None:
            self._process.terminate()

    def end(self) -> None:
        """Ends the process, by force if it does not leave in time."""
        self.stop()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._errors):
            if stream:
                with contextlib.suppress(BrokenPipeError):
                    stream.close()


def _reason(code: int, errors: str) -> str:
    lines = [line for line in errors.splitlines() if line.strip()]
    if code < 0:
        name = signal.Signals(-code).name
        hint = " (out of memory?)" if name == "SIGKILL" else ""
        return f"the worker was ended by {name}{hint}"
    return f"the worker ended with code {code}: {lines[-1] if lines else 'no message'}"
