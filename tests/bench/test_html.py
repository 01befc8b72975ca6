from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from graphkit.bench.html import render_html, write_html
from graphkit.cli.main import main
from graphkit.errors import CacheError, DataError
from graphkit.evaluation import Result

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def run(dataset: str, model: str, seed: int, test: float | None, **changes: Any) -> Result:
    values: dict[str, Any] = {
        "protocol": "generator",
        "protocol_hash": "ab",
        "metric": "accuracy",
        "status": "failed" if test is None else "ok",
        "error": "non-finite loss <at> epoch 7" if test is None else "",
        "train_seconds": None if test is None else 2.0 + seed,
        "peak_memory_mb": 512.4,
        "spec": {"seed": seed},
        "versions": {"torch": "2.13.0"},
        "environment": {"cpu": "a processor"},
    }
    return Result(dataset, model, split=0, seed=seed, test=test, **{**values, **changes})


def folder_of(root: Path, results: list[Result]) -> Path:
    for result in results:
        cell = root / result.dataset / result.model / result.protocol / f"seed-{result.seed}"
        cell.mkdir(parents=True)
        (cell / "result.json").write_text(result.to_json(), encoding="utf-8")
        events = [{"event": "epoch", "epoch": epoch, "valid": 0.5 + epoch / 10} for epoch in range(4)]
        lines = [json.dumps(event) for event in [{"event": "start"}, *events]]
        (cell / "log.jsonl").write_text("\n".join(lines) + '\n{"event": "epo', encoding="utf-8")
    return root


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("runs")
    runs = [run(d, m, s, 0.7 + s / 50) for d in ("karate", "csbm") for m in ("gat", "gcn") for s in range(3)]
    folder_of(root, [*runs, run("karate", "gat", 3, None)])
    stream = {"protocol": "tgb-link", "metric": "mrr", "evaluation": {"batch_size": 200}}
    folder_of(root, [run("tgbl-wiki", "edgebank", 0, 0.5, **stream)])
    np.savez(root / "tgbl-wiki/edgebank/tgb-link/seed-0/ranks.npz", test=np.arange(1.0, 51.0))
    return write_html(root, root / "report.html")


def test_a_page_holds_tables_figures_and_failures(report: Path) -> None:
    text = report.read_text(encoding="utf-8")
    for caption in ("Every seed", "Learning curves", "Score against cost", "Over the test period"):
        assert caption in text
    assert "seed 3 failed: non-finite loss &lt;at&gt; epoch 7" in text
    assert "torch 2.13.0" in text and "a processor" in text
    assert text.count("<svg") >= 9


def test_a_page_asks_for_nothing_from_outside(report: Path) -> None:
    text = report.read_text(encoding="utf-8")
    addresses = set(re.findall(r"""(?:src|href)=["']([^"'#][^"']*)""", text))
    assert addresses <= {"data:,"}
    assert not re.search(r"@import|url\(\s*['\"]?http|<script|<link rel=['\"]stylesheet", text)


def test_the_same_records_give_the_same_page(report: Path) -> None:
    assert render_html(report.parent) == report.read_text(encoding="utf-8")


def test_links_that_cannot_be_broken_down_say_why(tmp_path: Path) -> None:
    link = run("karate", "cn", 0, 0.5, protocol="seal-10", metric="roc-auc")
    folder_of(tmp_path, [link])
    np.savez(tmp_path / "karate/cn/seal-10/seed-0/ranks.npz", test=np.ones(5))
    assert "no breakdown by degree: dataset karate has no protocol" in render_html(tmp_path)


def test_a_page_downloads_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GRAPHKIT_MIRROR", raising=False)
    monkeypatch.setenv("GRAPHKIT_DATA", str(tmp_path / "empty"))
    folder_of(tmp_path / "runs", [run("usair", "cn", 0, 0.5, protocol="seal-10", metric="roc-auc")])
    np.savez(tmp_path / "runs/usair/cn/seal-10/seed-0/ranks.npz", test=np.ones(5))
    assert "no breakdown by degree: usair: " in render_html(tmp_path / "runs")


def test_the_command_writes_the_page(report: Path, tmp_path: Path) -> None:
    target = tmp_path / "page.html"
    assert main(["bench", "report", str(report.parent), "--html", str(target)]) == 0
    assert target.read_text(encoding="utf-8").startswith("<!doctype html>")


def test_bad_folders_are_one_clear_error(report: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no result"):
        write_html(tmp_path, tmp_path / "page.html")
    (tmp_path / "file").write_text("")
    with pytest.raises(CacheError, match="cannot write"):
        write_html(report.parent, tmp_path / "file" / "page.html")


@pytest.mark.skipif(BROWSER is None, reason="needs a headless browser: install chromium")
@pytest.mark.parametrize("width", [1280, 390])
def test_a_browser_shows_the_page_without_complaint(report: Path, tmp_path: Path, width: int) -> None:
    # The copy measures itself: its title becomes the width of its content.
    measured = tmp_path / "measured.html"
    script = "<script>document.title = document.documentElement.scrollWidth + ' wide'</script></body>"
    measured.write_text(report.read_text(encoding="utf-8").replace("</body>", script), encoding="utf-8")
    done = subprocess.run(
        [
            str(BROWSER),
            *("--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--v=0"),
            *(f"--user-data-dir={tmp_path / 'profile'}", f"--window-size={width},900", "--hide-scrollbars"),
            "--dump-dom",
            measured.as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=120,
    )
    title = re.search(r"<title>(\d+) wide</title>", done.stdout)
    assert title and int(title[1]) <= max(width, 500)  # a window is never narrower than the browser allows
    assert "CONSOLE" not in done.stderr and "net::ERR" not in done.stderr
