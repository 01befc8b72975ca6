"""TU datasets against PyG's own reader, and small archives with mistakes."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.model_selection import StratifiedKFold
from torch_geometric.io import read_tu_data

from graphkit.data import load_dataset
from graphkit.data.archive import safe_extract
from graphkit.data.cards import Card
from graphkit.data.raw import LocalFile
from graphkit.data.readers.tu import folds, read
from graphkit.errors import DataError
from graphkit.evaluation.node_splits import stratified_folds

SMALL = {"A": "1, 2\n2, 1\n2, 2\n3, 4\n4, 3\n3, 4\n", "graph_indicator": "1\n1\n2\n2\n", "graph_labels": "-1\n1\n"}


def archive(folder: Path, **changes: str) -> dict[str, LocalFile]:
    path = folder / "SMALL.zip"
    with zipfile.ZipFile(path, "w") as out:
        for part, text in {**SMALL, **changes}.items():
            out.writestr(f"SMALL/SMALL_{part}.txt", text)
    return {"SMALL.zip": LocalFile(path)}


@pytest.mark.mirror
@pytest.mark.parametrize("name", ["MUTAG", "ENZYMES", "PTC_MR"])
def test_equal_to_pyg(mirror: Path, tmp_path: Path, name: str) -> None:
    safe_extract(mirror / "molecular" / "TUDataset" / f"{name}.zip", tmp_path)
    theirs, slices, _ = read_tu_data(str(tmp_path / name), name)
    ours = load_dataset(name.lower().replace("_", "-"))
    assert torch.equal(ours.data.x, theirs.x) and torch.equal(ours.data.y, theirs.y)
    graph = torch.bucketize(torch.arange(theirs.edge_index.size(1)), slices["edge_index"][1:], right=True)
    assert torch.equal(ours.data.edge_index, theirs.edge_index + slices["x"][graph])
    if theirs.edge_attr is not None:
        assert torch.equal(ours.data.edge_attr, theirs.edge_attr)


@pytest.mark.mirror
def test_published_folds_part_the_graphs(mirror: Path) -> None:
    dataset = load_dataset("enzymes")
    splits = [dataset.split("tu-errica", fold) for fold in range(10)]
    assert np.array_equal(np.sort(np.concatenate([split.test for split in splits])), np.arange(600))
    assert all(sum(map(len, split.parts)) == 600 for split in splits)


def test_a_small_archive(tmp_path: Path) -> None:
    raw = read(archive(tmp_path), Card(name="small"))
    assert raw.ptr.tolist() == [0, 2, 4] and raw.edge_index.tolist() == [[0, 1, 2, 3], [1, 0, 3, 2]]
    assert raw.y.tolist() == [0, 1] and raw.x.tolist() == [[0, 1]] * 4


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"graph_indicator": "2\n1\n2\n2\n"}, "not sorted"),
        ({"graph_labels": "1\n"}, "more graphs"),
        ({"A": "1, 9\n"}, "node 9"),
        ({"node_labels": "0\n1\n"}, "2 rows of node features for 4"),
        ({"graph_labels": "a\nb\n"}, "damaged"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, changes: dict[str, str], message: str) -> None:
    with pytest.raises(DataError, match=message):
        read(archive(tmp_path, **changes), Card(name="small"))


def test_folds_of_another_layout(tmp_path: Path) -> None:
    path = tmp_path / "f.json"
    path.write_text(json.dumps([{"test": [1]}]))
    with pytest.raises(DataError, match="no folds"):
        folds(LocalFile(path))


@pytest.mark.parametrize("seed", [0, 3])
def test_drawn_folds_are_scikit_learn_s(seed: int) -> None:
    y = np.random.default_rng(seed).integers(3, size=101)
    mine = stratified_folds(y, 10, seed)
    theirs = StratifiedKFold(10, shuffle=True, random_state=seed).split(np.zeros(101), y)
    for number, (_, test) in enumerate(theirs):
        assert np.array_equal(np.flatnonzero(mine == number), test)
