"""Circular skip links, Murphy et al., "Relational Pooling for Graph Representations", ICML 2019 (arXiv 1903.02541).

A cycle of 13 nodes that are also joined to those `skip` steps ahead; the class of a graph is its skip, 2, 3 or 5 (other
skips give one of these graphs again). All graphs are 4-regular and of one size, so a network bounded by 1-WL has one
answer for all of them.
"""

from __future__ import annotations

import numpy as np

from graphkit.data.raw import RawGraphs
from graphkit.errors import ConfigError
from graphkit.expressiveness.generators import csl, from_networkx

VERSION = 1
NODES, SKIPS = 13, (2, 3, 5)


def generate(seed: int = 0, *, graphs: int = 20) -> RawGraphs:
    """Draws `graphs` renumbered copies of every class.

    Args:
        seed: decides the order of the nodes.
        graphs: copies of each.

    Returns:
        One constant feature, edges in both directions; three fifths of each class train, the rest is halved.

    Raises:
        ConfigError: too few copies.

    Example:
        >>> generate(0, graphs=5).num_graphs
        15
    """
    if graphs < 5:
        raise ConfigError(f"skip-links takes graphs >= 5, got {graphs}")
    drawn = from_networkx([csl(NODES, skip) for _ in range(graphs) for skip in SKIPS]).relabelled(seed)
    number = np.arange(len(SKIPS) * graphs)
    copy, train, valid = number // len(SKIPS), graphs * 3 // 5, graphs * 4 // 5
    parts = (number[copy < train], number[(copy >= train) & (copy < valid)], number[copy >= valid])
    return RawGraphs(
        ptr=drawn.ptr,
        edge_index=drawn.edge_index(),
        x=np.ones((len(drawn.color), 1), dtype=np.float32),
        y=number % len(SKIPS),
        splits={"generator": [parts]},
        name="skip-links",
    )
