"""From a folder of result records to a table: `graphkit bench report`, without torch."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, TextIO, get_args

from graphkit.bench import layout
from graphkit.errors import DataError, UnknownNameError
from graphkit.evaluation.metrics import metric_named
from graphkit.evaluation.references import Reference, lookup
from graphkit.evaluation.results import Result
from graphkit.evaluation.summaries import Summary, aggregate

Format = Literal["table", "md", "latex", "csv", "json"]
FORMATS: tuple[Format, ...] = get_args(Format)


@dataclass(frozen=True)
class Row:
    """One line of a report: what was measured, and the published number beside it.

    Args:
        summary: the aggregated runs.
        reference: the closest published value of the same metric; None where none is on record.
        variant: first digits of the specification's hash where a model was run with several; else empty.
        behind: of a trained model, the best one without parameters in the same table, where that is at least as good.
    """

    summary: Summary
    reference: Reference | None
    variant: str
    behind: str = ""


@dataclass(frozen=True)
class Record:
    """A result and the folder of its cell, which holds the log and what else the run has left."""

    folder: Path
    result: Result


def read_results(folder: Path | str) -> list[Result]:
    """Reads every `result.json` below a run folder, in path order; errors as in `read_records`.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     cell = Path(folder, "result.json")
        ...     _ = cell.write_text(Result("a", "b", "ogb", "c", "accuracy", 0, 0, "ok", test=1.0).to_json())
        ...     len(read_results(folder))
        1
    """
    return [record.result for record in read_records(folder)]


def read_records(folder: Path | str) -> list[Record]:
    """Reads every `result.json` below a run folder, in path order.

    Raises:
        DataError: the folder does not exist or holds no record, or a record is damaged (its file is named).
    """
    root = Path(folder)
    if not root.is_dir():
        raise DataError(f"no run folder {root}; give the folder that `graphkit bench run -o` wrote")
    records = []
    for path in sorted(root.rglob("result.json")):
        try:
            records.append(Record(path.parent, Result.from_json(path.read_text(encoding="utf-8"))))
        except (DataError, UnicodeDecodeError, OSError) as error:
            raise DataError(f"{path}: {error}; delete it to have that cell run again") from error
    if not records:
        raise DataError(f"{root} holds no result.json; run `graphkit bench run` first")
    return records


def summarise(results: Iterable[Result]) -> list[Row]:
    """Returns one row for every (dataset, protocol, model, specification), in that order.

    Unlike `aggregate`, different protocols and specifications become rows of their own, since nothing is averaged
    across them.

    Raises:
        ProtocolError: the runs of one row differ in dataset version, split or metric, or a seed occurs twice.

    Example:
        >>> run = {"dataset": "cora", "model": "gat", "protocol": "ogb", "protocol_hash": "a", "metric": "accuracy"}
        >>> [row.summary.test_mean for row in summarise([Result(**run, seed=0, split=0, status="ok", test=0.8)])]
        [0.8]
    """
    cells: dict[tuple[str, str, str, str, str], list[Result]] = {}
    for result in results:
        key = (result.dataset, result.protocol, result.protocol_hash, result.model, result.spec_hash)
        cells.setdefault(key, []).append(result)
    names = [key[:4] for key in cells]
    rows = []
    for key in sorted(cells):
        summary = aggregate(cells[key])[0]
        reference = None if _other_data(cells[key][0]) else _reference(summary)
        rows.append(Row(summary, reference, key[4][:8] if names.count(key[:4]) > 1 else ""))
    return [row for group in by_dataset(rows) for row in _against_baselines(group)]


def to_payload(rows: Sequence[Row]) -> dict[str, Any]:
    """Returns the machine-readable report: a dictionary whose `results` has one entry a row.

    Fractions stay fractions. `status` is `ok` or says what went wrong; `seeds` lists the seeds that finished.
    """
    return {"schema_version": 1, "std": "sample (ddof=1)", "results": [_entry(row) for row in rows]}


def render(rows: Sequence[Row], format: Format = "table") -> str:
    """Returns the report as text ending in a newline.

    Args:
        rows: from `summarise`.
        format: `table` (plain text), `md` and `latex` are for people and print fractions in percent, saying so;
            `csv` and `json` are for programs and keep fractions.

    Raises:
        UnknownNameError: no such format.
    """
    if format not in FORMATS:
        raise UnknownNameError("report format", format, FORMATS)
    if format == "json":
        return json.dumps(to_payload(rows), indent=2, allow_nan=False) + "\n"
    if format == "csv":
        return _csv(rows)
    blocks = [layout.block(group) for group in by_dataset(rows)]
    return {"table": layout.plain, "md": layout.markdown, "latex": layout.latex}[format](blocks)


def show(rows: Sequence[Row], stream: TextIO) -> None:
    """Writes the table for people to `stream`: coloured on a terminal, plain text otherwise."""
    if stream.isatty():
        layout.rich([layout.block(group) for group in by_dataset(rows)], stream)
    else:
        stream.write(render(rows, "table"))


def by_dataset(rows: Sequence[Row]) -> list[list[Row]]:
    """Returns the rows of every dataset under every protocol, in the order of their first one."""
    groups: dict[tuple[str, str, str], list[Row]] = {}
    for row in rows:
        key = (row.summary.dataset, row.summary.protocol, row.summary.protocol_hash)
        groups.setdefault(key, []).append(row)
    return list(groups.values())


def _against_baselines(rows: Sequence[Row]) -> list[Row]:
    """Marks the trained models of one table whose mean on test does not beat the best model without parameters."""
    sign = 1.0 if metric_named(rows[0].summary.metric).higher_is_better else -1.0
    scores = [None if row.summary.test_mean is None else sign * row.summary.test_mean for row in rows]
    free = [
        (score, row.summary.model)
        for row, score in zip(rows, scores, strict=True)
        if row.summary.parameters == 0 and score is not None
    ]
    if not free:
        return list(rows)
    best, name = max(free)
    return [
        replace(row, behind=name) if row.summary.parameters and score is not None and score <= best else row
        for row, score in zip(rows, scores, strict=True)
    ]


def _other_data(result: Result) -> bool:
    """Whether a generator ran with other arguments than its card's, so that no published number applies."""
    data = result.spec.get("data", {})
    return bool(data.get("options"))


def _reference(summary: Summary) -> Reference | None:
    found = lookup(summary.dataset, summary.model, summary.protocol)
    return next((reference for reference in found if reference.metric == summary.metric), None)


def _entry(row: Row) -> dict[str, Any]:
    summary, reference = row.summary, row.reference
    return {
        "dataset": summary.dataset,
        "model": summary.model,
        "protocol": summary.protocol,
        "metric": summary.metric,
        "test_mean": summary.test_mean,
        "test_std": summary.test_std,
        "valid_mean": summary.valid_mean,
        "seeds": list(summary.seeds),
        "status": summary.status,
        "ci95": list(summary.ci95) if summary.ci95 else None,
        "test_values": list(summary.test_values),
        "splits": list(summary.splits),
        "failed": [{"seed": seed, "error": error} for seed, error in summary.failed],
        "params": summary.parameters,
        "epochs": summary.epochs,
        "train_seconds": summary.train_seconds,
        "seconds_per_epoch": summary.seconds_per_epoch,
        "peak_memory_mb": summary.peak_memory_mb,
        "behind": row.behind or None,
        "published_mean": reference.mean if reference else None,
        "published_std": reference.std if reference else None,
        "published_source": reference.source if reference else None,
        "published_url": reference.url if reference else None,
        "dataset_fingerprint": summary.dataset_fingerprint,
        "protocol_hash": summary.protocol_hash,
        "spec_hash": summary.spec_hash,
    }


def _csv(rows: Sequence[Row]) -> str:
    stream = io.StringIO()
    entries = [_entry(row) for row in rows]
    writer = csv.DictWriter(stream, list(entries[0]) if entries else ["dataset"], lineterminator="\n")
    writer.writeheader()
    for entry in entries:
        writer.writerow({key: _flat(value) for key, value in entry.items()})
    return stream.getvalue()


def _flat(value: Any) -> Any:
    if isinstance(value, list):
        return ";".join(f"{item['seed']}: {item['error']}" if isinstance(item, dict) else str(item) for item in value)
    return value
