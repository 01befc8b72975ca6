"""Cells without training: on a small card of one's own, and on the published data with its known numbers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from graphkit.config import RunSpec
from graphkit.errors import ConfigError, UnknownNameError
from graphkit.evaluation import Result, metric_named, mrr
from graphkit.training.run import run_cell

CARD = """
name = "chatter"
title = "Chatter"
task = "temporal-link-prediction"
target = "ranking"
metric = "mrr"
protocols = ["tgb-link", "tgb-link-batch-1"]
reader = "events-text"
reader_options = {{ columns = ["src", "dst", "t"] }}
negatives = {{ kind = "tgb-all" }}
licence = "not stated"
citation = "nobody"
[[files]]
path = "events.txt"
[[files.sources]]
urls = ["file://{path}"]
"""


@pytest.fixture
def chatter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    rows = np.stack([rng.integers(0, 20, 900), 20 + rng.integers(0, 15, 900), np.arange(900)], axis=1)
    np.savetxt(tmp_path / "events.txt", rows, fmt="%d")
    monkeypatch.setenv("GRAPHKIT_DATA", str(tmp_path / "cache"))
    monkeypatch.delenv("GRAPHKIT_MIRROR", raising=False)
    (tmp_path / "cache" / "cards").mkdir(parents=True)
    (tmp_path / "cache" / "cards" / "chatter.toml").write_text(CARD.format(path=tmp_path / "events.txt"))
    from graphkit.training import scoring

    scoring._loaded.cache_clear()


def cell(dataset: str, scorer: str, folder: Path | None = None, **more: Any) -> Result:
    assignments = [f"data.name={dataset}", f"scorer.name={scorer}", *(f"{key}={value}" for key, value in more.items())]
    return run_cell(RunSpec().with_overrides(assignments), folder)


def test_the_record_says_how_it_was_ranked_and_keeps_every_rank(chatter: None, tmp_path: Path) -> None:
    result = cell("chatter", "pair-recency", tmp_path)
    how = result.evaluation
    assert (how["batch_size"], how["freshness"], how["ties"], how["deterministic"]) == (200, "batch", "average", True)
    assert how["negatives_per_positive"] == {"valid": {"14": 135}, "test": {"14": 135}}
    assert result.parameters == 0 and result.model == "pair-recency" and len(how["negatives"]) == 64
    assert Result.from_json(result.to_json()) == result and json.loads(result.to_json())["evaluation"] == how
    with np.load(tmp_path / "ranks.npz") as kept:
        assert metric_named("mrr").fn(kept["test"]) == result.test
        assert metric_named("mrr").fn(kept["valid"]) == result.valid


def test_seeds_change_nothing_and_protocols_do(chatter: None) -> None:
    first = cell("chatter", "dst-recency")
    assert first.test == cell("chatter", "dst-recency", seed=5).test
    assert first.test != cell("chatter", "dst-recency", protocol="tgb-link-batch-1").test


def test_mistakes_are_named(chatter: None) -> None:
    with pytest.raises(ConfigError, match="is for node-classification"):
        run_cell(RunSpec().with_overrides(["data.name=chatter", "encoder.name=gcn"]))
    with pytest.raises(UnknownNameError, match="window"):
        cell("chatter", "edgebank-tw", **{"scorer.options.windw": 1.0})
    with pytest.raises(ConfigError, match="takes float"):
        cell("chatter", "edgebank-tw", **{"scorer.options.window": "true"})
    with pytest.raises(UnknownNameError, match="edgebank"):
        cell("chatter", "edgbank")


@pytest.mark.mirror
@pytest.mark.parametrize(
    ("scorer", "valid", "test"),
    [
        ("edgebank", 0.526654, 0.494668),
        ("edgebank-tw", 0.599741, 0.571024),
        ("pair-recency", 0.7555, 0.7248),
        ("dst-recency", 0.0825, 0.0758),
    ],
)
def test_tgbl_wiki_at_batch_200(mirror: Path, scorer: str, valid: float, test: float) -> None:
    result = cell("tgbl-wiki", scorer)
    digits = 1e-6 if scorer.startswith("edgebank") else 1e-4
    assert result.valid == pytest.approx(valid, abs=digits) and result.test == pytest.approx(test, abs=digits)
    counts = {"998": 2, "999": 23619}
    assert result.evaluation["negatives_per_positive"] == {"valid": counts, "test": counts}


@pytest.mark.mirror
@pytest.mark.parametrize(("scorer", "test"), [("edgebank", 0.524989), ("pair-recency", 0.8172)])
def test_tgbl_wiki_event_by_event(mirror: Path, scorer: str, test: float) -> None:
    result = cell("tgbl-wiki", scorer, protocol="tgb-link-batch-1")
    assert result.test == pytest.approx(test, abs=1e-4) and result.evaluation["batch_size"] == 1


@pytest.mark.mirror
@pytest.mark.parametrize(("scorer", "valid", "test"), [("cn", 9.47, 17.73), ("aa", 9.66, 18.61), ("ra", 7.25, 6.23)])
def test_ogbl_ddi(mirror: Path, scorer: str, valid: float, test: float) -> None:
    result = cell("ogbl-ddi", scorer)
    assert result.valid is not None and result.test is not None
    assert (round(100 * result.valid, 2), round(100 * result.test, 2)) == (valid, test)
    assert result.evaluation["ties"] == "strict" and result.evaluation["negatives_per_positive"]["test"] == 95599


@pytest.mark.mirror
@pytest.mark.parametrize(
    ("dataset", "expected"),
    [
        ("usair", {"cn": (93.83, 0.62), "aa": (95.12, 0.46), "ra": (95.85, 0.52)}),
        ("ns", {"cn": (93.79, 0.99), "aa": (93.82, 1.01), "ra": (93.83, 1.01)}),
        ("celegans", {"cn": (84.62, 2.01), "aa": (86.29, 2.02), "ra": (86.70, 2.02)}),
    ],
)
def test_seal_networks_over_their_ten_splits(mirror: Path, dataset: str, expected: Any) -> None:
    for scorer, (mean, std) in expected.items():
        scores = np.array([100 * (cell(dataset, scorer, seed=seed).test or 0.0) for seed in range(10)])
        assert (round(scores.mean(), 2), round(scores.std(ddof=1), 2)) == (mean, std)


def test_a_list_of_candidates_a_link_is_ranked_row_by_row(monkeypatch: pytest.MonkeyPatch) -> None:
    from graphkit.data import LinkDataset, RawLinks
    from graphkit.data.cards import load_card
    from graphkit.training import pair_values, scoring

    rng = np.random.default_rng(0)
    parts = {part: np.stack([rng.integers(0, 15, 8), rng.integers(15, 30, 8)]) for part in ("valid", "test")}
    parts |= {f"{part}_candidates": rng.integers(0, 30, (8, 5)) for part in ("valid", "test")}
    raw = RawLinks(30, rng.integers(0, 30, (2, 90)), {"ogb": [parts]}, undirected=False)
    dataset = LinkDataset(load_card("ogbl-citation2"), raw, "content", {})
    monkeypatch.setattr(scoring, "_loaded", lambda *_: dataset)
    monkeypatch.setattr(pair_values, "_CHUNK", 10)  # two rows at a time
    result = cell("ogbl-citation2", "pa")
    degree = np.zeros((30, 30), dtype=bool)
    degree[raw.edge_index[0], raw.edge_index[1]] = degree[raw.edge_index[1], raw.edge_index[0]] = True
    np.fill_diagonal(degree, False)
    busy = degree.sum(1)
    own = busy[parts["test"][0]] * busy[parts["test"][1]]
    others = busy[parts["test"][0]][:, None] * busy[parts["test_candidates"]]
    assert result.test == pytest.approx(mrr(own, others).value)
    assert result.evaluation["negatives_per_positive"] == {"valid": {"5": 8}, "test": {"5": 8}}
