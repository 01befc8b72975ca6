"""Looking negatives up and ranking them: graphkit beside py-tgb, on the 23,621 x 999 validation negatives of tgbl-wiki.


The official negatives of tgbl-wiki are all destinations but the true ones, so both sides hold the same sets: ours saved
and mapped, py-tgb's from a pickle of its own form. A pass asks for the negatives of every validation event in batches
of 200, the sides in alternation in one process. Three forms of ours: rows in the order of events, which are views; rows
found by (src, dst, t), which are views where they lie together; and copies as int64 rectangles. Equality is checked
first.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from benchmarks.measure import OURS, Options, Row, Skipped, alternate
from graphkit.data.negatives import NegativeSet, read_tgb, tgb_all, write_tgb
from graphkit.data.negatives.sources import destination_range, read_events
from graphkit.evaluation import mrr

BATCH = 200


def look_up(negatives: NegativeSet, pickled: Path, saved: Path, rounds: int) -> Iterator[Row]:
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
    times = alternate(tasks, rounds, warm=0, clock=time.perf_counter)
    theirs_took = {"py-tgb": times["py-tgb query_batch"]}
    for form in ("views", "by key", "int64 copies"):
        values = {OURS: times[f"graphkit {form}"], **theirs_took}
        yield Row(f"{len(negatives):,} x 999 negatives, {form}", values, bars={"py-tgb": 100.0})
    fresh = NegativeEdgeSampler("tgbl-wiki")
    loading: dict[str, Callable[[], object]] = {
        OURS: lambda: NegativeSet.load(saved),
        "py-tgb": lambda: fresh.load_eval_set(str(pickled), "val"),
        "import of the pickle": lambda: read_tgb(pickled, positives, split="valid"),
    }
    times = alternate(loading, rounds, warm=0, clock=time.perf_counter)
    yield Row("loading them, mapped and verified", times)


def rank(rounds: int) -> Row:
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
    sides = {OURS: lambda: mrr(positive, negative).value, "py-tgb, one by one": one_by_one}
    times = alternate(sides, rounds, clock=time.perf_counter)
    return Row("MRR of 23,621 x 1,000 scores", times, bars={"": 0.5})


def rows(options: Options) -> Iterator[Row]:
    try:
        import tgb  # noqa: F401
    except ImportError as error:
        raise Skipped("needs py-tgb") from error
    events, split = read_events("tgbl-wiki")
    made = tgb_all(events, split["valid"], pool=destination_range(events), split="valid")
    with tempfile.TemporaryDirectory() as folder:
        pickled, saved = write_tgb(made, Path(folder) / "val_ns.pkl"), made.save(Path(folder) / "valid.safetensors")
        yield from look_up(NegativeSet.load(saved), pickled, saved, min(3, options.rounds))
    yield rank(min(3, options.rounds))
