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
    parsers = _Tables(chem)
    atoms: list[tuple[int, ...]] = []
    bonds: list[tuple[int, ...]] = []
    ends: list[tuple[int, int]] = []
    sizes: list[int] = [0]
    kept: list[int] = []
    rejected: list[str] = []
    for row, text in enumerate(smiles):
        molecule = _parsed(chem, text)
        if molecule is None:
            rejected.append(f"row {row}: {text!r} is no SMILES that rdkit can read")
            continue
        first = len(atoms)
        atoms += [parsers.atom(atom) for atom in molecule.GetAtoms()]
        for bond in molecule.GetBonds():
            a, b, values = first + bond.GetBeginAtomIdx(), first + bond.GetEndAtomIdx(), parsers.bond(bond)
            ends += [(a, b), (b, a)]
            bonds += [values, values]
        sizes.append(len(atoms))
        kept.append(row)
    if not kept:
        raise GraphValidationError("none of the rows is a SMILES; is this the right column?")
    return Molecules(
        ptr=np.array(sizes, dtype=np.int64),
        edge_index=np.ascontiguousarray(np.array(ends, dtype=np.int64).reshape(-1, 2).T),
        x=np.array(atoms, dtype=np.int64).reshape(-1, len(ATOM_SIZES)),
        edge_attr=np.array(bonds, dtype=np.int64).reshape(-1, len(BOND_SIZES)),
        kept=np.array(kept, dtype=np.int64),
        rejected=tuple(rejected),
    )


class _Tables:
    """Categories by rdkit's enumeration values, looked up once."""

    def __init__(self, chem: Any) -> None:
        self.chirality = _numbers(chem.ChiralType, _CHIRALITY)
        self.hybridisation = _numbers(chem.HybridizationType, _HYBRIDISATION)
        self.bond_type = _numbers(chem.BondType, _BOND)
        self.stereo = _numbers(chem.BondStereo, _STEREO)

    def atom(self, atom: Any) -> tuple[int, ...]:
        number, charge = atom.GetAtomicNum(), atom.GetFormalCharge()
        return (
            number - 1 if 1 <= number <= 118 else 118,
            self.chirality.get(int(atom.GetChiralTag()), 4),
            min(atom.GetTotalDegree(), 11),
            charge + 5 if -5 <= charge <= 5 else 11,
            min(atom.GetTotalNumHs(), 9),
            min(atom.GetNumRadicalElectrons(), 5),
            self.hybridisation.get(int(atom.GetHybridization()), 5),
            int(atom.GetIsAromatic()),
            int(atom.IsInRing()),
        )

    def bond(self, bond: Any) -> tuple[int, ...]:
        stereo = self.stereo.get(int(bond.GetStereo()))
        if stereo is None:
            raise GraphValidationError(f"a bond has stereo {bond.GetStereo()}, which ogb's columns do not know")
        return self.bond_type.get(int(bond.GetBondType()), 4), stereo, int(bond.GetIsConjugated())


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


def _numbers(kind: Any, names: tuple[str, ...]) -> dict[int, int]:
    return {int(getattr(kind, name)): place for place, name in enumerate(names)}


def _rdkit() -> Any:
    try:
        from rdkit import Chem, rdBase
    except ImportError as error:
        raise ConfigError("reading SMILES needs rdkit: pip install 'graphkit[mol]'") from error
    rdBase.DisableLog("rdApp.*")  # every row that cannot be read is told by us
    return Chem
