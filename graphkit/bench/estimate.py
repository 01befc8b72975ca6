"""How long jobs will take, by what the same models took before: here, or on the machine of a recorded table."""

from __future__ import annotations

import csv
import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from graphkit.bench.matrix import Job

if TYPE_CHECKING:
    from graphkit.evaluation.results import Result

TABLE = Path(__file__).with_name("seconds.tsv")
"""Seconds a (dataset, model) took on the machine that its first line names."""
_HEADER = ("dataset", "model", "seconds_per_epoch", "other_seconds")


@dataclass(frozen=True)
class Pace:
    """What a model took on a dataset.

    Args:
        per_epoch: seconds of training and validating an epoch; 0 for models without epochs.
        other: seconds of everything else: reading, preparing, testing.
    """

    per_epoch: float
    other: float

    def of(self, job: Job) -> float:
        """Returns the seconds of one seed, if no epoch is spared by stopping early."""
        epochs = max(1, math.ceil(job.spec.limit * job.spec.train.epochs)) if job.spec.encoder.name else 0
        return self.per_epoch * epochs + self.other


Paces = Mapping[tuple[str, str], Pace]


@dataclass(frozen=True)
class Estimate:
    """What a list of jobs will take at most.

    Args:
        seconds: by job, None where nothing is known.
        sources: for every job, `results` (in the output folder), `table` (recorded) or empty.
    """

    seconds: tuple[float | None, ...]
    sources: tuple[str, ...]

    @property
    def total(self) -> float:
        """Seconds of all jobs of which something is known."""
        return sum(value for value in self.seconds if value is not None)


def estimate(jobs: Sequence[Job], cells: Sequence[int], here: Paces, table: Paces) -> Estimate:
    """Returns what jobs take.

    Args:
        jobs: what would run.
        cells: seeds that each has to run.
        here: paces of earlier results in the output folder, which count first.
        table: recorded ones.

    Example:
        >>> from graphkit.bench.matrix import plan
        >>> (job,) = plan(["karate"], ["gcn"], [0], overrides=["train.epochs=50"])
        >>> estimate([job], [2], {("karate", "gcn"): Pace(0.1, 1.0)}, {}).total
        12.0
    """
    seconds: list[float | None] = []
    sources = []
    for job, count in zip(jobs, cells, strict=True):
        key = (job.dataset, job.model)
        pace, source = (here[key], "results") if key in here else (table.get(key), "table" if key in table else "")
        seconds.append(0.0 if not count else None if pace is None else count * pace.of(job))
        sources.append(source)
    return Estimate(tuple(seconds), tuple(sources))


def paces_of(results: Iterable[Result]) -> dict[tuple[str, str], Pace]:
    """Returns the slowest pace of every (dataset, model) among results that finished.

    Example:
        >>> paces_of([])
        {}
    """
    found: dict[tuple[str, str], Pace] = {}
    for result in results:
        if result.status == "failed" or result.train_seconds is None:
            continue
        busy = result.train_seconds + (result.eval_seconds or 0.0)
        whole = _between(result.started, result.finished)
        own = Pace(busy / result.epochs, max(0.0, whole - busy)) if result.epochs else Pace(0.0, max(whole, busy))
        key = (result.dataset, result.model)
        old = found.get(key, own)
        found[key] = Pace(max(old.per_epoch, own.per_epoch), max(old.other, own.other))
    return found


def read_table(path: Path = TABLE) -> tuple[str, dict[tuple[str, str], Pace]]:
    """Returns the machine and the paces of a recorded table; none where there is no table.

    Example:
        >>> read_table(Path("no-such-table.tsv"))
        ('', {})
    """
    if not path.is_file():
        return "", {}
    first, *lines = path.read_text(encoding="utf-8").splitlines()
    rows = csv.DictReader(lines, delimiter="\t")
    paces = {
        (row["dataset"], row["model"]): Pace(float(row["seconds_per_epoch"]), float(row["other_seconds"]))
        for row in rows
    }
    return first.lstrip("# "), paces


def write_table(results: Sequence[Result], path: Path = TABLE) -> None:
    """Records the paces of results, with the machine they were made on."""
    from graphkit.bench.store import write_whole

    machines = {f"{one.environment.get('cpu', '?')}, {one.environment.get('threads', '?')} threads" for one in results}
    lines = [f"# {'; '.join(sorted(machines))}", "\t".join(_HEADER)]
    for (dataset, model), pace in sorted(paces_of(results).items()):
        lines.append(f"{dataset}\t{model}\t{pace.per_epoch:.3g}\t{pace.other:.3g}")
    write_whole(path, "\n".join(lines) + "\n")


def duration(seconds: float) -> str:
    """Returns seconds for people.

    Example:
        >>> duration(42), duration(600), duration(7500)
        ('42 s', '10 min', '2 h 05 min')
    """
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60:02d} min"


def _between(started: str, finished: str) -> float:
    if not started or not finished:
        return 0.0
    return (datetime.fromisoformat(finished) - datetime.fromisoformat(started)).total_seconds()


if __name__ == "__main__":  # python -m graphkit.bench.estimate FOLDER: records what the results of a folder took
    from graphkit.bench.report import read_results

    write_table(read_results(sys.argv[1]))
    print(f"written to {TABLE}")
