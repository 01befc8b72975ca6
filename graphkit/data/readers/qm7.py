"""QM7: 7,165 small molecules with atomisation energies, Rupp et al., PRL 2012, in one MATLAB file with five folds."""

from __future__ import annotations

import io
from collections.abc import Mapping

import numpy as np
from scipy.io import loadmat

from graphkit.data.cards import Card
from graphkit.data.raw import LocalFile
from graphkit.data.systems import RawSystems

VERSION = 1
BOHR = 0.529177210903
"""Angstrom in a bohr (CODATA 2018)."""


def read(files: Mapping[str, LocalFile], card: Card) -> RawSystems:
    """Reads `qm7.mat`: charges `Z`, positions `R` in bohr, energies `T` in kcal/mol, folds `P`.

    Fold k of the protocol `qm7-5` is tested in split k, fold k + 1 validates, and the other three train.
    """
    (file,) = files.values()
    arrays = loadmat(io.BytesIO(file.read_bytes()))
    z, pos = arrays["Z"].astype(np.int64), arrays["R"].astype(np.float64) * BOHR
    present = z > 0
    folds = [np.sort(fold.astype(np.int64)) for fold in arrays["P"]]
    splits = []
    for k in range(len(folds)):
        following = (k + 1) % len(folds)
        train = np.sort(np.concatenate([fold for j, fold in enumerate(folds) if j not in (k, following)]))
        splits.append((train, folds[following], folds[k]))
    return RawSystems(
        ptr=np.concatenate([[0], np.cumsum(present.sum(axis=1))]).astype(np.int64),
        points={"z": z[present], "pos": pos[present]},
        systems={"energy": arrays["T"].reshape(-1).astype(np.float64)},
        splits={card.protocols[0]: splits},
        facts={"units": {"length": "Angstrom", "energy": "kcal/mol"}},
        name=card.name,
    )
