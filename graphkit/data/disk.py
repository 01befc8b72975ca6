"""The cache folder: clear errors when it cannot be written, and a lock between processes."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import filelock

from graphkit.errors import CacheError

LOCK_TIMEOUT = 3600.0
"""Seconds to wait for another process that downloads or builds the same dataset."""


@contextmanager
def cache_errors(path: Path, needed: int = 0) -> Iterator[None]:
    """Turns a full disk and a folder without write permission into a CacheError that says what to do."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            size = f"{needed:,} bytes" if needed else "more space"
            mend = "free some, or set GRAPHKIT_DATA to a folder on another disk"
            raise CacheError(f"no space left for {path}, which needs {size}; {mend}") from error
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST):
            mend = "set GRAPHKIT_DATA to a folder you can write to"
            raise CacheError(f"cannot write {path}: {error.strerror}; {mend}") from error
        raise


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Makes `folder` and holds its lock; the system drops the lock of a process that dies.

    Raises:
        CacheError: the folder cannot be written, or stays locked for an hour.
    """
    lock = filelock.FileLock(folder / ".lock", timeout=LOCK_TIMEOUT)
    with cache_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire()
        except filelock.Timeout as error:
            raise CacheError(
                f"{folder} has been locked by another process for {LOCK_TIMEOUT:.0f} s; end it, or set GRAPHKIT_DATA"
            ) from error
    try:
        yield
    finally:
        lock.release()


def check_space(folder: Path, needed: int, name: str) -> None:
    """Refuses to start a transfer that will not fit.

    Raises:
        CacheError: fewer than `needed` bytes are free.
    """
    there = next(one for one in (folder, *folder.parents) if one.exists())
    free = shutil.disk_usage(there).free
    if needed > free:
        raise CacheError(
            f"no space left in {folder}: {name} needs {needed:,} bytes, {free:,} are free; "
            "free some, or set GRAPHKIT_DATA to a folder on another disk"
        )


def write_text(path: Path, text: str) -> None:
    """Writes a small file so that readers see the old content or the new, never a part.

    Raises:
        CacheError: the folder cannot be written or is full.
    """
    with cache_errors(path, len(text)):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
        partial = Path(name)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as out:
                out.write(text)
            partial.chmod(0o644)  # mkstemp makes files that colleagues on a shared cache could not read
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Makes a rename inside `folder` survive a power cut, where the system can."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sha256_of(path: Path) -> str:
    """Returns the sha256 of a file's bytes."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
