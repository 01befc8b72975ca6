from __future__ import annotations

import dataclasses
import os
import pickle
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from graphkit.data import EventDataset, EventStore
from graphkit.data.cards import Card
from graphkit.data.event_negatives import part_negatives
from graphkit.data.raw import LocalFile
from graphkit.data.readers import READERS
from graphkit.data.readers.tgb import _characters
from graphkit.errors import ConfigError, DataError, GraphValidationError, UnknownNameError, UnsafePickleError

CARD = Card(name="toy", task="temporal-link-prediction", target="ranking", metric="mrr", protocols=("tgb-link",))


def read(reader: str, folder: Path, paths: list[str], **options: Any) -> Any:
    card = dataclasses.replace(CARD, reader=reader, reader_options=options)
    return READERS.get(reader)({path: LocalFile(folder / path) for path in paths}, card)


def write(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(text, encoding="utf-8")


def test_a_users_table_keeps_names_and_numbers_them_as_they_come(tmp_path: Path) -> None:
    write(tmp_path, "e.csv", "when;who;whom;note;w\n2020-01-02;bob;ann;x;1\n2020-01-01T00:00:30;ann;cy;y;2.5\n")
    raw = read("events-table", tmp_path, ["e.csv"], src="who", dst="whom", t="when", msg=["w"], delimiter=";")
    assert raw.src.tolist() == [0, 1] and raw.dst.tolist() == [1, 2] and raw.names.tolist() == ["bob", "ann", "cy"]
    assert raw.t.tolist() == [1577923200, 1577836830] and raw.msg.tolist() == [[1.0], [2.5]]
    with pytest.warns(UserWarning, match="not sorted"):
        store = EventStore.from_raw(raw)
    assert (
        store.names is not None and store.names[store.src].tolist() == ["ann", "bob"] and store.eid.tolist() == [1, 0]
    )


def test_a_table_of_numbers_without_header_and_two_kinds_of_nodes(tmp_path: Path) -> None:
    write(tmp_path, "e.csv", "0,0,1.5\n1,0,2.5\n")
    raw = read("events-table", tmp_path, ["e.csv"], src=0, dst=1, t=2, header=False, bipartite=True)
    assert raw.dst.tolist() == [2, 2] and raw.t.tolist() == [1.5, 2.5] and raw.names is None


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"src": "a", "dst": "b", "t": "z"}, DataError, "no column 'z'; it has a, b, t"),
        ({"src": "a", "dst": "b"}, ConfigError, "reader_options.t is missing"),
        ({"src": "a", "dst": "b", "t": "t", "tt": 1}, UnknownNameError, "did you mean"),
        ({"src": "a", "dst": "b", "t": "t"}, DataError, "a row has 2 values, 3 are needed"),
    ],
)
def test_a_table_that_cannot_be_read_says_why(tmp_path: Path, options: Any, error: Any, message: str) -> None:
    write(tmp_path, "e.csv", "a,b,t\n1,2,3\n1,2\n")
    with pytest.raises(error, match=message):
        read("events-table", tmp_path, ["e.csv"], **options)


def test_parquet_is_an_extra(tmp_path: Path) -> None:
    (tmp_path / "e.parquet").write_bytes(b"PAR1")
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        with pytest.raises(ConfigError, match=r"pip install 'graphkit\[parquet\]'"):
            read("events-table", tmp_path, ["e.parquet"], src="a", dst="b", t="t")
        return
    parquet.write_table(pyarrow.table({"t": [3, 4], "b": ["x", "y"], "a": ["u", "u"]}), tmp_path / "e.parquet")
    raw = read("events-table", tmp_path, ["e.parquet"], src="a", dst="b", t="t")
    assert (raw.src.tolist(), raw.dst.tolist(), raw.t.tolist()) == ([0, 0], [1, 2], [3, 4])


def tgb(folder: Path, drop: int = 0) -> tuple[list[str], dict[str, dict[Any, Any]]]:
    """Twenty events of the TGB layout, one a second, and negatives of the last six by the reference's own numbers."""
    names = [(f"s{i % 3}", f"d{i % 4}") for i in range(20)]
    rows = "".join(f"{i}.7,{src},{dst},{2 ** (i % 3)}\n" for i, (src, dst) in enumerate(names))
    write(folder, "tgbl-toy_edgelist_v2.csv", "time,src,dst,weight\n" + rows)
    number: dict[str, int] = {}
    for pair in names:
        for one in pair:
            number.setdefault(one, len(number))
    parts = {"val": range(14, 17), "test": range(17, 20)}
    tables: dict[str, dict[Any, Any]] = {}
    for part, own in parts.items():
        tables[part] = {
            (np.int64(number[names[i][0]]), np.int64(number[names[i][1]]), np.int64(i)): np.array([i % 7, (i + 3) % 7])
            for i in own
        }
        kept = dict(list(tables[part].items())[: len(own) - drop])
        (folder / f"tgbl-toy_{part}_ns_v2.pkl").write_bytes(pickle.dumps(kept))
    return ["tgbl-toy_edgelist_v2.csv", "tgbl-toy_val_ns_v2.pkl", "tgbl-toy_test_ns_v2.pkl"], tables


def test_tgb_events_their_numbers_and_their_negatives(tmp_path: Path) -> None:
    paths, tables = tgb(tmp_path)
    raw = read("tgb-csv", tmp_path, paths, layout="weight")
    assert raw.t.tolist() == list(range(20)) and raw.names[:3].tolist() == ["s0", "d0", "s1"]
    assert raw.msg[:3, 0].tolist() == [0.0, 1.0, 2.0]
    store = EventStore.from_raw(raw)
    card = dataclasses.replace(CARD, negatives={"kind": "published"})
    dataset = EventDataset(card, store, "content", {})
    split = dataset.split()
    assert split.sizes == (14, 3, 3) and dataset.split_rule == "provided"
    for part, word in (("valid", "val"), ("test", "test")):
        found = part_negatives(dataset, split, part)  # type: ignore[arg-type]
        values, offsets = found.rows(slice(0, 3))
        assert [values[a:b].tolist() for a, b in zip(offsets, offsets[1:], strict=False)] == [
            row.tolist() for row in tables[word].values()
        ]


def test_a_cut_negatives_file_is_one_clear_error(tmp_path: Path) -> None:
    paths, _ = tgb(tmp_path, drop=1)
    with pytest.raises(DataError):
        read("tgb-csv", tmp_path, paths)
    (tmp_path / paths[1]).write_bytes((tmp_path / paths[1]).read_bytes()[:-20])
    with pytest.raises(DataError, match="damaged|cut short"):
        read("tgb-csv", tmp_path, paths)


def test_a_pickle_that_would_run_something_is_refused(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> Any:
            return os.system, ("true",)

    paths, _ = tgb(tmp_path)
    (tmp_path / paths[2]).write_bytes(pickle.dumps({(1, 2, 3): Evil()}))
    with pytest.raises(UnsafePickleError):
        read("tgb-csv", tmp_path, paths)


def test_flight_codes_are_those_of_the_benchmark() -> None:
    def reference(text: str) -> list[float]:
        text = "" if len(text) > 8 else text
        return [float(c) if c.isdigit() else -1.0 if c == "!" else ord(c.upper()) - 35.0 for c in text.ljust(8, "!")]

    texts = ["BAW12a", "", "A380", "123456789"]
    assert _characters(np.array(texts)).tolist() == [reference(text) for text in texts]


def test_tgb_seq_negatives_follow_the_test_events_through_sorting(tmp_path: Path) -> None:
    write(tmp_path, "X.csv", "src,dst,time,split\n0,5,1,0\n1,6,2,0\n0,6,3,1\n1,5,9,2\n0,7,8,2\n")
    np.save(tmp_path / "X_test_ns.npy", np.array([[5, 6], [7, 5]]))
    raw = read("tgb-seq", tmp_path, ["X.csv", "X_test_ns.npy"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        store = EventStore.from_raw(raw)
    values, offsets = store.negatives["test"]
    assert store.node_ids[values].tolist() == [7, 5, 5, 6] and offsets.tolist() == [0, 2, 4]
    dataset = EventDataset(dataclasses.replace(CARD, negatives={"kind": "published", "count": 4}), store, "", {})
    assert dataset.split().sizes == (2, 1, 2)
    assert part_negatives(dataset, dataset.split(), "valid").counts.tolist() == [4]
    np.save(tmp_path / "X_test_ns.npy", np.array([[5, 6]]))
    with pytest.raises(DataError, match="for 2 test events"):
        read("tgb-seq", tmp_path, ["X.csv", "X_test_ns.npy"])
    np.save(tmp_path / "X_test_ns.npy", np.array([[5, 6], [7, 99]]))
    with pytest.raises(GraphValidationError, match="name node 99, which no event has"), pytest.warns(UserWarning):
        EventStore.from_raw(read("tgb-seq", tmp_path, ["X.csv", "X_test_ns.npy"]))


def test_dyglib_features_lose_their_padding(tmp_path: Path) -> None:
    write(tmp_path, "ml_x.csv", ",u,i,ts,label,idx\n0,1,3,0.0,0,1\n1,2,3,5.5,1,2\n")
    features = np.zeros((3, 172))
    features[1, 0], features[2, 1] = 1.0, 2.0
    np.save(tmp_path / "ml_x.npy", features)
    raw = read("dyglib-csv", tmp_path, ["ml_x.csv", "ml_x.npy"])
    assert raw.msg.tolist() == [[1.0, 0.0], [0.0, 2.0]] and raw.y.tolist() == [0, 1] and raw.dst.tolist() == [3, 3]
    assert read("dyglib-csv", tmp_path, ["ml_x.csv"]).msg is None
    np.save(tmp_path / "ml_x.npy", features[:2])
    with pytest.raises(DataError, match="cut short"):
        read("dyglib-csv", tmp_path, ["ml_x.csv", "ml_x.npy"])


@pytest.mark.parametrize(("time", "message"), [("-1", "times start at 0"), ("nan", "time of event 1 is nan")])
def test_times_that_are_negative_or_nan_name_the_event(tmp_path: Path, time: str, message: str) -> None:
    write(tmp_path, "e.csv", f"a,b,t\n1,2,3.0\n1,2,{time}\n")
    with pytest.raises(GraphValidationError, match=message):
        EventStore.from_raw(read("events-table", tmp_path, ["e.csv"], src="a", dst="b", t="t"))


def test_duplicate_events_are_kept_and_counted() -> None:
    store = EventStore([0, 0, 0, 1], [1, 1, 1, 2], [5, 5, 6, 6])
    assert store.statistics()["duplicates"] == 1 and len(store) == 4
