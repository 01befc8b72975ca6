"""Many result records become one row a model, or an error when the records do not belong together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from graphkit.errors import ProtocolError
from graphkit.evaluation.comparable import check_rules, check_same, check_splits
from graphkit.evaluation.metrics import metric_named
from graphkit.evaluation.protocols import PROTOCOLS
from graphkit.evaluation.results import Result
from graphkit.evaluation.statistics import describe


@dataclass(frozen=True)
class Summary:
    """One row of a table: a model on a dataset under a protocol, over its seeds.

    Args:
        dataset: card name; `dataset_fingerprint` is the digest its runs share.
        model: model-card name.
        protocol: id; `protocol_hash` is its hash.
        metric: what the numbers are; fractions stay fractions.
        spec_hash: digest of the runs' common specification.
        test_mean: over the seeds that finished; None when none did. Where the protocol's `spread` is `splits`, runs of
            one split are averaged first, and `test_std` and `ci95` are those of the split means.
        test_std: sample standard deviation (ddof = 1); None below two seeds.
        valid_mean: mean validation score; None where there is none.
        ci95: Student-t interval of the mean; None below two seeds.
        seeds: those that finished, ascending; `splits` their split indices.
        failed: (seed, reason) of those that did not.
        status: `ok`, or what is wrong with the row.
        parameters: the largest of the runs, as are `peak_memory_mb` and nothing else.
        seconds_per_epoch: mean over runs; `train_seconds` and `epochs` likewise.
        test_values: by seed, for paired tests.
        deterministic: no seed can change the number; only another split can.
    """

    dataset: str
    dataset_fingerprint: str
    model: str
    protocol: str
    protocol_hash: str
    metric: str
    spec_hash: str
    test_mean: float | None
    test_std: float | None
    valid_mean: float | None
    ci95: tuple[float, float] | None
    seeds: tuple[int, ...]
    splits: tuple[int, ...]
    failed: tuple[tuple[int, str], ...]
    status: str
    parameters: int | None
    epochs: float | None
    train_seconds: float | None
    seconds_per_epoch: float | None
    peak_memory_mb: float | None
    test_values: tuple[float, ...]
    deterministic: bool = False


def aggregate(results: Iterable[Result]) -> list[Summary]:
    """Returns one row for every (dataset, model), sorted by dataset and model.

    Raises:
        ProtocolError: the records of a row differ in protocol, metric, specification, dataset version, negatives, tie
            rule, batch size or freshness, a seed occurs twice, or two digests claim the same split index; such numbers
            have no common mean. The message names both sides.

    Example:
        >>> run = {"dataset": "cora", "model": "gat", "protocol": "planetoid-public", "protocol_hash": "ab", "split": 0}
        >>> runs = [Result(**run, metric="accuracy", seed=k, status="ok", test=v) for k, v in enumerate([0.8, 0.9])]
        >>> row = aggregate(runs)[0]
        >>> round(row.test_mean, 3), round(row.test_std, 4), row.seeds
        (0.85, 0.0707, (0, 1))
    """
    rows: dict[tuple[str, str], list[Result]] = {}
    for result in results:
        rows.setdefault((result.dataset, result.model), []).append(result)
    return [_summary(sorted(rows[key], key=lambda result: result.seed)) for key in sorted(rows)]


def _summary(runs: list[Result]) -> Summary:
    first = runs[0]
    what = f"{first.dataset}/{first.model}"
    check_same(runs, ("protocol", "protocol_hash", "metric", "spec_hash", "dataset_fingerprint"), what)
    check_rules(runs, what)
    check_splits(runs, what)
    seeds = [run.seed for run in runs]
    twice = sorted({seed for seed in seeds if seeds.count(seed) > 1})
    if twice:
        raise ProtocolError(f"{what}: seed {twice[0]} occurs twice; remove one of the records")
    done = [run for run in runs if run.test is not None]
    tests = _tests(done)
    test = describe(_pooled(done, tests)) if done else None
    fingerprints = [run.dataset_fingerprint for run in runs if run.dataset_fingerprint]
    return Summary(
        dataset=first.dataset,
        dataset_fingerprint=fingerprints[0] if fingerprints else "",
        model=first.model,
        protocol=first.protocol,
        protocol_hash=first.protocol_hash,
        metric=first.metric,
        spec_hash=first.spec_hash,
        test_mean=test.mean if test else None,
        test_std=test.std if test else None,
        valid_mean=_mean([run.valid for run in done]),
        ci95=test.interval if test else None,
        seeds=tuple(run.seed for run in done),
        splits=tuple(run.split for run in done),
        failed=tuple((run.seed, run.error) for run in runs if run.status == "failed"),
        status=_status(runs),
        parameters=max((run.parameters for run in runs if run.parameters is not None), default=None),
        epochs=_mean([run.epochs for run in done]),
        train_seconds=_mean([run.train_seconds for run in done]),
        seconds_per_epoch=_mean([run.seconds_per_epoch for run in done]),
        peak_memory_mb=max((run.peak_memory_mb for run in runs if run.peak_memory_mb is not None), default=None),
        test_values=tests,
        deterministic=bool(done) and all(run.evaluation.get("deterministic") is True for run in done),
    )


def _tests(runs: Sequence[Result]) -> tuple[float, ...]:
    """Returns the score of every run: its own, or that at the epoch which is best on average over all runs."""
    if not runs or runs[0].protocol not in PROTOCOLS or not PROTOCOLS[runs[0].protocol].common_epoch:
        return tuple(run.test for run in runs if run.test is not None)
    curves = [run.evaluation["curve"] for run in runs]
    means = [sum(values) / len(values) for values in zip(*curves, strict=False)]
    higher = metric_named(runs[0].metric).higher_is_better
    best = max(range(len(means)), key=lambda epoch: means[epoch] if higher else -means[epoch])
    return tuple(curve[best] for curve in curves)


def _pooled(runs: Sequence[Result], tests: Sequence[float]) -> list[float]:
    """Returns the scores whose mean and deviation a row shows: of runs, or of splits where the protocol says so."""
    by_split: dict[int, list[float]] = {}
    over_splits = runs[0].protocol in PROTOCOLS and PROTOCOLS[runs[0].protocol].spread == "splits"
    for position, (run, test) in enumerate(zip(runs, tests, strict=True)):
        by_split.setdefault(run.split if over_splits else position, []).append(test)
    return [sum(values) / len(values) for values in by_split.values()]


def _status(runs: Sequence[Result]) -> str:
    failed = [run for run in runs if run.status == "failed"]
    if failed:
        return f"{len(failed)} of {len(runs)} failed: seed {failed[0].seed}, {failed[0].error}"
    if any(run.status == "partial" for run in runs):
        return "partial: only a fraction of the epochs ran, the numbers are not comparable"
    return "ok"


def _mean(values: Sequence[float | int | None]) -> float | None:
    known = [float(value) for value in values if value is not None]
    return describe(known).mean if known else None
