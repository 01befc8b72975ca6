"""Time and peak memory of our layers beside PyG's own layers, on one random graph and in one run.

    python benchmarks/kernels.py                        # the whole table, about five minutes
    python benchmarks/kernels.py --only gat gatv2 --rounds 5 --json out.json

Both sides do one forward and one backward pass of the same layer with the same weights' shapes, in alternation, so that
a busy machine disturbs both alike. Extra memory is the growth of the process's resident peak during one pass, each side
in a fresh process; for ours it includes sorting the edge list and its transpose.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from graphkit.encoders import conv
from graphkit.kernels import SparseFeatures, as_graph, counter_dropout, segment_softmax

warnings.simplefilter("ignore")

WIDTH, HEADS, CHANNELS = 64, 8, 8
Step = Callable[[], object]


@dataclass(frozen=True)
class Case:
    """One row of the table: two steps that do the same work, and the ratio that is asked for."""

    name: str
    build: Callable[[Tensor, int, str], Step]
    bar: float | None = None
    memory_bar: float | None = None


def layer_case(ours: Callable[[], nn.Module], theirs: Callable[[], nn.Module]) -> Callable[[Tensor, int, str], Step]:
    """Forward and backward of a layer, with gradients of the node states and of all parameters."""

    def build(edge_index: Tensor, nodes: int, side: str) -> Step:
        torch.manual_seed(0)
        layer = (ours if side == "ours" else theirs)()
        x, grad = torch.randn(nodes, WIDTH, requires_grad=True), torch.randn(nodes, WIDTH)

        def step() -> None:
            x.grad = None
            layer.zero_grad()
            layer(x, edge_index).backward(grad)

        return step

    return build


def pyg(name: str, *args: object, **kwargs: object) -> Callable[[], nn.Module]:
    def make() -> nn.Module:
        import torch_geometric.nn

        return getattr(torch_geometric.nn, name)(*args, **kwargs)

    return make


def sage_case(aggr: Literal["mean", "max"]) -> Case:
    ours = layer_case(lambda: conv.SAGEConv(WIDTH, WIDTH, aggr=aggr), pyg("SAGEConv", WIDTH, WIDTH, aggr=aggr))
    return Case(f"sage-{aggr}", ours, bar=5.0)


def softmax_case(edge_index: Tensor, nodes: int, side: str) -> Step:
    edge_index = edge_index[:, edge_index[1].argsort(stable=True)]
    logits = torch.randn(edge_index.size(1), HEADS, requires_grad=True)
    grad = torch.randn_like(logits)

    def step() -> None:
        logits.grad = None
        if side == "ours":
            result = segment_softmax(as_graph(edge_index, nodes), logits)
        else:
            from torch_geometric.utils import softmax

            result = softmax(logits, edge_index[1], num_nodes=nodes)
        result.backward(grad)

    return step


def citation_case(edge_index: Tensor, nodes: int, side: str) -> Step:
    """One epoch (training step and evaluation) of the published two-layer GAT on a graph as large as Cora."""
    del edge_index, nodes
    torch.manual_seed(0)
    nodes, features, classes = 2708, 1433, 7
    half = torch.randint(0, nodes, (2, 5278))
    edges = torch.cat([half, half.flip(0)], dim=1)
    x = functional.normalize((torch.rand(nodes, features) < 0.0127).float(), p=1, dim=1)
    labels = torch.randint(0, classes, (nodes,))
    if side == "ours":
        first: nn.Module = conv.GATConv(features, 8, heads=8, dropout=0.6)
        second: nn.Module = conv.GATConv(64, classes, heads=1, concat=False, dropout=0.6)
        inputs: Tensor | SparseFeatures = SparseFeatures.from_dense(x)
    else:
        inputs = x
        first = pyg("GATConv", features, 8, heads=8, dropout=0.6)()
        second = pyg("GATConv", 64, classes, heads=1, concat=False, dropout=0.6)()
    optimizer = torch.optim.Adam([*first.parameters(), *second.parameters()], lr=0.005, weight_decay=5e-4)

    def model(training: bool) -> Tensor:
        first.train(training), second.train(training)
        if isinstance(inputs, SparseFeatures):
            hidden = functional.elu(first(inputs.dropout(0.6, training), edges))
            return second(counter_dropout(hidden, 0.6, training), edges)
        hidden = functional.elu(first(functional.dropout(inputs, 0.6, training), edges))
        return second(functional.dropout(hidden, 0.6, training), edges)

    def step() -> None:
        optimizer.zero_grad()
        functional.cross_entropy(model(True)[:140], labels[:140]).backward()
        optimizer.step()
        with torch.no_grad():
            model(False).argmax(-1)

    return step


CASES = (
    Case(
        "gat",
        layer_case(
            lambda: conv.GATConv(WIDTH, CHANNELS, heads=HEADS, add_self_loops=False),
            pyg("GATConv", WIDTH, CHANNELS, heads=HEADS, add_self_loops=False),
        ),
        bar=5.0,
        memory_bar=0.25,
    ),
    Case(
        "gatv2",
        layer_case(
            lambda: conv.GATv2Conv(WIDTH, CHANNELS, heads=HEADS, add_self_loops=False),
            pyg("GATv2Conv", WIDTH, CHANNELS, heads=HEADS, add_self_loops=False),
        ),
        bar=4.0,
        memory_bar=0.25,
    ),
    Case("gcn", layer_case(lambda: conv.GCNConv(WIDTH, WIDTH), pyg("GCNConv", WIDTH, WIDTH, cached=True)), bar=5.0),
    sage_case("mean"),
    sage_case("max"),
    Case("segment-softmax", softmax_case, bar=1.5),
    Case("gat-epoch-cora-size", citation_case, bar=4.0),
)


def random_edges(nodes: int, edges: int) -> Tensor:
    return torch.randint(0, nodes, (2, edges), generator=torch.Generator().manual_seed(0))


def time_case(case: Case, nodes: int, edges: int, rounds: int) -> dict[str, object]:
    """Milliseconds a step, the two sides in alternation."""
    edge_index = random_edges(nodes, edges)
    steps = {side: case.build(edge_index, nodes, side) for side in ("ours", "pyg")}
    samples: dict[str, list[float]] = {side: [] for side in steps}
    for step in steps.values():
        step()
    for _ in range(rounds):
        for side, step in steps.items():
            begin = time.perf_counter()
            step()
            samples[side].append(1e3 * (time.perf_counter() - begin))
    ours, theirs = samples["ours"], samples["pyg"]
    return {
        "ours_ms": {"median": statistics.median(ours), "min": min(ours)},
        "pyg_ms": {"median": statistics.median(theirs), "min": min(theirs)},
        "ratio": {
            "median": statistics.median(theirs) / statistics.median(ours),
            "min": min(theirs) / min(ours),
        },
        "bar": case.bar,
    }


def resident_peak(reset: bool) -> int:
    """Highest resident size in bytes since the last reset, from the kernel's own account of this process."""
    if reset:
        Path("/proc/self/clear_refs").write_text("5")
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError("this system does not report VmHWM; memory can be measured on Linux only")


def measure_memory(case: Case, side: str, nodes: int, edges: int) -> int:
    """Growth of the resident peak during one step, after a step on a small graph has compiled and loaded everything."""
    case.build(random_edges(50, 600), 50, side)()
    step = case.build(random_edges(nodes, edges), nodes, side)
    before = resident_peak(reset=True)
    step()
    return resident_peak(reset=False) - before


def memory_in_fresh_process(case: Case, side: str, options: argparse.Namespace) -> float:
    # Blocks above 64 KiB go back to the system when freed, so that the resident size follows what is in use.
    environment = {**os.environ, "MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "65536"}
    command = [sys.executable, __file__, "--memory-of", case.name, side]
    command += ["--nodes", str(options.nodes), "--edges", str(options.edges), "--threads", str(options.threads)]
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    return int(done.stdout.split()[-1]) / 2**20


def table(results: dict[str, dict[str, object]]) -> str:
    header = f"{'case':<20} {'ours ms':>9} {'PyG ms':>9} {'ratio':>7} {'asked':>6}"
    lines = [f"{header} {'ours MiB':>9} {'PyG MiB':>9} {'share':>6}"]
    for name, row in results.items():
        line = f"{name:<20} {row['ours_ms']['median']:>9.1f} {row['pyg_ms']['median']:>9.1f}"
        line += f" {row['ratio']['median']:>6.1f}x {row['bar']:>5.1f}x"
        if "memory" in row:
            memory = row["memory"]
            line += f" {memory['ours_mib']:>9.0f} {memory['pyg_mib']:>9.0f} {memory['share']:>6.2f}"
        lines.append(line)
    return "\n".join(lines)


def main() -> None:
    names = [case.name for case in CASES]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nodes", type=int, default=50_000)
    parser.add_argument("--edges", type=int, default=600_000)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--only", nargs="+", choices=names, default=names, metavar="CASE")
    parser.add_argument("--json", type=Path, help="write the numbers there")
    parser.add_argument("--memory-of", nargs=2, metavar=("CASE", "SIDE"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    cases = {case.name: case for case in CASES}
    if options.memory_of:
        name, side = options.memory_of
        print(measure_memory(cases[name], side, options.nodes, options.edges))
        return
    results: dict[str, dict[str, object]] = {}
    for name in options.only:
        results[name] = time_case(cases[name], options.nodes, options.edges, options.rounds)
        if cases[name].memory_bar is not None:
            ours, theirs = (memory_in_fresh_process(cases[name], side, options) for side in ("ours", "pyg"))
            asked = cases[name].memory_bar
            results[name]["memory"] = {"ours_mib": ours, "pyg_mib": theirs, "share": ours / theirs, "bar": asked}
        print(f"{name} done", file=sys.stderr)
    print(table(results))
    if options.json:
        import numba
        import torch_geometric

        versions = {module.__name__: module.__version__ for module in (torch, torch_geometric, numba)}
        setting = {name: getattr(options, name) for name in ("nodes", "edges", "threads", "rounds")}
        report = {"setting": setting, "versions": versions, "machine": platform.machine(), "results": results}
        options.json.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
