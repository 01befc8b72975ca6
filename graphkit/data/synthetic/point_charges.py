"""Small clusters of atoms whose dipoles and energies follow from charges that depend on their surroundings."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from graphkit.data.systems import RawSystems
from graphkit.errors import ConfigError

VERSION = 1
PULLS = {1: 0.0, 6: 0.3, 7: 0.8, 8: 1.2}
"""Atomic number to how strongly an atom draws charge from a neighbour."""
APART, BOX = 1.0, 1.6
"""Least distance of two atoms, and half the side of the box they are drawn in (Angstrom)."""


def generate(
    seed: int = 0, *, train: int = 1000, valid: int = 200, test: int = 500, smallest: int = 4, largest: int = 9
) -> RawSystems:
    """Draws neutral clusters with known dipole moments and Coulomb energies.

    The charge of atom i is q_i = sum_j (chi_j - chi_i) exp(-d_ij), so charges sum to 0 and depend on neighbours; the
    dipole is sum_i q_i x_i and the energy sum_{i<j} q_i q_j / d_ij. Both are learnt exactly by a network that can tell
    distances and elements, which makes this a check of heads and not a benchmark of chemistry.

    Args:
        seed: of the clusters.
        train: training systems.
        valid: validation systems.
        test: test systems.
        smallest: least number of atoms.
        largest: largest number of atoms, at most 12.

    Returns:
        Systems with `z`, `pos`, `energy` [G] and `dipole` [G, 3], split under the protocol `generator`.

    Raises:
        ConfigError: no systems in a part, or sizes out of order.

    Example:
        >>> generate(train=4, valid=1, test=1).systems["dipole"].shape
        (6, 3)
    """
    if min(train, valid, test) < 1 or not 2 <= smallest <= largest <= 12:
        raise ConfigError(
            f"point-charges takes systems in every part and 2 <= smallest <= largest <= 12, got {train}, {valid}, "
            f"{test}, {smallest}, {largest}"
        )
    generator = np.random.default_rng(seed)
    sizes = generator.integers(smallest, largest + 1, size=train + valid + test)
    elements = np.array(list(PULLS))
    z = elements[generator.integers(0, len(elements), size=int(sizes.sum()))]
    pos, dipoles, energies = [], [], []
    start = 0
    for size in sizes:
        own = _place(generator, int(size))
        dipole, energy = _moments(z[start : start + size], own)
        pos.append(own)
        dipoles.append(dipole)
        energies.append(energy)
        start += size
    parts = np.split(np.arange(len(sizes)), [train, train + valid])
    return RawSystems(
        ptr=np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
        points={"z": z.astype(np.int64), "pos": np.concatenate(pos).astype(np.float32)},
        systems={"energy": np.array(energies), "dipole": np.array(dipoles).astype(np.float32)},
        splits={"generator": [(parts[0], parts[1], parts[2])]},
        facts={"units": {"length": "Angstrom", "energy": "e^2/Angstrom"}},
        name="point-charges",
    )


def _place(generator: np.random.Generator, size: int) -> NDArray[np.float64]:
    """Positions [size, 3], one after another; a draw too near to an earlier atom is drawn again."""
    placed = np.empty((0, 3))
    while len(placed) < size:
        drawn = generator.uniform(-BOX, BOX, size=3)
        if not len(placed) or np.linalg.norm(placed - drawn, axis=1).min() >= APART:
            placed = np.vstack([placed, drawn])
    return placed


def _moments(z: NDArray[np.int64], pos: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
    """Dipole [3] and energy of one cluster."""
    pull = np.array([PULLS[int(number)] for number in z])
    distance = np.linalg.norm(pos[:, None] - pos[None], axis=-1)
    reach = np.exp(-distance)
    charge = ((pull[None] - pull[:, None]) * reach).sum(axis=1)
    one, other = np.triu_indices(len(z), k=1)
    return charge @ pos, float((charge[one] * charge[other] / distance[one, other]).sum())
