"""Molecular dynamics of one molecule in an npz file: MD17 (Chmiela et al., 2017) and rMD17 (Christensen, 2020)."""

from __future__ import annotations

import io
from collections.abc import Mapping

import numpy as np

from graphkit.data.cards import Card
from graphkit.data.raw import LocalFile
from graphkit.data.readers.extxyz import drawn_parts
from graphkit.data.systems import RawSystems
from graphkit.errors import DataError

VERSION = 1
_KEYS = (("z", "nuclear_charges"), ("R", "coords"), ("E", "energies"), ("F", "forces"))


def read(files: Mapping[str, LocalFile], card: Card) -> RawSystems:
    """Reads the one file of the card: atomic numbers, coordinates, energies and forces in kcal/mol and Angstrom.

    `reader_options.parts` is [train, valid, test] numbers of configurations, drawn from a fixed stream. Neighbours in
    time are nearly the same, so no more than about 1,000 configurations are of use for training.

    Raises:
        DataError: the file has other arrays.
    """
    (path, file), *_ = files.items()
    with np.load(io.BytesIO(file.read_bytes()), allow_pickle=False) as arrays:
        found = [next((arrays[name] for name in names if name in arrays.files), None) for names in _KEYS]
        if any(array is None for array in found):
            raise DataError(f"{path}: z, R, E and F (or their rMD17 names) are due, it has {', '.join(arrays.files)}")
    z, pos, energy, forces = (np.asarray(array) for array in found)
    count, atoms = pos.shape[:2]
    train, valid, test = drawn_parts(count, card.reader_options["parts"])
    return RawSystems(
        ptr=np.arange(count + 1, dtype=np.int64) * atoms,
        points={
            "z": np.tile(z.astype(np.int64), count),
            "pos": pos.reshape(-1, 3).astype(np.float64),
            "forces": forces.reshape(-1, 3).astype(np.float64),
        },
        systems={"energy": energy.reshape(-1).astype(np.float64)},
        splits={card.protocols[0]: [(train, valid, test)]},
        facts={"units": {"length": "Angstrom", "energy": "kcal/mol"}},
        name=card.name,
    )
