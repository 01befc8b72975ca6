"""Node embeddings beside their peers on one random graph of BlogCatalog's size: walker, skip-gram and FastRP.


Both sides of a row do the same work and run in alternation; the best round of each counts. Peers that are not installed
are left out (`pip install gensim` for the skip-gram row, a build of pyg-lib for PyG's walker). `--mirror` takes
BlogCatalog itself.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from typing import Any

import networkx as nx
import numpy as np
from scipy import sparse

from benchmarks.measure import OURS, Options, Row, alternate
from graphkit.embeddings.adjacency import as_adjacency
from graphkit.embeddings.fastrp import FastRP
from graphkit.embeddings.skipgram import train, window_layout
from graphkit.embeddings.walks import random_walks

LENGTH, THREADS = 40, 2


def graph(nodes: int = 10_312, edges: int = 333_983, seed: int = 0) -> sparse.csr_matrix:
    """BlogCatalog's size and heavy-tailed degrees: both ends of an edge are drawn by a power of their number."""
    rng = np.random.default_rng(seed)
    weight = np.arange(1, nodes + 1) ** -0.75
    ends = rng.choice(nodes, (2, int(1.3 * edges)), p=weight / weight.sum())
    ends = np.unique(np.sort(ends[:, ends[0] != ends[1]], axis=0), axis=1)
    ends = ends[:, rng.permutation(ends.shape[1])[:edges]]
    matrix = sparse.coo_matrix((np.ones(ends.shape[1]), tuple(ends)), shape=(nodes, nodes)).tocsr()
    return as_adjacency(matrix + matrix.T)


def numpy_walks(adjacency: sparse.csr_matrix, starts: np.ndarray) -> np.ndarray:
    """The plain vectorised walker: one numpy step for all walks."""
    rng = np.random.default_rng(0)
    walks = np.empty((len(starts), LENGTH), dtype=np.int64)
    walks[:, 0] = starts
    degree = np.diff(adjacency.indptr)
    for step in range(1, LENGTH):
        here = walks[:, step - 1]
        alive = degree[here] > 0
        slot = adjacency.indptr[here] + (rng.random(len(here)) * degree[here]).astype(np.int64)
        walks[:, step] = np.where(alive, adjacency.indices[np.minimum(slot, adjacency.nnz - 1)], here)
    return walks


def networkx_walks(network: nx.Graph, starts: np.ndarray) -> list[list[int]]:
    """The walker of DeepWalk's own code: Python lists of neighbours."""
    neighbours = {node: list(network[node]) for node in network}
    walks = []
    for start in starts.tolist():
        walk = [start]
        while len(walk) < LENGTH and neighbours[walk[-1]]:
            walk.append(random.choice(neighbours[walk[-1]]))
        walks.append(walk)
    return walks


def walkers(adjacency: sparse.csr_matrix, rounds: int) -> Iterator[Row]:
    nodes = adjacency.shape[0]
    starts, few = np.tile(np.arange(nodes), 10), np.arange(nodes)[: nodes // 4]
    network = nx.from_scipy_sparse_array(adjacency)
    many = len(starts) * (LENGTH - 1) / 1e6
    for threads in (THREADS, 1):
        sides: dict[str, Callable[[], Any]] = {
            OURS: lambda threads=threads: random_walks(adjacency, starts, LENGTH, threads=threads),
            "numpy": lambda: numpy_walks(adjacency, starts),
        }
        if threads == THREADS:
            sides["networkx lists"] = lambda: networkx_walks(network, few)
            peer = pyg_walks(adjacency, starts)
            sides |= {"pyg-lib": peer} if peer else {}
        times = alternate(sides, rounds, clock=time.perf_counter)
        rates = {name: many / seconds for name, seconds in times.items()}
        if "networkx lists" in rates:
            rates["networkx lists"] *= len(few) / len(starts)
        bars = {"": 15.0} if threads == THREADS else {}
        yield Row(f"walks of first order, threads: {threads}", rates, "M steps/s", True, bars)
    biased = {OURS: lambda: random_walks(adjacency, starts, LENGTH, p=0.25, q=0.25, threads=THREADS)}
    seconds = alternate(biased, rounds, clock=time.perf_counter)[OURS]
    yield Row(f"walks of second order, p = q = 0.25, threads: {THREADS}", {OURS: many / seconds}, "M steps/s", True)


def pyg_walks(adjacency: sparse.csr_matrix, starts: np.ndarray) -> Callable[[], Any] | None:
    try:
        import pyg_lib  # noqa: F401
        import torch
    except ImportError:
        return None
    parts = [torch.from_numpy(np.asarray(part, dtype=np.int64)) for part in (adjacency.indptr, adjacency.indices)]
    begin = torch.from_numpy(starts)
    return lambda: torch.ops.pyg.random_walk(*parts, begin, LENGTH - 1, 1.0, 1.0)


def skip_gram(adjacency: sparse.csr_matrix, rounds: int) -> Row:
    walks = random_walks(adjacency, np.arange(adjacency.shape[0]), LENGTH)
    layout = window_layout(LENGTH, 10)
    sides: dict[str, Callable[[], Any]] = {
        OURS: lambda: train(lambda _: walks, 1, layout, adjacency.shape[0], 128, threads=THREADS)
    }
    try:
        from gensim.models import Word2Vec
    except ImportError:
        note = "gensim is not installed"
    else:
        note, sentences = "", [[str(node) for node in walk] for walk in walks.tolist()]
        options = {"vector_size": 128, "window": 10, "sg": 1, "negative": 5, "min_count": 0, "epochs": 1}
        sides["gensim"] = lambda: Word2Vec(sentences, workers=THREADS, **options)
    times = alternate(sides, rounds, clock=time.perf_counter)
    rates = {name: walks.size / seconds / 1e6 for name, seconds in times.items()}
    return Row("skip-gram, d = 128, window 10", rates, "M tokens/s", True, note=note)


def rows(options: Options) -> Iterator[Row]:
    adjacency = graph(options.few(10_312, 500), options.few(333_983, 5_000))
    yield from walkers(adjacency, options.rounds)
    yield skip_gram(adjacency, options.rounds)
    for dimension in (128, 512):
        model = FastRP(dimension, (0.0, 0.0, 7.81, 45.28), alpha=-0.628)
        sides = {OURS: lambda model=model: model.fit(adjacency)}
        times = alternate(sides, options.rounds, clock=time.perf_counter)
        yield Row(f"FastRP, d = {dimension}", times, bars={"": 10.0} if dimension == 512 else {})
