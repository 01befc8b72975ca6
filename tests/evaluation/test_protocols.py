from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphkit.errors import ConfigError, ProtocolError, ShapeError, UnknownNameError
from graphkit.evaluation import PROTOCOLS, Protocol
from graphkit.evaluation.tables import Table

HASHES = {  # a changed hash makes old results incomparable: raise `version` with it
    "planetoid-public": "92102c841a7ae8b3",
    "geom-gcn-10": "62f245b06e0a3cd0",
    "heterophilous-10": "596edc8566fc1e72",
    "random-60-20-20": "3928e5ea994f7c12",
    "ogbn": "690513c651471893",
    "generator": "0b99224b4fdef697",
}


def test_hashes_stay_what_they_were() -> None:
    assert {name: PROTOCOLS[name].hash[:16] for name in PROTOCOLS} == HASHES


def test_prose_may_be_mended_but_rules_change_the_hash() -> None:
    protocol = PROTOCOLS["ogbn"]
    assert dataclasses.replace(protocol, description="other words", traps=()).hash == protocol.hash
    for change in ({"version": 2}, {"num_splits": 2}, {"split_rule": "other"}, {"std": "ddof = 0"}):
        assert dataclasses.replace(protocol, **change).hash != protocol.hash


def test_protocols_are_values() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        PROTOCOLS["ogbn"].version = 2  # type: ignore[misc]
    assert {PROTOCOLS["ogbn"]: 1}[PROTOCOLS["ogbn"]] == 1
    assert PROTOCOLS["ogbn"].to_dict()["id"] == "ogbn"


def test_seeds_walk_through_the_splits() -> None:
    assert [PROTOCOLS["geom-gcn-10"].split_index(seed) for seed in (0, 9, 10, 23)] == [0, 9, 0, 3]
    assert PROTOCOLS["planetoid-public"].split_index(7) == 0


def test_unknown_and_doubled_names() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'geom-gcn-10'"):
        PROTOCOLS["geomgcn-10"]
    with pytest.raises(ConfigError, match="listed twice"):
        Table("protocol", [PROTOCOLS["ogbn"], PROTOCOLS["ogbn"]])


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
        ("ogbn", np.zeros(50), 0, ProtocolError, "uses given splits"),
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
