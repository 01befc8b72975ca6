"""What a command would run, download and take, without running it or importing torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from graphkit.bench.estimate import Estimate, duration, estimate, paces_of, read_table
from graphkit.bench.matrix import Job
from graphkit.bench.report import read_results
from graphkit.bench.store import Store
from graphkit.data.cards import load_card
from graphkit.data.fetch import due_bytes

_COLUMNS = ("dataset", "model", "protocol", "seeds", "to run", "download", "time")


@dataclass(frozen=True)
class DryRun:
    """Jobs and what they need.

    Args:
        jobs: what was asked for.
        left: seeds of each that still have to run.
        due: dataset to bytes to download and files of unknown size, for datasets with something to run.
        estimate: of time.
        machine: where the recorded table was made; empty without one.
        parallel: cells at a time.
        root: the output folder.
    """

    jobs: tuple[Job, ...]
    left: tuple[int, ...]
    due: dict[str, tuple[int, int]]
    estimate: Estimate
    machine: str
    parallel: int
    root: str

    def to_payload(self) -> dict[str, Any]:
        """Returns plain values; times in seconds, None where nothing is known."""
        columns = zip(self.jobs, self.left, self.estimate.seconds, self.estimate.sources, strict=True)
        rows = [
            {
                "dataset": job.dataset,
                "model": job.model,
                "protocol": job.spec.protocol,
                "seeds": list(job.seeds),
                "to_run": left,
                "seconds": seconds,
                "seconds_from": source or None,
            }
            for job, left, seconds, source in columns
        ]
        total = {"cells": sum(self.left), "download_bytes": sum(size for size, _ in self.due.values())}
        return {"schema_version": 1, "jobs": rows, **total, "seconds": self.estimate.total / self.parallel}

    def __str__(self) -> str:
        rows = [list(_COLUMNS)]
        for job, left, seconds in zip(self.jobs, self.left, self.estimate.seconds, strict=True):
            time = "-" if not left else "unknown" if seconds is None else duration(seconds)
            download = _size(*self.due.get(job.dataset, (0, 0))) if load_card(job.dataset).needs_files else "built in"
            rows.append([job.dataset, job.model, job.spec.protocol, str(len(job.seeds)), str(left), download, time])
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
        size = _size(sum(size for size, _ in self.due.values()), sum(many for _, many in self.due.values()))
        lines.append(f"{sum(self.left)} cells to run, {size} to download")
        return "\n".join([*lines, self._time()])

    def _time(self) -> str:
        by_source = {
            source: sum(left for left, own in zip(self.left, self.estimate.sources, strict=True) if own == source)
            for source in ("results", "table", "")
        }
        words = {
            "results": f"earlier results in {self.root}",
            "table": f"the recorded table ({self.machine})",
            "": "nothing, so not counted",
        }
        parts = ", ".join(f"{words[source]}: {many}" for source, many in by_source.items() if many)
        whole = duration(self.estimate.total / self.parallel)
        together = f", {self.parallel} at a time" if self.parallel > 1 else ""
        if not by_source["results"] + by_source["table"]:
            return "time: not known; no cell of these models has run in this folder, and none is in the recorded table"
        return f"time: at most {whole}{together}; cells judged by {parts}"


def describe(jobs: Sequence[Job], store: Store, *, parallel: int = 1) -> DryRun:
    """Returns what jobs would need.

    Args:
        jobs: from `matrix.plan` or a suite.
        store: the output folder.
        parallel: cells at a time.

    Example:
        >>> from graphkit.bench.matrix import plan
        >>> describe(plan(["karate"], ["gcn"], [0, 1]), Store("no-such-folder")).left
        (2,)
    """
    left = tuple(len(store.missing(job)) for job in jobs)
    results = read_results(store.root) if next(store.root.rglob("result.json"), None) else []
    machine, table = read_table()
    datasets = dict.fromkeys(job.dataset for job, count in zip(jobs, left, strict=True) if count)
    due = {name: due_bytes(load_card(name)) for name in datasets}
    known = estimate(jobs, left, paces_of(results), table)
    return DryRun(tuple(jobs), left, due, known, machine, max(1, parallel), str(store.root))


def _size(size: int, unknown: int) -> str:
    if not size and not unknown:
        return "nothing"
    text = f"{size / 1e6:.1f} MB" if size else ""
    more = f"{unknown} files of unknown size" if unknown else ""
    return " and ".join(filter(None, (text, more)))
