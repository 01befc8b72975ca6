"""EdgeBank beside py-tgb's: scoring validation events of tgbl-wiki among all other pages, and showing them.


py-tgb's example keeps a dictionary from (source, destination). For every positive it builds two arrays from the list of
its negatives and asks the dictionary pair by pair; after 200 positives it shows them. Its class comes with the
repository's examples, not with the package, so the peer here does what it does, on the same arrays; `dictionary alone`
leaves the building of arrays out. Ours scores all pages for a batch at once, as `stream_ranks` does. Equal scores are
checked first. Sides run in alternation on one thread, in processor seconds; memory of the training events is made
before the clock starts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from benchmarks.measure import OURS, Options, Row, alternate
from graphkit import load_dataset
from graphkit.data.negatives import tgb_all
from graphkit.scorers.streams import EdgeBank

BATCH = 200


class ByDictionary:
    """EdgeBank with unlimited memory as py-tgb's example has it: one Python step a pair."""

    def __init__(self, src: np.ndarray, dst: np.ndarray) -> None:
        self.memory: dict[tuple[int, int], int] = {}
        self.update(src, dst)

    def update(self, src: np.ndarray, dst: np.ndarray) -> None:
        for one, other in zip(src, dst, strict=True):
            self.memory[one, other] = 1

    def predict(self, src: np.ndarray, dst: np.ndarray) -> np.ndarray:
        found = np.zeros(len(src))
        for at in range(len(src)):
            if (src[at], dst[at]) in self.memory:
                found[at] = 1
        return found


def rows(options: Options) -> Iterator[Row]:
    dataset = load_dataset("tgbl-wiki")
    events, split = dataset.events, dataset.split()
    train, own = split.train, slice(split.valid.start, split.valid.start + options.few(2000, 200))
    first, last = events.destination_range
    negatives = tgb_all(events, own, pool=(first, last + 1), split="valid")
    src, dst, t = (column[own].astype(np.int64) for column in (events.src, events.dst, events.t))
    batches = [slice(start, min(start + BATCH, len(src))) for start in range(0, len(src), BATCH)]
    lists = [negatives.rows(slice(row, row + 1))[0].tolist() for row in range(len(src))]
    pages = np.arange(first, last + 1)
    built = [(np.full(len(one) + 1, src[row]), np.array([dst[row], *one])) for row, one in enumerate(lists)]

    def ours(model: EdgeBank) -> list[np.ndarray]:
        found = []
        for part in batches:
            found.append(model.score(src[part], pages, t[part]))
            model.observe(src[part], dst[part], t[part])
        return found

    def theirs(model: ByDictionary) -> list[np.ndarray]:
        found = []
        for part in batches:
            for row in range(part.start, part.stop):
                query_src = np.array([int(src[row]) for _ in range(len(lists[row]) + 1)])
                found.append(model.predict(query_src, np.concatenate([np.array([int(dst[row])]), lists[row]])))
            model.update(src[part], dst[part])
        return found

    def dictionary(model: ByDictionary) -> list[np.ndarray]:
        found = []
        for part in batches:
            found += [model.predict(*built[row]) for row in range(part.start, part.stop)]
            model.update(src[part], dst[part])
        return found

    def array_memory() -> EdgeBank:
        model = EdgeBank()
        model.fit(events.src[train], events.dst[train], events.t[train], events.num_nodes)
        return model

    def dict_memory() -> ByDictionary:
        return ByDictionary(events.src[train].astype(np.int64), events.dst[train].astype(np.int64))

    for row, (one, other) in enumerate(zip(np.concatenate(ours(array_memory())), theirs(dict_memory()), strict=True)):
        np.testing.assert_array_equal(one[built[row][1] - first], other)
    sides: dict[str, tuple[Callable[[], Any], Callable[[Any], object]]] = {
        OURS: (array_memory, ours),
        "py-tgb's loop": (dict_memory, theirs),
        "dictionary alone": (dict_memory, dictionary),
    }
    ready = {name: iter([memory() for _ in range(options.rounds)]) for name, (memory, _) in sides.items()}
    calls = {name: lambda name=name, side=side: side(next(ready[name])) for name, (_, side) in sides.items()}
    times = alternate(calls, options.rounds, warm=0)
    pairs = sum(len(one) + 1 for one in lists)
    yield Row(f"EdgeBank, {pairs:,} pairs in batches of {BATCH}", times, bars={"py-tgb's loop": 50.0})
