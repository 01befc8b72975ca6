"""Files of molecules: extended XYZ there and back, npz, QM7 and QM9 in small."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from graphkit.data import load_dataset
from graphkit.data.cards import Card
from graphkit.data.extxyz import Frame, read_frames, write_frames
from graphkit.data.raw import LocalFile
from graphkit.data.readers import extxyz, npz_molecules, qm7, qm9
from graphkit.data.systems import pack, unpack
from graphkit.errors import DataError

TEXT = """2
Lattice="5 0 0 0 5 0 0 0 5.5" Properties=species:S:1:pos:R:3:forces:R:3 energy=-1.25 config_type="a b" pbc="T T F"
H 0.0 0.0 0.0 0.5 0 0
O 1.0 0.25 -1e-3 -0.5 0 0
1
Properties=species:S:1:pos:R:3:orca_vtscf_forces:R:3 orca_vtscf_energy=-3 flag
He 0 0 0 0 0 0
"""


def card(reader: str, protocol: str = "published-configurations", **options: object) -> Card:
    return Card(name="small", task="energy-forces", reader=reader, protocols=(protocol,), reader_options=options)


def local(folder: Path, name: str, content: bytes | str) -> LocalFile:
    (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
    return LocalFile(folder / name)


def test_frames_are_read() -> None:
    first, second = read_frames(TEXT)
    assert first.z.tolist() == [1, 8] and first.values["energy"] == -1.25 and first.values["config_type"] == "a b"
    assert first.values["pbc"].tolist() == [True, True, False] and first.values["cell"][2, 2] == 5.5
    np.testing.assert_allclose(first.columns["forces"], [[0.5, 0, 0], [-0.5, 0, 0]])
    assert second.values["flag"] is True and second.pos.shape == (1, 3)


def test_frames_survive_writing_to_the_bit() -> None:
    rng = np.random.default_rng(0)
    columns = {"forces": rng.normal(size=(3, 3)), "tag": np.array([1, 2, 3])}
    values = {"energy": -0.1, "cell": rng.normal(size=(3, 3)), "pbc": np.array([True, False, True]), "name": "a b=c"}
    (back,) = read_frames(write_frames([Frame(np.array([6, 1, 8]), rng.normal(size=(3, 3)), columns, values)]))
    (again,) = read_frames(write_frames([back]))
    for key, column in columns.items():
        np.testing.assert_array_equal(back.columns[key], column)
    np.testing.assert_array_equal(back.values["cell"], values["cell"])
    np.testing.assert_array_equal(again.pos, back.pos)
    assert back.values["name"] == "a b=c" and back.values["pbc"].tolist() == [True, False, True]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x\n", "line 1: a number of atoms"),
        ("2\n\nH 0 0 0\n", "file ends before"),
        ("1\n\nQq 0 0 0\n", "no chemical element"),
        ("1\n\nH 0 0\n", "column pos"),
    ],
)
def test_broken_frames_name_the_line(text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        list(read_frames(text))


def test_configurations_are_split_as_the_card_says(tmp_path: Path) -> None:
    one = "1\nProperties=species:S:1:pos:R:3:forces:R:3 energy={}\nH 0 0 0 0 0 1\n"
    files = {
        "train.xyz": local(tmp_path, "train.xyz", "".join(one.format(k) for k in range(10))),
        "test.xyz": local(tmp_path, "test.xyz", one.format(100) + one.format(101)),
        "atoms.xyz": local(tmp_path, "atoms.xyz", "1\nProperties=species:S:1:pos:R:3 energy=-13\nH 0 0 0\n"),
    }
    given = card("extxyz", train=["train.xyz"], test=["test.xyz"], atoms=["atoms.xyz"], hold_out=[3])
    raw = unpack(pack(extxyz.read(files, given)), "small")
    train, valid, test = raw.splits["published-configurations"][0]
    assert (len(train), len(valid), test.tolist()) == (7, 3, [10, 11]) and not set(train) & set(valid)
    assert raw.facts["isolated_atoms"] == {"1": -13.0} and raw.systems["energy"].dtype == np.float64


def test_npz_of_both_names(tmp_path: Path) -> None:
    pos = np.arange(30.0).reshape(5, 2, 3)
    for names in (("z", "R", "E", "F"), ("nuclear_charges", "coords", "energies", "forces")):
        path = tmp_path / "m.npz"
        np.savez(path, **dict(zip(names, (np.array([1, 8]), pos, np.arange(5.0)[:, None], -pos), strict=True)))
        raw = npz_molecules.read({"m.npz": LocalFile(path)}, card("npz-molecules", "drawn-950-50", parts=[2, 1, 1]))
        np.testing.assert_array_equal(raw.points["forces"], -raw.points["pos"])
        assert [len(part) for part in raw.splits["drawn-950-50"][0]] == [2, 1, 1]


def test_qm7_folds(tmp_path: Path) -> None:
    z = np.array([[1, 8, 0]] * 10, dtype=np.float32)
    folds = np.arange(10).reshape(5, 2)
    savemat(tmp_path / "qm7.mat", {"Z": z, "R": np.ones((10, 3, 3)), "T": np.arange(10.0)[None], "P": folds})
    raw = qm7.read({"qm7.mat": LocalFile(tmp_path / "qm7.mat")}, card("qm7", "qm7-5"))
    assert raw.num_points == 20 and np.allclose(raw.points["pos"], qm7.BOHR)
    assert [part.tolist() for part in raw.splits["qm7-5"][4]] == [[2, 3, 4, 5, 6, 7], [0, 1], [8, 9]]


def test_qm9_leaves_out_what_failed(tmp_path: Path) -> None:
    atom = "    0.5000   -1.0000    2.0000 {:<3} 0  0  0  0  0  0  0  0  0  0  0  0\n"
    record = (
        "gdb_1\n\n\n  2  1  0  0  0  0  0  0  0  0999 V2000\n" + atom.format("C") + atom.format("H") + "M  END\n$$$$\n"
    )
    files = {
        "gdb9.sdf": local(tmp_path, "a.sdf", record * 4),
        "gdb9.sdf.csv": local(tmp_path, "a.csv", "mol_id,u0\n" + "".join(f"gdb_{k},{-k}\n" for k in range(1, 5))),
        "uncharacterized.txt": local(tmp_path, "u.txt", "title\n\n    2  gdb_2  C  0.5\n"),
    }
    raw = qm9.read(files, card("qm9", "drawn-110k-10k", parts=[1, 1]))
    np.testing.assert_allclose(raw.systems["energy"], np.array([-1, -3, -4]) * qm9.HARTREE)
    assert raw.points["z"].tolist() == [6, 1] * 3 and raw.points["pos"][0].tolist() == [0.5, -1.0, 2.0]


@pytest.mark.mirror
def test_published_files_hold_what_their_cards_say() -> None:
    ethanol = load_dataset("ethanol")
    assert repr(ethanol.split()) == "Split('published-configurations', 0, train=950, valid=50, test=1000)"
    assert np.bincount(ethanol.raw.points["z"][:9])[[1, 6, 8]].tolist() == [6, 2, 1]
    forces = ethanol.raw.points["forces"].reshape(-1, 9, 3)
    assert np.abs(forces.sum(1)).max() < 0.02  # forces of a molecule sum to zero, up to the solver's tolerance
    cumulene = load_dataset("gnl-cumulene")
    assert [len(part) for part in cumulene.split().parts] == [200, 50, 170]
