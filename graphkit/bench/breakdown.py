"""Which links a model predicts: a run's metric by the degree or the Topological Concentration of their ends.

Works on what a finished cell has left, its record and the rank of every positive: nothing is trained or scored again.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from graphkit.bench.report import Record, read_records
from graphkit.data.concentration import concentration
from graphkit.data.diagnostics import simple_undirected
from graphkit.data.links import LinkDataset, LinkSplit
from graphkit.data.load import load_dataset
from graphkit.errors import ConfigError, DataError, ProtocolError, UnknownNameError
from graphkit.evaluation import Result, metric_named
from graphkit.evaluation.rank_metrics import RankMetric

By = Literal["degree", "tc"]
Part = Literal["valid", "test"]
Format = Literal["table", "csv"]
RANKS = "ranks.npz"
_PREPARATION = ("features", "undirected", "largest_component")
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Slice:
    """The links of one model that have an end in one interval.

    Args:
        dataset: card name.
        protocol: protocol id.
        model: model name.
        metric: what `value` is.
        by: `degree` or `tc`.
        low: least value in the interval; `high` the largest.
        ends: ends of links in it, over all seeds; every link has two.
        seeds: seeds that are pooled.
        value: mean of the metric over these ends.
    """

    dataset: str
    protocol: str
    model: str
    metric: str
    by: str
    low: float
    high: float
    ends: int
    seeds: int
    value: float


def break_down(folder: Path | str, *, by: str = "degree", bins: int = 4, part: str = "test") -> list[Slice]:
    """Returns the metric of every model by the ends of its links.

    Values of nodes are those of the graph the model saw, so what the links to be predicted add is not known to them.
    The intervals hold about equally many ends, and are the same for all models of a dataset and protocol.

    Args:
        folder: what `graphkit bench run -o` wrote.
        by: `degree`, or `tc` (`data.concentration.concentration` of one hop over the graph's own links).
        bins: intervals; fewer where many ends have equal values.
        part: `valid` or `test`.

    Raises:
        UnknownNameError: another `by` or `part`.
        ConfigError: fewer than one bin.
        DataError: no cell of a link dataset with ranks.
        ProtocolError: the dataset here is another one than the record's, or its metric is no mean over links.

    Example:
        >>> break_down("runs", by="tc")[0].metric  # doctest: +SKIP
        'roc-auc'
    """
    _check(by, bins, part)
    records = read_records(folder)
    rows = slices_of(records, by=by, bins=bins, part=part)
    if not rows:
        raise DataError(f"{folder} holds no cell of a link dataset with its {RANKS}; run `graphkit bench run` on one")
    return rows


def slices_of(
    records: Iterable[Record], *, by: str = "degree", bins: int = 4, part: str = "test", offline: bool = False
) -> list[Slice]:
    """Does what `break_down` does on records already read; none of links gives no slice.

    `offline` downloads nothing.
    """
    _check(by, bins, part)
    groups: dict[tuple[str, str, str], list[Record]] = {}
    for record in records:
        if _has_links(record):
            result = record.result
            groups.setdefault((result.dataset, result.protocol, result.protocol_hash), []).append(record)
    return [row for key in sorted(groups) for row in _group(groups[key], by, bins, part, offline)]


def render(rows: Sequence[Slice], format: Format = "table") -> str:
    """Returns the breakdown as text ending in a newline; `table` prints percent, `csv` fractions."""
    if format == "csv":
        stream = io.StringIO()
        writer = csv.DictWriter(stream, list(asdict(rows[0])) if rows else ["dataset"], lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(row) for row in rows)
        return stream.getvalue()
    lines: list[str] = []
    title = ""
    for row in rows:
        heading = f"{row.dataset} · {row.protocol} · {row.metric} in percent by {row.by} of a link's ends"
        if heading != title:
            lines += ["", heading] if lines else [heading]
            title = heading
        span = f"{row.low:.4g} .. {row.high:.4g}"
        lines.append(f"  {row.model:<16}{span:<20}{row.ends:>10,} ends{100 * row.value:>9.2f}")
    return "\n".join(lines) + "\n"


def to_payload(rows: Sequence[Slice]) -> dict[str, Any]:
    """Returns the machine-readable breakdown; fractions stay fractions."""
    return {"schema_version": 1, "slices": [asdict(row) for row in rows]}


def _check(by: str, bins: int, part: str) -> None:
    for what, given, known in (("breakdown", by, get_args(By)), ("part", part, get_args(Part))):
        if given not in known:
            raise UnknownNameError(what, given, known)
    if bins < 1:
        raise ConfigError(f"a breakdown has at least one bin, got {bins}")


def _has_links(record: Record) -> bool:
    """Whether a cell ranked the links of one graph; a stream, which has batches, has no graph to take degrees of."""
    result = record.result
    return result.status != "failed" and "batch_size" not in result.evaluation and (record.folder / RANKS).exists()


def _group(records: Sequence[Record], by: str, bins: int, part: str, offline: bool) -> list[Slice]:
    dataset = _dataset(records[0].result, offline)
    splits: dict[int, tuple[Floats, int]] = {}
    models: dict[str, list[tuple[Result, Floats]]] = {}
    for record, name in zip(records, _names(records), strict=True):
        result = record.result
        if result.split not in splits:
            split = _split(dataset, result)
            splits[result.split] = _end_values(dataset, split, by, part), getattr(split, f"{part}_negatives").shape[1]
        worth = _contributions(result, record.folder / RANKS, part, splits[result.split][1])
        models.setdefault(name, []).append((result, worth))
    pooled = np.concatenate([values for values, _ in splits.values()])
    edges = np.unique(np.quantile(pooled, np.linspace(0, 1, bins + 1)))
    rows = []
    for model, runs in sorted(models.items()):
        value = np.concatenate([splits[result.split][0] for result, _ in runs])
        worth = np.concatenate([np.tile(each, 2) for _, each in runs])
        if len(value) != len(worth):
            raise ProtocolError(f"{model} on {dataset.name}: {len(worth)} ranked ends for {len(value)}; run it again")
        place = np.clip(np.searchsorted(edges, value, side="right") - 1, 0, max(len(edges) - 2, 0))
        for number in np.unique(place):
            here = place == number
            rows.append(
                Slice(
                    dataset=dataset.name,
                    protocol=runs[0][0].protocol,
                    model=model,
                    metric=runs[0][0].metric,
                    by=by,
                    low=float(value[here].min()),
                    high=float(value[here].max()),
                    ends=int(here.sum()),
                    seeds=len(runs),
                    value=float(worth[here].mean()),
                )
            )
    return rows


def _names(records: Sequence[Record]) -> list[str]:
    """Returns what tells models apart, with the first digits of the specification's hash where it takes them."""
    settings: dict[str, set[str]] = {}
    for record in records:
        settings.setdefault(record.result.model, set()).add(record.result.spec_hash)
    return [
        result.model if len(settings[result.model]) == 1 else f"{result.model} ({result.spec_hash[:8]})"
        for result in (record.result for record in records)
    ]


def _dataset(result: Result, offline: bool) -> LinkDataset:
    data = result.spec.get("data", {})
    preparation = {key: data[key] for key in _PREPARATION if key in data}
    options = dict(data.get("options", {}))
    dataset = load_dataset(result.dataset, options=options, protocol=result.protocol, offline=offline, **preparation)
    if not isinstance(dataset, LinkDataset):
        raise ProtocolError(f"dataset {result.dataset} is not one graph with links, which breakdowns are for")
    if dataset.fingerprint != result.dataset_fingerprint:
        raise ProtocolError(f"{result.dataset} is another version than the one of {result.model}; run it again")
    return dataset


def _split(dataset: LinkDataset, result: Result) -> LinkSplit:
    split = dataset.split(result.protocol, result.split)
    if split.sha256 != result.split_sha256:
        raise ProtocolError(f"split {result.split} of {dataset.name} is another one than that of {result.model}")
    return split


def _end_values(dataset: LinkDataset, split: LinkSplit, by: str, part: str) -> Floats:
    """Returns [2B] values of the sources of all links, then of their targets."""
    links, message = getattr(split, part), split.message_of(part)
    if by == "tc":
        return concentration(message, dataset.num_nodes)[links.ravel()]
    degree: Floats = np.diff(simple_undirected(message, dataset.num_nodes).indptr).astype(np.float64)
    return degree[links.ravel()]


def _contributions(result: Result, path: Path, part: str, negatives: int) -> Floats:
    """Returns [B]: what every positive adds to the mean that the metric is."""
    with np.load(path, allow_pickle=False) as arrays:
        ranks = np.asarray(arrays[part], dtype=np.float64)
    metric = metric_named(result.metric)
    if isinstance(metric, RankMetric):
        return np.asarray(metric.per_row(ranks), dtype=np.float64)
    if metric.name != "roc-auc" or result.evaluation.get("ties") != "average":
        raise ProtocolError(f"{metric.name} is no mean over links; breakdowns are for mrr, hits@K, ndcg@K and roc-auc")
    return 1.0 - (ranks - 1.0) / negatives  # the share of negatives below, ties one half
