"""What reading a whole graph costs: time and memory by the length of a graph, and seconds of positional encodings.

    python benchmarks/sequence.py                     # one thread, about three minutes
    python benchmarks/sequence.py --json FILE --plot length.png

`length`: forward and backward of one layer of width 64 on one long thin graph: GCN, Graph-Mamba's state space, and
attention. Extra memory is the growth of a fresh process's resident peak. `encodings`: seconds that each transform takes
once for a whole dataset, drawn by formula; training reads the result from the cache.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import torch

from graphkit.data import load_dataset
from graphkit.encoders.hybrid_layer import HybridLayer
from graphkit.kernels import as_graph
from graphkit.kernels.sequences import Sequences
from graphkit.transforms.structures import Graphs, Requirement

WIDTH = 64
LAYERS = {"mpnn": ("gcn", "none"), "mamba": ("none", "mamba"), "attention": ("none", "attention")}
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


def step_of(kind: str, length: int) -> Any:
    torch.manual_seed(0)
    local, mixer = LAYERS[kind]
    layer = HybridLayer(WIDTH, local, mixer)  # type: ignore[arg-type]
    path = torch.arange(length - 1)
    edges = torch.stack([path, path + 1])
    graph = as_graph(torch.cat([edges, edges.flip(0)], dim=1), length)
    x, nodes = torch.randn(length, WIDTH, requires_grad=True), torch.arange(length)
    sequences = Sequences(torch.tensor([0, length]))
    return lambda: layer(x, graph, None, (nodes, sequences))[0].sum().backward()


def seconds(step: Any, rounds: int) -> float:
    step()
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        step()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def peak() -> float:
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def extra_memory(kind: str, length: int) -> None:
    """Prints the growth of this process's peak in MiB; run in a fresh process."""
    torch.set_num_threads(1)
    step_of(kind, 8)()
    step, before = step_of(kind, length), peak()
    step()
    print(peak() - before)


def length_rows(rounds: int) -> list[dict[str, Any]]:
    rows = []
    for kind in LAYERS:
        for length in LENGTHS:
            if length > LONGEST.get(kind, length):
                continue
            call = f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); import sequence;"
            call += f" sequence.extra_memory({kind!r}, {length})"
            out = subprocess.run([sys.executable, "-c", call], check=True, capture_output=True, text=True).stdout
            row = {"layer": kind, "nodes": length, "ms": round(1e3 * seconds(step_of(kind, length), rounds), 1)}
            rows.append(row | {"extra MiB": round(float(out))})
            print(rows[-1], flush=True)
    return rows


def encoding_rows() -> list[dict[str, Any]]:
    rows = []
    for name, options in DATASETS.items():
        graphs = Graphs.of(load_dataset(name, options=options).data)
        for what, requirement in ENCODINGS.items():
            start = time.perf_counter()
            requirement.compute(graphs)
            took = time.perf_counter() - start
            rows.append({"dataset": name, "nodes": graphs.num_nodes, "what": what, "seconds": round(took, 2)})
            print(rows[-1], flush=True)
    return rows


def draw(rows: list[dict[str, Any]], path: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, 2, figsize=(9, 3.5))
    for axis, column in zip(axes, ("ms", "extra MiB"), strict=True):
        for kind in LAYERS:
            mine = [row for row in rows if row["layer"] == kind]
            axis.loglog([row["nodes"] for row in mine], [max(row[column], 1) for row in mine], marker="o", label=kind)
        axis.set_xlabel("nodes of the graph")
        axis.set_ylabel(column)
        axis.legend()
    figure.tight_layout()
    figure.savefig(path, dpi=150)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--plot", type=Path)
    args = parser.parse_args()
    torch.set_num_threads(1)
    result = {"threads": 1, "length": length_rows(args.rounds), "encodings": encoding_rows()}
    if args.json:
        args.json.write_text(json.dumps(result, indent=2) + "\n")
    if args.plot:
        draw(result["length"], args.plot)


if __name__ == "__main__":
    main()
