"""Graphs to be coded as points in space and decoded by distance: Satorras et al., ICML 2021 (arXiv 2102.09844), 5.2."""

from __future__ import annotations

import random
from typing import Literal

import networkx as nx
import numpy as np

from graphkit.data.systems import RawSystems
from graphkit.errors import ConfigError

VERSION = 1
SIZES = range(7, 17)
COMMUNITY_SIZES = (6, 7, 8, 9, 10)
EDGE, INSIDE, BETWEEN = 0.25, 0.7, 0.01


def generate(
    seed: int = 0,
    *,
    family: Literal["erdos-renyi", "community"] = "erdos-renyi",
    train: int = 5000,
    valid: int = 500,
    test: int = 500,
) -> RawSystems:
    """Draws graphs as published: seeds 0, 1 and 2 start the streams of training, validation and test graphs.

    Erdos-Renyi: rounds of one graph of every size 7..16, edges with probability 0.25. Community: two communities of 6
    to 10 nodes, edges inside with probability 0.7 and between with 0.01, one at least. Inside a community the published
    generator seeds with the community's number, so equal sizes repeat: the task is close to a look-up.

    Args:
        seed: first of the three seeds.
        family: which graphs.
        train: number of training graphs; for Erdos-Renyi all three numbers are multiples of 10.
        valid: number of validation graphs.
        test: number of test graphs.

    Returns:
        Systems without positions, whose `edge_index` lists every edge in both directions.

    Raises:
        ConfigError: an unknown family, or a number of Erdos-Renyi graphs that is no multiple of 10.

    Example:
        >>> generate(train=10, valid=10, test=10).num_systems
        30
    """
    counts = train, valid, test
    if family not in ("erdos-renyi", "community"):
        raise ConfigError(f"graph-autoencoder has the families erdos-renyi and community, got {family!r}")
    if family == "erdos-renyi" and any(number % len(SIZES) for number in counts):
        raise ConfigError(f"erdos-renyi graphs come in rounds of {len(SIZES)} sizes, got {counts}")
    graphs = []
    for part, number in enumerate(counts):
        graphs += _erdos_renyi(seed + part, number) if family == "erdos-renyi" else _communities(seed + part, number)
    ptr = np.concatenate([[0], np.cumsum([graph.number_of_nodes() for graph in graphs])]).astype(np.int64)
    edges = [
        np.array(graph.edges, dtype=np.int64).reshape(-1, 2) + start for graph, start in zip(graphs, ptr, strict=False)
    ]
    pairs = np.concatenate(edges).T
    pairs = np.concatenate([pairs, pairs[::-1]], axis=1)
    parts = np.split(np.arange(len(graphs)), np.cumsum(counts)[:2])
    return RawSystems(
        ptr=ptr,
        points={},
        splits={"generator": [(parts[0], parts[1], parts[2])]},
        edge_index=np.ascontiguousarray(pairs[:, np.lexsort((pairs[0], pairs[1]))]),
        name="graph-autoencoder",
    )


def _erdos_renyi(seed: int, number: int) -> list[nx.Graph]:
    stream = random.Random(seed)
    return [nx.gnp_random_graph(nodes, EDGE, seed=stream) for _ in range(number // len(SIZES)) for nodes in SIZES]


def _communities(seed: int, number: int) -> list[nx.Graph]:
    rng = np.random.RandomState(seed)
    return [_community_pair(rng) for _ in range(number)]


def _community_pair(rng: np.random.RandomState) -> nx.Graph:
    sizes = rng.choice(COMMUNITY_SIZES, 2)
    graph = nx.disjoint_union_all(
        [nx.gnp_random_graph(int(size), INSIDE, seed=number) for number, size in enumerate(sizes)]
    )
    joined = np.argwhere(rng.random_sample(tuple(sizes)) < BETWEEN)
    joined = joined if len(joined) else np.zeros((1, 2), dtype=np.int64)
    graph.add_edges_from((int(a), int(sizes[0] + b)) for a, b in joined)
    return graph
