from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from graphkit.bench import layout, report
from graphkit.errors import DataError, ProtocolError, UnknownNameError
from graphkit.evaluation import Result

CONTRACT = ["dataset", "model", "protocol", "metric", "test_mean", "test_std", "valid_mean", "seeds", "status"]


def run(model: str, seed: int, test: float | None, **changes: Any) -> Result:
    values: dict[str, Any] = {
        "dataset": "cora",
        "model": model,
        "protocol": "planetoid-public",
        "protocol_hash": "ab",
        "metric": "accuracy",
        "split": 0,
        "split_sha256": "s",
        "dataset_fingerprint": "f",
        "status": "failed" if test is None else "ok",
        "error": "non-finite loss at epoch 7" if test is None else "",
        "valid": None if test is None else 0.79,
        "parameters": 92373,
        "seconds_per_epoch": 0.0213,
        "peak_memory_mb": 512.4,
        "spec": {"seed": seed},
    }
    return Result(seed=seed, test=test, **{**values, **changes})


def runs() -> list[Result]:
    gat = [run("gat", seed, test) for seed, test in enumerate([0.82, 0.83, 0.84])]
    return [*gat, run("gcn", 0, 0.81), run("gcn", 4, None)]


def write(folder: Path, results: list[Result]) -> Path:
    for result in results:
        cell = (
            folder / result.dataset / result.model / f"{result.protocol}-{result.protocol_hash}" / f"seed-{result.seed}"
        )
        cell.mkdir(parents=True)
        (cell / "result.json").write_text(result.to_json(), encoding="utf-8")
    return folder


def test_a_folder_comes_back_as_rows(tmp_path: Path) -> None:
    folder = write(tmp_path, runs())
    (folder / "notes.txt").write_text("not a record")
    assert sorted(report.read_results(folder), key=repr) == sorted(runs(), key=repr)
    rows = report.summarise(report.read_results(folder))
    assert [(row.summary.model, row.variant) for row in rows] == [("gat", ""), ("gcn", "")]
    assert rows[0].reference is not None and rows[0].reference.mean == 0.83


def test_the_payload_keeps_fractions_and_the_promised_keys() -> None:
    payload = report.to_payload(report.summarise(runs()))
    gat, gcn = payload["results"]
    assert list(gat)[: len(CONTRACT)] == CONTRACT
    assert gat["test_mean"] == pytest.approx(0.83) and gat["test_std"] == pytest.approx(0.01)
    assert (gat["seeds"], gat["status"], gat["valid_mean"]) == ([0, 1, 2], "ok", 0.79)
    assert gat["ci95"] == pytest.approx([0.80516, 0.85484], abs=1e-5)
    assert "dmlc/dgl#319" in gat["published_source"]
    assert (gcn["test_std"], gcn["seeds"]) == (None, [0])
    assert gcn["status"] == "1 of 2 failed: seed 4, non-finite loss at epoch 7"
    assert gcn["failed"] == [{"seed": 4, "error": "non-finite loss at epoch 7"}]
    assert json.loads(report.render(report.summarise(runs()), "json")) == payload


def test_the_plain_table() -> None:
    text = report.render(report.summarise(runs()))
    lines = text.splitlines()
    assert lines[0] == "cora · planetoid-public · accuracy in percent, higher is better"
    cells = [" ".join(line.split()) for line in lines]
    assert cells[3] == "gat 3 79.00 83.00 ± 1.00 [80.52, 85.48] 92,373 0.0213 512 83.00 ± 0.70 [1] +0.00"
    assert cells[4] == "gcn 1/2 79.00 81.00 - 92,373 0.0213 512 - -"
    assert "gcn: seed 4 failed: non-finite loss at epoch 7" in lines
    assert any(line.startswith("[1] GAT paper") for line in lines)
    assert any(line.startswith("1 seed cannot reach p < 0.05") for line in lines)
    assert lines[-1] == layout.FOOTER
    assert not any(line != line.rstrip() or "\x1b" in line for line in lines)


def test_markdown_latex_and_csv_are_well_formed() -> None:
    rows = report.summarise(runs())
    markdown = [line for line in report.render(rows, "md").splitlines() if line.startswith("|")]
    assert len(markdown) == 4 and len({line.count("|") for line in markdown}) == 1
    latex = report.render(rows, "latex")
    body = [line for line in latex.splitlines() if line.endswith(r"\\")]
    assert len(body) == 3 and {line.count("&") for line in body} == {9}
    assert r"95\% CI" in latex and r"83.00 $\pm$ 1.00" in latex
    table = list(csv.DictReader(io.StringIO(report.render(rows, "csv"))))
    assert [row["test_mean"] for row in table] == [str(rows[0].summary.test_mean), "0.81"]
    assert (table[0]["seeds"], table[1]["failed"]) == ("0;1;2", "4: non-finite loss at epoch 7")


def test_values_that_are_no_fractions_keep_their_units() -> None:
    rows = report.summarise([run("gcn", seed, 12.5 + seed, metric="rmse", dataset="heights") for seed in range(2)])
    text = report.render(rows)
    assert "rmse in the data's units, lower is better" in text
    assert "13 ± 0.7071" in text
    assert report.to_payload(rows)["results"][0]["test_mean"] == 13.0


def test_different_rules_become_rows_of_their_own() -> None:
    other = [run("gat", 0, 0.7, protocol="geom-gcn-10", protocol_hash="cd"), run("gat", 0, 0.6, dataset="citeseer")]
    changed = run("gat", 0, 0.5, spec={"train": {"lr": 1.0}, "seed": 0})
    rows = report.summarise([*runs(), *other, changed])
    assert len(rows) == 5
    assert sorted(len(row.variant) for row in rows) == [0, 0, 0, 8, 8]
    assert report.render(rows).count(" · ") == 6


def test_a_reference_of_another_metric_is_not_shown() -> None:
    assert report.summarise([run("gat", 0, 0.7, metric="macro-f1")])[0].reference is None


def test_partial_runs_and_total_failures_are_marked() -> None:
    assert "gat: partial: only a fraction" in report.render(report.summarise([run("gat", 0, 0.5, status="partial")]))
    text = report.render(report.summarise([run("gat", 0, None)]))
    assert text.splitlines()[3].split()[:5] == ["gat", "0/1", "-", "-", "-"]


def test_a_mixed_dataset_version_is_refused() -> None:
    with pytest.raises(ProtocolError, match="dataset_fingerprint"):
        report.summarise([run("gat", 0, 0.7), run("gat", 1, 0.7, dataset_fingerprint="g")])


@pytest.mark.parametrize("cut", [0, 100])
def test_a_damaged_record_is_named(tmp_path: Path, cut: int) -> None:
    path = next(write(tmp_path, runs()[:1]).rglob("result.json"))
    path.write_text(path.read_text(encoding="utf-8")[:cut], encoding="utf-8")
    with pytest.raises(DataError, match="result.json: not a result record.*delete it") as caught:
        report.read_results(tmp_path)
    assert str(path) in str(caught.value)
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(DataError, match=r"result\.json"):
        report.read_results(tmp_path)


def test_missing_and_empty_folders(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no run folder"):
        report.read_results(tmp_path / "nowhere")
    with pytest.raises(DataError, match=r"holds no result\.json"):
        report.read_results(tmp_path)


def test_an_unknown_format_gets_a_suggestion() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'latex'"):
        report.render([], "latexx")  # type: ignore[arg-type]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_show_is_plain_in_a_pipe_and_whole_on_a_narrow_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    rows, pipe, terminal = report.summarise(runs()), io.StringIO(), Terminal()
    report.show(rows, pipe)
    assert pipe.getvalue() == report.render(rows)
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("NO_COLOR", "1")
    report.show(rows, terminal)
    assert "83.00 ± 1.00  [80.52, 85.48]" in terminal.getvalue()


def test_a_report_imports_neither_torch_nor_rich_nor_scipy_stats() -> None:
    heavy = "{'torch', 'torch_geometric', 'rich', 'scipy.stats', 'sklearn', 'pandas'}"
    code = f"import sys, graphkit.bench.compare; assert not {heavy} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_models_without_chance_need_one_seed_a_split() -> None:
    rows = report.summarise([run(model, 0, 0.5, evaluation={"deterministic": True}) for model in ("cn", "ra")])
    text = report.render(rows, "table")
    assert "cn, ra: deterministic, one seed a split says it all" in text and "use at least" not in text
    mixed = report.summarise([run("cn", 0, 0.5, evaluation={"deterministic": True}), run("gat", 0, 0.5)])
    assert "use at least" in report.render(mixed, "table")


def test_trained_models_that_do_not_beat_the_best_untrained_one_are_marked() -> None:
    free = [run(model, 0, test, parameters=0) for model, test in (("pair-recency", 0.72), ("edgebank", 0.49))]
    trained = [run("tgn", seed, test) for seed, test in enumerate((0.70, 0.73))]
    others = [run("nat", 0, 0.74), run("tpnet", 0, 0.72), run("craft", 0, None), run("tgn", 0, 0.1, dataset="citeseer")]
    rows = report.summarise([*free, *trained, *others])
    marked = {row.summary.model: row.behind for row in rows if row.summary.dataset == "cora"}
    assert marked == {
        "craft": "",
        "edgebank": "",
        "nat": "",
        "pair-recency": "",
        "tgn": "pair-recency",
        "tpnet": "pair-recency",
    }
    assert not any(row.behind for row in rows if row.summary.dataset == "citeseer")  # nothing to compare with
    text = report.render(rows)
    assert "tgn †" in text and "nat †" not in text
    assert text.count("† its mean on test does not beat pair-recency") == 1
    assert r"tgn $^\dagger$" in report.render(rows, "latex") and "tpnet †" in report.render(rows, "md")
    assert [entry["behind"] for entry in report.to_payload(rows)["results"] if entry["model"] == "tpnet"] == [
        "pair-recency"
    ]


def test_marks_follow_the_direction_of_the_metric() -> None:
    free, trained = run("mean-rating", 0, 3.0, parameters=0, metric="rmse"), run("jodie", 0, 2.5, metric="rmse")
    assert not any(row.behind for row in report.summarise([free, trained]))
    assert report.summarise([free, run("jodie", 0, 3.5, metric="rmse")])[0].behind == "mean-rating"
