"""Far links: nodes of one colour are linked where they are far apart, PCQM-Contact's rule without its chemistry.

In PCQM-Contact (Dwivedi et al., Long Range Graph Benchmark, NeurIPS 2022, arXiv 2206.08164) two atoms are in contact
where they are close in space and at least five bonds apart. Here colour stands for closeness, and the rule is exact:
what it says ranks every link first, and a model that reads colours alone takes the near nodes of its colour for linked.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from graphkit.data.graph_links import RawGraphLinks
from graphkit.data.readers.edges import both_directions
from graphkit.data.synthetic.parts import graph_split
from graphkit.errors import ConfigError

VERSION = 1


def generate(seed: int = 0, *, nodes: int = 24, colours: int = 3, far: int = 5, graphs: int = 400) -> RawGraphLinks:
    """Draws long trees: node i hangs from one of the two before it, and the nodes of a tree are in random order.

    Args:
        seed: decides everything.
        nodes: of a graph, at least 2 `far` + 2.
        colours: C.
        far: edges between linked nodes, at least.
        graphs: G.

    Returns:
        x [N, C] one-hot colours; links in both directions between nodes of one colour that are at least `far` edges
        apart, one link a graph at least; 60 % of the graphs train, 20 % validate, 20 % test.

    Raises:
        ConfigError: an option is out of range.

    Example:
        >>> generate(0, nodes=12, graphs=5).x.shape
        (60, 3)
    """
    if far < 2 or colours < 2 or graphs < 3 or nodes < 2 * far + 2:
        raise ConfigError(
            "far-links takes far >= 2, colours >= 2, graphs >= 3 and nodes >= 2 far + 2, got "
            f"far={far}, colours={colours}, graphs={graphs} and nodes={nodes}"
        )
    rng = np.random.default_rng(seed)
    back = np.minimum(rng.integers(1, 3, size=(graphs, nodes - 1)), np.arange(1, nodes))
    child = np.broadcast_to(np.arange(1, nodes), back.shape)
    colour = rng.integers(colours, size=(graphs, nodes))
    colour[:, -1] = colour[:, 0]  # at least (nodes - 1) / 2 edges apart
    linked = (colour[:, :, None] == colour[:, None]) & ~_near(child, child - back, nodes, far - 1)
    first = np.arange(graphs, dtype=np.int64)[:, None] * nodes
    place = first + rng.permuted(np.tile(np.arange(nodes), (graphs, 1)), axis=1)
    graph, source, target = np.nonzero(linked)
    x = np.zeros((graphs * nodes, colours), dtype=np.float32)
    x[place.ravel(), colour.ravel()] = 1.0
    ends = np.take_along_axis(place, child, axis=1), np.take_along_axis(place, child - back, axis=1)
    return RawGraphLinks(
        ptr=np.arange(graphs + 1, dtype=np.int64) * nodes,
        edge_index=both_directions(ends[0].ravel(), ends[1].ravel(), graphs * nodes),
        x=x,
        links=np.stack([place[graph, source], place[graph, target]]),
        splits={"links-in-graphs": [graph_split(rng, graphs, 0.6, 0.2)]},
        name="far-links",
    )


def _near(child: NDArray[np.int64], parent: NDArray[np.int64], nodes: int, steps: int) -> NDArray[np.bool_]:
    """[G, n, n] whether two nodes of a tree are at most `steps` edges apart."""
    step = np.tile(np.eye(nodes, dtype=np.float32), (len(child), 1, 1))
    graph = np.arange(len(child))[:, None]
    step[graph, child, parent] = step[graph, parent, child] = 1.0
    near = step
    for _ in range(steps - 1):
        near = (near @ step > 0).astype(np.float32)
    return near > 0
