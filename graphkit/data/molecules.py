"""Molecules as graphs: SMILES in, the atoms and bonds of the Open Graph Benchmark out.

The columns and their categories are those of `ogb.utils.smiles2graph` (Hu et al., NeurIPS 2020), so that graphs made
here equal the published ones atom by atom. rdkit reads the SMILES; it is the extra `graphkit[mol]`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphkit.errors import ConfigError, GraphValidationError

ATOM_SIZES = (119, 5, 12, 12, 10, 6, 6, 2, 2)
"""Categories of an atom's columns: atomic number, chirality, degree, charge, hydrogens, radical electrons,
hybridisation, aromatic, in a ring. The last category of the first seven columns stands for anything else."""
BOND_SIZES = (5, 6, 2)
"""Categories of a bond's columns: type, stereo, conjugated."""

_CHIRALITY = ("CHI_UNSPECIFIED", "CHI_TETRAHEDRAL_CW", "CHI_TETRAHEDRAL_CCW", "CHI_OTHER")
_HYBRIDISATION = ("SP", "SP2", "SP3", "SP3D", "SP3D2")
_BOND = ("SINGLE", "DOUBLE", "TRIPLE", "AROMATIC")
_STEREO = ("STEREONONE", "STEREOZ", "STEREOE", "STEREOCIS", "STEREOTRANS", "STEREOANY")


@dataclass(frozen=True)
class Molecules:
    """Molecules as one disjoint union.

    Args:
        ptr: [G + 1] int64, first atom of every molecule.
        edge_index: [2, E] int64, every bond in both directions, side by side, as ogb lists them.
        x: [N, 9] int64 categories of atoms; `edge_attr` [E, 3] those of bonds.
        kept: [G] rows of the list that are molecules.
        rejected: one line a row that is none.
    """

    ptr: NDArray[np.int64]
    edge_index: NDArray[np.int64]
    x: NDArray[np.int64]
    edge_attr: NDArray[np.int64]
    kept: NDArray[np.int64]
    rejected: tuple[str, ...]


def read_smiles(smiles: Iterable[str]) -> Molecules:
    """Makes the graphs of a list of SMILES; rows that rdkit cannot read are left out and told.

    An atom with more bonds than rdkit allows today is kept, as by the rdkit that made the published graphs (seven
    molecules of ogbg-molhiv). A molecule of one atom has no edge; salts are one graph of several parts; an atom without
    an element (`*`) has the last category.

    Raises:
        ConfigError: rdkit is not installed.
        GraphValidationError: no row is a molecule.

    Example:
        >>> found = read_smiles(["CO", "C", "not a molecule"])
        >>> found.ptr.tolist(), found.edge_index.tolist(), found.rejected[0]
        ([0, 2, 3], [[0, 1], [1, 0]], "row 2: 'not a molecule' is no SMILES that rdkit can read")
    """
    chem = _rdkit()
    atom_getters, bond_getters = _getters(chem)
    atoms: list[list[int]] = [[] for _ in atom_getters]
    bonds: list[list[int]] = [[] for _ in bond_getters]
    sizes: list[tuple[int, int]] = []
    kept: list[int] = []
    rejected: list[str] = []
    for row, text in enumerate(smiles):
        molecule = _parsed(chem, text)
        if molecule is None:
            rejected.append(f"row {row}: {text!r} is no SMILES that rdkit can read")
            continue
        nodes = list(map(molecule.GetAtomWithIdx, range(molecule.GetNumAtoms())))
        links = list(map(molecule.GetBondWithIdx, range(molecule.GetNumBonds())))
        for column, get in zip(atoms, atom_getters, strict=True):
            column.extend(map(get, nodes))
        for column, get in zip(bonds, bond_getters, strict=True):
            column.extend(map(get, links))
        sizes.append((len(nodes), len(links)))
        kept.append(row)
    if not kept:
        raise GraphValidationError("none of the rows is a SMILES; is this the right column?")
    counts = np.array(sizes, dtype=np.int64)
    ptr = np.concatenate([[0], np.cumsum(counts[:, 0])])
    begin, end, *kinds = map(_column, bonds)
    pairs = np.repeat(ptr[:-1], counts[:, 1])[:, None] + np.stack([begin, end], axis=1)
    both = np.stack([pairs, pairs[:, ::-1]], axis=1).reshape(-1, 2)
    return Molecules(
        ptr=ptr,
        edge_index=np.ascontiguousarray(both.T),
        x=_atom_categories(chem, *map(_column, atoms)),
        edge_attr=np.repeat(_bond_categories(chem, *kinds), 2, axis=0),
        kept=np.array(kept, dtype=np.int64),
        rejected=tuple(rejected),
    )


def _getters(chem: Any) -> tuple[list[Any], list[Any]]:
    """Returns what is asked of every atom and of every bond: a column each, several times the speed of atom by atom."""
    atom, bond = chem.Atom, chem.Bond
    return [
        atom.GetAtomicNum,
        atom.GetChiralTag,
        atom.GetTotalDegree,
        atom.GetFormalCharge,
        atom.GetTotalNumHs,
        atom.GetNumRadicalElectrons,
        atom.GetHybridization,
        atom.GetIsAromatic,
        atom.IsInRing,
    ], [bond.GetBeginAtomIdx, bond.GetEndAtomIdx, bond.GetBondType, bond.GetStereo, bond.GetIsConjugated]


def _column(values: list[int]) -> NDArray[np.int64]:
    return np.array(values, dtype=np.int64)


def _atom_categories(
    chem: Any,
    number: NDArray[np.int64],
    chirality: NDArray[np.int64],
    degree: NDArray[np.int64],
    charge: NDArray[np.int64],
    hydrogens: NDArray[np.int64],
    radicals: NDArray[np.int64],
    hybridisation: NDArray[np.int64],
    aromatic: NDArray[np.int64],
    ring: NDArray[np.int64],
) -> NDArray[np.int64]:
    columns = (
        np.where((number >= 1) & (number <= 118), number - 1, 118),
        _places(chem.ChiralType, _CHIRALITY)[chirality],
        np.minimum(degree, 11),
        np.where(abs(charge) <= 5, charge + 5, 11),
        np.minimum(hydrogens, 9),
        np.minimum(radicals, 5),
        _places(chem.HybridizationType, _HYBRIDISATION)[hybridisation],
        aromatic,
        ring,
    )
    return np.stack(columns, axis=1)


def _bond_categories(
    chem: Any, kind: NDArray[np.int64], stereo: NDArray[np.int64], conjugated: NDArray[np.int64]
) -> NDArray[np.int64]:
    stereos = _places(chem.BondStereo, _STEREO)[stereo]
    unknown = stereo[stereos == len(_STEREO)]
    if len(unknown):
        name = chem.BondStereo.values[int(unknown[0])]
        raise GraphValidationError(f"a bond has stereo {name}, which ogb's columns do not know")
    return np.stack([_places(chem.BondType, _BOND)[kind], stereos, conjugated], axis=1)


def _parsed(chem: Any, text: str) -> Any:
    """Returns the molecule, or None; everything is asked of it but usual valences."""
    molecule = chem.MolFromSmiles(text) if text.strip() else None
    if molecule is None:
        molecule = chem.MolFromSmiles(text, sanitize=False)
        if molecule is None:
            return None
        molecule.UpdatePropertyCache(strict=False)
        others = chem.SanitizeFlags.SANITIZE_ALL ^ chem.SanitizeFlags.SANITIZE_PROPERTIES
        if chem.SanitizeMol(molecule, others, catchErrors=True) != chem.SanitizeFlags.SANITIZE_NONE:
            return None
    return molecule if molecule.GetNumAtoms() else None


def _places(kind: Any, names: tuple[str, ...]) -> NDArray[np.int64]:
    """Returns the category of every value of an enumeration of rdkit; of those without a name here, the last one."""
    places = np.full(max(kind.values) + 1, len(names), dtype=np.int64)
    for place, name in enumerate(names):
        places[int(getattr(kind, name))] = place
    return places


def _rdkit() -> Any:
    try:
        from rdkit import Chem, rdBase
    except ImportError as error:
        raise ConfigError("reading SMILES needs rdkit: pip install 'graphkit[mol]'") from error
    rdBase.DisableLog("rdApp.*")  # every row that cannot be read is told by us
    return Chem
