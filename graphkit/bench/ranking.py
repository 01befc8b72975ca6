"""Models ranked over all the datasets they share: what `graphkit bench compare` says about several datasets at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from graphkit.bench.report import Row, summarise
from graphkit.errors import ProtocolError
from graphkit.evaluation.metrics import metric_named
from graphkit.evaluation.rank_tests import RankComparison, friedman
from graphkit.evaluation.results import Result


@dataclass(frozen=True)
class Ranking:
    """Models ranked over datasets by their mean test scores.

    Args:
        comparison: Friedman's test, mean ranks and Nemenyi's groups.
        datasets: those that every model finished, in order.
        left_out: datasets on which some model has no score.
        note: why so few datasets cannot tell models apart; empty when they can.
    """

    comparison: RankComparison
    datasets: tuple[str, ...]
    left_out: tuple[str, ...]
    note: str


def rank_models(
    baseline: Sequence[Result], candidate: Sequence[Result] | None = None, *, alpha: float = 0.05
) -> Ranking:
    """Ranks models over datasets (Demsar, JMLR 2006): a dataset is a block, a model's mean over its seeds the value.

    Args:
        baseline: records of at least two datasets.
        candidate: records of a second folder; models are then called `A:...` and `B:...`.
        alpha: level of the critical difference.

    Raises:
        ProtocolError: fewer than two models or shared datasets, a dataset under two protocols or a model with two
            settings on one dataset (blocks must be independent), or partial runs.

    Example:
        >>> run = {"protocol": "ogb", "protocol_hash": "a", "metric": "accuracy", "seed": 0, "split": 0, "status": "ok"}
        >>> cells = [("cora", "gat", 0.8), ("cora", "gcn", 0.7), ("actor", "gat", 0.4), ("actor", "gcn", 0.3)]
        >>> records = [Result(dataset=d, model=m, test=v, **run) for d, m, v in cells]
        >>> rank_models(records).comparison.mean_ranks
        (1.0, 2.0)
    """
    rows = _labelled(baseline, "" if candidate is None else "A:")
    rows += _labelled(candidate or (), "B:")
    table: dict[str, dict[str, float]] = {}
    models = sorted({label for label, _ in rows})
    for label, row in rows:
        summary = row.summary
        _check_block(summary.dataset, [other for _, other in rows if other.summary.dataset == summary.dataset])
        values = table.setdefault(summary.dataset, {})
        if label in values:
            raise ProtocolError(
                f"{summary.dataset}: {label} was run with several settings; keep one of them to rank models"
            )
        if summary.test_mean is not None:
            sign = 1.0 if metric_named(summary.metric).higher_is_better else -1.0
            values[label] = sign * summary.test_mean
    shared = sorted(dataset for dataset, values in table.items() if len(values) == len(models))
    if len(models) < 2 or len(shared) < 2:
        raise ProtocolError(
            f"ranking needs two models and two datasets that all of them finished, got {len(models)} models and "
            f"{len(shared)} such datasets of {len(table)}; run the missing cells or name fewer models"
        )
    comparison = friedman([[table[dataset][model] for model in models] for dataset in shared], models, alpha=alpha)
    return Ranking(comparison, tuple(shared), tuple(sorted(set(table) - set(shared))), _note(comparison, len(shared)))


def several_datasets(baseline: Sequence[Result], candidate: Sequence[Result] | None = None) -> bool:
    """Returns whether the records span at least two datasets, so that a ranking could be asked for."""
    return len({result.dataset for result in (*baseline, *(candidate or ()))}) > 1


def render(ranking: Ranking) -> str:
    """Returns the ranking as plain text ending in a newline."""
    one = ranking.comparison
    lines = [
        f"ranks over {len(ranking.datasets)} datasets ({', '.join(ranking.datasets)}), 1 is best:",
        *(f"  {rank:5.2f}  {name}" for name, rank in zip(one.names, one.mean_ranks, strict=True)),
        f"  Friedman p = {one.p:.4g} (Iman-Davenport p = {one.p_iman_davenport:.4g}); "
        f"critical difference {one.critical_difference:.2f} (Nemenyi, alpha = {one.alpha:g})",
        *(f"  cannot be told apart: {', '.join(group)}" for group in one.groups if len(group) > 1),
    ]
    if ranking.left_out:
        lines.append(f"  left out, not finished by every model: {', '.join(ranking.left_out)}")
    if ranking.note:
        lines.append(f"  {ranking.note}")
    return "\n".join(lines) + "\n"


def to_payload(ranking: Ranking) -> dict[str, Any]:
    """Returns the ranking as JSON-ready values."""
    one = ranking.comparison
    return {
        "datasets": list(ranking.datasets),
        "left_out": list(ranking.left_out),
        "models": list(one.names),
        "mean_ranks": list(one.mean_ranks),
        "chi_square": one.chi_square,
        "p": one.p,
        "p_iman_davenport": one.p_iman_davenport,
        "critical_difference": one.critical_difference,
        "alpha": one.alpha,
        "groups": [list(group) for group in one.groups],
        "note": ranking.note,
    }


def _labelled(results: Sequence[Result], prefix: str) -> list[tuple[str, Row]]:
    return [(prefix + row.summary.model, row) for row in summarise(results)]


def _check_block(dataset: str, rows: Sequence[Row]) -> None:
    protocols = sorted({row.summary.protocol for row in rows})
    if len({row.summary.protocol_hash for row in rows}) > 1:
        raise ProtocolError(f"{dataset} was run under several protocols ({', '.join(protocols)}); rank one at a time")
    if any(row.summary.status.startswith("partial") for row in rows):
        raise ProtocolError(f"{dataset}: partial runs (--limit) are not comparable; run them in full to rank models")


def _note(one: RankComparison, datasets: int) -> str:
    widest = len(one.names) - 1
    if one.critical_difference < widest:
        return ""
    return (
        f"{datasets} datasets cannot tell any two of {len(one.names)} models apart: the critical difference "
        f"{one.critical_difference:.2f} is not below {widest}, the largest difference of mean ranks there is"
    )
