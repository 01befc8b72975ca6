from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import given, settings
from hypothesis import strategies as st

from graphkit.data.negatives import NegativeSet, Positives
from graphkit.errors import DataError


def example() -> NegativeSet:
    positives = Positives([0, 1, 1], [5, 6, 6], [0.5, 1.5, 2.5], event=[7, 8, 11])
    return NegativeSet("hist_rnd", [6, 7, 5, 7, 8, 9], [0, 2, 5, 6], {"seed": 42}, positives, num_nodes=10)


@pytest.mark.parametrize("mmap", [True, False])
def test_round_trip(tmp_path: Path, mmap: bool) -> None:
    made = example()
    loaded = NegativeSet.load(made.save(tmp_path / "new" / "set.safetensors"), mmap=mmap)
    assert loaded == made and loaded.num_nodes == 10 and dict(loaded.parameters) == {"seed": 42}
    assert loaded.find([1], [6], [2.5]).tolist() == [2] and loaded.positives is not None
    assert loaded.positives.rows_of_events([11]).tolist() == [2]
    assert not loaded.values.flags.writeable


def test_a_mapped_set_is_not_copied(tmp_path: Path) -> None:
    path = NegativeSet.of_matrix("uniform", np.arange(6).reshape(2, 3)).save(tmp_path / "set")
    loaded = NegativeSet.load(path, mmap=True)
    assert not loaded.values.flags.owndata and not loaded.offsets.flags.owndata
    assert np.shares_memory(loaded.candidates, loaded.values)


def test_links_and_wide_ids_survive(tmp_path: Path) -> None:
    made = NegativeSet.of_matrix("heart", [[[0, 1 << 40], [1 << 33, 4]]])
    assert NegativeSet.load(made.save(tmp_path / "set")) == made


def test_equal_sets_give_equal_files_that_other_tools_read(tmp_path: Path) -> None:
    one, other = example().save(tmp_path / "one"), example().save(tmp_path / "other")
    assert one.read_bytes() == other.read_bytes()
    arrays = safetensors.numpy.load_file(one)
    assert arrays["values"].tolist() == [6, 7, 5, 7, 8, 9] and arrays["positive.t"].tolist() == [0.5, 1.5, 2.5]
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_no_file_and_no_folder(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no file"):
        NegativeSet.load(tmp_path / "none")
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="cannot write"):
        example().save(tmp_path / "file" / "set")
    with pytest.raises(DataError, match=r"no negative set|cannot read"):
        NegativeSet.load(tmp_path / "file")
    with pytest.raises(DataError, match="cannot read"):
        NegativeSet.load(tmp_path)


def test_every_cut_is_noticed(tmp_path: Path) -> None:
    content = example().save(tmp_path / "set").read_bytes()
    for length in range(len(content)):
        (tmp_path / "cut").write_bytes(content[:length])
        with pytest.raises(DataError):
            NegativeSet.load(tmp_path / "cut", mmap=bool(length % 2))
    (tmp_path / "cut").write_bytes(content + b"\0")
    with pytest.raises(DataError, match="too long"):
        NegativeSet.load(tmp_path / "cut")


@settings(max_examples=300, deadline=None)
@given(place=st.integers(0, 10_000), byte=st.integers(1, 255))
def test_every_flipped_byte_is_noticed(tmp_path_factory: pytest.TempPathFactory, place: int, byte: int) -> None:
    path = tmp_path_factory.getbasetemp() / "flipped"
    content = bytearray(example().save(path).read_bytes())
    content[place % len(content)] ^= byte
    path.write_bytes(bytes(content))
    with contextlib.suppress(DataError):
        assert NegativeSet.load(path) == example()  # only a byte without meaning, such as white space, may pass


def with_header(path: Path, change: Any) -> Path:
    content = example().save(path).read_bytes()
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    change(header)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(len(text).to_bytes(8, "little") + text + content[8 + length :])
    return path


@pytest.mark.parametrize(
    "change",
    [
        lambda header: header["values"].update(dtype="F16"),
        lambda header: header["values"].update(shape=[-6]),
        lambda header: header["values"].update(shape=[1 << 70]),
        lambda header: header["values"].update(shape=[True] * 6),
        lambda header: header["values"].update(data_offsets=[0, 24]),
        lambda header: header.pop("values"),
        lambda header: header.update(extra=header["values"]),
        lambda header: header["__metadata__"].update(kind="none"),
        lambda header: header["__metadata__"].update(kind="historical"),
        lambda header: header["__metadata__"].update(parameters="[" * 100_000),
        lambda header: header["__metadata__"].update(parameters="[]"),
        lambda header: header["__metadata__"].update(num_nodes="4"),
        lambda header: header["__metadata__"].update(num_nodes='"a"'),
        lambda header: header["__metadata__"].update(format="graphkit-negatives/0"),
        lambda header: header["__metadata__"].update(sha256="0" * 64),
        lambda header: header["__metadata__"].update(seed=3),
        lambda header: header.update({"positive.colour": header.pop("positive.src")}),
    ],
)
def test_hostile_headers_are_refused(tmp_path: Path, change: Any) -> None:
    with pytest.raises(DataError):
        NegativeSet.load(with_header(tmp_path / "set", change))


def test_verification_can_be_left_out(tmp_path: Path) -> None:
    path = with_header(tmp_path / "set", lambda header: header["__metadata__"].update(sha256="0" * 64))
    assert NegativeSet.load(path, verify=False) == example()
