"""Runs jobs: what is stored is kept, the rest goes to worker processes, and a process that dies costs one seed."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import asdict, replace
from functools import partial
from typing import Any

from graphkit.bench.environment import thread_limit
from graphkit.bench.limits import UNLIMITED, Limits
from graphkit.bench.matrix import Job
from graphkit.bench.pool import Worker, WorkerPool
from graphkit.bench.store import Busy, Store, save_result
from graphkit.bench.track import check_tracker
from graphkit.bench.worker import failed_result
from graphkit.errors import ConfigError, RunFailed
from graphkit.evaluation.results import Result

OnEvent = Callable[[Job, dict[str, Any]], None]
POLL_SECONDS = 0.5
"""How often a command looks whether a job that another one runs is free."""


class Runner:
    """Runs jobs into a store.

    Args:
        store: where results are kept; finished cells are not run again.
        parallel: workers at a time; the cores are shared out among them.
        time_limit: seconds after which no more epochs are run; 0 is no limit.
        limits: bounds on every cell.
        track: `tensorboard`, `mlflow` or empty.
        devices: processes that share every batch of a cell (`training.parallel`).
        on_event: called with the job and what happened, from several threads but one at a time.
        workers: where workers come from and go back to; None for fresh ones that end with every `run`.

    Attributes:
        failures: the exit codes of the errors that ended cells of the last `run`.
        commits: of the code that made the cells which the last `run` kept.

    Example:
        >>> from graphkit.bench.matrix import plan
        >>> results = Runner(Store("runs")).run(plan(["karate"], ["gcn"], [0, 1]))  # doctest: +SKIP
        >>> [result.status for result in results]  # doctest: +SKIP
        ['ok', 'ok']
    """

    def __init__(
        self,
        store: Store,
        *,
        parallel: int = 1,
        time_limit: float = 0.0,
        limits: Limits = UNLIMITED,
        track: str = "",
        devices: int = 1,
        on_event: OnEvent = lambda job, event: None,
        workers: WorkerPool | None = None,
    ) -> None:
        check_tracker(track)
        self.store, self.parallel, self.time_limit = store, max(1, parallel), time_limit
        if track and devices > 1:
            raise ConfigError("--track follows one process a cell; leave out --track or --devices")
        self._more = {"limits": asdict(limits), "track": track, "devices": devices}
        self._on_event, self._event_lock = on_event, threading.Lock()
        self._threads = max(1, thread_limit() // self.parallel)
        self._workers = workers
        self._busy: set[Worker] = set()
        self._stopping = threading.Event()
        self.failures: list[int] = []
        self.commits: set[str] = set()

    def run(self, jobs: Sequence[Job]) -> list[Result]:
        """Returns the records of every seed of every job, failed ones included.

        Seeds that another command on the same folder is at are left to it, and waited for at the end.

        Raises:
            KeyboardInterrupt: Ctrl-C; the workers have left and their checkpoints stand.
            RunFailed: the time limit was reached.
        """
        self.failures, self.commits = [], set()
        deadline = threading.Timer(self.time_limit, self._stop) if self.time_limit else None
        if deadline:
            deadline.daemon = True
            deadline.start()
        try:
            with (
                WorkerPool() if self._workers is None else contextlib.nullcontext(self._workers) as pool,
                ThreadPoolExecutor(self.parallel) as threads,
            ):
                done = self._run_all(threads, partial(self._run_job, pool), jobs)
                # what another command was at comes last: by then it may be there already
                others = [job for job, own in zip(jobs, done, strict=True) if not own]
                self._run_all(threads, partial(self._await_job, pool), others)
        finally:
            if deadline:
                deadline.cancel()
        if self._stopping.is_set():
            left = sum(len(self.store.missing(job)) for job in jobs)
            raise RunFailed(f"time limit reached with {left} cells to go; run the same command again to go on")
        stored = [self.store.stored(job, seed) for job in jobs for seed in job.seeds]
        return [result for result in stored if result is not None]

    def _run_all(self, threads: ThreadPoolExecutor, run: Callable[[Job], bool], jobs: Sequence[Job]) -> list[bool]:
        waiting = [threads.submit(run, job) for job in jobs]
        try:
            wait(waiting, return_when=FIRST_EXCEPTION)
            for future in waiting:
                if future.done():
                    future.result()
        except BaseException:
            for future in waiting:
                future.cancel()
            self._stop()
            raise
        return [future.result() for future in waiting]

    def _await_job(self, pool: WorkerPool, job: Job) -> bool:
        """Runs what is left of a job as the command that is at it ends or moves on."""
        self._tell(job, {"event": "waiting"})
        while not self._run_job(pool, job):
            self._stopping.wait(POLL_SECONDS)
        return True

    def _run_job(self, pool: WorkerPool, job: Job) -> bool:
        """Runs the missing seeds of a job that no other command is at; returns False where one is at some of them."""
        if self._stopping.is_set():
            return True
        with contextlib.ExitStack() as stack:
            kept, missing, elsewhere = self._claim(stack, job)
            if elsewhere and not missing:
                return False
            with self._event_lock:
                self.commits.update(result.git_commit for result in kept)
            self._tell(job, {"event": "job", "kept": len(kept), "seeds": len(missing)})
            while missing and not self._stopping.is_set():
                missing = self._run_worker(pool, job, missing)
            self._tell(job, {"event": "job-done"})
        return not elsewhere

    def _claim(self, stack: contextlib.ExitStack, job: Job) -> tuple[list[Result], list[int], list[int]]:
        """Returns kept records, seeds to run, which `stack` holds, and those that another command is at."""
        kept, missing, elsewhere = [], [], []
        for seed in job.seeds:
            result = self.store.finished(job, seed)
            if result is None:
                try:
                    stack.enter_context(self.store.claimed(job, seed))
                except Busy:
                    elsewhere.append(seed)
                    continue
                result = self.store.finished(job, seed)  # another command may have ended it in between
            if result is None:
                missing.append(seed)
            else:
                kept.append(result)
        return kept, missing, elsewhere

    def _run_worker(self, pool: WorkerPool, job: Job, seeds: list[int]) -> list[int]:
        """Runs seeds in one process until it ends; returns the seeds that a fresh one must run."""
        cells = [{"seed": seed, "folder": str(self.store.cell_folder(job, seed))} for seed in seeds]
        order: dict[str, Any] = {
            "spec": job.spec.to_dict(),
            "model": job.model,
            "cells": cells,
            "threads": self._threads,
        }
        order |= self._more
        left, current = list(seeds), seeds[0]
        worker = pool.take()
        self._busy.add(worker)
        if self._stopping.is_set():  # set between the last look and the line above, which `_stop` has missed
            worker.stop()
        try:
            for event in worker.run(order):
                current = event.get("seed", current)
                if event["event"] == "done":
                    left.remove(current)
                self._tell(job, event)
        except BaseException:
            worker.end()
            raise
        finally:
            self._busy.discard(worker)
        pool.give_back(worker)
        if not left or self._stopping.is_set():
            return []
        # The process died under the current seed: that one has failed, the others get a fresh process.
        failed, reason = left.pop(0), worker.reason
        result = failed_result(replace(job.spec, seed=failed), job.model, reason)
        save_result(self.store.cell_folder(job, failed), result)
        outcome = {"status": "failed", "test": None, "error": reason, "exit_code": RunFailed.exit_code}
        self._tell(job, {"event": "done", "seed": failed, **outcome})
        return left

    def _stop(self) -> None:
        self._stopping.set()
        for worker in list(self._busy):
            worker.stop()

    def _tell(self, job: Job, event: dict[str, Any]) -> None:
        with self._event_lock:
            if event["event"] == "done" and event["status"] == "failed":
                self.failures.append(event["exit_code"])
            self._on_event(job, event)
