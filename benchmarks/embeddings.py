"""Node embeddings beside their peers on one random graph of BlogCatalog's size: walker, skip-gram and FastRP.

    python benchmarks/embeddings.py [--rounds 5] [--mirror] [--json FILE]

Both sides of a row do the same work and run in alternation; the best round of each counts. Peers that are not installed
are left out (`pip install gensim` for the skip-gram row, a build of pyg-lib for PyG's walker). `--mirror` takes
BlogCatalog itself.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
from scipy import sparse

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


def best(rounds: int, *sides: Callable[[], Any]) -> list[float]:
    """Returns the least seconds of every side; the first call of each, which compiles, does not count."""
    for side in sides:
        side()
    least = [float("inf")] * len(sides)
    for _ in range(rounds):
        for number, side in enumerate(sides):
            start = time.perf_counter()
            side()
            least[number] = min(least[number], time.perf_counter() - start)
    return least


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


def walker_rows(adjacency: sparse.csr_matrix, rounds: int) -> list[dict[str, Any]]:
    nodes = adjacency.shape[0]
    starts, few = np.tile(np.arange(nodes), 10), np.arange(nodes)[: nodes // 4]
    steps = len(starts) * (LENGTH - 1)
    network = nx.from_scipy_sparse_array(adjacency)
    one, two, plain, slow = best(
        rounds,
        lambda: random_walks(adjacency, starts, LENGTH, threads=1),
        lambda: random_walks(adjacency, starts, LENGTH, threads=THREADS),
        lambda: numpy_walks(adjacency, starts),
        lambda: networkx_walks(network, few),
    )
    rate, slow_rate = steps / two, len(few) * (LENGTH - 1) / slow
    rows = [
        row("first order, 2 threads", rate / 1e6, "M steps/s", "numpy", steps / plain / 1e6),
        row("first order, 2 threads", rate / 1e6, "M steps/s", "networkx lists", slow_rate / 1e6),
        row("first order, 1 thread", steps / one / 1e6, "M steps/s", "numpy", steps / plain / 1e6),
    ]
    (biased,) = best(rounds, lambda: random_walks(adjacency, starts, LENGTH, p=0.25, q=0.25, threads=THREADS))
    rows.append(row("second order, p = q = 0.25", steps / biased / 1e6, "M steps/s", "", None))
    peer = pyg_walks(adjacency, starts)
    if peer:
        ours, theirs = best(rounds, lambda: random_walks(adjacency, starts, LENGTH, threads=THREADS), peer)
        rows.append(row("first order, 2 threads", steps / ours / 1e6, "M steps/s", "pyg-lib", steps / theirs / 1e6))
    return rows


def pyg_walks(adjacency: sparse.csr_matrix, starts: np.ndarray) -> Callable[[], Any] | None:
    try:
        import pyg_lib  # noqa: F401
        import torch
    except ImportError:
        return None
    parts = [torch.from_numpy(np.asarray(part, dtype=np.int64)) for part in (adjacency.indptr, adjacency.indices)]
    begin = torch.from_numpy(starts)
    return lambda: torch.ops.pyg.random_walk(*parts, begin, LENGTH - 1, 1.0, 1.0)


def skipgram_rows(adjacency: sparse.csr_matrix, rounds: int) -> list[dict[str, Any]]:
    walks = random_walks(adjacency, np.arange(adjacency.shape[0]), LENGTH)
    layout = window_layout(LENGTH, 10)

    def ours() -> None:
        train(lambda _: walks, 1, layout, adjacency.shape[0], 128, threads=THREADS)

    try:
        from gensim.models import Word2Vec
    except ImportError:
        (seconds,) = best(rounds, ours)
        return [row("skip-gram, d = 128, window 10", walks.size / seconds / 1e6, "M tokens/s", "", None)]
    sentences = [[str(node) for node in walk] for walk in walks.tolist()]

    def theirs() -> None:
        Word2Vec(sentences, vector_size=128, window=10, sg=1, negative=5, min_count=0, workers=THREADS, epochs=1)

    seconds, other = best(rounds, ours, theirs)
    rates = walks.size / seconds / 1e6, walks.size / other / 1e6
    return [row("skip-gram, d = 128, window 10", rates[0], "M tokens/s", "gensim", rates[1])]


def fastrp_rows(adjacency: sparse.csr_matrix, rounds: int) -> list[dict[str, Any]]:
    rows = []
    for dimension in (128, 512):
        model = FastRP(dimension, (0.0, 0.0, 7.81, 45.28), alpha=-0.628)
        (seconds,) = best(rounds, lambda model=model: model.fit(adjacency))  # type: ignore[misc]
        rows.append(row(f"FastRP, d = {dimension}", seconds, "s", "", None))
    return rows


def row(name: str, ours: float, unit: str, peer: str, theirs: float | None) -> dict[str, Any]:
    ratio = None if theirs is None else round(ours / theirs, 2)
    return {"row": name, "ours": round(ours, 3), "unit": unit, "peer": peer, "theirs": theirs, "ratio": ratio}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--mirror", action="store_true", help="BlogCatalog itself, from GRAPHKIT_MIRROR or the cache")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    if args.mirror:
        from graphkit import load_dataset

        adjacency = as_adjacency(load_dataset("blogcatalog").data)
    else:
        adjacency = graph()
    rows = [*walker_rows(adjacency, args.rounds), *skipgram_rows(adjacency, args.rounds)]
    rows += fastrp_rows(adjacency, args.rounds)
    for entry in rows:
        beside = f"{entry['ratio']:8.2f} x {entry['peer']}" if entry["ratio"] else ""
        print(f"{entry['row']:<32}{entry['ours']:>10.3f} {entry['unit']:<12}{beside}")
    if args.json:
        about = {"machine": platform.machine(), "cores": os.cpu_count(), "nodes": adjacency.shape[0]}
        args.json.write_text(json.dumps({**about, "edges": adjacency.nnz // 2, "rows": rows}, indent=2) + "\n")


if __name__ == "__main__":
    main()
