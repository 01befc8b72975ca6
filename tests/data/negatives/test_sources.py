from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from graphkit.data.negatives.events import Events
from graphkit.data.negatives.sources import destination_range, read_events, time_split
from graphkit.errors import ConfigError, DataError, UnknownNameError

ARRAYS = {"src": np.zeros(6, int), "dst": np.arange(6) + 3, "t": np.array([0, 1, 2, 3, 3, 9])}


def test_time_split_never_divides_a_moment() -> None:
    split = time_split(Events(**ARRAYS), (0.5, 0.75))
    assert [int(split[part].sum()) for part in ("train", "valid", "test")] == [3, 2, 1]
    assert destination_range(Events(**ARRAYS)) == (3, 9)


def test_npz_with_and_without_masks(tmp_path: Path) -> None:
    path = tmp_path / "events.npz"
    np.savez(path, **ARRAYS)
    events, split = read_events(str(path))
    assert len(events) == 6 and split["train"].dtype == bool
    masks = {part: np.arange(6) % 3 == place for place, part in enumerate(("train", "valid", "test"))}
    np.savez(path, **ARRAYS, **masks)
    assert read_events(str(path))[1]["valid"].tolist() == [1, 4]
    np.savez(path, **ARRAYS, train=masks["train"])
    with pytest.raises(DataError, match="a mask for train only"):
        read_events(str(path))


@pytest.mark.parametrize("packed", [False, True])
def test_csv_columns_are_found_by_name(tmp_path: Path, packed: bool) -> None:
    text = "ts,user_id,item_id,label\n0,7,3,0\n1.5,8,4,1\n"
    path = tmp_path / ("events.csv.gz" if packed else "events.csv")
    path.write_bytes(gzip.compress(text.encode()) if packed else text.encode())
    events, _ = read_events(str(path))
    assert events.src.tolist() == [7, 8] and events.dst.tolist() == [3, 4] and events.t.tolist() == [0.0, 1.5]


@pytest.mark.parametrize(
    ("name", "content", "match"),
    [
        ("a.csv", b"a,b,c\n1,2,3\n", "no column"),
        ("a.csv", b"src,dst,t\n1,x,3\n", "cannot read"),
        ("a.csv", b"src,dst,t\n1,2\n", "cannot read"),
        ("a.csv", b"src,dst,t\n1.5,2,3\n", "whole numbers"),
        ("a.csv", b"src,dst,t\n-1,2,3\n", "numbers start at 0"),
        ("a.csv", b"src,dst,t\n1,2,nan\n", "line 2 holds a number that is not finite"),
        ("a.csv", b"src,dst,t\n1,2,5\n1,2,3\n", "sorted by time"),
        ("a.csv.gz", b"no archive", "cannot read"),
        ("a.npz", b"no archive", "cannot read"),
        ("a.npz", b"", "cannot read"),
    ],
)
def test_damaged_files(tmp_path: Path, name: str, content: bytes, match: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=match):
        read_events(str(tmp_path / name))


def test_missing_files_columns_and_datasets(tmp_path: Path) -> None:
    for name in ("none.npz", "none.csv"):
        with pytest.raises(DataError, match="cannot read"):
            read_events(str(tmp_path / name))
    np.savez(tmp_path / "a.npz", src=[1], t=[2])
    with pytest.raises(DataError, match="lacks dst"):
        read_events(str(tmp_path / "a.npz"))
    arrays: dict[str, Any] = {**ARRAYS, "src": np.array([object()] * 6)}
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(DataError, match="cannot read"):
        read_events(str(tmp_path / "a.npz"))
    with pytest.raises(UnknownNameError):
        read_events("karat")
    with pytest.raises(ConfigError, match="no events in time"):
        read_events("karate")
