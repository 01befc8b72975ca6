"""Graphs of molecules equal those of the Open Graph Benchmark atom by atom; what is no molecule is told."""

from __future__ import annotations

import csv
import gzip
from pathlib import Path

import numpy as np
import pytest

from graphkit.data import load_dataset
from graphkit.data.cards import Card
from graphkit.data.raw import LocalFile
from graphkit.data.readers.smiles import read
from graphkit.errors import DataError, GraphValidationError

pytest.importorskip("rdkit")

from graphkit.data.molecules import ATOM_SIZES, BOND_SIZES, read_smiles  # noqa: E402


@pytest.mark.mirror
@pytest.mark.parametrize("name", ["molbace", "molbbbp", "molesol"])
def test_equal_to_the_published_graphs_atom_by_atom(mirror: Path, name: str) -> None:
    path = mirror / "molecular" / f"ogbg_{name}" / "mapping" / "mol.csv.gz"
    with gzip.open(path, "rt") as stream:
        found = read_smiles([row["smiles"] for row in csv.DictReader(stream)])
    published = load_dataset(f"ogbg-{name}").raw
    assert not found.rejected
    assert np.array_equal(found.ptr, published.ptr) and np.array_equal(found.edge_index, published.edge_index)
    different = (found.x != published.x).any(axis=1)
    assert not different.any(), (
        f"{different.sum()} atoms, columns {np.flatnonzero((found.x != published.x).any(axis=0))}"
    )
    assert np.array_equal(found.edge_attr, published.edge_attr)


def test_equal_to_ogb_on_odd_molecules() -> None:
    features = pytest.importorskip("ogb.utils").smiles2graph
    for smiles in ("C", "[Na+].[Cl-]", "F/C=C/F", "N[C@@H](C)C(=O)O", "c1ccccc1", "S(F)(F)(F)(F)(F)F", "[CH3]", "[U]"):
        theirs, ours = features(smiles), read_smiles([smiles])
        assert np.array_equal(theirs["node_feat"], ours.x), smiles
        assert np.array_equal(theirs["edge_index"].reshape(2, -1), ours.edge_index), smiles
        assert np.array_equal(theirs["edge_feat"].reshape(-1, 3), ours.edge_attr), smiles


def test_one_atom_a_salt_an_unknown_element_and_nothing() -> None:
    found = read_smiles(["C", "[Na+].[Cl-]", "*C", "Xx", "", "CC(", "c1cccc1"])
    assert found.ptr.tolist() == [0, 1, 3, 5] and found.kept.tolist() == [0, 1, 2]
    assert found.edge_index.tolist() == [[3, 4], [4, 3]]
    assert found.x[3, 0] == 118  # an atom that stands for any element
    assert [line.split(":")[0] for line in found.rejected] == ["row 3", "row 4", "row 5", "row 6"]
    assert (found.x < np.array(ATOM_SIZES)).all() and (found.edge_attr < np.array(BOND_SIZES)).all()
    with pytest.raises(GraphValidationError, match="right column"):
        read_smiles(["Xx"])


def test_unusual_valences_are_kept() -> None:
    assert read_smiles(["O=C1O[Al]23(OC1=O)(OC(=O)C(=O)O2)OC(=O)C(=O)O3"]).ptr.tolist() == [0, 19]


def files(folder: Path, table: str, **parts: str) -> dict[str, LocalFile]:
    (folder / "m.csv").write_text(table)
    found = {"m.csv": LocalFile(folder / "m.csv")}
    for part, text in parts.items():
        (folder / f"{part}.txt").write_text(text)
        found[f"{part}.txt"] = LocalFile(folder / f"{part}.txt")
    return found


def test_a_table_with_rows_that_are_no_molecules(tmp_path: Path) -> None:
    card = Card(name="small", target="multilabel", protocols=("ogb",), reader_options={"smiles": "s"})
    found = files(tmp_path, "s,a,b\nC,1,\nXx,0,1\nCC,,0\nO,1,1\n", train="0\n1\n", val="2\n", test="3\n")
    raw = read(found, card)
    assert raw.num_graphs == 3 and "row 1" in raw.rejected[0]
    np.testing.assert_array_equal(raw.y, np.array([[1, np.nan], [np.nan, 0], [1, 1]], dtype=np.float32))
    assert [part.tolist() for part in raw.splits["ogb"][0]] == [[0], [1], [2]]


@pytest.mark.parametrize(
    ("table", "message"), [("t,a\nC,1\n", "no column 's'"), ("s,a\nC,x\n", "no number"), ("s,a\nC,1\n", "names row 7")]
)
def test_mistakes_are_named(tmp_path: Path, table: str, message: str) -> None:
    card = Card(name="small", target="binary", protocols=("ogb",), reader_options={"smiles": "s"})
    with pytest.raises(DataError, match=message):
        read(files(tmp_path, table, train="7", val="", test=""), card)
