"""ZINC-12k from plain arrays: parts one after the other, written from PyG's graphs and read back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch_geometric.data import Data

from graphkit.data.cards import load_card
from graphkit.data.graph_checks import count
from graphkit.data.raw import LocalFile
from graphkit.data.readers.zinc import read, write_part
from graphkit.errors import DataError

PAIR = Data(
    x=torch.tensor([[3], [27]]),
    edge_index=torch.tensor([[0, 1], [1, 0]]),
    edge_attr=torch.tensor([1, 1]),
    y=torch.tensor([0.5]),
)


def parts(folder: Path) -> dict[str, LocalFile]:
    for part, many in (("train", 3), ("val", 2), ("test", 1)):
        write_part([PAIR] * many, folder / f"{part}.npz")
    return {f"{part}.npz": LocalFile(folder / f"{part}.npz") for part in ("train", "val", "test")}


def test_written_and_read(tmp_path: Path) -> None:
    raw = read(parts(tmp_path), load_card("zinc"))
    assert raw.ptr.tolist() == [0, 2, 4, 6, 8, 10, 12] and raw.edge_index[:, 4:6].tolist() == [[4, 5], [5, 4]]
    ((train, valid, test),) = raw.splits["benchmarking-gnns-500k"]
    assert (train.tolist(), valid.tolist(), test.tolist()) == ([0, 1, 2], [3, 4], [5])
    assert raw.x[:2].ravel().tolist() == [3, 27] and raw.y.shape == (6, 1)


def test_a_damaged_part_is_named(tmp_path: Path) -> None:
    files = parts(tmp_path)
    np.savez(tmp_path / "val.npz", x=np.zeros(1))
    with pytest.raises(DataError, match="val.npz holds no graphs"):
        read(files, load_card("zinc"))


@pytest.mark.mirror
def test_published_validation_and_test_molecules(mirror: Path, tmp_path: Path) -> None:
    files = parts(tmp_path)
    for part in ("val", "test"):
        files[f"{part}.npz"] = LocalFile(mirror / "molecular" / "ZINC12k_partial" / f"{part}.npz")
    raw = read(files, load_card("zinc"))
    found = count(raw, load_card("zinc"))
    assert found["graphs"] == 2003 and raw.x.max() < 28 and raw.edge_attr.max() < 4
