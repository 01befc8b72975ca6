"""Readers against PyG's own dataset classes, on the published files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy import sparse
from torch_geometric.data import Data
from torch_geometric.datasets import (
    Actor,
    Amazon,
    Coauthor,
    HeterophilousGraphDataset,
    Planetoid,
    WebKB,
    WikipediaNetwork,
)

from graphkit.data.cards import load_card
from graphkit.data.raw import LocalFile, RawGraph
from graphkit.data.readers import READERS

pytestmark = [pytest.mark.mirror, pytest.mark.filterwarnings("ignore")]


def read_from(name: str, folder: Path) -> RawGraph:
    """Reads a dataset from a folder that holds its files by the names of its card, gzipped or not."""
    card = load_card(name)
    files = {}
    for entry in card.files:
        plain, packed = folder / entry.path, folder / (entry.path + ".gz")
        files[entry.path] = LocalFile(plain) if plain.exists() else LocalFile(packed, encoding="gzip")
    return READERS.get(card.reader)(files, card)


def pyg_root(tmp_path: Path, raw: Path, *inside: str) -> str:
    """Makes a PyG root whose raw folder holds copies of the published files, unpacked."""
    target = tmp_path.joinpath(*inside, "raw")
    target.mkdir(parents=True)
    for path in raw.iterdir():
        if path.suffix == ".gz":
            (target / path.stem).write_bytes(LocalFile(path, encoding="gzip").read_bytes())
        else:
            (target / path.name).write_bytes(path.read_bytes())
    return str(tmp_path)


def assert_same(graph: RawGraph, data: Data, protocol: str = "", index_of_public: str = "") -> None:
    x = graph.x.toarray() if sparse.issparse(graph.x) else graph.x
    np.testing.assert_array_equal(x, data.x.numpy())
    np.testing.assert_array_equal(graph.y, data.y.numpy())
    ours = torch.from_numpy(graph.edge_index)
    key = lambda edges: np.sort(edges[0].numpy() * graph.num_nodes + edges[1].numpy())  # noqa: E731
    np.testing.assert_array_equal(key(ours), key(data.edge_index))
    if protocol:
        masks = [mask.reshape(graph.num_nodes, -1).numpy() for mask in (data.train_mask, data.val_mask, data.test_mask)]
        assert len(graph.splits[protocol]) == masks[0].shape[1]
        for index, triple in enumerate(graph.splits[protocol]):
            for nodes, mask in zip(triple, masks, strict=True):
                np.testing.assert_array_equal(nodes, np.flatnonzero(mask[:, index]))


@pytest.mark.parametrize(("name", "folder"), [("cora", "Cora"), ("citeseer", "CiteSeer")])
@pytest.mark.parametrize(("split", "protocol"), [("public", "planetoid-public"), ("geom-gcn", "geom-gcn-10")])
def test_planetoid(mirror: Path, tmp_path: Path, name: str, folder: str, split: str, protocol: str) -> None:
    raw = mirror / "citation" / folder / "raw"
    inside = (folder,) if split == "public" else (folder, "geom-gcn")
    data = Planetoid(pyg_root(tmp_path, raw, *inside), folder, split=split)[0]
    assert_same(read_from(name, raw), data, protocol)


@pytest.mark.parametrize("name", ["cornell", "texas"])
def test_webkb(mirror: Path, tmp_path: Path, name: str) -> None:
    raw = mirror / "heterophilous" / "WebKB" / name / "raw"
    assert_same(read_from(name, raw), WebKB(pyg_root(tmp_path, raw, name), name)[0], "geom-gcn-10")


def test_actor(mirror: Path, tmp_path: Path) -> None:
    raw = mirror / "heterophilous" / "Actor" / "raw"
    assert_same(read_from("actor", raw), Actor(pyg_root(tmp_path, raw))[0], "geom-gcn-10")


@pytest.mark.parametrize("name", ["chameleon", "squirrel"])
def test_wikipedia(mirror: Path, tmp_path: Path, name: str) -> None:
    raw = mirror / "heterophilous" / "WikipediaNetwork" / name / "geom_gcn" / "raw"
    data = WikipediaNetwork(pyg_root(tmp_path, raw, name, "geom_gcn"), name, geom_gcn_preprocess=True)[0]
    assert_same(read_from(name, raw), data, "geom-gcn-10")


def test_minesweeper(mirror: Path, tmp_path: Path) -> None:
    raw = mirror / "heterophilous" / "npz"
    data = HeterophilousGraphDataset(pyg_root(tmp_path, raw, "minesweeper"), "minesweeper")[0]
    assert_same(read_from("minesweeper", raw), data, "heterophilous-10")


@pytest.mark.parametrize(
    ("name", "file", "inside", "build"),
    [
        ("amazon-photo", "amazon_electronics_photo.npz", "Photo", lambda root: Amazon(root, "Photo")),
        ("amazon-computers", "amazon_electronics_computers.npz", "Computers", lambda root: Amazon(root, "Computers")),
        ("coauthor-cs", "ms_academic_cs.npz", "CS", lambda root: Coauthor(root, "CS")),
    ],
)
def test_gnn_benchmark(
    mirror: Path, tmp_path: Path, name: str, file: str, inside: str, build: Callable[[str], list[Data]]
) -> None:
    raw = mirror / "copurchase_coauthor"
    (tmp_path / inside / "raw").mkdir(parents=True)
    (tmp_path / inside / "raw" / file).write_bytes((raw / file).read_bytes())
    card = load_card(name)
    graph = READERS.get(card.reader)({file: LocalFile(raw / file)}, card)
    assert_same(graph, build(str(tmp_path))[0])
