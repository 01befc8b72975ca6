from __future__ import annotations

import dataclasses
import multiprocessing
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import sparse

import graphkit.data.cache as cache_module
from graphkit.data.cache import code_version, content_digest, load_or_build, processed_file, to_arrays
from graphkit.data.container import read_container, write_container
from graphkit.data.raw import RawGraph
from graphkit.errors import CacheError


def small(**changes: Any) -> RawGraph:
    raw = RawGraph(
        x=sparse.random(5, 4, 0.5, format="csr", random_state=1, dtype=np.float32),
        edge_index=np.array([[0, 1, 2], [1, 2, 0]]),
        y=np.array([0, 1, 0, 1, -1]),
        splits={
            "given": [(np.array([0]), np.array([1]), np.array([2, 3])), (np.array([1]), np.array([0]), np.array([2]))]
        },
        edge_attr=np.ones((3, 2), dtype=np.float32),
        ptr=np.array([0, 3, 5]),
        name="small",
    )
    return dataclasses.replace(raw, **changes)


def refuse() -> RawGraph:
    raise AssertionError("the graph was built again")


def _build_slowly(folder: Path) -> str:
    def build() -> RawGraph:
        with (folder.parent.parent / "built").open("a") as log:
            log.write("x")
        return small()

    return load_or_build(folder, build)[1]


@pytest.mark.parametrize("x", [None, np.arange(20, dtype=np.float32).reshape(5, 4)])
def test_a_graph_survives_whole(tmp_path: Path, x: Any) -> None:
    raw = small() if x is None else small(x=x)
    first, digest = load_or_build(tmp_path / "key", lambda: raw)
    again, same = load_or_build(tmp_path / "key", refuse)
    assert digest == same == content_digest(to_arrays(raw))
    for loaded in (first, again):
        arrays, wanted = to_arrays(loaded), to_arrays(raw)
        assert arrays.keys() == wanted.keys() and loaded.name == "small"
        for key in wanted:
            np.testing.assert_array_equal(arrays[key], wanted[key])
            assert arrays[key].dtype == wanted[key].dtype
        assert [len(parts) for parts in loaded.splits["given"][0]] == [1, 1, 2]


def test_loaded_arrays_may_be_written_without_harm(tmp_path: Path) -> None:
    raw, _ = load_or_build(tmp_path / "key", small)
    raw.y[0] = 7
    assert load_or_build(tmp_path / "key", refuse)[0].y[0] == 0


@pytest.mark.parametrize("damage", ["flip", "cut", "gone", "index"])
def test_damage_is_seen_and_mended(tmp_path: Path, damage: str) -> None:
    _, digest = load_or_build(tmp_path / "key", small)
    file = tmp_path / "key"
    content = bytearray(file.read_bytes())
    content[30 if damage == "index" else -1] ^= 1
    if damage == "gone":
        file.unlink()
    else:
        file.write_bytes(content[:-8] if damage == "cut" else content)
    built = []
    assert load_or_build(tmp_path / "key", lambda: built.append(1) or small())[1] == digest  # type: ignore[func-returns-value]
    assert built == [1] and load_or_build(tmp_path / "key", refuse)[1] == digest


def test_digest_is_of_content_alone() -> None:
    raw = small()
    unsorted = sparse.csr_matrix(raw.x)
    unsorted.indices[:2], unsorted.data[:2] = unsorted.indices[1::-1].copy(), unsorted.data[1::-1].copy()
    unsorted.has_sorted_indices = unsorted.has_canonical_format = False
    assert content_digest(to_arrays(small(x=unsorted))) == content_digest(to_arrays(raw))
    assert content_digest(to_arrays(small(y=raw.y[::-1]))) != content_digest(to_arrays(raw))


def test_key_follows_every_part_of_the_recipe(cache: Path) -> None:
    recipes = [{"files": {"a": "1"}}, {"files": {"a": "2"}}, {"files": {"a": "1"}, "code": "x"}]
    folders = {processed_file("ring", recipe) for recipe in recipes}
    assert len(folders) == 3 and all(folder.is_relative_to(cache) for folder in folders)


def test_code_version_follows_the_source_and_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module: Any = types.ModuleType("my_reader")
    module.__file__ = str(tmp_path / "my_reader.py")
    (tmp_path / "my_reader.py").write_text("VERSION = 1")
    monkeypatch.setitem(sys.modules, "my_reader", module)
    reader = types.SimpleNamespace(__module__="my_reader")
    seen = [code_version(reader)]  # type: ignore[arg-type]
    module.VERSION = 2
    seen.append(code_version(reader))  # type: ignore[arg-type]
    (tmp_path / "my_reader.py").write_text("VERSION = 2  # and another line")
    seen.append(code_version(reader))  # type: ignore[arg-type]
    assert len(set(seen)) == 3 and seen[-1] == code_version(reader)  # type: ignore[arg-type]


def test_processes_at_once_build_once(tmp_path: Path) -> None:
    with multiprocessing.get_context("fork").Pool(3) as pool:
        digests = pool.map(_build_slowly, [tmp_path / "processed" / "key"] * 3)
    assert len(set(digests)) == 1 and (tmp_path / "built").read_text() == "x"


def test_a_failed_build_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(cache_module, "write_container", full)
    with pytest.raises(CacheError, match="no space left for .*key"):
        load_or_build(tmp_path / "key", small)
    assert [path.name for path in tmp_path.iterdir() if path.name != ".lock"] == []


def test_read_only_cache(tmp_path: Path) -> None:
    (tmp_path / "processed").write_text("in the way")
    with pytest.raises(CacheError, match="GRAPHKIT_DATA"):
        load_or_build(tmp_path / "processed" / "key", small)


def test_leftovers_are_no_graph(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(b"graphkit arrays\n" + bytes(8))
    built = []
    load_or_build(tmp_path / "key", lambda: built.append(1) or small())  # type: ignore[func-returns-value]
    assert built == [1] and [path.name for path in tmp_path.iterdir() if path.name != ".lock"] == ["key"]


def test_arrays_of_any_kind_share_one_file(tmp_path: Path) -> None:
    arrays = {
        "words": np.array(["a", "longer"]),
        "yes": np.array([True, False]),
        "nothing": np.empty((0, 3), dtype=np.float32),
        "one": np.array(7),
        "small": np.arange(5, dtype=np.uint8),
        "wide": np.arange(6, dtype=np.float64).reshape(2, 3),
    }
    write_container(tmp_path / "all", "toy", arrays)
    name, found, digests = read_container(tmp_path / "all")
    assert name == "toy" and list(found) == list(arrays) == list(digests)
    for key, array in arrays.items():
        np.testing.assert_array_equal(found[key], array)
        assert found[key].dtype == array.dtype and found[key].flags.aligned and found[key].flags.writeable
