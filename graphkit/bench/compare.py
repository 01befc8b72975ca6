"""Is one set of runs better than another? `graphkit bench compare`: paired over shared seeds, Holm-corrected."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

from graphkit.bench.layout import keeps_ranks
from graphkit.bench.report import Row, read_results, summarise
from graphkit.errors import ConfigError, ProtocolError
from graphkit.evaluation.comparable import check_rules, check_same, check_same_data, check_splits
from graphkit.evaluation.metrics import metric_named
from graphkit.evaluation.results import Result
from graphkit.evaluation.significance import TestName, holm, paired_test, power_note
from graphkit.evaluation.statistics import describe, minimum_detectable_difference

EXACT = "neither model is random: the difference is exact and more seeds change nothing"
"""What is said of two deterministic models instead of asking for more seeds."""


@dataclass(frozen=True)
class Comparison:
    """One pair of rows, compared on the seeds they share.

    Args:
        dataset: card name.
        protocol: id.
        metric: of every number here but `p` and `p_holm`.
        a: label of the baseline; `b` of the candidate.
        seeds: the shared seeds; `left_out` those that only one side has.
        mean_a: mean over the shared seeds, as is `mean_b`.
        difference: mean_b - mean_a, in the metric's own direction.
        ci95: Student-t interval of the difference; None below two seeds.
        test: the paired test; `p` its two-sided p-value, `p_holm` the one corrected over all comparisons.
        detectable: smallest true difference that these seeds find with 80 % power; None below two seeds.
        worse: the candidate is worse than `fail_if_worse` allows.
        note: why the seeds cannot reach significance, or need not; empty when they can.
    """

    dataset: str
    protocol: str
    metric: str
    a: str
    b: str
    seeds: tuple[int, ...]
    left_out: tuple[int, ...]
    mean_a: float
    mean_b: float
    difference: float
    ci95: tuple[float, float] | None
    test: TestName
    p: float
    p_holm: float
    detectable: float | None
    worse: bool
    note: str


def compare(
    folder_a: Path | str,
    folder_b: Path | str | None = None,
    *,
    test: TestName = "wilcoxon",
    fail_if_worse: str = "",
) -> list[Comparison]:
    """Compares the models of one run folder with each other, or the same models of two folders.

    Args:
        folder_a: the baseline; its models are compared pairwise when there is no second folder.
        folder_b: the candidate; every (dataset, protocol, model) that both folders hold is compared, and
            different models where each folder holds just one.
        test: `wilcoxon`, `paired-t`, `sign` or `bootstrap`.
        fail_if_worse: marks a comparison `worse` when the candidate's mean is worse by more than this: `0.5%` of the
            baseline's mean, or `0.005` in the metric's own units; empty marks nothing.

    Raises:
        ProtocolError: nothing to compare, or runs that differ in protocol, metric, dataset version or split.
        ConfigError: `fail_if_worse` is no number.
        DataError: a folder is missing, empty or holds a damaged record.
    """
    baseline = read_results(folder_a)
    candidate = None if folder_b is None else read_results(folder_b)
    return compare_results(baseline, candidate, test=test, fail_if_worse=fail_if_worse)


def compare_results(
    baseline: Sequence[Result],
    candidate: Sequence[Result] | None = None,
    *,
    test: TestName = "wilcoxon",
    fail_if_worse: str = "",
) -> list[Comparison]:
    """Does what `compare` does, on records already read.

    Example:
        >>> run = {"dataset": "cora", "protocol": "ogb", "protocol_hash": "a", "metric": "accuracy", "split": 0}
        >>> old = [Result(**run, model="gat", seed=k, status="ok", test=0.80 + k / 100) for k in range(6)]
        >>> new = [Result(**run, model="gat", seed=k, status="ok", test=0.79 + k / 100) for k in range(6)]
        >>> [round(c.difference, 3) for c in compare_results(old, new, fail_if_worse="0.5%") if c.worse]
        [-0.01]
    """
    _allowance(fail_if_worse, 1.0)
    pairs = _pairs_within(baseline) if candidate is None else _pairs_between(baseline, candidate)
    done = [_compare_pair(a, b, test) for a, b in pairs]
    adjusted = holm([comparison["p"] for comparison in done])
    return [_finish(values, p, len(done), fail_if_worse) for values, p in zip(done, adjusted, strict=True)]


def has_regression(comparisons: Sequence[Comparison]) -> bool:
    """Returns whether any candidate is worse than allowed; the command then ends with exit code 4."""
    return any(comparison.worse for comparison in comparisons)


def render(comparisons: Sequence[Comparison]) -> str:
    """Returns the comparisons as plain text; fractions are printed in percentage points, saying so."""
    lines = []
    for one in comparisons:
        scale, unit = (100.0, " points") if metric_named(one.metric).fraction else (1.0, "")
        interval = "" if one.ci95 is None else f" [{one.ci95[0] * scale:+.2f}, {one.ci95[1] * scale:+.2f}]"
        verdict = "WORSE than allowed" if one.worse else "significant" if one.p_holm < 0.05 else "n.s."
        lines.append(f"{one.dataset} · {one.protocol} · {one.metric}: {one.b} against {one.a}")
        means = f"{one.mean_b * scale:.2f} against {one.mean_a * scale:.2f}"
        change = f"{one.difference * scale:+.2f}{unit}{interval}"
        p_values = f"{one.test} p = {one.p:.4g}, Holm p = {one.p_holm:.4g}"
        lines.append(f"  {means}: {change}, {p_values}, {verdict} ({len(one.seeds)} shared seeds)")
        if one.detectable is not None:
            lines.append(f"  smallest difference seen with 80 % power: {one.detectable * scale:.2f}{unit}")
        if one.left_out:
            lines.append(f"  left out, finished on one side only: seeds {', '.join(map(str, one.left_out))}")
        if one.note:
            lines.append(f"  {one.note}")
    return "\n".join(lines) + "\n"


def to_payload(comparisons: Sequence[Comparison]) -> dict[str, Any]:
    """Returns the machine-readable outcome: `comparisons`, one entry each, and `regression`."""
    entries = [
        {name: list(value) if isinstance(value, tuple) else value for name, value in vars(one).items()}
        for one in comparisons
    ]
    return {"schema_version": 1, "comparisons": entries, "regression": has_regression(comparisons)}


@dataclass(frozen=True)
class _Side:
    label: str
    row: Row
    runs: tuple[Result, ...]


def _sides(results: Sequence[Result], prefix: str = "") -> list[_Side]:
    sides = []
    for row in summarise(results):
        one = row.summary
        key = (one.dataset, one.protocol_hash, one.model, one.spec_hash)
        runs = [run for run in results if (run.dataset, run.protocol_hash, run.model, run.spec_hash) == key]
        label = f"{one.model} ({row.variant})" if row.variant else one.model
        sides.append(_Side(prefix + label, row, tuple(runs)))
    return sides


def _pairs_within(results: Sequence[Result]) -> list[tuple[_Side, _Side]]:
    pairs = [(a, b) for a, b in combinations(_sides(results), 2) if _cell(a)[:2] == _cell(b)[:2]]
    if not pairs:
        raise ProtocolError("nothing to compare: no dataset and protocol has two models; give a second folder")
    return pairs


def _pairs_between(baseline: Sequence[Result], candidate: Sequence[Result]) -> list[tuple[_Side, _Side]]:
    """Pairs equal models, and different ones where each folder holds a single row for the dataset and protocol."""
    left, right = _sides(baseline, "A:"), _sides(candidate, "B:")
    rows = [Counter(_cell(side)[:2] for side in sides) for sides in (left, right)]
    pairs = [
        (a, b)
        for a in left
        for b in right
        if _cell(a)[:2] == _cell(b)[:2]
        and (_cell(a) == _cell(b) or rows[0][_cell(a)[:2]] == rows[1][_cell(b)[:2]] == 1)
    ]
    if not pairs:
        held = ["; ".join(sorted({"/".join(_cell(side)) for side in sides})) for sides in (left, right)]
        raise ProtocolError(f"nothing to compare under one protocol: A holds {held[0]}, B holds {held[1]}")
    return pairs


def _cell(side: _Side) -> tuple[str, str, str]:
    return side.row.summary.dataset, side.row.summary.protocol, side.row.summary.model


def _compare_pair(a: _Side, b: _Side, test: TestName) -> dict[str, Any]:
    summary = a.row.summary
    what = f"{summary.dataset}: {a.label} against {b.label}"
    check_same((*a.runs, *b.runs), ("protocol_hash", "metric"), what)
    check_rules((*a.runs, *b.runs), what)
    check_same_data(_with_data(a), _with_data(b), what)
    check_splits((*a.runs, *b.runs), what)
    if len({run.status for run in (*a.runs, *b.runs)} - {"failed"}) > 1:
        raise ProtocolError(f"{what}: one side is partial (--limit), so the numbers are not comparable; run it in full")
    left = dict(zip(summary.seeds, summary.test_values, strict=True))
    right = dict(zip(b.row.summary.seeds, b.row.summary.test_values, strict=True))
    _check_split_indices(a, b, what)
    shared = sorted(left.keys() & right.keys())
    if not shared:
        raise ProtocolError(f"{what}: no seed finished on both sides, so there is no pair to compare")
    values_a, values_b = [left[seed] for seed in shared], [right[seed] for seed in shared]
    outcome = paired_test(values_b, values_a, test)
    gap = describe([y - x for x, y in zip(values_a, values_b, strict=True)])
    return {
        "dataset": summary.dataset,
        "protocol": summary.protocol,
        "metric": summary.metric,
        "a": a.label,
        "b": b.label,
        "seeds": tuple(shared),
        "left_out": tuple(sorted(left.keys() ^ right.keys())),
        "mean_a": describe(values_a).mean,
        "mean_b": describe(values_b).mean,
        "difference": gap.mean,
        "ci95": gap.interval,
        "test": test,
        "p": outcome.p,
        "exact": summary.deterministic and b.row.summary.deterministic and len({*summary.splits}) == 1,
        "detectable": None if gap.std is None else minimum_detectable_difference(gap.std, len(shared)),
    }


def _with_data(side: _Side) -> Result:
    """Returns a run that got as far as reading the data, where there is one; all such runs of a row agree."""
    return next((run for run in side.runs if run.dataset_fingerprint), side.runs[0])


def _check_split_indices(a: _Side, b: _Side, what: str) -> None:
    index = {run.seed: run.split for run in a.runs}
    for run in b.runs:
        if index.get(run.seed, run.split) != run.split:
            raise ProtocolError(f"{what}: seed {run.seed} ran on different splits, so the runs are no pairs")


def _finish(values: dict[str, Any], p_holm: float, comparisons: int, fail_if_worse: str) -> Comparison:
    sign = 1.0 if metric_named(values["metric"]).higher_is_better else -1.0
    loss = -sign * values["difference"]
    worse = bool(fail_if_worse) and loss > _allowance(fail_if_worse, abs(values["mean_a"]))
    exact = values.pop("exact")
    note = power_note(len(values["seeds"]), values["test"], comparisons=comparisons)
    if exact:
        note = EXACT + ("; test it over positives (ranks.npz)" if keeps_ranks(values["protocol"]) else "")
    return Comparison(**values, p_holm=p_holm, worse=worse, note=note)


def _allowance(text: str, baseline: float) -> float:
    """Returns how much worse is allowed; a hair above zero, so that equal means never fail by rounding."""
    if not text:
        return 0.0
    if not re.fullmatch(r"\d+(\.\d*)?%?|\.\d+%?", text.strip()):
        raise ConfigError(f"--fail-if-worse takes 0.5% or 0.005, got {text!r}")
    number = float(text.strip().rstrip("%"))
    allowed = number / 100 * baseline if text.strip().endswith("%") else number
    return allowed + 1e-12 * max(1.0, baseline)
