from __future__ import annotations

from pathlib import Path

from graphkit.bench.dry_run import describe
from graphkit.bench.estimate import Pace, duration, estimate, paces_of, read_table, write_table
from graphkit.bench.matrix import plan
from graphkit.bench.store import Store
from graphkit.evaluation import Result


def result(seconds: float, model: str = "gcn", epochs: int | None = 10) -> Result:
    return Result(
        "karate",
        model,
        "generator",
        "ab",
        "accuracy",
        0,
        0,
        "ok",
        test=0.5,
        epochs=epochs,
        train_seconds=seconds,
        eval_seconds=1.0,
        environment={"cpu": "a processor", "threads": 2},
        started="2026-01-01T00:00:00+00:00",
        finished="2026-01-01T00:00:20+00:00",
    )


def test_the_slowest_of_earlier_results_counts() -> None:
    paces = paces_of([result(4.0), result(9.0), result(3.0, "fastrp", None)])
    assert paces["karate", "gcn"] == Pace(1.0, 15.0)
    assert paces["karate", "fastrp"] == Pace(0.0, 20.0)


def test_results_come_before_the_table_and_nothing_is_made_up() -> None:
    jobs = plan(["karate"], ["gcn", "gat", "sgc"], [0, 1], overrides=["train.epochs=10", "limit=0.5"])
    here, table = (
        {("karate", "gcn"): Pace(1.0, 2.0)},
        {("karate", "gcn"): Pace(9.0, 9.0), ("karate", "gat"): Pace(2, 0)},
    )
    found = estimate(jobs, [2, 1, 1], here, table)
    assert found.seconds == (14.0, 10.0, None) and found.sources == ("results", "table", "")
    assert found.total == 24.0
    assert estimate(jobs, [0, 0, 0], {}, {}).total == 0.0


def test_a_table_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "seconds.tsv"
    write_table([result(9.0)], path)
    machine, paces = read_table(path)
    assert machine == "a processor, 2 threads" and paces == {("karate", "gcn"): Pace(1.0, 10.0)}
    assert [duration(seconds) for seconds in (1, 200, 90_000)] == ["1 s", "3 min", "25 h 00 min"]


def test_nothing_known_is_said(tmp_path: Path) -> None:
    found = describe(plan(["karate"], ["gcn"], [0]), Store(tmp_path / "none"))
    text = str(found)
    assert "1 cells to run, nothing to download" in text
