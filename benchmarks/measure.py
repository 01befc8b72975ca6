"""What all benchmarks share: sides in alternation, rows with ratios and bars, memory of fresh processes."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
OURS = "graphkit"
PACKAGES = ("torch", "torch_geometric", "numpy", "numba", "scipy")
Side = Callable[[], object]


class Skipped(Exception):
    """A benchmark, or a side of it, that cannot run here; the text says why."""


@dataclass(frozen=True)
class Options:
    """How to measure: rounds a side, threads (0: as many as the benchmark says), and whether a small case is enough."""

    rounds: int = 5
    threads: int = 0
    quick: bool = False

    def few(self, whole: int, quick: int) -> int:
        """Returns the size of a case."""
        return quick if self.quick else whole


@dataclass(frozen=True)
class Row:
    """One case: a number a side, ours first.

    Args:
        case: what was done.
        values: side to number; a peer that is missing is left out.
        unit: of the numbers.
        more: whether a larger number is better.
        bars: peer to the ratio that is asked for; "" to a bound on our own number.
        note: anything a reader should know.
    """

    case: str
    values: Mapping[str, float]
    unit: str = "s"
    more: bool = False
    bars: Mapping[str, float] = field(default_factory=dict)
    note: str = ""

    @property
    def ratios(self) -> dict[str, float]:
        """How many times better we are than each peer."""
        ours = self.values.get(OURS)
        peers = {name: value for name, value in self.values.items() if name != OURS}
        return {name: (ours / value if self.more else value / ours) for name, value in peers.items()} if ours else {}

    def missed(self) -> list[str]:
        """Returns the bars that were measured and not reached."""
        found = [name for name, ratio in self.ratios.items() if ratio < self.bars.get(name, 0)]
        own, bound = self.values.get(OURS), self.bars.get("")
        if own is not None and bound is not None and (own < bound if self.more else own > bound):
            found.append("")
        return found

    def record(self) -> dict[str, Any]:
        """Returns what is kept in a file."""
        kept = {key: value for key, value in asdict(self).items() if value not in ({}, "", False)}
        kept["values"] = {name: float(f"{value:.4g}") for name, value in self.values.items()}
        ratios = {name: float(f"{ratio:.3g}") for name, ratio in self.ratios.items()}
        return kept | ({"ratios": ratios} if ratios else {})


def alternate(
    sides: Mapping[str, Side],
    rounds: int,
    *,
    warm: int = 1,
    clock: Callable[[], float] = time.process_time,
    pick: Callable[[Sequence[float]], float] = min,
) -> dict[str, float]:
    """Returns seconds a call of every side: the sides take turns, so that a busy machine disturbs all alike.

    Args:
        sides: name to a call.
        rounds: calls that count.
        warm: calls before them, which compile and fill caches.
        clock: processor seconds of this process; `time.perf_counter` where several threads or processes work.
        pick: which of the times counts.
    """
    taken: dict[str, list[float]] = {name: [] for name in sides}
    for number in range(warm + rounds):
        for name, call in sides.items():
            start = clock()
            call()
            if number >= warm:
                taken[name].append(clock() - start)
    return {name: pick(times) for name, times in taken.items()}


def fresh(module: str, call: str, **environment: str) -> float:
    """Returns the number that a call of `benchmarks.MODULE` prints last in a process of its own."""
    program = f"from benchmarks import {module}; {module}.{call}"
    settings = {**os.environ, **environment}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=settings, check=True, capture_output=True, text=True
    )
    return float(done.stdout.split()[-1])


def resident_peak(reset: bool = False) -> float:
    """Returns the highest resident size of this process in MiB, since the last reset where asked (Linux)."""
    if reset:
        Path("/proc/self/clear_refs").write_text("5")
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def machine(options: Options) -> dict[str, Any]:
    """Returns hardware, versions and settings, for the record."""
    versions = {}
    for name in PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return {
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
        "python": platform.python_version(),
        "versions": versions,
        **asdict(options),
    }


def _cpu() -> str:
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
