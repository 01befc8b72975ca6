"""Jobs as a file, so that another process, on another machine, runs one of them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from graphkit.bench.matrix import Job
from graphkit.bench.store import write_whole
from graphkit.config import RunSpec
from graphkit.errors import ConfigError, DataError


def to_plain(job: Job) -> dict[str, Any]:
    """Returns a job as plain values.

    Example:
        >>> from graphkit.bench.matrix import plan
        >>> from_plain(to_plain(plan(["karate"], ["gcn"], [0, 1])[0])).seeds
        (0, 1)
    """
    return {"model": job.model, "seeds": list(job.seeds), "spec": job.spec.to_dict()}


def from_plain(values: dict[str, Any]) -> Job:
    """Returns the job that `to_plain` laid out.

    Raises:
        DataError: something else.
    """
    try:
        return Job(values["model"], RunSpec.from_dict(values["spec"]), tuple(values["seeds"]))
    except (KeyError, TypeError) as error:
        raise DataError(f"not a job: {error}") from error


def write_jobs(jobs: Sequence[Job], path: Path) -> None:
    """Writes jobs to a JSON file, whole or not at all."""
    write_whole(path, json.dumps([to_plain(job) for job in jobs], indent=1) + "\n")


def read_job(path: Path | str, index: int) -> Job:
    """Returns job `index` of a file.

    Raises:
        DataError: no such file, or no list of jobs.
        ConfigError: it holds no job of that number.
    """
    try:
        jobs = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{path} is no list of jobs: {error}") from error
    if not isinstance(jobs, list) or not 0 <= index < len(jobs):
        raise ConfigError(f"{path} holds the jobs 0 to {len(jobs) - 1}, not {index}")
    return from_plain(jobs[index])
