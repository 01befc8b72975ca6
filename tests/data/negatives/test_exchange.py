from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from graphkit.data.negatives import (
    NegativeSet,
    Positives,
    hist_rnd,
    historical,
    read_tgb,
    read_tgb_seq,
    uniform,
    write_tgb,
    write_tgb_seq,
)
from graphkit.errors import DataError, ProtocolError, ShapeError, UnsafePickleError

KEYS = [(0, 5, 10), (1, 6, 20), (0, 7, 20)]
ROWS = [[6, 7], [5, 7, 8], [8]]
POSITIVES = Positives([0, 0, 1, 0], [5, 7, 6, 5], [10, 20, 20, 10], event=[2, 3, 5, 8])


def published(path: Path, entries: Any = None, protocol: int = 4) -> Path:
    """A file as py-tgb writes it: keys of numpy numbers, values that are arrays."""
    if entries is None:
        keys = [tuple(map(np.int64, key)) for key in KEYS]
        entries = dict(zip(keys, map(np.array, ROWS), strict=True))
    path.write_bytes(pickle.dumps(entries, protocol=protocol))
    return path


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_tgb_entries_in_the_order_of_the_file(tmp_path: Path, protocol: int) -> None:
    made = read_tgb(published(tmp_path / "ns.pkl", protocol=protocol), split="valid")
    assert made.kind == "published" and made.values.tolist() == sum(ROWS, []) and made.counts.tolist() == [2, 3, 1]
    assert made.find([1, 0], [6, 7], [20, 20]).tolist() == [1, 2] and made.filtered


def test_tgb_entries_in_the_order_of_the_positives(tmp_path: Path) -> None:
    made = read_tgb(published(tmp_path / "ns.pkl"), POSITIVES, split="valid")
    assert [made.rows([row])[0].tolist() for row in range(4)] == [[6, 7], [8], [5, 7, 8], [6, 7]]
    assert made.positives is POSITIVES and made.positives.rows_of_events([8]).tolist() == [3]
    with pytest.raises(DataError, match=r"1 of 1 .* first is \(src=0, dst=5, t=11\)"):
        read_tgb(tmp_path / "ns.pkl", Positives([0], [5], [11]), split="valid")


def test_rows_that_tgb_wrote_as_floats_and_lists(tmp_path: Path) -> None:
    entries = {(0, 5, 10): np.array([6.0, 7.0]), (1, 6, 20): [5, 7]}
    assert read_tgb(published(tmp_path / "ns.pkl", entries), split="valid").values.tolist() == [6, 7, 5, 7]


def test_typed_keys(tmp_path: Path) -> None:
    entries = {(0, 5, 10, 1): np.array([6]), (0, 5, 10, 0): np.array([7])}
    path = published(tmp_path / "ns.pkl", entries)
    typed = Positives([0, 0], [5, 5], [10, 10], relation=[0, 1])
    assert read_tgb(path, typed, split="test", layout="typed-link").values.tolist() == [7, 6]
    path = published(tmp_path / "ns.pkl", {(10, 0, 1): np.array([6]), (10, 0, 0): np.array([7])})
    made = read_tgb(path, typed, split="test", layout="source-time")
    assert made.values.tolist() == [7, 6] and made.find([0], [5], [10], [1]).tolist() == [1]
    with pytest.raises(DataError, match="give the positives"):
        read_tgb(path, split="test", layout="source-time")
    with pytest.raises(DataError, match="needs positives with"):
        read_tgb(path, POSITIVES, split="test", layout="source-time")
    with pytest.raises(ShapeError, match="layout"):
        read_tgb(path, split="test", layout="other")


def test_tgb_round_trip(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    events = rng.integers(0, 4, 60), rng.integers(4, 20, 60), np.sort(rng.integers(0, 25, 60))
    made = hist_rnd(events, slice(30, 60), slice(0, 30), 6, pool=(4, 20), split="test")
    path = write_tgb(made, tmp_path / "deep" / "ns.pkl")
    with path.open("rb") as stream:
        plain = pickle.load(stream)
    key = next(iter(plain))
    assert all(type(part) is np.int64 for part in key) and plain[key].dtype == np.int64
    assert len(plain) == len({tuple(column[row] for column in events) for row in range(30, 60)})
    again = read_tgb(path, made.positives, split="test")
    np.testing.assert_array_equal(again.values, made.values)
    np.testing.assert_array_equal(again.offsets, made.offsets)
    assert write_tgb(again, tmp_path / "again.pkl").read_bytes() == path.read_bytes()


def test_what_tgb_cannot_hold(tmp_path: Path) -> None:
    twice = historical(([0, 0, 0], [5, 6, 6], [1, 2, 2]), [1, 2], 4, pool=40, seed=0, split="test")
    with pytest.raises(ProtocolError, match="different rows"):
        write_tgb(twice, tmp_path / "ns.pkl")
    with pytest.raises(ProtocolError, match="needs positives"):
        write_tgb(NegativeSet.of_matrix("uniform", [[1]]), tmp_path / "ns.pkl")
    real = NegativeSet.of_matrix("uniform", [[1]], positives=Positives([0], [2], [0.5]))
    with pytest.raises(DataError, match="whole numbers"):
        write_tgb(real, tmp_path / "ns.pkl")
    assert not list(tmp_path.iterdir())


def doubling(depth: int) -> list[Any]:
    """A few hundred bytes that hold 2 ** depth entries."""
    nested: list[Any] = [1]
    for _ in range(depth):
        nested = [nested, nested]
    return nested


class Evil:
    def __reduce__(self) -> Any:
        return os.system, ("touch evil",)


@pytest.mark.parametrize(
    "entries",
    [
        {(0, 5, 10): Evil()},
        {Evil(): np.array([1])},
        {(0, 5, 10): np.array([Evil()], dtype=object)},
        Evil(),
    ],
)
def test_hostile_pickles_run_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, entries: Any) -> None:
    monkeypatch.chdir(tmp_path)
    path = published(tmp_path / "ns.pkl", entries)
    with pytest.raises(UnsafePickleError, match=r"ns\.pkl"):
        read_tgb(path, split="test")
    assert not (tmp_path / "evil").exists()


@pytest.mark.parametrize(
    "entries",
    [
        [],
        {},
        [1, 2],
        {(0, 5): np.array([1])},
        {(0, 5, 10): np.array([1]), (1, 5): np.array([2])},
        {(0, 5, "noon"): np.array([1])},
        {(0, 5, 10): np.array([0.5])},
        {(0, 5, 10): np.array(["a"])},
        {(0, 5, 10): np.array([], dtype=np.int64)},
        {(0, 5, 10): np.array([-3])},
        {(0, -5, 10): np.array([3])},
        {(0, 5, float("nan")): np.array([3])},
        {(0, 5, 10): None},
        {(0, 5, 10): np.array([[3]])},
        {(0, 5, 10): [[3], [4]]},
        {(0, 5, 10): doubling(200)},
        doubling(200),
        {7: np.array([3])},
    ],
)
def test_other_pickles_are_refused(tmp_path: Path, entries: Any) -> None:
    with pytest.raises(DataError, match=r"ns\.pkl|candidates|row 0"):
        read_tgb(published(tmp_path / "ns.pkl", entries), split="test")


def test_every_cut_of_a_pickle_is_noticed(tmp_path: Path) -> None:
    content = published(tmp_path / "ns.pkl").read_bytes()
    for length in range(len(content)):
        (tmp_path / "cut.pkl").write_bytes(content[:length])
        with pytest.raises(DataError, match=r"cut\.pkl"):
            read_tgb(tmp_path / "cut.pkl", split="test")
    with pytest.raises(DataError, match="there is no file"):
        read_tgb(tmp_path / "none.pkl", split="test")


def test_the_positive_among_published_negatives(tmp_path: Path) -> None:
    path = published(tmp_path / "ns.pkl", {(0, 5, 10): np.array([6, 5])})
    with pytest.raises(ProtocolError, match="own positive"):
        read_tgb(path, split="test")
    assert len(read_tgb(path, split="test", filtered=False)) == 1


def test_tgb_seq_round_trip(tmp_path: Path) -> None:
    table = np.arange(12).reshape(4, 3)
    np.save(tmp_path / "test_ns.npy", table)
    made = read_tgb_seq(tmp_path / "test_ns.npy", POSITIVES)
    assert made.kind == "tgb-seq" and made.candidates.tolist() == table.tolist() and not made.filtered
    again = write_tgb_seq(made, tmp_path / "again.npy")
    assert again.read_bytes() == (tmp_path / "test_ns.npy").read_bytes()
    with pytest.raises(ShapeError, match="4 rows of negatives cannot belong to 3"):
        read_tgb_seq(tmp_path / "test_ns.npy", POSITIVES.take(slice(0, 3)))
    ragged = uniform(Positives([0, 1], [3, 4]), 9, pool=6, seed=0, split="t", known=([0], [1]))
    with pytest.raises(ProtocolError, match="one length"):
        write_tgb_seq(ragged, tmp_path / "ragged.npy")


@pytest.mark.parametrize(
    "save",
    [
        lambda path: np.save(path, np.array([Evil()], dtype=object)),
        lambda path: np.save(path, np.array([[0.5]])),
        lambda path: np.save(path, np.arange(3)),
        lambda path: np.save(path, np.zeros((0, 3), int)),
        lambda path: np.save(path, np.array([[-1]])),
        lambda path: np.savez(path.with_suffix(".npz"), a=np.arange(3)) or path.with_suffix(".npz").rename(path),
        lambda path: path.write_bytes(b"\x93NUMPY\x01\x00\x76\x00" + b"{'descr': '<i8', 'shape': (9, 9" + b" " * 99),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(pickle.dumps(Evil())),
    ],
)
def test_other_arrays_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, save: Any) -> None:
    monkeypatch.chdir(tmp_path)
    save(tmp_path / "test_ns.npy")
    with pytest.raises(DataError):
        read_tgb_seq(tmp_path / "test_ns.npy")
    assert not (tmp_path / "evil").exists()


def test_a_cut_array_is_noticed(tmp_path: Path) -> None:
    np.save(tmp_path / "whole.npy", np.arange(12).reshape(4, 3))
    content = (tmp_path / "whole.npy").read_bytes()
    (tmp_path / "cut.npy").write_bytes(content[:-1])
    with pytest.raises(DataError, match=r"cut\.npy"):
        read_tgb_seq(tmp_path / "cut.npy")
