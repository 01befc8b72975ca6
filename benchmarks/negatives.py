"""Looking negatives up and ranking them: graphkit beside py-tgb, on the 23,621 x 999 validation negatives of tgbl-wiki.

    pip install py-tgb
    python benchmarks/negatives.py                      # tgbl-wiki from the cache, the mirror or its publisher
    python benchmarks/negatives.py --events wikipedia.csv.gz --rounds 5 --json benchmarks/results/negatives.json

The official negatives of tgbl-wiki are all destinations but the true ones, so both sides hold the same sets: ours saved
and mapped, py-tgb's from a pickle of its own form. A pass asks for the negatives of every validation event in batches
of 200, the sides in alternation in one process. Three forms of ours: rows in the order of events, which are views; rows
found by (src, dst, t), which are views where they lie together; and copies as int64 rectangles. Equality is checked
first.
"""

from __future__ import annotations

import argparse
import json
import platform
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from graphkit.data.negatives import NegativeSet, read_tgb, tgb_all, write_tgb
from graphkit.data.negatives.sources import destination_range, read_events
from graphkit.evaluation import mrr

BATCH = 200
LOOKUP_BAR, RANKING_BAR = 100.0, 0.5
LOOKUPS = ("graphkit views", "graphkit by key", "graphkit int64 copies")


def seconds(task: Callable[[], object]) -> float:
    begin = time.perf_counter()
    task()
    return time.perf_counter() - begin


def alternate(tasks: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """The smallest of several times of each task, taken in turn."""
    times: dict[str, list[float]] = {name: [] for name in tasks}
    for _ in range(rounds):
        for name, task in tasks.items():
            times[name].append(seconds(task))
    return {name: min(taken) for name, taken in times.items()}


def look_up(negatives: NegativeSet, pickled: Path, saved: Path, rounds: int) -> dict[str, float]:
    from tgb.linkproppred.negative_sampler import NegativeEdgeSampler

    positives = negatives.positives
    assert positives is not None and positives.t is not None
    columns = positives.src, positives.dst, positives.t
    sampler = NegativeEdgeSampler("tgbl-wiki")
    sampler.load_eval_set(str(pickled), "val")
    starts = range(0, len(negatives), BATCH)

    def theirs(start: int) -> list[list[int]]:
        answer: list[list[int]] = sampler.query_batch(
            *(column[start : start + BATCH] for column in columns), split_mode="val"
        )
        return answer

    def by_key(start: int) -> tuple[np.ndarray, np.ndarray]:
        return negatives.rows(negatives.find(*(column[start : start + BATCH] for column in columns)))

    for start in starts[:3]:
        values, offsets = negatives.rows(slice(start, start + BATCH))
        found = by_key(start)
        flat = [one for row in theirs(start) for one in row]
        assert values.tolist() == flat == found[0].tolist() and np.array_equal(offsets, found[1])
    tasks: dict[str, Callable[[], object]] = {
        "py-tgb query_batch": lambda: [theirs(start) for start in starts],
        "py-tgb query_batch, rows as arrays": lambda: [[np.array(row) for row in theirs(start)] for start in starts],
        "graphkit views": lambda: [negatives.rows(slice(start, start + BATCH)) for start in starts],
        "graphkit int64 copies": lambda: [
            negatives.matrix(slice(start, start + BATCH)).astype(np.int64) for start in starts
        ],
        "graphkit by key": lambda: [by_key(start) for start in starts],
    }
    times = alternate(tasks, rounds)
    fresh = NegativeEdgeSampler("tgbl-wiki")
    loading: dict[str, Callable[[], object]] = {
        "py-tgb load": lambda: fresh.load_eval_set(str(pickled), "val"),
        "graphkit load, mapped and verified": lambda: NegativeSet.load(saved),
        "graphkit import of the pickle": lambda: read_tgb(pickled, positives, split="valid"),
    }
    return times | alternate(loading, rounds)


def rank(rounds: int) -> dict[str, float]:
    from tgb.linkproppred.evaluate import Evaluator

    rng = np.random.default_rng(0)
    positive = rng.random(23_621, dtype=np.float32)
    negative = rng.random((23_621, 1_000), dtype=np.float32)
    evaluator = Evaluator("tgbl-wiki")

    def one_by_one() -> float:
        total = 0.0
        for row in range(len(positive)):  # as the published examples do
            scores = {"y_pred_pos": positive[row : row + 1], "y_pred_neg": negative[row], "eval_metric": ["mrr"]}
            total += float(evaluator.eval(scores)["mrr"])
        return total / len(positive)

    assert abs(one_by_one() - mrr(positive, negative).value) < 1e-6
    return alternate(
        {"py-tgb MRR, one by one": one_by_one, "graphkit MRR": lambda: mrr(positive, negative).value}, rounds
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", default="tgbl-wiki", help="dataset, .npz or .csv")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path, help="write the numbers there")
    options = parser.parse_args()
    events, split = read_events(options.events)
    made = tgb_all(events, split["valid"], pool=destination_range(events), split="valid")
    with tempfile.TemporaryDirectory() as folder:
        pickled, saved = write_tgb(made, Path(folder) / "val_ns.pkl"), made.save(Path(folder) / "valid.safetensors")
        times = look_up(NegativeSet.load(saved), pickled, saved, options.rounds)
    times |= rank(options.rounds)
    ratios = {name: times["py-tgb query_batch"] / times[name] for name in times if name.startswith(LOOKUPS)}
    ratios["graphkit MRR"] = times["py-tgb MRR, one by one"] / times["graphkit MRR"]
    ratios["graphkit load, mapped and verified"] = times["py-tgb load"] / times["graphkit load, mapped and verified"]
    print(f"{made!r}")
    for name, taken in times.items():
        print(f"{name:<38}{taken:>10.4f} s" + (f"{ratios[name]:>12,.0f} x" if name in ratios else ""))
    worst = min(ratio for name, ratio in ratios.items() if name.startswith(LOOKUPS))
    print(f"look-up: {worst:,.0f} times faster at least, asked {LOOKUP_BAR:.0f}")
    print(f"MRR of 23,621 x 1,000 scores: {times['graphkit MRR']:.3f} s, asked below {RANKING_BAR} s")
    if options.json:
        versions = {"numpy": np.__version__, "python": platform.python_version()}
        report = {"positives": len(made), "batch": BATCH, "rounds": options.rounds, "versions": versions}
        report |= {"machine": platform.machine(), "seconds": times, "ratios": ratios}
        report["bars"] = {"look_up_ratio": LOOKUP_BAR, "mrr_seconds": RANKING_BAR}
        options.json.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
