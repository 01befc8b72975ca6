"""Jobs on the machines of a Ray cluster: a task a job, tried again elsewhere when its machine dies."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from graphkit.bench.launchers.files import from_plain, to_plain
from graphkit.bench.limits import UNLIMITED, Limits
from graphkit.bench.matrix import Job
from graphkit.bench.store import Store
from graphkit.errors import ConfigError, RunFailed
from graphkit.evaluation.results import Result

RETRIES = 5
"""How often a job whose process or machine died is started again; it goes on from its last epoch."""

CONNECT_SECONDS = 10.0
"""How long a cluster may take to answer."""


def run_on_ray(
    jobs: Sequence[Job],
    out: Path | str,
    *,
    address: str = "",
    cpus: int = 1,
    limits: Limits = UNLIMITED,
    track: str = "",
) -> list[Result]:
    """Runs jobs on a Ray cluster and returns the records of all their seeds.

    Args:
        jobs: what to run.
        out: the results folder, on a file system that all machines see.
        address: of the cluster; empty starts one on this machine.
        cpus: cores a job.
        limits: bounds on every cell.
        track: tracker of every cell.

    Raises:
        ConfigError: ray is missing, or no cluster answers.
        RunFailed: a job died more than `RETRIES` times.

    Example:
        >>> run_on_ray(plan(["cora"], ["gat"], range(20)), "runs", address="auto")  # doctest: +SKIP
    """
    try:
        import ray
    except ImportError as error:
        raise ConfigError("--launcher ray needs ray: pip install 'graphkit[dist]'") from error
    store = Store(Path(out).resolve())
    _check_answers(address)
    try:
        ray.init(address=address or None, ignore_reinit_error=True, include_dashboard=False, log_to_driver=False)
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise ConfigError(f"no Ray cluster at {address or 'this machine'}: {error}") from error
    task = ray.remote(num_cpus=cpus, max_retries=RETRIES)(_run)
    try:
        waiting = [task.remote(to_plain(job), str(store.root), cpus, asdict(limits), track) for job in jobs]
        ray.get(waiting)
    except ray.exceptions.WorkerCrashedError as error:
        raise RunFailed(f"a job died {RETRIES + 1} times; run the same command again to go on: {error}") from error
    finally:
        ray.shutdown()
    stored = [store.stored(job, seed) for job in jobs for seed in job.seeds]
    return [result for result in stored if result is not None]


def _check_answers(address: str) -> None:
    """Refuses HOST:PORT where nothing listens at once, which ray itself takes minutes to say."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit() or "/" in host:
        return
    try:
        socket.create_connection((host, int(port)), timeout=CONNECT_SECONDS).close()
    except OSError as error:
        raise ConfigError(f"no Ray cluster at {address}: {error.strerror or error}") from error


def _run(job: dict[str, Any], root: str, cpus: int, limits: dict[str, Any], track: str) -> None:
    """Runs one job on the machine it was sent to."""
    import os

    os.environ["OMP_NUM_THREADS"] = str(cpus)
    from graphkit.bench.runner import Runner

    Runner(Store(root), limits=Limits(**limits), track=track).run([from_plain(job)])
