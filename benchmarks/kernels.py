"""Time and peak memory of our layers beside PyG's own layers, on one random graph and in one run.


Both sides do one forward and one backward pass of the same layer with the same weights' shapes, in alternation, so that
a busy machine disturbs both alike. Extra memory is the growth of the process's resident peak during one pass, each side
in a fresh process; for ours it includes sorting the edge list and its transpose.
"""

from __future__ import annotations

import statistics
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.measure import OURS, Options, Row, alternate, fresh, resident_peak
from graphkit.encoders import conv
from graphkit.kernels import SparseFeatures, as_graph, counter_dropout, segment_softmax
from graphkit.kernels.edge_messages import SharedRows

warnings.simplefilter("ignore")

THREADS = 2
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


def gine_case(edge_index: Tensor, nodes: int, side: str) -> Step:
    """A layer whose edges are of ten kinds, as a molecule's bonds are: a vector a kind, or one an edge."""
    torch.manual_seed(0)
    kinds, codes = torch.randn(10, WIDTH), torch.randint(0, 10, (edge_index.size(1),))
    x, grad = torch.randn(nodes, WIDTH, requires_grad=True), torch.randn(nodes, WIDTH)
    if side == "ours":
        layer: nn.Module = conv.GINConv(WIDTH, WIDTH, edge_dim=WIDTH)
    else:
        network = nn.Sequential(nn.Linear(WIDTH, WIDTH), nn.BatchNorm1d(WIDTH), nn.ReLU(), nn.Linear(WIDTH, WIDTH))
        layer = pyg("GINEConv", network, edge_dim=WIDTH)()

    def step() -> None:
        x.grad = None
        layer.zero_grad()
        layer(x, edge_index, SharedRows(kinds, codes) if side == "ours" else kinds[codes]).backward(grad)

    return step


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
    Case("gine, ten kinds of edges", gine_case),
    Case("segment-softmax", softmax_case, bar=1.5),
    Case("gat-epoch-cora-size", citation_case, bar=4.0),
)


def random_edges(nodes: int, edges: int) -> Tensor:
    return torch.randint(0, nodes, (2, edges), generator=torch.Generator().manual_seed(0))


def time_case(case: Case, nodes: int, edges: int, rounds: int) -> Row:
    edge_index = random_edges(nodes, edges)
    sides = {OURS: case.build(edge_index, nodes, "ours"), "PyG": case.build(edge_index, nodes, "pyg")}
    times = alternate(sides, rounds, clock=time.perf_counter, pick=statistics.median)
    return Row(f"{case.name}, forward and backward", times, bars={} if case.bar is None else {"PyG": case.bar})


def memory_of(name: str, side: str, nodes: int, edges: int, threads: int) -> None:
    """Prints the growth of the peak during one step, after a step on a small graph has compiled everything."""
    torch.set_num_threads(threads)
    (case,) = (case for case in CASES if case.name == name)
    case.build(random_edges(50, 600), 50, side)()
    step = case.build(random_edges(nodes, edges), nodes, side)
    before = resident_peak(reset=True)
    step()
    print(resident_peak() - before)


# Blocks above 64 KiB go back to the system when freed, so that the resident size follows what is in use.
RETURNED = {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "65536"}


def rows(options: Options) -> Iterator[Row]:
    nodes, edges = options.few(50_000, 500), options.few(600_000, 6_000)
    for case in CASES:
        yield time_case(case, nodes, edges, options.rounds)
        if case.memory_bar is not None:
            call = "memory_of({!r}, {!r}, {}, {}, {})".format
            used = {
                name: fresh("kernels", call(case.name, side, nodes, edges, options.threads), **RETURNED)
                for name, side in ((OURS, "ours"), ("PyG", "pyg"))
            }
            yield Row(f"{case.name}, extra memory", used, "MiB", bars={"PyG": 1 / case.memory_bar})
