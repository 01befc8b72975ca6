from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from scipy import stats

from graphkit.bench.compare import compare, compare_results, has_regression, render, to_payload
from graphkit.errors import ConfigError, DataError, ProtocolError, UnknownNameError
from graphkit.evaluation import Result
from graphkit.evaluation.significance import TESTS, holm

OLD = [0.801, 0.812, 0.793, 0.824, 0.805, 0.816, 0.808]
GAIN = [0.010, 0.012, -0.003, 0.014, 0.005, 0.016, 0.021]


def runs(tests: list[float | None], model: str = "gat", **changes: Any) -> list[Result]:
    values: dict[str, Any] = {
        "dataset": "cora",
        "model": model,
        "protocol": "geom-gcn-10",
        "protocol_hash": "ab",
        "metric": "accuracy",
        "dataset_fingerprint": "f",
    }
    made = []
    for seed, test in enumerate(tests):
        own = {"split": seed % 10, "split_sha256": f"split {seed % 10}", "spec": {"seed": seed}}
        own |= {"status": "failed", "error": "x"} if test is None else {"status": "ok"}
        made.append(Result(seed=seed, test=test, **{**values, **own, **changes}))
    return made


def new() -> list[float]:
    return [old + gain for old, gain in zip(OLD, GAIN, strict=True)]


@pytest.mark.parametrize("test", TESTS)
def test_one_comparison_equals_scipy(test: str) -> None:
    (one,) = compare_results(runs(OLD), runs(new()), test=test)
    assert (one.a, one.b, one.seeds, one.left_out) == ("A:gat", "B:gat", tuple(range(7)), ())
    assert one.difference == pytest.approx(sum(GAIN) / 7)
    assert one.mean_b - one.mean_a == pytest.approx(one.difference)
    low, high = stats.t.interval(0.95, 6, loc=sum(GAIN) / 7, scale=stats.sem(GAIN))
    assert one.ci95 == pytest.approx((low, high))
    expected = {
        "wilcoxon": stats.wilcoxon(GAIN, method="exact").pvalue,
        "paired-t": stats.ttest_1samp(GAIN, 0.0).pvalue,
        "sign": stats.binomtest(6, 7).pvalue,
    }
    if test in expected:
        assert one.p == pytest.approx(expected[test])
    assert one.p_holm == one.p and not one.worse


def test_models_of_one_folder_are_compared_pairwise_with_holm() -> None:
    results = [*runs(OLD, "gcn"), *runs(new(), "gat"), *runs([v + 0.05 for v in OLD], "sage")]
    outcome = compare_results(results)
    assert [(one.a, one.b) for one in outcome] == [("gat", "gcn"), ("gat", "sage"), ("gcn", "sage")]
    assert [one.p_holm for one in outcome] == holm([one.p for one in outcome])
    assert outcome[0].note == "" != compare_results(results[:5] + results[7:12] + results[14:19])[0].note


def test_only_shared_seeds_count() -> None:
    (one,) = compare_results(runs(OLD), runs([None, *new()[1:5]]))
    assert (one.seeds, one.left_out) == ((1, 2, 3, 4), (0, 5, 6))
    assert "4 seeds cannot reach p < 0.05 with wilcoxon" in one.note
    assert "left out, finished on one side only: seeds 0, 5, 6" in render([one])


def test_two_folders_of_one_model_each_are_compared() -> None:
    (one,) = compare_results(runs(OLD, "gat"), runs(new(), "gatv2"))
    assert (one.a, one.b) == ("A:gat", "B:gatv2")


@pytest.mark.parametrize(
    ("loss", "rule", "worse"),
    [
        (0.02, "", False),
        (0.02, "0.5%", True),
        (0.02, "3%", False),
        (0.02, "0.019", True),
        (0.02, "0.021", False),
        (0.0, "0%", False),
        (0.0, "0", False),
        (-0.02, "0", False),
        (1e-9, "0", True),
    ],
)
def test_the_regression_gate(loss: float, rule: str, worse: bool) -> None:
    outcome = compare_results(runs(OLD), runs([value - loss for value in OLD]), fail_if_worse=rule)
    assert has_regression(outcome) is worse
    assert ("WORSE than allowed" in render(outcome)) is worse


def test_the_gate_knows_that_errors_should_fall() -> None:
    old, up = runs([2.0, 3.0], metric="rmse"), runs([2.5, 3.5], metric="rmse")
    assert has_regression(compare_results(old, up, fail_if_worse="0.4"))
    assert not has_regression(compare_results(up, old, fail_if_worse="0.4"))
    assert "3.00 against 2.50: +0.50 [" in render(compare_results(old, up))


@pytest.mark.parametrize("rule", ["half", "-0.5%", "0.5 %x", "%", "nan", "."])
def test_the_gate_takes_numbers_only(rule: str) -> None:
    with pytest.raises(ConfigError, match=r"takes 0\.5% or 0\.005"):
        compare_results(runs(OLD), runs(OLD), fail_if_worse=rule)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"protocol_hash": "cd"}, "differ in protocol_hash"),
        ({"protocol": "ogb"}, "A holds cora/geom-gcn-10/gat, B holds cora/ogb/gat"),
        ({"dataset": "pubmed"}, "nothing to compare under one protocol"),
        ({"dataset_fingerprint": "g"}, "differ in dataset_fingerprint"),
        ({"metric": "macro-f1"}, "differ in metric"),
        ({"split_sha256": "other", "split": 0}, "split 0 is not the same"),
        ({"split": 99, "split_sha256": "x"}, "seed 0 ran on different splits"),
        ({"status": "partial"}, "one side is partial"),
    ],
)
def test_what_cannot_be_compared_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ProtocolError, match=message):
        compare_results(runs(OLD), runs(OLD, **changes))


def provenance(**changes: Any) -> dict[str, Any]:
    files = {"ind.cora.x": {"sha256": changes.pop("digest", "00")}}
    return {"files": files, "reader": "planetoid", "reader_version": "1", "options": {}, "prepare": {}, **changes}


def test_preparation_is_a_models_choice_but_the_data_is_not() -> None:
    base = runs(OLD, files=provenance())
    prepared = {"dataset_fingerprint": "g", "files": provenance(prepare={"features": "row"})}
    assert compare_results(base, runs(new(), "sage", **prepared))[0].seeds == tuple(range(7))
    for other in (
        provenance(),
        provenance(prepare={"features": "row"}, digest="11"),
        provenance(prepare={"features": "row"}, reader_version="2"),
        provenance(prepare={"features": "row"}, options={"k": 2}),
    ):
        with pytest.raises(ProtocolError, match="dataset_fingerprint"):
            compare_results(base, runs(new(), "sage", dataset_fingerprint="g", files=other))


def test_nothing_to_pair_is_an_error() -> None:
    with pytest.raises(ProtocolError, match="no dataset and protocol has two models"):
        compare_results(runs(OLD))
    with pytest.raises(ProtocolError, match="no seed finished on both sides"):
        compare_results(runs([0.8, None]), runs([None, 0.8]))
    with pytest.raises(UnknownNameError):
        compare_results(runs(OLD), runs(OLD), test="wilcoxson")  # type: ignore[arg-type]


def test_folders_and_payload(tmp_path: Path) -> None:
    for name, tests in (("a", OLD), ("b", new())):
        for result in runs(tests):
            cell = tmp_path / name / f"seed-{result.seed}"
            cell.mkdir(parents=True)
            (cell / "result.json").write_text(result.to_json())
    outcome = compare(tmp_path / "a", tmp_path / "b", fail_if_worse="0.5%")
    assert outcome == compare_results(runs(OLD), runs(new()), fail_if_worse="0.5%")
    payload = json.loads(json.dumps(to_payload(outcome)))
    assert payload["regression"] is False
    assert payload["comparisons"][0]["seeds"] == list(range(7))
    assert payload["comparisons"][0]["difference"] == pytest.approx(sum(GAIN) / 7)
    with pytest.raises(DataError, match="no run folder"):
        compare(tmp_path / "a", tmp_path / "c")


def test_the_text_names_units_and_power() -> None:
    text = render(compare_results(runs(OLD), runs(new())))
    assert "cora · geom-gcn-10 · accuracy: B:gat against A:gat" in text
    assert "81.91 against 80.84: +1.07 points [" in text
    assert "smallest difference seen with 80 % power:" in text


def test_models_without_chance_are_not_told_to_run_more_seeds() -> None:
    exact = {"protocol": "tgb-link", "metric": "mrr", "evaluation": {"deterministic": True}}
    (one,) = compare_results([*runs([0.49], "edgebank", **exact), *runs([0.72], "pair-recency", **exact)])
    assert one.note.startswith("neither model is random") and one.difference == pytest.approx(0.23)
    (mixed,) = compare_results(
        [*runs([0.49], "edgebank", **exact), *runs([0.72], "tgn", **{**exact, "evaluation": {}})]
    )
    assert "use at least" in mixed.note


def test_splits_of_models_without_chance_are_tested_like_seeds() -> None:
    exact = {"evaluation": {"deterministic": True}}
    (one,) = compare_results([*runs(OLD, "cn", **exact), *runs(new(), "ra", **exact)])
    assert one.note == "" and one.p < 0.05
