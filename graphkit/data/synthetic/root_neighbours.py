"""RootNeighbours, Finkelshtein et al., "Cooperative Graph Neural Networks", ICML 2024 (arXiv 2310.01267).

Trees of depth two. Some children of the root are hubs, which have five children of their own and so degree six; the
others have one or two. The root must predict the mean of its hubs' features, that is, listen to neighbours chosen by
their degree. Validation and test trees have two more hubs than training trees.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from graphkit.data.raw import RawGraph
from graphkit.data.readers.edges import both_directions
from graphkit.errors import ConfigError

VERSION = 1
MAX_HUBS, EXTRA_HUBS, MAX_CHILDREN, HUB_CHILDREN = 3, 2, 10, 5


def generate(seed: int = 0, *, components: int = 1000, features: int = 5) -> RawGraph:
    """Draws `components` trees each to train, validate and test, as one disjoint union.

    Args:
        seed: decides everything.
        components: trees a part.
        features: F, uniform in -2..2.

    Returns:
        [N, F] features, edges in both directions, y [N, F] float32: at a root the mean over its hubs, NaN elsewhere;
        ptr [3 components + 1]: training trees first, then validation, then test. Only roots are scored.

    Raises:
        ConfigError: an option is below 1.

    Example:
        >>> len(generate(0, components=4).ptr)
        13
    """
    if components < 1 or features < 1:
        raise ConfigError(f"root-neighbours takes components >= 1 and features >= 1, got {components} and {features}")
    rng = np.random.default_rng(seed)
    trees = 3 * components
    extra = np.where(np.arange(trees) < components, 0, EXTRA_HUBS)
    hubs = rng.integers(1, MAX_HUBS + 1, size=trees) + extra
    children = rng.integers(MAX_HUBS + extra, MAX_CHILDREN + 1)
    tree = np.repeat(np.arange(trees), children)
    is_hub = np.arange(len(tree)) - np.repeat(np.cumsum(children) - children, children) < hubs[tree]
    leaves = np.where(is_hub, HUB_CHILDREN, rng.integers(1, 3, size=len(tree)))

    # Nodes are numbered tree by tree: the root, then each child followed by its own leaves.
    ptr = np.concatenate([[0], np.cumsum(1 + np.bincount(tree, weights=1 + leaves).astype(np.int64))])
    child = np.cumsum(1 + leaves) - (1 + leaves) + tree + 1
    root = ptr[:-1]
    num_nodes = int(ptr[-1])
    parent = np.repeat(child, leaves)
    leaf = parent + 1 + np.arange(len(parent)) - np.repeat(np.cumsum(leaves) - leaves, leaves)
    x = rng.uniform(-2.0, 2.0, size=(num_nodes, features)).astype(np.float32)
    return RawGraph(
        x=x,
        edge_index=both_directions(np.concatenate([root[tree], parent]), np.concatenate([child, leaf]), num_nodes),
        y=_targets(x, root, tree[is_hub], child[is_hub], hubs),
        splits={"generator": [(root[:components], root[components : 2 * components], root[2 * components :])]},
        ptr=ptr,
        name="root-neighbours",
    )


def _targets(
    x: NDArray[np.float32],
    root: NDArray[np.int64],
    tree: NDArray[np.int64],
    hub: NDArray[np.int64],
    hubs: NDArray[np.int64],
) -> NDArray[np.float32]:
    total = np.zeros((len(root), x.shape[1]))
    np.add.at(total, tree, x[hub])
    y = np.full(x.shape, np.nan, dtype=np.float32)
    y[root] = total / hubs[:, None]
    return y
