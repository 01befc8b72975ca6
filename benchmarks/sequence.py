"""What reading a whole graph costs: time and memory by the length of a graph, and seconds of positional encodings.


`length`: forward and backward of one layer of width 64 on one long thin graph: GCN, Graph-Mamba's state space, and
attention. Extra memory is the growth of a fresh process's resident peak. `encodings`: seconds that each transform takes
once for a whole dataset, drawn by formula; training reads the result from the cache.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator

import torch

from benchmarks.measure import OURS, Options, Row, Side, alternate, fresh, resident_peak
from graphkit.data import load_dataset
from graphkit.encoders.hybrid_layer import HybridLayer
from graphkit.kernels import as_graph
from graphkit.kernels.sequences import Sequences
from graphkit.transforms.structures import Graphs, Requirement

WIDTH = 64
LAYERS = {"GCN": ("gcn", "none"), "Mamba": ("none", "mamba"), "attention": ("none", "attention")}
LENGTHS = (256, 1024, 4096, 16384)
LONGEST = {"attention": 4096}
ENCODINGS = {
    "return probabilities, 20 steps": Requirement("random-walk-pe", {"steps": 20}),
    "Laplacian eigenvectors, 10": Requirement("laplacian-pe", {"vectors": 10}),
    "order by PageRank": Requirement("node-order", {"kind": "pagerank"}),
    "order by reverse Cuthill-McKee": Requirement("node-order", {"kind": "rcm"}),
    "order by hierarchical clustering": Requirement("node-order", {"kind": "hac"}),
    "random-walk tokens, m = 1, M = 4, s = 2": Requirement("walk-tokens", {"length": 1, "walks": 4, "samples": 2}),
}
DATASETS = {"pattern": {"graphs": 100}, "ring-transfer": {}, "csbm": {"nodes": 5000}}


def step_of(kind: str, length: int) -> Side:
    torch.manual_seed(0)
    local, mixer = LAYERS[kind]
    layer = HybridLayer(WIDTH, local, mixer)  # type: ignore[arg-type]
    path = torch.arange(length - 1)
    edges = torch.stack([path, path + 1])
    graph = as_graph(torch.cat([edges, edges.flip(0)], dim=1), length)
    x, nodes = torch.randn(length, WIDTH, requires_grad=True), torch.arange(length)
    sequences = Sequences(torch.tensor([0, length]))
    return lambda: layer(x, graph, None, (nodes, sequences))[0].sum().backward()


def extra_memory(kind: str, length: int) -> None:
    """Prints the growth of this process's peak in MiB; run in a fresh process."""
    torch.set_num_threads(1)
    step_of(kind, 8)()
    step, before = step_of(kind, length), resident_peak()
    step()
    print(resident_peak() - before)


def rows(options: Options) -> Iterator[Row]:
    for length in LENGTHS[: options.few(4, 1)]:
        kinds = [kind for kind in LAYERS if length <= LONGEST.get(kind, length)]
        sides = {kind: step_of(kind, length) for kind in kinds}
        times = alternate(sides, min(3, options.rounds), clock=time.perf_counter, pick=statistics.median)
        yield Row(f"one layer on {length:,} nodes", {kind: 1e3 * value for kind, value in times.items()}, "ms")
        memory = {kind: fresh("sequence", f"extra_memory({kind!r}, {length})") for kind in kinds}
        yield Row(f"one layer on {length:,} nodes, extra memory", memory, "MiB")
    for name, settings in list(DATASETS.items())[: options.few(3, 1)]:
        graphs = Graphs.of(load_dataset(name, options=settings).data)
        for what, requirement in ENCODINGS.items():
            start = time.perf_counter()
            requirement.compute(graphs)
            took = time.perf_counter() - start
            yield Row(f"{what}, {name}, {graphs.num_nodes:,} nodes", {OURS: took})
