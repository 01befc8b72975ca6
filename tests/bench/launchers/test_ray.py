from __future__ import annotations

import contextlib
import threading
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from graphkit.bench.launchers.ray import run_on_ray
from graphkit.bench.matrix import plan
from graphkit.bench.report import summarise, to_payload
from graphkit.bench.runner import Runner
from graphkit.bench.store import Store
from graphkit.errors import ConfigError
from graphkit.evaluation import Result

pytest.importorskip("ray")
CHANGING = ("train_seconds", "seconds_per_epoch", "peak_memory_mb")


def table(results: list[Result]) -> list[dict[str, Any]]:
    rows = to_payload(summarise(results))["results"]
    return [{key: value for key, value in row.items() if key not in CHANGING} for row in rows]


def test_no_cluster_at_an_address_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no Ray cluster at 127.0.0.1:1"):
        run_on_ray(plan(["karate"], ["sgc"], [0]), tmp_path, address="127.0.0.1:1")


@pytest.mark.slow
def test_a_killed_worker_of_a_cluster_loses_nothing(tmp_path: Path) -> None:
    import ray

    jobs = plan(["karate"], ["gcn", "sgc"], [0, 1], overrides=["train.epochs=400", "train.stop=never"])
    ray.init(num_cpus=2, include_dashboard=False)
    killed = threading.Event()

    def kill() -> None:
        while not killed.is_set():
            for process in psutil.Process().children(recursive=True):
                with contextlib.suppress(psutil.NoSuchProcess):
                    if any("ray::_run" in word for word in process.cmdline()):
                        process.kill()
                        killed.set()
                        return
            time.sleep(0.2)

    threading.Thread(target=kill, daemon=True).start()
    results = run_on_ray(jobs, tmp_path / "ray")
    killed.set()
    assert [result.status for result in results] == ["ok"] * 4
    alone = Runner(Store(tmp_path / "alone")).run(jobs)
    assert table(results) == table(alone)
