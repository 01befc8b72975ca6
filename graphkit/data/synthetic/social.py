"""Classic social graphs that networkx carries, as small node-classification tasks without features.

* `karate`: Zachary 1977; the label is the club a member joined after the split, as published.
* `davis-southern-women`: Davis, Gardner and Gardner 1941; the label says woman or event. Every edge joins the two.
* `les-miserables`: Knuth 1993; nobody published labels, so they are communities found by greedy modularity (Clauset,
  Newman and Moore 2004): a test of structure, not of knowledge about the novel.
"""

from __future__ import annotations

from collections.abc import Callable

import networkx as nx
import numpy as np
from numpy.typing import NDArray

from graphkit.data.raw import RawGraph
from graphkit.data.readers.edges import both_directions
from graphkit.data.synthetic.parts import stratified_split
from graphkit.errors import UnknownNameError

VERSION = 1


def generate(seed: int = 0, *, graph: str = "karate") -> RawGraph:
    """Returns a social graph; the seed decides the split only.

    Args:
        seed: decides the split.
        graph: `karate`, `davis-southern-women` or `les-miserables`.

    Returns:
        [N, N] identity features (no node knows anything but itself), unweighted edges in both directions, y [N]; 30 %
        of each class trains, 20 % validates, the rest tests.

    Raises:
        UnknownNameError: there is no such graph.

    Example:
        >>> generate(0, graph="karate").edge_index.shape
        (2, 156)
    """
    if graph not in _GRAPHS:
        raise UnknownNameError("social graph", graph, _GRAPHS)
    build, label = _GRAPHS[graph]
    built = build()
    order = {node: i for i, node in enumerate(sorted(built.nodes))}
    ends = np.array([(order[a], order[b]) for a, b in built.edges], dtype=np.int64)
    y = np.array(label(built), dtype=np.int64)
    return RawGraph(
        x=np.eye(len(order), dtype=np.float32),
        edge_index=both_directions(ends[:, 0], ends[:, 1], len(order)),
        y=y,
        splits={"generator": [stratified_split(np.random.default_rng(seed), y, 0.3, 0.2)]},
        name=graph,
    )


def _club(graph: nx.Graph) -> list[int]:
    return [int(graph.nodes[node]["club"] == "Officer") for node in sorted(graph)]


def _side(graph: nx.Graph) -> list[int]:
    return [int(graph.nodes[node]["bipartite"]) for node in sorted(graph)]


def _community(graph: nx.Graph) -> NDArray[np.int64]:
    found = nx.community.greedy_modularity_communities(graph)
    # Largest first, and by name where sizes tie, so that class numbers do not depend on hashing.
    ranked = sorted((sorted(members) for members in found), key=lambda members: (-len(members), members))
    label = {node: i for i, members in enumerate(ranked) for node in members}
    return np.array([label[node] for node in sorted(graph)])


_GRAPHS: dict[str, tuple[Callable[[], nx.Graph], Callable[[nx.Graph], list[int] | NDArray[np.int64]]]] = {
    "karate": (nx.karate_club_graph, _club),
    "davis-southern-women": (nx.davis_southern_women_graph, _side),
    "les-miserables": (nx.les_miserables_graph, _community),
}
