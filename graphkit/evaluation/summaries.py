"""Many result records become one row a model, or an error when the records do not belong together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from graphkit.config import stable_hash
from graphkit.errors import ProtocolError
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
        test_mean: over the seeds that finished; None when none did.
        test_std: sample standard deviation (ddof = 1); None below two seeds.
        valid_mean: mean validation score; None where there is none.
        ci95: Student-t interval of the mean; None below two seeds.
        seeds: those that finished, ascending; `splits` their split indices.
        failed: (seed, reason) of those that did not.
        status: `ok`, or what is wrong with the row.
        parameters: the largest of the runs, as are `peak_memory_mb` and nothing else.
        seconds_per_epoch: mean over runs; `train_seconds` and `epochs` likewise.
        test_values: by seed, for paired tests.
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


def aggregate(results: Iterable[Result]) -> list[Summary]:
    """Returns one row for every (dataset, model), sorted by dataset and model.

    Raises:
        ProtocolError: the records of a row differ in protocol, metric, specification or dataset version, a seed occurs
            twice, or two digests claim the same split index; such numbers have no common mean.

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


def check_same(results: Sequence[Result], fields: Iterable[str], what: str) -> None:
    """Raises ProtocolError unless all `results` agree in every one of `fields`; failed runs may lack a value."""
    for name in fields:
        found = {str(getattr(result, name)) for result in results if getattr(result, name) or result.status != "failed"}
        if len(found) > 1:
            values = ", ".join(sorted(value[:12] or "(none)" for value in found))
            raise ProtocolError(
                f"{what}: results differ in {name} ({values}); report or compare each separately, or re-run one of them"
            )


def check_splits(results: Sequence[Result], what: str) -> None:
    """Raises ProtocolError when one split index stands for two different splits."""
    digests: dict[int, str] = {}
    for result in results:
        if result.split_sha256 and digests.setdefault(result.split, result.split_sha256) != result.split_sha256:
            raise ProtocolError(
                f"{what}: split {result.split} is not the same set of nodes in all results; re-run them"
            )


def check_same_data(a: Result, b: Result, what: str) -> None:
    """Raises ProtocolError unless two results rest on the same published data.

    Equal fingerprints are the same data. So are different preparations (say, row-normalised features) of the same raw
    files by the same reader with the same options: preparation is a model's choice, the data is not.
    """
    if a.dataset_fingerprint == b.dataset_fingerprint:
        return
    origins = [stable_hash(_origin(result)) for result in (a, b)]
    prepared = [result.files.get("prepare") for result in (a, b)]
    if origins[0] != origins[1] or None in prepared or prepared[0] == prepared[1]:
        found = ", ".join(result.dataset_fingerprint[:12] or "(none)" for result in (a, b))
        raise ProtocolError(f"{what}: results differ in dataset_fingerprint ({found}); re-run one of them")


def _origin(result: Result) -> dict[str, Any]:
    """Returns what decides the data before preparation."""
    files = result.files.get("files", {})
    digests = {name: entry["sha256"] for name, entry in files.items()}
    return {"digests": digests, **{key: result.files.get(key) for key in ("reader", "reader_version", "options")}}


def _summary(runs: list[Result]) -> Summary:
    first = runs[0]
    what = f"{first.dataset}/{first.model}"
    check_same(runs, ("protocol", "protocol_hash", "metric", "spec_hash", "dataset_fingerprint"), what)
    check_splits(runs, what)
    seeds = [run.seed for run in runs]
    twice = sorted({seed for seed in seeds if seeds.count(seed) > 1})
    if twice:
        raise ProtocolError(f"{what}: seed {twice[0]} occurs twice; remove one of the records")
    done = [run for run in runs if run.test is not None]
    tests = tuple(run.test for run in done if run.test is not None)
    test = describe(tests) if tests else None
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
    )


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
