"""NeighborsMatch on trees, Alon and Yahav, "On the Bottleneck of Graph Neural Networks", ICLR 2021 (arXiv 2006.05205).

A full binary tree whose leaves hold (key, label) pairs and whose root holds a key: the root must give the label of the
leaf that has its key. All leaves' pairs have to pass through the root's two children.
"""

from __future__ import annotations

import numpy as np

from graphkit.data.raw import RawGraph
from graphkit.data.readers.edges import both_directions
from graphkit.data.synthetic.parts import graph_split
from graphkit.errors import ConfigError

VERSION = 1


def generate(seed: int = 0, *, depth: int = 4, graphs: int = 2000) -> RawGraph:
    """Draws `graphs` full binary trees as one disjoint union; node 0 of a tree is its root.

    Args:
        seed: decides keys, labels and split.
        depth: edges from the root to a leaf; there are K = 2^depth leaves, keys and labels.
        graphs: G.

    Returns:
        x [N, 2 K + 1]: one-hot key of leaves and root, one-hot label of leaves, a constant at inner nodes; y [N] the
        label due at the root and -1 elsewhere; 80 % of the trees train, 10 % validate, 10 % test, and only roots are
        scored.

    Raises:
        ConfigError: an option is out of range.

    Example:
        >>> generate(0, depth=2, graphs=10).x.shape
        (70, 9)
    """
    if not 1 <= depth <= 10 or graphs < 3:
        raise ConfigError(f"tree-neighbours-match takes depth 1 to 10 and graphs >= 3, got {depth} and {graphs}")
    rng = np.random.default_rng(seed)
    leaves, size = 2**depth, 2 ** (depth + 1) - 1
    first = np.arange(graphs, dtype=np.int64) * size
    keys, labels = (rng.permuted(np.tile(np.arange(leaves), (graphs, 1)), axis=1) for _ in range(2))
    asked = rng.integers(leaves, size=graphs)
    x = np.zeros((graphs, size, 2 * leaves + 1), dtype=np.float32)
    x[:, 1 : size - leaves, 2 * leaves] = 1.0
    tree, leaf = np.arange(graphs)[:, None], size - leaves + np.arange(leaves)
    x[tree, leaf, keys] = 1.0
    x[tree, leaf, leaves + labels] = 1.0
    x[np.arange(graphs), 0, keys[np.arange(graphs), asked]] = 1.0
    child = np.arange(1, size)
    source, target = (first[:, None] + child).ravel(), (first[:, None] + (child - 1) // 2).ravel()
    y = np.full(graphs * size, -1, dtype=np.int64)
    y[first] = labels[np.arange(graphs), asked]
    return RawGraph(
        x=x.reshape(graphs * size, -1),
        edge_index=both_directions(source, target, graphs * size),
        y=y,
        splits={"generator": [tuple(first[part] for part in graph_split(rng, graphs, 0.8, 0.1))]},
        ptr=np.arange(graphs + 1, dtype=np.int64) * size,
        name="tree-neighbours-match",
    )
