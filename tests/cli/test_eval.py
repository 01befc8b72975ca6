from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from graphkit.bench.report import read_results
from graphkit.cli.main import main
from graphkit.data import load_dataset
from graphkit.data.event_negatives import part_negatives
from graphkit.evaluation import PROTOCOLS


@pytest.fixture
def scores(tmp_path: Path) -> Path:
    path = tmp_path / "mine.npz"
    np.savez(path, scores=np.random.default_rng(0).normal(size=(34, load_dataset("karate").num_outputs)))
    return path


def test_a_number_its_caveats_and_its_record(scores: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["eval", str(scores), "-d", "karate", "-o", str(tmp_path / "out")]) == 0
    printed = capsys.readouterr().out
    assert "karate · generator · accuracy in percent" in printed and "mine" in printed
    assert "1 of 10 seeds: 10 seeds are due under generator" in printed and "taken on trust" in printed
    assert "no published value on record" in printed and "wrote " in printed
    (record,) = read_results(tmp_path / "out")
    assert f"{record.test * 100:.2f}" in printed if record.test is not None else False


def test_json_is_one_object(scores: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["eval", str(scores), str(scores), "-d", "karate", "-n", "3,4", "-m", "gcn", "--json"]) == 0
    captured = capsys.readouterr()
    payload = json.loads(captured.out)
    assert payload["results"][0]["seeds"] == [3, 4] and len(payload["records"]) == 2
    assert payload["results"][0]["model"] == "gcn" and payload["caveats"]
    assert "karate · generator" in captured.err


@pytest.mark.mirror
def test_published_values_stand_beside_it(tmp_path: Path, mirror: Path, capsys: pytest.CaptureFixture[str]) -> None:
    dataset = load_dataset("cora")
    np.savez(tmp_path / "a.npz", scores=np.eye(7)[dataset.raw.y])
    assert main(["eval", str(tmp_path / "a.npz"), "-d", "cora", "--protocol", "planetoid-public", "-m", "gat"]) == 0
    printed = capsys.readouterr().out
    assert "published, the best first:" in printed and "84.40 ± 0.50  dagnn" in printed and "+17.00" in printed


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ([], 2, "eval takes prediction files and their dataset"),
        (["{scores}"], 2, "eval takes prediction files and their dataset"),
        (["{scores}", "-d", "karat"], 2, "did you mean 'karate'"),
        (["{scores}", "-d", "karate", "--protocol", "heart"], 2, "has no protocol 'heart'"),
        (["{scores}", "-d", "karate", "--protocol", "ogbn"], 2, "is called 'ogb' now"),
        (["none.npz", "-d", "karate"], 3, "cannot read none.npz"),
        (["{nan}", "-d", "karate"], 1, "NaN or infinite"),
        (["{scores}", "-d", "karate", "-n", "x"], 2, "--seeds"),
        (["{scores}", "--explain", "heart"], 2, "leave the files out"),
        (["--explain", "hart"], 2, "did you mean 'heart'"),
        (["{scores}", "-d", "karate", "--protocl", "x"], 2, "unrecognized arguments: --protocl"),
    ],
)
def test_bad_usage_is_one_line_and_a_code(
    scores: Path, arguments: list[str], code: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    nan = scores.with_name("nan.npz")
    np.savez(nan, scores=np.full((34, 2), np.nan))
    assert main(["eval", *(word.format(scores=scores, nan=nan) for word in arguments)]) == code
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1


def test_protocols_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["eval", "--explain"]) == 0
    printed = capsys.readouterr().out
    assert all(name in printed for name in ("heart-clean", "tgb-link-batch-1"))
    assert main(["eval", "--explain", "tgb-link"]) == 0
    assert "Batches:     200 positives at a time" in capsys.readouterr().out
    assert main(["eval", "--explain", "-d", "karate"]) == 0
    assert capsys.readouterr().out.startswith("generator (version 1)")
    assert main(["eval", "--explain", "ogb", "--json"]) == 0
    (entry,) = json.loads(capsys.readouterr().out)["protocols"]
    assert entry["hash"] == PROTOCOLS["ogb"].hash and entry["traps"][0]["text"]


@pytest.mark.parametrize("arguments", [["--explain", "ogb"], ["{scores}", "-d", "karate"], ["{ddi}", "-d", "ogbl-ddi"]])
def test_no_torch(scores: Path, arguments: list[str], request: pytest.FixtureRequest) -> None:
    if "{ddi}" in arguments:
        request.getfixturevalue("mirror")
        np.savez(scores.with_name("ddi.npz"), pos=np.zeros(133_489), neg=np.zeros(95_599))
    arguments = ["eval", *(word.format(scores=scores, ddi=scores.with_name("ddi.npz")) for word in arguments)]
    script = (
        "import sys; from graphkit.cli.main import main; "
        f"code = main({arguments!r}); "
        "heavy = {'torch', 'torch_geometric', 'pandas', 'sklearn'} & set(sys.modules); "
        "sys.exit(f'imported {sorted(heavy)}' if heavy else code)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def report(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    assert main(["eval", *arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)["results"][0]


@pytest.mark.mirror
def test_common_neighbours_on_ogbl_ddi(tmp_path: Path, mirror: Path, capsys: pytest.CaptureFixture[str]) -> None:
    dataset = load_dataset("ogbl-ddi")
    split = dataset.split("ogb")
    adjacency = np.zeros((dataset.num_nodes,) * 2, dtype=np.float32)
    adjacency[tuple(split.message)] = 1
    common = adjacency @ adjacency
    names = {"pos": split.test, "neg": split.test_negatives}
    names |= {"valid_pos": split.valid, "valid_neg": split.valid_negatives}
    np.savez(tmp_path / "cn.npz", **{name: common[tuple(pairs)] for name, pairs in names.items()})
    row = report([str(tmp_path / "cn.npz"), "-d", "ogbl-ddi"], capsys)
    assert round(row["test_mean"] * 100, 2) == 17.73 and round(row["valid_mean"] * 100, 2) == 9.47
    assert row["published_mean"] == 0.1773 and row["model"] == "cn"


@pytest.mark.mirror
def test_a_constant_scorer_on_tgbl_wiki(tmp_path: Path, mirror: Path, capsys: pytest.CaptureFixture[str]) -> None:
    dataset = load_dataset("tgbl-wiki")
    counts = part_negatives(dataset, dataset.split(), "test").counts
    offsets = np.concatenate([[0], np.cumsum(counts)])
    scores = np.zeros(offsets[-1], dtype=np.float16)
    path = tmp_path / "same.npz"
    np.savez_compressed(path, pos=np.zeros(len(counts)), neg=scores, offsets=offsets)
    names = ("tgb-link", "tgb-link-batch-1")
    values = [report([str(path), "-d", "tgbl-wiki", "--protocol", name], capsys) for name in names]
    assert values[0]["test_mean"] == values[1]["test_mean"] == pytest.approx(np.mean(2 / (counts + 2)))
    assert values[0]["protocol_hash"] != values[1]["protocol_hash"]
    np.savez_compressed(path, pos=np.zeros(len(counts)), neg=np.zeros((len(counts), 999), dtype=np.float16))
    assert main(["eval", str(path), "-d", "tgbl-wiki"]) == 2
    assert "(998 to 999 a positive)" in capsys.readouterr().err
