"""Where runs are kept: one folder a cell, found again by the hash of everything that decides its number."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

from filelock import FileLock, Timeout

from graphkit.bench.environment import graphkit_version
from graphkit.bench.matrix import Job
from graphkit.config import stable_hash
from graphkit.data.cards import load_card
from graphkit.errors import CacheError, DataError, RunFailed
from graphkit.evaluation.protocols import PROTOCOLS
from graphkit.evaluation.results import SCHEMA_VERSION, Result

LOCK_SECONDS = 30.0
"""How long to wait for a worker of a killed command to notice that it is alone."""


def cell_key(job: Job) -> str:
    """Returns the hash of settings, dataset card, protocol and code version that the seeds of a job share."""
    settings = {key: value for key, value in job.spec.to_dict().items() if key != "seed"}
    return stable_hash(
        {
            "settings": settings,
            "card": load_card(job.dataset).hash,
            "protocol": PROTOCOLS[job.spec.protocol].hash,
            "schema": SCHEMA_VERSION,
            "graphkit": graphkit_version(),
            **_own_code(job.spec.encoder.name),
        }
    )


def _own_code(name: str) -> dict[str, str]:
    """Returns the digest of the file behind a user's `module:Class`, so that edited code is a new cell."""
    module, _, attribute = name.partition(":")
    found = importlib.util.find_spec(module) if attribute else None
    if found is None or not found.origin or not Path(found.origin).is_file():
        return {}
    return {"own": hashlib.sha256(Path(found.origin).read_bytes()).hexdigest()}


class Store:
    """A results folder: `DATASET/MODEL/PROTOCOL-KEY/seed-K/{result.json, log.jsonl, last.ckpt, best.safetensors}`.

    Args:
        root: the folder; it is made when the first cell is.
    """

    def __init__(self, root: Path | str) -> None:
        self.root = Path(root)

    def job_folder(self, job: Job) -> Path:
        """Returns the folder of all seeds of a job."""
        return self.root / job.dataset / job.model.replace(":", ".") / f"{job.spec.protocol}-{cell_key(job)[:8]}"

    def cell_folder(self, job: Job, seed: int) -> Path:
        """Returns the folder of one seed."""
        return self.job_folder(job) / f"seed-{seed}"

    def finished(self, job: Job, seed: int) -> Result | None:
        """Returns the record of a cell that needs no run; a failed one is None, so it is tried again.

        Raises:
            DataError: the record is damaged; its file is named.
        """
        result = self.stored(job, seed)
        return None if result is None or result.status == "failed" else result

    def stored(self, job: Job, seed: int) -> Result | None:
        """Returns the record of a cell, failed ones included, or None."""
        path = self.cell_folder(job, seed) / "result.json"
        try:
            return Result.from_json(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except (DataError, UnicodeDecodeError) as error:
            raise DataError(f"{path}: {error}; delete it to have that cell run again") from error

    def missing(self, job: Job) -> list[int]:
        """Returns the seeds that still have to run."""
        return [seed for seed in job.seeds if self.finished(job, seed) is None]

    def claimed(self, job: Job, seed: int) -> contextlib.AbstractContextManager[None]:
        """Keeps other commands from running the same cell at the same time.

        Raises:
            Busy: another command holds the cell.
            CacheError: the folder cannot be written.
        """
        path = self.job_folder(job) / f".seed-{seed}.claim"
        return held(path, f"another command is running {job.title} seed {seed}", 0.0)


class Busy(RunFailed):
    """Somebody else is at it."""


@contextlib.contextmanager
def held(path: Path, who: str, seconds: float) -> Iterator[None]:
    """Holds a lock file, whose folder is made where it is missing.

    Args:
        path: the file; it stays when the lock is released.
        who: what is said where another process holds it.
        seconds: how long to wait for it.

    Raises:
        Busy: another process holds it.
        CacheError: the folder cannot be written.
    """
    with disk_errors(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path)
        try:
            lock.acquire(timeout=seconds, poll_interval=0.05)
        except Timeout as error:
            raise Busy(f"{who} in {path.parent}; wait for it to end") from error
    try:
        yield
    finally:
        lock.release()


def cell_lock(folder: Path) -> contextlib.AbstractContextManager[None]:
    """Holds one cell: the worker of a killed command may need a moment to notice that it is alone.

    Raises:
        Busy: another worker is still at it.
    """
    return held(folder.with_name(f".{folder.name}.lock"), f"another worker is running {folder.name}", LOCK_SECONDS)


def save_result(folder: Path, result: Result, name: str = "result.json") -> None:
    """Writes a record whole or not at all; the checkpoint of a finished cell is dropped."""
    write_whole(folder / name, result.to_json())
    if result.status != "failed" and name == "result.json":
        (folder / "last.ckpt").unlink(missing_ok=True)


def write_whole(path: Path, text: str) -> None:
    """Writes a text file so that nobody ever reads half of it, whatever ends this process.

    Raises:
        CacheError: the disk is full or read-only.
    """
    partial = path.with_name(f"{path.name}.partial")
    with disk_errors(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with partial.open("w", encoding="utf-8") as stream:
                stream.write(text)
                stream.flush()
                os.fsync(stream.fileno())
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)


class Log:
    """The events of a cell, one JSON object a line; opening it again goes on at its end.

    Args:
        folder: the cell's folder.
    """

    def __init__(self, folder: Path) -> None:
        with disk_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
            path = folder / "log.jsonl"
            cut = path.exists() and not path.read_bytes().endswith(b"\n")  # by a kill; what follows gets its own line
            self._stream: TextIO = path.open("a", encoding="utf-8")
            self._stream.write("\n" if cut else "")
        self._folder = folder

    def write(self, event: dict[str, Any]) -> None:
        """Appends one event."""
        with disk_errors(self._folder):
            self._stream.write(json.dumps(event) + "\n")
            self._stream.flush()

    def close(self) -> None:
        """Closes the file."""
        self._stream.close()


@contextlib.contextmanager
def disk_errors(folder: Path) -> Iterator[None]:
    """Turns a full or read-only disk into one clear CacheError."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise CacheError(
            f"cannot write to {folder}: {reason}; free some space or choose another folder with -o"
        ) from error
