"""Ring transfer, Di Giovanni et al., "On Over-Squashing in Message Passing", ICML 2023 (arXiv 2302.02941).

A ring with a source and, straight across it, a target. The source holds a class, and the target must say it: a network
that passes messages needs as many layers as half the ring has edges.
"""

from __future__ import annotations

import numpy as np

from graphkit.data.raw import RawGraph
from graphkit.data.readers.edges import both_directions
from graphkit.data.synthetic.parts import graph_split
from graphkit.errors import ConfigError

VERSION = 1


def generate(seed: int = 0, *, distance: int = 50, classes: int = 5, graphs: int = 300) -> RawGraph:
    """Draws `graphs` rings of 2 `distance` nodes as one disjoint union, the nodes of a ring in random order.

    Args:
        seed: decides classes, order of the nodes and split.
        distance: edges between source and target.
        classes: C, which the source may hold.
        graphs: G.

    Returns:
        x [N, C + 2]: one-hot class at the source, a flag at the target, a constant elsewhere; y [N] the class at the
        target and -1 elsewhere; 60 % of the rings train, 20 % validate, 20 % test, and only targets are scored.

    Raises:
        ConfigError: an option is out of range.

    Example:
        >>> generate(0, distance=3, graphs=10).x.shape
        (60, 7)
    """
    if distance < 2 or classes < 2 or graphs < 3:
        raise ConfigError(
            f"ring-transfer takes distance >= 2, classes >= 2 and graphs >= 3, got {distance}, {classes} and {graphs}"
        )
    rng = np.random.default_rng(seed)
    size = 2 * distance
    first = np.arange(graphs)[:, None] * size
    ring = first + rng.permuted(np.tile(np.arange(size), (graphs, 1)), axis=1)  # [G, size] nodes around every ring
    held = rng.integers(classes, size=graphs)
    source, target = ring[:, 0], ring[:, distance]
    x = np.zeros((graphs * size, classes + 2), dtype=np.float32)
    x[:, classes + 1] = 1.0
    x[source, classes + 1] = x[target, classes + 1] = 0.0
    x[source, held], x[target, classes] = 1.0, 1.0
    y = np.full(graphs * size, -1, dtype=np.int64)
    y[target] = held
    train, valid, test = (target[part] for part in graph_split(rng, graphs, 0.6, 0.2))
    return RawGraph(
        x=x,
        edge_index=both_directions(ring.ravel(), np.roll(ring, 1, axis=1).ravel(), graphs * size),
        y=y,
        splits={"generator": [(np.sort(train), np.sort(valid), np.sort(test))]},
        ptr=np.arange(graphs + 1, dtype=np.int64) * size,
        name="ring-transfer",
    )
