"""A breakdown is the metric of the record, cut by the ends of links, and refuses what it cannot cut."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from graphkit.bench.breakdown import break_down, render
from graphkit.cli.main import main
from graphkit.data import load_dataset
from graphkit.data.concentration import concentration
from graphkit.errors import DataError, UnknownNameError

pytestmark = pytest.mark.usefixtures("shared_workers")


@pytest.fixture(scope="module")
def runs(mirror: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("breakdown") / "runs"
    assert main(["bench", "run", "-d", "usair", "-m", "cn,pa", "-n", "2", "-o", str(folder), "-q"]) == 0
    return folder


@pytest.mark.mirror
@pytest.mark.parametrize("by", ["degree", "tc"])
def test_slices_add_up_to_the_record(runs: Path, by: str) -> None:
    rows = break_down(runs, by=by, bins=3)
    for model in ("cn", "pa"):
        own = [row for row in rows if row.model == model]
        records = [json.loads(path.read_text()) for path in runs.rglob(f"{model}/*/*/result.json")]
        mean = np.average([row.value for row in own], weights=[row.ends for row in own])
        assert mean == pytest.approx(np.mean([record["test"] for record in records]), abs=1e-9)
        assert [row.seeds for row in own] == [2] * len(own) == [2] * 3
        assert all(one.high < other.low for one, other in zip(own, own[1:], strict=False))
    assert [(row.low, row.ends) for row in rows[:3]] == [(row.low, row.ends) for row in rows[3:]]


@pytest.mark.mirror
def test_a_slice_is_what_its_links_give(runs: Path) -> None:
    row = break_down(runs, by="tc", bins=2)[0]
    dataset, worth = load_dataset("usair"), []
    for seed in range(2):
        split = dataset.split(index=seed)
        value = concentration(split.message, dataset.num_nodes)[split.test]
        (path,) = runs.rglob(f"cn/*/seed-{seed}/ranks.npz")
        auc = 1 - (np.load(path)["test"] - 1) / split.test_negatives.shape[1]
        worth += [auc[(end >= row.low) & (end <= row.high)] for end in value]
    assert row.value == pytest.approx(np.concatenate(worth).mean()) and row.ends == len(np.concatenate(worth))


@pytest.mark.mirror
def test_the_command_prints_all_formats(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "breakdown", str(runs), "--by", "degree,tc", "--bins", "2", "--json"]) == 0
    slices = json.loads(capsys.readouterr().out)["slices"]
    assert {(each["by"], each["model"]) for each in slices} == {(b, m) for b in ("degree", "tc") for m in ("cn", "pa")}
    assert main(["bench", "breakdown", str(runs), "--csv"]) == 0
    assert capsys.readouterr().out.startswith("dataset,protocol,model,metric,by,low,high,ends,seeds,value")
    text = render(break_down(runs, part="valid"))
    assert text.startswith("usair · seal-10 · roc-auc in percent by degree") and "pa" in text


def test_links_of_a_graph_with_labelled_nodes(tmp_path: Path) -> None:
    asked = ["-d", "karate", "-m", "cn", "-n", "2", "--protocol", "random-85-5-10", "-o", str(tmp_path), "-q"]
    assert main(["bench", "run", *asked, "--set", "data.largest_component=true"]) == 0
    rows = break_down(tmp_path, by="tc", bins=2)
    assert {row.metric for row in rows} == {"roc-auc"} and sum(row.ends for row in rows) == 2 * 2 * 7


def test_other_folders_and_names_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="degree"):
        break_down(tmp_path, by="degre")
    with pytest.raises(DataError, match=r"no result\.json"):
        break_down(tmp_path)
    assert main(["bench", "run", "-d", "karate", "-m", "fastrp", "-o", str(tmp_path), "-q"]) == 0
    with pytest.raises(DataError, match="no cell of a link dataset"):
        break_down(tmp_path)
