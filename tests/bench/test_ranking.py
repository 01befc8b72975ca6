from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from graphkit.bench.diagram import critical_difference_diagram
from graphkit.bench.ranking import rank_models, render, to_payload
from graphkit.cli.main import main
from graphkit.errors import ConfigError, ProtocolError
from graphkit.evaluation import Result
from graphkit.evaluation.rank_tests import friedman

SCORES = {"cora": (0.83, 0.81, 0.70), "citeseer": (0.72, 0.70, 0.71), "pubmed": (0.79, 0.80, 0.60)}
MODELS = ("gat", "gcn", "mlp")


def records(scores: dict[str, tuple[float | None, ...]] = SCORES, **changes: Any) -> list[Result]:
    made = []
    for dataset, row in scores.items():
        for model, value in zip(MODELS, row, strict=True):
            for seed in range(2):
                own: dict[str, Any] = {"status": "ok", "test": value + seed / 1000} if value is not None else {}
                own = own or {"status": "failed", "error": "diverged"}
                own |= {"dataset": dataset, "model": model, "protocol": "planetoid-public", "protocol_hash": "a"}
                made.append(Result(seed=seed, split=0, **{"metric": "accuracy", **own, **changes}))
    return made


def write(folder: Path, results: list[Result]) -> Path:
    for number, result in enumerate(results):
        cell = folder / str(number)
        cell.mkdir(parents=True)
        (cell / "result.json").write_text(result.to_json())
    return folder


def test_models_are_ranked_by_their_means() -> None:
    ranking = rank_models(records())
    assert ranking.comparison.names == MODELS
    assert ranking.comparison.mean_ranks == pytest.approx((4 / 3, 2, 8 / 3))
    assert ranking.datasets == ("citeseer", "cora", "pubmed") and ranking.left_out == ()
    assert ranking.note == ""


def test_errors_rank_in_their_own_direction() -> None:
    turned = records({name: tuple(1 - value for value in row) for name, row in SCORES.items()}, metric="rmse")
    assert rank_models(turned).comparison == rank_models(records()).comparison


def test_few_datasets_say_what_they_cannot_show() -> None:
    ranking = rank_models(records({name: SCORES[name] for name in ("cora", "citeseer")}))
    assert ranking.note.startswith("2 datasets cannot tell any two of 3 models apart: the critical difference 2.34")
    assert ranking.note in render(ranking)


def test_a_dataset_that_a_model_failed_on_is_left_out_and_named() -> None:
    ranking = rank_models(records({**SCORES, "cora": (0.8, None, 0.7)}))
    assert (ranking.datasets, ranking.left_out) == (("citeseer", "pubmed"), ("cora",))
    assert "left out, not finished by every model: cora" in render(ranking)


def test_two_folders_are_ranked_side_by_side() -> None:
    better = records({name: tuple(value + 0.2 for value in row) for name, row in SCORES.items()})
    names = rank_models(records(), better).comparison.names
    assert set(names) == {f"{side}:{model}" for side in "AB" for model in MODELS}
    assert all(name.startswith("B:") for name in names[:3])


@pytest.mark.parametrize(
    ("results", "message"),
    [
        (records({"cora": SCORES["cora"]}), "got 3 models and 1 such datasets of 1"),
        (records({"cora": (0.8, None, 0.7), "pubmed": (None, 0.8, 0.7)}), "0 such datasets of 2"),
        (records() + records(protocol="geom-gcn-10", protocol_hash="b"), "several protocols"),
        (records() + records(spec={"lr": 0.1}), "several settings"),
        (records(status="partial"), "partial runs"),
    ],
)
def test_what_cannot_be_ranked_is_refused(results: list[Result], message: str) -> None:
    with pytest.raises(ProtocolError, match=message):
        rank_models(results)


def test_payload_and_text_agree() -> None:
    ranking = rank_models(records())
    payload = to_payload(ranking)
    assert json.loads(json.dumps(payload, allow_nan=False)) == payload
    assert payload["models"] == list(MODELS) and payload["alpha"] == 0.05
    assert f"critical difference {payload['critical_difference']:.2f}" in render(ranking)


def test_the_command_ranks_and_draws(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write(tmp_path / "runs", records())
    for suffix, first in ((".svg", b"<?xml"), (".png", b"\x89PNG")):
        plot = tmp_path / f"ranks{suffix}"
        assert main(["bench", "compare", str(folder), "--plot", str(plot)]) == 0
        out = capsys.readouterr()
        assert "ranks over 3 datasets (citeseer, cora, pubmed), 1 is best:" in out.out
        assert str(plot) in out.err
        assert plot.read_bytes().startswith(first)
    drawn = (tmp_path / "ranks.svg").read_text()
    assert all(text in drawn for text in ("gat  1.33", "2.67  mlp", "critical difference 1.91", "mean rank, 1 is best"))
    assert main(["bench", "compare", str(folder), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["ranking"]["models"] == list(MODELS)


def test_the_command_needs_several_datasets_for_a_plot_only(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write(tmp_path / "runs", records({"cora": SCORES["cora"]}))
    assert main(["bench", "compare", str(folder), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["ranking"] is None
    assert main(["bench", "compare", str(folder), "--plot", str(tmp_path / "a.svg")]) == 2
    assert "two datasets that all of them finished" in capsys.readouterr().err
    again = [run for run in records(spec={"lr": 0.1}) if (run.dataset, run.model) == ("cora", "gat")]
    two_settings = write(tmp_path / "other", records() + again)
    assert main(["bench", "compare", str(two_settings)]) == 0
    assert "no ranking over datasets: " in capsys.readouterr().err


def test_equal_ranks_give_equal_files(tmp_path: Path) -> None:
    comparison = friedman([[3.0, 2.0, 1.0], [3.0, 1.0, 2.0]], ["a", "b", "c"])
    first = critical_difference_diagram(comparison, tmp_path / "1.svg", title="t").read_bytes()
    assert critical_difference_diagram(comparison, tmp_path / "2.svg", title="t").read_bytes() == first
    assert b"longer than the axis" in first


def test_a_plot_that_cannot_be_written_fails_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    comparison = friedman([[3.0, 2.0], [3.0, 1.0]], ["a", "b"])
    with pytest.raises(ConfigError, match=r"ending in \.svg, \.png, \.pdf, got 'a\.jpeg'"):
        critical_difference_diagram(comparison, "a.jpeg")
    with pytest.raises(ConfigError, match="no folder"):
        critical_difference_diagram(comparison, tmp_path / "missing" / "a.svg")
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ConfigError, match=r"pip install 'graphkit\[plot\]'"):
        critical_difference_diagram(comparison, tmp_path / "a.svg")
