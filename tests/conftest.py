"""Fixtures shared by every test: a private cache folder, and the mirror of published files where there is one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

# Tests run side by side; a thread pool each would make them wait for one another. Set before torch is imported.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest  # noqa: E402

if TYPE_CHECKING:
    from graphkit.bench.pool import WorkerPool


@pytest.fixture(autouse=True, scope="session")
def _private_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keeps tests away from the user's cache; one folder a test process, so processed graphs are read once."""
    before = os.environ.get("GRAPHKIT_DATA")
    os.environ["GRAPHKIT_DATA"] = str(tmp_path_factory.mktemp("graphkit-data"))
    yield
    if before is None:
        del os.environ["GRAPHKIT_DATA"]
    else:
        os.environ["GRAPHKIT_DATA"] = before


@pytest.fixture(scope="session")
def workers() -> Iterator[WorkerPool]:
    """Worker processes that all tests of a test process share: each start imports torch for seconds."""
    from graphkit.bench.pool import WorkerPool

    with WorkerPool() as pool:
        yield pool


@pytest.fixture(scope="module")
def shared_workers(workers: WorkerPool) -> Iterator[None]:
    """Commands that a module calls within the test process take `workers`, too."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("graphkit.bench.pool.WorkerPool", lambda: nullcontext(workers))
        yield


@pytest.fixture(scope="session")
def mirror() -> Path:
    """The folder of published files; the test is skipped where GRAPHKIT_MIRROR names none."""
    folder = os.environ.get("GRAPHKIT_MIRROR", "")
    if not folder or not (Path(folder) / "MANIFEST.tsv").exists():
        pytest.skip("needs published files: set GRAPHKIT_MIRROR to a folder with a MANIFEST.tsv")
    return Path(folder)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Says how many tests of published data ran, so that a log shows whether it was there."""
    counts = {
        outcome: sum(
            "mirror" in getattr(report, "keywords", ())
            for report in terminalreporter.getreports(outcome)
            if outcome == "skipped" or report.when == "call"
        )
        for outcome in ("passed", "failed", "skipped")
    }
    if any(counts.values()):
        folder = os.environ.get("GRAPHKIT_MIRROR") or "nowhere, GRAPHKIT_MIRROR is not set"
        told = ", ".join(f"{count} {outcome}" for outcome, count in counts.items() if count)
        terminalreporter.write_line(f"tests of published files ({folder}): {told}")
