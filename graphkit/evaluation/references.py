"""Published numbers, each with the place it was read at; numbers that nobody re-read are not in the table."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib import resources

from graphkit.evaluation.metrics import metric_named


@dataclass(frozen=True)
class Reference:
    """One published value, in graphkit's units (fractions, not percent).

    Args:
        dataset: card name.
        model: model-card name.
        protocol: the protocol it is comparable under.
        metric: a name that `metric_named` knows.
        mean: published mean.
        std: published standard deviation, of whatever convention; None where none is given.
        setting: what the source says about runs, splits and variant.
        source: paper and table, or repository and commit.
        url: where to look it up.
    """

    dataset: str
    model: str
    protocol: str
    metric: str
    mean: float
    std: float | None
    setting: str
    source: str
    url: str


@cache
def load_references() -> tuple[Reference, ...]:
    """Returns the packaged table, in its order.

    Example:
        >>> all(reference.mean > 0 for reference in load_references())
        True
    """
    text = resources.files("graphkit.evaluation").joinpath("references.tsv").read_text(encoding="utf-8")
    rows = csv.DictReader(text.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE)
    return tuple(
        Reference(
            dataset=row["dataset"],
            model=row["model"],
            protocol=row["protocol"],
            metric=metric_named(row["metric"]).name,
            mean=float(row["mean"]),
            std=float(row["std"]) if row["std"] else None,
            setting=row["setting"],
            source=row["source"],
            url=row["url"],
        )
        for row in rows
    )


def lookup(dataset: str, model: str, protocol: str) -> list[Reference]:
    """Returns the published values for a cell, the one closest to the plain model first; empty when there is none.

    Example:
        >>> lookup("cora", "gat", "planetoid-public")[0].mean
        0.83
    """
    key = (dataset, model, protocol)
    return [entry for entry in load_references() if (entry.dataset, entry.model, entry.protocol) == key]


def published(dataset: str, protocol: str, metric: str) -> list[Reference]:
    """Returns every published value for a dataset under a protocol, the best first.

    Example:
        >>> published("cora", "planetoid-public", "accuracy")[0].model
        'dagnn'
    """
    found = [
        entry
        for entry in load_references()
        if (entry.dataset, entry.protocol, entry.metric) == (dataset, protocol, metric)
    ]
    return sorted(found, key=lambda entry: entry.mean, reverse=metric_named(metric).higher_is_better)
