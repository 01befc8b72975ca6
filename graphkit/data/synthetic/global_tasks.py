"""Tasks about a whole graph, asked at one node: connectivity, colour counting and shortest path.

After the synthetic suite of Behrouz et al., "Best of Both Worlds: Advantages of Hybrid Graph Sequence Models" (GSM++),
ICML 2025 (arXiv 2411.15671), section 5, whose exact settings are not published. Graphs are long and thin: node i hangs
from one of the four before it, so that distances grow with the graph.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse import csgraph

from graphkit.data.raw import RawGraph
from graphkit.data.readers.edges import both_directions
from graphkit.data.synthetic.parts import graph_split
from graphkit.errors import ConfigError

VERSION = 1
_REACH = 4


def connectivity(seed: int = 0, *, nodes: int = 60, graphs: int = 1000) -> RawGraph:
    """Is there a path between the two marked nodes? Every graph is two components of `nodes` / 2 nodes.

    Args:
        seed: decides everything.
        nodes: of a graph, at least 8.
        graphs: G.

    Returns:
        x [N, 3]: ones, and a flag each for the node that is asked and the other one; y [N] 1 or 0 at the first and -1
        elsewhere, half of each; 60 % of the graphs train, 20 % validate, 20 % test.

    Raises:
        ConfigError: an option is out of range.

    Example:
        >>> generate = connectivity
        >>> generate(0, nodes=10, graphs=5).x.shape
        (50, 3)
    """
    rng = _start("connectivity", seed, nodes, graphs, 8)
    half = nodes // 2
    child, parent = _thin(rng, graphs, nodes, roots=(0, half))
    asked = rng.integers(half, size=graphs)
    same = rng.integers(2, size=graphs)
    other = np.where(same, (asked + rng.integers(1, half, size=graphs)) % half, half + rng.integers(half, size=graphs))
    x = np.zeros((graphs, nodes, 3), dtype=np.float32)
    x[:, :, 0] = 1.0
    x[np.arange(graphs), asked, 1] = x[np.arange(graphs), other, 2] = 1.0
    return _finish(rng, "connectivity", x, child, parent, asked, same)


def colour_counting(seed: int = 0, *, nodes: int = 40, colours: int = 4, most: int = 8, graphs: int = 1000) -> RawGraph:
    """How many nodes have the colour of the marked node? 1 to `most`, each as often.

    Args:
        seed: decides everything.
        nodes: of a graph.
        colours: C.
        most: largest count, below `nodes`.
        graphs: G.

    Returns:
        x [N, C + 1]: one-hot colour and a flag for the node that is asked; y [N] the count less one at that node and -1
        elsewhere; 60 % of the graphs train, 20 % validate, 20 % test.

    Raises:
        ConfigError: an option is out of range.

    Example:
        >>> colour_counting(0, nodes=12, graphs=5).x.shape
        (60, 5)
    """
    rng = _start("colour-counting", seed, nodes, graphs, most + 1)
    if colours < 2 or most < 2:
        raise ConfigError(f"colour-counting takes colours >= 2 and most >= 2, got {colours} and {most}")
    child, parent = _thin(rng, graphs, nodes, roots=(0,))
    wanted, count = rng.integers(colours, size=graphs), rng.integers(1, most + 1, size=graphs)
    place = rng.permuted(np.tile(np.arange(nodes), (graphs, 1)), axis=1)  # the first `count` places have the colour
    others = (wanted[:, None] + rng.integers(1, colours, size=(graphs, nodes))) % colours
    colour = np.where(place < count[:, None], wanted[:, None], others)
    asked = place.argmin(axis=1)
    x = np.zeros((graphs, nodes, colours + 1), dtype=np.float32)
    x[np.arange(graphs)[:, None], np.arange(nodes), colour] = 1.0
    x[np.arange(graphs), asked, colours] = 1.0
    return _finish(rng, "colour-counting", x, child, parent, asked, count - 1)


def shortest_path(seed: int = 0, *, nodes: int = 60, graphs: int = 1000) -> RawGraph:
    """How far is the one marked node from the other? The distance in edges, a regression.

    Args:
        seed: decides everything.
        nodes: of a graph, at least 8.
        graphs: G.

    Returns:
        x [N, 3]: ones, and a flag each for the node that is asked and the other one; y [N, 1] the distance at the first
        and NaN elsewhere; 60 % of the graphs train, 20 % validate, 20 % test.

    Raises:
        ConfigError: an option is out of range.

    Example:
        >>> shortest_path(0, nodes=10, graphs=5).y.shape
        (50, 1)
    """
    rng = _start("shortest-path", seed, nodes, graphs, 8)
    child, parent = _thin(rng, graphs, nodes, roots=(0,))
    both = rng.permuted(np.tile(np.arange(nodes), (graphs, 1)), axis=1)[:, :2]
    first = np.arange(graphs) * nodes
    tree = sparse.csr_matrix((np.ones(len(child)), (child, parent)), shape=(graphs * nodes,) * 2)
    distance = csgraph.dijkstra(tree, directed=False, indices=first + both[:, 1], unweighted=True, min_only=True)
    x = np.zeros((graphs, nodes, 3), dtype=np.float32)
    x[:, :, 0] = 1.0
    x[np.arange(graphs), both[:, 0], 1] = x[np.arange(graphs), both[:, 1], 2] = 1.0
    return _finish(rng, "shortest-path", x, child, parent, both[:, 0], distance[first + both[:, 0]].astype(np.float32))


def _start(name: str, seed: int, nodes: int, graphs: int, least: int) -> np.random.Generator:
    if nodes < least or graphs < 3:
        raise ConfigError(f"{name} takes nodes >= {least} and graphs >= 3, got nodes={nodes} and graphs={graphs}")
    return np.random.default_rng(seed)


def _thin(
    rng: np.random.Generator, graphs: int, nodes: int, roots: tuple[int, ...]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Edges (child, parent) of the union: every node but the roots hangs from one of the four before it."""
    number = np.arange(nodes)
    start = np.max(np.where(number[:, None] >= np.asarray(roots), np.asarray(roots), 0), axis=1)
    back = rng.integers(1, np.minimum(np.maximum(number - start, 1), _REACH) + 1, size=(graphs, nodes))
    first = np.arange(graphs, dtype=np.int64)[:, None] * nodes
    kept = np.setdiff1d(number, roots)
    return (first + kept).ravel(), (first + kept - back[:, kept]).ravel()


def _finish(
    rng: np.random.Generator,
    name: str,
    x: NDArray[np.float32],
    child: NDArray[np.int64],
    parent: NDArray[np.int64],
    asked: NDArray[np.int64],
    answer: NDArray[np.generic],
) -> RawGraph:
    """The union with its nodes renumbered at random inside every graph, so that numbers tell nothing."""
    graphs, nodes, _ = x.shape
    first = np.arange(graphs, dtype=np.int64)[:, None] * nodes
    place = (first + rng.permuted(np.tile(np.arange(nodes), (graphs, 1)), axis=1)).ravel()
    moved = np.empty((graphs * nodes, x.shape[2]), dtype=np.float32)
    moved[place] = x.reshape(graphs * nodes, -1)
    query = place[first[:, 0] + asked]
    if answer.dtype.kind == "f":
        y = np.full((graphs * nodes, 1), np.nan, dtype=np.float32)
        y[query, 0] = answer
    else:
        y = np.full(graphs * nodes, -1, dtype=np.int64)
        y[query] = answer
    train, valid, test = (np.sort(query[part]) for part in graph_split(rng, graphs, 0.6, 0.2))
    return RawGraph(
        x=moved,
        edge_index=both_directions(place[child], place[parent], graphs * nodes),
        y=y,
        splits={"generator": [(train, valid, test)]},
        ptr=np.arange(graphs + 1, dtype=np.int64) * nodes,
        name=name,
    )
