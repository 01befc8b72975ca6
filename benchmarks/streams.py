"""EdgeBank beside py-tgb's: scoring validation events of tgbl-wiki among all other pages, and showing them.

    python benchmarks/streams.py                      # about a minute; events from the cache, mirror or publisher
    python benchmarks/streams.py --rounds 5 --json benchmarks/results/streams.json

py-tgb's example keeps a dictionary from (source, destination). For every positive it builds two arrays from the list of
its negatives and asks the dictionary pair by pair; after 200 positives it shows them. Its class comes with the
repository's examples, not with the package, so the peer here does what it does, on the same arrays; `dictionary alone`
leaves the building of arrays out. Ours scores all pages for a batch at once, as `stream_ranks` does. Equal scores are
checked first. Sides run in alternation on one thread, in processor seconds; memory of the training events is made
before the clock starts.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from graphkit import load_dataset
from graphkit.data.negatives import tgb_all
from graphkit.scorers.streams import EdgeBank

BATCH, BAR = 200, 50.0


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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--positives", type=int, default=2000, help="validation events that both sides score")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    dataset = load_dataset("tgbl-wiki")
    events, split = dataset.events, dataset.split()
    train, own = split.train, slice(split.valid.start, split.valid.start + args.positives)
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
        "graphkit": (array_memory, ours),
        "py-tgb's loop": (dict_memory, theirs),
        "dictionary alone": (dict_memory, dictionary),
    }
    times: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(args.rounds):
        for name, (memory, side) in sides.items():
            times[name].append(_seconds(side, memory()))
    pairs = sum(len(one) + 1 for one in lists)
    best = {name: min(taken) for name, taken in times.items()}
    ratios = {
        name: float(np.median([slow / fast for fast, slow in zip(times["graphkit"], times[name], strict=True)]))
        for name in sides
    }
    for name, seconds in best.items():
        print(f"{name:<17} {seconds:8.3f} s  {seconds / pairs * 1e9:8.1f} ns a pair  ratio {ratios[name]:6.1f}")
    print(f"{pairs:,} pairs in batches of {BATCH}; the bar is {BAR:g} times py-tgb's loop")
    if args.json:
        machine = f"{platform.machine()}, python {platform.python_version()}, numpy {np.__version__}"
        result = {"pairs": pairs, "seconds": best, "median_ratios": ratios, "on": machine}
        args.json.write_text(json.dumps(result, indent=2) + "\n")


def _seconds(task: Callable[[Any], object], model: Any) -> float:
    begin = time.process_time()
    task(model)
    return time.process_time() - begin


if __name__ == "__main__":
    main()
