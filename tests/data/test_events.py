from __future__ import annotations

import dataclasses
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphkit.data import EventDataset, EventStore, RawEvents
from graphkit.data.cards import Card
from graphkit.data.event_negatives import part_negatives
from graphkit.data.events import DataNotice, pack, unpack
from graphkit.errors import ConfigError, GraphValidationError, ProtocolError

CARD = Card(name="toy", task="temporal-link-prediction", target="ranking", metric="mrr", protocols=("tgb-link",))


def store(**changes: object) -> EventStore:
    fields = {"src": [0, 1, 0, 2], "dst": [1, 2, 1, 2], "t": [1, 5, 5, 9], "msg": np.ones((4, 2)), "y": [0, 1, 0, 1]}
    return EventStore(**(fields | changes))  # type: ignore[arg-type]


def test_statistics_count_what_they_say() -> None:
    assert store().statistics() == {
        "nodes": 3,
        "events": 4,
        "sources": 3,
        "destinations": 2,
        "pairs": 3,
        "timestamps": 3,
        "self_loops": 1,
        "ties": 2,
        "repeats": 1,
        "duplicates": 0,
    }


def test_arrays_are_frozen_and_narrow() -> None:
    events = store()
    assert events.src.dtype == np.int32 and events.t.dtype == np.int64
    with pytest.raises(ValueError, match="read-only"):
        events.src[0] = 1


def test_slices_keep_the_nodes() -> None:
    part = store()[1:3]
    assert (len(part), part.num_nodes, part.eid.tolist()) == (2, 3, [1, 2])
    with pytest.raises(GraphValidationError, match="step"):
        store()[::2]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"t": [1, 5, 4, 9]}, "event 2 is earlier"),
        ({"t": [1.0, 5.0, np.nan, 9.0]}, "time of event 2 is nan"),
        ({"t": [-1, 5, 5, 9]}, "times start at 0"),
        ({"t": np.array([1, 5, 5, 9], dtype=np.float32)}, "float64"),
        ({"src": [0, -1, 0, 2]}, "src of event 1 is -1"),
        ({"dst": [0, 1.5, 0, 2]}, "not a whole number"),
        ({"src": [0, 1, 0]}, "3 entries of src for 4 events"),
        ({"msg": [[1.0], [np.inf], [0.0], [0.0]]}, "msg of event 1"),
        ({"num_nodes": 2}, "names node 2"),
        ({"src": [[0, 1, 0, 2]]}, "must be"),
    ],
)
def test_broken_events_are_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(GraphValidationError, match=message):
        store(**changes)


def test_a_file_that_is_not_sorted_is_sorted_stably_and_says_so() -> None:
    raw = RawEvents(np.array([30, 10, 20]), np.array([10, 20, 10]), np.array([7, 3, 3]), name="toy")
    with pytest.warns(DataNotice, match="1 steps back, the first after row 0"):
        events = EventStore.from_raw(raw)
    assert events.eid.tolist() == [1, 2, 0] and not events.was_sorted
    assert events.node_ids[events.src].tolist() == [10, 20, 30]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9), st.integers(0, 5)), min_size=1, max_size=40))
def test_sorting_loses_nothing(rows: list[tuple[int, int, int]]) -> None:
    src, dst, t = (np.array(column) for column in zip(*rows, strict=True))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataNotice)
        events = EventStore.from_raw(RawEvents(src, dst, t))
    found = zip(events.node_ids[events.src], events.node_ids[events.dst], events.t, events.eid, strict=True)
    assert [tuple(map(int, row)) for row in found] == [(*rows[i], i) for i in sorted(range(len(t)), key=lambda i: t[i])]


def test_packing_is_exact() -> None:
    events, again = store(), unpack(pack(store()), "toy")
    for key, array in pack(events).items():
        np.testing.assert_array_equal(array, getattr(again, key))
    assert again.name == "toy" and again.num_nodes == 3


def test_pyg_s_temporal_data_and_back() -> None:
    data = store().to_temporal_data()
    assert data.num_events == 4 and data.msg.shape == (4, 2)
    again = EventStore.from_temporal_data(data)
    assert again.t.tolist() == [1, 5, 5, 9] and again.y is not None


def dataset(t: list[int]) -> EventDataset:
    nodes = np.arange(len(t))
    return EventDataset(CARD, EventStore(nodes % 3, nodes % 2, t), "content", {})


def test_the_split_is_by_the_quantiles_of_time_and_never_divides_a_time() -> None:
    assert dataset(list(range(20))).split().sizes == (14, 3, 3)
    assert dataset([0] * 5 + [1] * 10 + [2] * 2 + [3] * 3).split().sizes == (15, 2, 3)
    with pytest.raises(GraphValidationError, match="too few different times"):
        dataset([0] * 19 + [1]).split()


def test_splits_and_protocols_that_are_not_there() -> None:
    with pytest.raises(ProtocolError, match="split 0 alone"):
        dataset(list(range(20))).split(index=1)
    with pytest.raises(ProtocolError, match="tgb-link"):
        dataset(list(range(20))).split("ogb")


def test_surprise_and_new_nodes() -> None:
    events = EventStore([0] * 7 + [0, 1, 2], [1] * 7 + [1, 2, 3], list(range(10)))
    small = EventDataset(CARD, events, "content", {})
    assert small.split().sizes == (7, 1, 2) and small.surprise() == 1.0 and small.surprise("valid") == 0.0
    assert small.new_nodes() == 1.0


@pytest.mark.parametrize(
    ("negatives", "message"),
    [
        ({}, "not on its card"),
        ({"kind": "tgb"}, "tgb-all"),
        ({"kind": "hist_rnd"}, "need a count"),
        ({"kind": "hist_rnd", "cuont": 3}, "count"),
        ({"kind": "tgb-all", "count": 3}, "count"),
    ],
)
def test_a_card_must_say_which_negatives(negatives: dict[str, object], message: str) -> None:
    card = dataclasses.replace(CARD, negatives=negatives)
    one = EventDataset(card, dataset(list(range(20))).events, "content", {})
    with pytest.raises(ConfigError, match=message):
        part_negatives(one, one.split(), "test")


def test_listed_negatives_are_those_of_the_rule_and_stay_the_same() -> None:
    card = dataclasses.replace(CARD, negatives={"kind": "hist_rnd", "count": 3, "seed": 1})
    rng = np.random.default_rng(0)
    events = EventStore(rng.integers(0, 5, 200), rng.integers(5, 300, 200), np.arange(200))
    one = EventDataset(card, events, "content", {})
    valid, test = (part_negatives(one, one.split(), part) for part in ("valid", "test"))
    assert (len(valid), len(test), test.kind) == (30, 30, "hist_rnd") and (test.counts == 3).all()
    assert part_negatives(one, one.split(), "test").sha256 == test.sha256 != valid.sha256
