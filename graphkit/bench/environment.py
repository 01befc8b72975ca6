"""Where a number was made: versions, processor, threads and the commit of the code, without importing torch."""

from __future__ import annotations

import functools
import os
import platform
import shutil
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Any

PACKAGES = ("graphkit", "torch", "torch-geometric", "numpy", "scipy", "numba", "safetensors")


@functools.cache
def graphkit_version() -> str:
    """Returns graphkit's version; it is part of every cell's key.

    Example:
        >>> graphkit_version().count(".") >= 1
        True
    """
    return metadata.version("graphkit")


@functools.cache
def package_versions() -> dict[str, str]:
    """Returns the installed versions of the packages that can move a number."""
    return {"python": platform.python_version(), **{name: _version(name) for name in PACKAGES}}


@functools.cache
def hardware() -> dict[str, Any]:
    """Returns processor, usable cores, memory in 10^6 bytes and operating system."""
    import psutil

    return {
        "cpu": processor_name(),
        "cores": usable_cores(),
        "memory_mb": round(psutil.virtual_memory().total / 1e6),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
    }


def usable_cores() -> int:
    """Returns how many cores this process may run on, which containers often cut."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def thread_limit() -> int:
    """Returns how many threads all workers together may use: the usable cores, or OMP_NUM_THREADS if that is less."""
    wanted = os.environ.get("OMP_NUM_THREADS", "")
    return min(usable_cores(), int(wanted)) if wanted.isdigit() and int(wanted) > 0 else usable_cores()


def processor_name() -> str:
    """Returns the processor's marketing name, or its architecture where the system does not tell."""
    listing = Path("/proc/cpuinfo")
    if listing.exists():
        for line in listing.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.lower().startswith(("model name", "hardware")):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


@functools.cache
def git_commit() -> str:
    """Returns the commit graphkit runs from, with `+dirty` after changes; empty when installed from a wheel."""
    checkout = Path(__file__).resolve().parents[2]
    git = shutil.which("git")
    if git is None or not (checkout / ".git").exists():
        return ""
    commit = _git(git, checkout, "rev-parse", "HEAD")
    changed = _git(git, checkout, "status", "--porcelain", "--untracked-files=no")
    return f"{commit}+dirty" if commit and changed else commit


def _git(git: str, folder: Path, *arguments: str) -> str:
    command = [git, "-C", str(folder), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed"
