"""Progress on standard error: bars on a terminal; elsewhere a line a finished cell, and nothing for transfers."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from graphkit.bench.matrix import Job
    from graphkit.bench.runner import OnEvent
    from graphkit.data.download import Progress as Advance


@contextmanager
def bench_progress(quiet: bool) -> Iterator[OnEvent]:
    """Yields the callback a `Runner` reports to."""
    if quiet:
        yield lambda job, event: None
    elif sys.stderr.isatty():
        with _bars() as on_event:
            yield on_event
    else:
        yield _lines


def describe(event: dict[str, Any]) -> str:
    """Returns what a finished cell gave, in words."""
    if event["status"] == "failed":
        return f"seed {event['seed']}: failed: {event['error']}"
    partial = " (partial)" if event["status"] == "partial" else ""
    return f"seed {event['seed']}: {event['test']:.4f}{partial}"


def progress(event: dict[str, Any], last: dict[str, float]) -> str:
    """Returns what an epoch gave, in words.

    Args:
        event: of an epoch; not every one looks at the validation part.
        last: keeps the last validation score between calls.

    Example:
        >>> progress({"seed": 0, "epoch": 3, "loss": 0.5, "valid": 0.81}, {})
        'seed 0 epoch 3 loss 0.500 valid 0.8100'
    """
    if "valid" in event:
        last["valid"] = event["valid"]
    valid = f" valid {last['valid']:.4f}" if "valid" in last else ""
    return f"seed {event['seed']} epoch {event['epoch']} loss {event['loss']:.3f}{valid}"


def _lines(job: Job, event: dict[str, Any]) -> None:
    if event["event"] == "job" and event["kept"]:
        print(f"{job.title}: {event['kept']} seeds are there already", file=sys.stderr)
    elif event["event"] == "waiting":
        print(f"{job.title}: another command is running seeds of it; waiting", file=sys.stderr, flush=True)
    elif event["event"] == "done":
        print(f"{job.title} {describe(event)}", file=sys.stderr, flush=True)


@contextmanager
def _bars() -> Iterator[OnEvent]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    texts = [TextColumn(text) for text in ("{task.description}", "{task.fields[state]}", "left")]
    columns = (texts[0], BarColumn(bar_width=20), texts[1], TimeElapsedColumn(), texts[2], TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        tasks: dict[str, Any] = {}
        done: dict[str, int] = {}
        last: dict[str, dict[str, float]] = {}

        def on_event(job: Job, event: dict[str, Any]) -> None:
            kind = event["event"]
            if kind == "waiting":
                bars.console.print(f"{job.title}: another command is running seeds of it; waiting", highlight=False)
                return
            if kind == "job":
                total = max(1, event["seeds"]) * job.spec.train.epochs
                tasks[job.title], done[job.title] = bars.add_task(job.title, total=total, state="starting"), 0
            task = tasks[job.title]
            if kind == "cell":
                bars.update(task, state=f"seed {event['seed']}")
            elif kind == "epoch":
                words = progress(event, last.setdefault(f"{job.title} {event['seed']}", {}))
                bars.update(task, completed=done[job.title] * job.spec.train.epochs + event["epoch"], state=words)
            elif kind == "done":
                done[job.title] += 1
                bars.console.print(f"{job.title} {describe(event)}", highlight=False)
            elif kind == "job-done":
                bars.remove_task(task)

        yield on_event


@contextmanager
def transfer_progress(quiet: bool) -> Iterator[Advance | None]:
    """Yields the callback of downloads: bars on a terminal, None where the output is a file or a pipe."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        tasks: dict[str, Any] = {}

        def advance(name: str, done: int, total: int) -> None:
            if name not in tasks:
                tasks[name] = bars.add_task(name, total=total or None)
            bars.update(tasks[name], completed=done, total=total or None)
            if total and done >= total:
                bars.remove_task(tasks.pop(name))

        yield advance
