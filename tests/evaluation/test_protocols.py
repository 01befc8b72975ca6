from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphkit.errors import ConfigError, ProtocolError, RenamedError, ShapeError, UnknownNameError
from graphkit.evaluation import PROTOCOLS, Protocol
from graphkit.evaluation.protocols import parse_protocol
from graphkit.evaluation.tables import Table

HASHES = {
    "benchmarking-gnns-100k": "e9d465817a17da3a",
    "benchmarking-gnns-500k": "61f9992908a6813e",
    "brec-rpc": "986ba48347654c62",
    "csl-5": "b44826f872cc4123",
    "drawn-110k-10k": "fb755c8c00e362cb",
    "drawn-950-50": "a57c4372bf0bc374",
    "dyglib-ap": "e5b2789456b6b522",
    "dyglib-ap-per-batch": "9b239b223bd611d6",
    "exp-10": "67e3bf6acfb51db0",
    "folds-10": "5e6bcd5a5ea2f968",
    "generator": "0b99224b4fdef697",
    "geom-gcn-10": "62f245b06e0a3cd0",
    "heart": "82b51f2e6174d7d0",
    "heart-clean": "01744de3928df5f5",
    "heterophilous-10": "596edc8566fc1e72",
    "links-in-graphs": "658a2d34a461fae5",
    "lrgb-original": "6833c0568d132ae4",
    "lrgb-reassessed": "7370c9a2307dd672",
    "ncn-70-10-20": "dc8e4ff4b1209736",
    "ogb": "8d4647814f5d8ba6",
    "ogb-valid-edges": "236c252604febb73",
    "planetoid-public": "92102c841a7ae8b3",
    "probe-10": "a6855926339943c4",
    "probe-50": "68ea8ca16a088907",
    "probe-90": "ebede4c6b729a633",
    "published-configurations": "0963c37c88977a5a",
    "qm7-5": "1ed5524caa880779",
    "random-60-20-20": "3928e5ea994f7c12",
    "random-80-10-10": "5ca8b9aa5194696b",
    "random-85-5-10": "86fcc4a08857e9f9",
    "relabelled-copies": "75b7dea1306ba811",
    "seal-10": "9d4d611c5e586d9f",
    "series": "fa4e9234050e8f30",
    "stream-edges": "1962d737cf471d08",
    "stream-generator": "d4b55e07cc4a26d4",
    "tgb-link": "6662fe25493ec554",
    "tgb-link-batch-1": "2d8453c5ca92f08e",
    "tgb-node": "8839f390d5b91440",
    "tgb-seq": "d17695af6c104b92",
    "tu-errica": "29bada1251505abc",
    "tu-gin": "ccaaab5831319c80",
}


def test_hashes_stay_what_they_were() -> None:
    assert {name: PROTOCOLS[name].hash[:16] for name in PROTOCOLS} == HASHES


def test_prose_may_be_mended_but_rules_change_the_hash() -> None:
    protocol = PROTOCOLS["ogb"]
    assert dataclasses.replace(protocol, description="other words", traps=()).hash == protocol.hash
    for change in ({"version": 2}, {"num_splits": 2}, {"split_rule": "other"}, {"std": "ddof = 0"}):
        assert dataclasses.replace(protocol, **change).hash != protocol.hash


def test_protocols_are_values() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        PROTOCOLS["ogb"].version = 2  # type: ignore[misc]
    assert {PROTOCOLS["ogb"]: 1}[PROTOCOLS["ogb"]] == 1
    assert PROTOCOLS["ogb"].to_dict()["id"] == "ogb"


def test_a_new_field_changes_no_protocol_that_does_not_use_it() -> None:
    protocol = PROTOCOLS["geom-gcn-10"]
    assert protocol.batch_size is None and dataclasses.replace(protocol, batch_size=None).hash == protocol.hash
    for change in ({"batch_size": 1}, {"ties": "average"}, {"negatives": "drawn"}, {"budget": 1}, {"seeds_due": 3}):
        assert dataclasses.replace(protocol, **change).hash != protocol.hash


def test_a_former_name_says_what_it_is_called_now() -> None:
    with pytest.raises(RenamedError, match="'ogbn' is called 'ogb' now"):
        PROTOCOLS["ogbn"]
    assert "ogbn" not in PROTOCOLS


def test_batch_size_and_ties_are_part_of_the_rules() -> None:
    assert [PROTOCOLS[name].batch_size for name in ("tgb-link", "tgb-link-batch-1", "heart")] == [200, 1, None]
    assert PROTOCOLS["tgb-link"].hash != PROTOCOLS["tgb-link-batch-1"].hash
    assert PROTOCOLS["ogb"].ties_for("hits@50") == "strict" and PROTOCOLS["ogb"].ties_for("mrr") == "average"
    assert PROTOCOLS["heart"].ties_for("hits@10") == "average"


@pytest.mark.parametrize("name", sorted(HASHES))
def test_every_file_is_complete(name: str) -> None:
    protocol = PROTOCOLS[name]
    assert protocol.title and protocol.description and protocol.source and protocol.traps and protocol.tasks
    assert "\n" not in protocol.description and len(protocol.title) < 100
    assert json.loads(json.dumps(protocol.to_dict()))["id"] == name
    ranked = {"link", "temporal-link", "graph-link"} & set(protocol.tasks)
    assert bool(ranked) == bool(protocol.negatives) or "benchmarking-gnns" in name


GOOD = {
    **{key: "x" for key in ("id", "title", "description", "source", "split_rule", "seeds")},
    "version": 1,
    "official": True,
    "num_splits": 1,
}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"splitrule": "x"}, "did you mean 'split_rule'"),
        ({"version": "1"}, "p.toml: version takes int"),
        ({"tasks": ["nodes"]}, "did you mean 'node'"),
        ({"num_splits": 0}, "count from 1"),
        ({"batch_size": 200}, "batch_size and freshness go together"),
        ({"traps": [{"text": "a", "issue": []}]}, "did you mean 'issues'"),
        ({"traps": [{"text": "a", "issues": ["ogb 84"]}]}, "owner/repository#number, got 'ogb 84'"),
    ],
)
def test_bad_files_are_named(change: dict[str, object], message: str) -> None:
    assert parse_protocol(GOOD, "p.toml").id == "x"
    with pytest.raises(ConfigError, match=message):
        parse_protocol({**GOOD, **change}, "p.toml")


def test_missing_rules_are_named() -> None:
    with pytest.raises(ConfigError, match="p.toml: official, num_splits missing"):
        parse_protocol({k: v for k, v in GOOD.items() if k not in ("official", "num_splits")}, "p.toml")


def test_seeds_walk_through_the_splits() -> None:
    assert [PROTOCOLS["geom-gcn-10"].split_index(seed) for seed in (0, 9, 10, 23)] == [0, 9, 0, 3]
    assert PROTOCOLS["planetoid-public"].split_index(7) == 0


def test_unknown_and_doubled_names() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'geom-gcn-10'"):
        PROTOCOLS["geomgcn-10"]
    with pytest.raises(ConfigError, match="listed twice"):
        Table("protocol", [PROTOCOLS["ogb"], PROTOCOLS["ogb"]])


def random_split() -> Protocol:
    return PROTOCOLS["random-60-20-20"]


GOLDEN = ([4, 5, 6, 7, 10, 13, 14, 15, 16, 17, 18, 19], [0, 1, 9, 12], [2, 3, 8, 11])


def test_generated_split_golden() -> None:
    train, valid, test = random_split().generate(np.arange(20) % 2, 3)
    assert (train.tolist(), valid.tolist(), test.tolist()) == GOLDEN


@given(st.lists(st.integers(-1, 4), min_size=40, max_size=200), st.integers(0, 9), st.integers(0, 3))
@settings(max_examples=80, deadline=None)
def test_generated_splits_partition_every_class(labels: list[int], index: int, seed: int) -> None:
    y = np.array([0, 0, 0, 0, 0, *labels])
    parts = random_split().generate(y, index, seed)
    together = np.concatenate(parts)
    assert sorted(together) == np.flatnonzero(y >= 0).tolist()
    assert all(part.dtype == np.int64 and np.all(np.diff(part) > 0) for part in parts)
    for label in np.unique(y[y >= 0]):
        count = int((y == label).sum())
        assert int((y[parts[0]] == label).sum()) == (6 * count + 5) // 10
        assert int((y[parts[1]] == label).sum()) == (2 * count + 5) // 10


def test_splits_and_families_differ() -> None:
    y = np.arange(100) % 3
    draws = {tuple(random_split().generate(y, index, seed)[0]) for index in range(10) for seed in range(3)}
    assert len(draws) == 30


def test_unlabelled_nodes_are_left_out_and_multilabel_is_one_stratum() -> None:
    y = np.array([np.nan] * 10 + [0.0] * 50 + [1.0] * 50)
    assert np.concatenate(random_split().generate(y, 0)).min() == 10
    many = np.zeros((100, 3))
    many[:10] = np.nan
    assert [len(part) for part in random_split().generate(many, 0)] == [54, 18, 18]


@pytest.mark.parametrize(
    ("name", "y", "index", "error", "message"),
    [
        ("ogb", np.zeros(50), 0, ProtocolError, "uses given splits"),
        ("random-60-20-20", np.zeros(50), 10, ProtocolError, r"splits 0\.\.9, got 10"),
        ("random-60-20-20", np.zeros(50), -1, ProtocolError, "got -1"),
        ("random-60-20-20", np.zeros((5, 5, 5)), 0, ShapeError, r"\[N\] or \[N, L\]"),
        ("random-60-20-20", np.zeros(1), 0, ShapeError, "1 labelled nodes are too few"),
        ("random-60-20-20", np.full(9, -1), 0, ShapeError, "0 labelled nodes are too few"),
    ],
)
def test_bad_requests(name: str, y: np.ndarray, index: int, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        PROTOCOLS[name].generate(y, index)
