"""Temporal state and training: our caches, memory and one-against-many ranking beside PyG's, in one run.


Sides run in alternation on one thread, timed in processor seconds, so that whatever else the machine does counts less.
The stream has the shape of Wikipedia's: 8,227 sources, 1,000 destinations, 157,474 events, popularity as ranks to the
power of -1 and -0.8. PyG's side is its example of TGN (memory 100, 10 neighbours, batches of 200, one zero a message),
written with PyG's own classes; the ranking is the Temporal Graph Benchmark's example, one model call a positive.
"""

from __future__ import annotations

import itertools
import statistics
import time
from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import nn
from torch_geometric.nn import TransformerConv
from torch_geometric.nn.models import tgn as pyg

from benchmarks.measure import OURS, Options, Row
from benchmarks.measure import alternate as in_turn
from graphkit.config import RunSpec
from graphkit.data.events import EventStore
from graphkit.encoders.temporal.base import StreamInfo
from graphkit.encoders.temporal.tgn_memory import TGNMemory
from graphkit.sampling.last_neighbors import LastNeighborLoader
from graphkit.seeds import SeedStreams
from graphkit.training.optimise import make_optimizer
from graphkit.training.stream_build import build_stream_model
from graphkit.training.stream_feed import StreamFeed
from graphkit.training.streams import stream_step

SOURCES, ITEMS, EVENTS, SIZE = 8227, 1000, 157_474, 200
NODES = SOURCES + ITEMS


def wiki_shape(seed: int = 0) -> EventStore:
    random = np.random.default_rng(seed)
    ends = []
    for many, power, first in ((SOURCES, 1.0, 0), (ITEMS, 0.8, SOURCES)):
        weight = np.arange(1, many + 1.0) ** -power
        ends.append(first + random.choice(many, EVENTS, p=weight / weight.sum()))
    return EventStore(*ends, np.sort(random.integers(0, 2_678_373, EVENTS)), num_nodes=NODES)


def tensors(store: EventStore, part: slice) -> tuple[torch.Tensor, ...]:
    columns = (store.src[part].astype(np.int64), store.dst[part].astype(np.int64), np.array(store.t[part]))
    return tuple(torch.from_numpy(column) for column in columns)


def alternate(sides: dict[str, Callable[[int], object]], rounds: int, warm: int = 3) -> dict[str, float]:
    """Median processor seconds of each side's call number i, after warming up."""
    numbers = {name: itertools.count() for name in sides}
    calls = {name: lambda name=name, call=call: call(next(numbers[name])) for name, call in sides.items()}
    return in_turn(calls, rounds, warm=warm, pick=statistics.median)


def parts(number: int) -> slice:
    return slice(number * SIZE, (number + 1) * SIZE)


def caches(store: EventStore, rounds: int) -> dict[str, dict[str, float]]:
    sides = {"PyG": pyg.LastNeighborLoader(NODES, 10), OURS: LastNeighborLoader(NODES, 10)}
    batches = [tensors(store, parts(number))[:2] for number in range(rounds + 3)]
    asked = [torch.cat([*ends, torch.randint(SOURCES, NODES, (SIZE,))]).unique() for ends in batches]

    def repeated(loader: object) -> Callable[[int], object]:
        def call(number: int) -> None:
            for _ in range(20):
                loader.insert(*batches[number])

        return call

    def both(loader: object) -> Callable[[int], object]:
        def call(number: int) -> None:
            for _ in range(20):
                loader(asked[number])
                loader.insert(*batches[number])

        return call

    insert = alternate({name: repeated(loader) for name, loader in sides.items()}, rounds)
    query = alternate({name: both(loader) for name, loader in sides.items()}, rounds)
    return {"cache insert": insert, "cache query and insert": query}


def memories(store: EventStore, rounds: int, width: int) -> dict[str, float]:
    """`update_state` after the forward pass of a training step, the message `width` wide."""
    sides = {}
    for name, cls in (("PyG", pyg.TGNMemory), (OURS, TGNMemory)):
        memory = cls(NODES, width, 100, 100, pyg.IdentityMessage(width, 100, 100), pyg.LastAggregator())
        memory.train()
        sides[name] = memory
    spent: dict[str, list[float]] = {name: [] for name in sides}
    loader = LastNeighborLoader(NODES, 10)
    for number in range(rounds + 30):
        src, dst, t = tensors(store, parts(number))
        n_id = loader(torch.cat([src, dst, torch.randint(SOURCES, NODES, (SIZE,))]).unique())[0]
        for name, memory in sides.items():
            memory(n_id)
            start = time.process_time()
            memory.update_state(src, dst, t, torch.zeros(SIZE, width))
            if number >= 30:
                spent[name].append(time.process_time() - start)
            memory.detach()
        loader.insert(src, dst)
    return {name: statistics.median(values) for name, values in spent.items()}


class Example(nn.Module):
    """The model of PyG's example."""

    def __init__(self) -> None:
        super().__init__()
        self.memory = pyg.TGNMemory(NODES, 1, 100, 100, pyg.IdentityMessage(1, 100, 100), pyg.LastAggregator())
        self.conv = TransformerConv(100, 50, heads=2, dropout=0.1, edge_dim=101)
        self.source, self.target, self.out = nn.Linear(100, 100), nn.Linear(100, 100), nn.Linear(100, 1)
        self.loader = pyg.LastNeighborLoader(NODES, 10)
        self.assoc = torch.empty(NODES, dtype=torch.int64)

    def states(self, nodes: torch.Tensor, t: torch.Tensor, msg: torch.Tensor) -> torch.Tensor:
        n_id, edge_index, e_id = self.loader(nodes)
        self.assoc[n_id] = torch.arange(len(n_id))
        z, last = self.memory(n_id)
        age = self.memory.time_enc((last[edge_index[0]] - t[e_id]).float())
        return self.conv(z, edge_index, torch.cat([age, msg[e_id]], dim=-1))

    def score(self, z: torch.Tensor, src: torch.Tensor, dst: torch.Tensor) -> torch.Tensor:
        return self.out(torch.relu(self.source(z[self.assoc[src]]) + self.target(z[self.assoc[dst]])))


def training(store: EventStore, rounds: int) -> tuple[dict[str, float], Example, object]:
    """A training batch: negatives, scores, loss, backward pass, step, and the batch shown."""
    theirs, (_, _, times) = Example().train(), tensors(store, slice(None))
    msg = torch.zeros(EVENTS, 1)
    optimizer = torch.optim.Adam(theirs.parameters(), lr=1e-4)

    def example(number: int) -> None:
        optimizer.zero_grad()
        src, dst, t = tensors(store, parts(number))
        negative = torch.randint(SOURCES, NODES, (SIZE,))
        z = theirs.states(torch.cat([src, dst, negative]).unique(), times, msg)
        yes, no = theirs.score(z, src, dst), theirs.score(z, src, negative)
        loss = nn.functional.binary_cross_entropy_with_logits(yes, torch.ones_like(yes))
        loss = loss + nn.functional.binary_cross_entropy_with_logits(no, torch.zeros_like(no))
        theirs.memory.update_state(src, dst, t, msg[parts(number)])
        theirs.loader.insert(src, dst)
        loss.backward()
        optimizer.step()
        theirs.memory.detach()

    ours, step = trainer(store, "tgn", SIZE, "concat-mlp")
    return alternate({"PyG": example, OURS: step}, rounds, warm=60), theirs, ours


def trainer(store: EventStore, name: str, size: int, head: str) -> tuple[object, Callable[[int], object]]:
    spec = RunSpec().with_overrides([f"encoder.name={name}", f"head.name={head}", "train.lr=1e-4"])
    info = StreamInfo.of(store.src, store.dst, store.t, NODES)
    model = build_stream_model(spec, info, SeedStreams(0)).train()
    optimizer = make_optimizer(model, spec.train)  # as a training has it
    batches = StreamFeed(store, info.destinations, spec.train, size, SeedStreams(0)).train_batches(0)

    def step(number: int) -> None:
        optimizer.zero_grad()
        loss, _ = stream_step(model, next(batches))
        loss.backward()
        optimizer.step()

    return model, step


def ranking(store: EventStore, theirs: Example, ours: object, start: int, calls: int) -> Row:
    """Seconds a positive against 999 others: one call a positive with PyG, a batch at once with ours."""
    theirs.eval()
    part = slice(start, start + SIZE)
    _, _, times = tensors(store, slice(None))
    src, _, t = tensors(store, part)
    everyone, msg = torch.arange(SOURCES, NODES), torch.zeros(EVENTS, 1)
    ours.score(store.src[part], everyone.numpy(), store.t[part])
    begin = time.process_time()
    with torch.no_grad():
        for row in range(calls):
            z = theirs.states(torch.cat([src[row : row + 1], everyone]).unique(), times, msg)
            theirs.score(z, src[row].expand(len(everyone)), everyone)
    middle = time.process_time()
    batch = ours.score(store.src[part], everyone.numpy(), store.t[part])
    ours.observe(store.src[part][:0], store.dst[part][:0], store.t[part][:0])
    end = time.process_time()
    worst = 0.0
    for row in range(calls):
        alone = ours.score(store.src[part][row : row + 1], everyone.numpy(), store.t[part][row : row + 1])
        own = store.dst[part][row] - SOURCES
        ranks = [
            1 + (line > line[own]).sum() + 0.5 * ((line == line[own]).sum() - 1) for line in (alone[0], batch[row])
        ]
        worst = max(worst, abs(1 / ranks[0] - 1 / ranks[1]))
    note = f"largest difference of a reciprocal rank to one call a positive: {worst:.1e}"
    values = {OURS: 1e3 * (end - middle) / SIZE, "PyG": 1e3 * (middle - begin) / calls}
    return Row("ranking, a positive against 999 others", values, "ms", bars={"PyG": 50.0}, note=note)


def in_ms(case: str, seconds: dict[str, float], bar: float) -> Row:
    return Row(case, {name: 1e3 * seconds[name] for name in (OURS, "PyG")}, "ms", bars={"PyG": bar})


def rows(options: Options) -> Iterator[Row]:
    store, rounds = wiki_shape(), options.few(40, 2)
    found = caches(store, rounds)
    yield in_ms("insert 200 events into the cache, 20 times", found["cache insert"], 20.0)
    yield in_ms("query and insert, 20 times", found["cache query and insert"], 6.0)
    for width in (1, 172):
        yield in_ms(f"TGNMemory.update_state, message {width}", memories(store, rounds, width), 5.0)
    times, theirs, ours = training(store, rounds)
    yield in_ms("a TGN training batch of 200", times, 2.0)
    yield ranking(store, theirs, ours, (60 + rounds) * SIZE, options.few(12, 2))
    for name, size, head, bar in (("tgn", 200, "concat-mlp", {}), ("nat", 100, "identity", {"": 42 / 3})):
        _, step = trainer(store, name, size, head)
        seconds = alternate({name: step}, rounds, warm=options.few(60, 2))[name]
        case = f"an epoch of {name}, 110,232 events in batches of {size}"
        yield Row(case, {OURS: seconds * -(-110_232 // size)}, bars=bar)
