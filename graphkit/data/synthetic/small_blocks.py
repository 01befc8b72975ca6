"""Stochastic block models of about a hundred nodes, as "Benchmarking Graph Neural Networks" draws them by the thousand.

Dwivedi et al., JMLR 2023 (arXiv 2003.00982). Dense adjacency matrices are the fastest form at this size.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from graphkit.errors import ConfigError

Nodes = NDArray[np.int64]


def check_blocks(name: str, graphs: int, smallest: int, largest: int, probabilities: dict[str, float]) -> None:
    """Refuses options no block model can be drawn from, naming the option."""
    if graphs < 3:
        raise ConfigError(f"{name} takes graphs >= 3 (one each to train, validate and test), got {graphs}")
    if not 1 <= smallest < largest:
        raise ConfigError(f"{name} takes 1 <= smallest < largest, got {smallest} and {largest}")
    for option, value in probabilities.items():
        if not 0 <= value <= 1:
            raise ConfigError(f"{name}: {option} is a probability, got {value}")


def draw_communities(rng: np.random.Generator, communities: int, smallest: int, largest: int) -> Nodes:
    """Returns the [n] community of every node; sizes are uniform in smallest..largest-1."""
    return np.repeat(np.arange(communities), rng.integers(smallest, largest, size=communities))


def draw_adjacency(rng: np.random.Generator, probability: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Draws every undirected edge independently.

    Args:
        rng: source of randomness.
        probability: [n, n] symmetric edge probabilities; the diagonal is ignored.

    Returns:
        [n, n] symmetric adjacency without self loops.
    """
    upper = np.triu(rng.random(probability.shape) < probability, k=1)
    return upper | upper.T


def one_hot(values: Nodes, width: int) -> NDArray[np.float32]:
    """Returns [n, width] float32 indicator features."""
    return np.eye(width, dtype=np.float32)[values]
