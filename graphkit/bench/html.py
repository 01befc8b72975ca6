"""One HTML file that holds a whole report: tables, figures, sources and environment, with no request to anywhere."""

from __future__ import annotations

import json
from collections.abc import Sequence
from html import escape
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from graphkit.bench import figures, layout
from graphkit.bench.breakdown import RANKS, slices_of
from graphkit.bench.diagram import critical_difference_figure, require_matplotlib
from graphkit.bench.ranking import rank_models, several_datasets
from graphkit.bench.report import Record, Row, by_dataset, read_records, summarise
from graphkit.bench.store import write_whole
from graphkit.errors import GraphkitError, ProtocolError
from graphkit.evaluation.metrics import metric_named
from graphkit.evaluation.rank_metrics import RankMetric
from graphkit.evaluation.results import Result

_STYLE = """
:root{color-scheme:light}
body{font:15px/1.5 system-ui,sans-serif;color:#1c2126;background:#fff;margin:0 auto;padding:16px;max-width:1240px}
h1{font-size:1.6rem;margin:.2em 0}h2{font-size:1.15rem;margin:2em 0 .4em;border-bottom:2px solid #1b6ca8}
p.lead{color:#4a535c;margin:.2em 0 1em}nav{columns:16em;font-size:.9rem;margin:1em 0}nav a{color:#1b6ca8}
.scroll{overflow-x:auto}table{border-collapse:collapse;font-variant-numeric:tabular-nums;font-size:.88rem}
th,td{padding:.3em .7em;text-align:right;border-bottom:1px solid #e3e6e9;white-space:nowrap}
th:first-child,td:first-child{text-align:left}th{color:#4a535c;font-weight:600}
.figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,380px),1fr));gap:12px;margin:1em 0}
.figures{align-items:start}
figure{margin:0;border:1px solid #e3e6e9;border-radius:6px;padding:8px}
figcaption{font-size:.85rem;color:#4a535c;margin-bottom:4px}figure svg{display:block;width:100%;height:auto}
ul.notes{font-size:.85rem;color:#4a535c;padding-left:1.2em;overflow-wrap:anywhere}li.failed{color:#a8201a}
footer{margin-top:3em;font-size:.8rem;color:#4a535c}
"""


def write_html(folder: Path | str, target: Path | str) -> Path:
    """Writes the report of a results folder as one HTML file, whole or not at all.

    Args:
        folder: what `graphkit bench run -o` wrote.
        target: the file; an existing one is replaced.

    Returns:
        The path written.

    Raises:
        DataError: no record in `folder`, or a damaged one.
        ConfigError: matplotlib is missing.
        CacheError: the file cannot be written.

    Example:
        >>> write_html("runs", "report.html")  # doctest: +SKIP
        PosixPath('report.html')
    """
    require_matplotlib()
    path = Path(target)
    write_whole(path, render_html(folder))
    return path


def render_html(folder: Path | str) -> str:
    """Returns the report of a results folder as the text of an HTML page; errors as in `write_html`."""
    root = Path(folder)
    records = read_records(root)
    results = [record.result for record in records]
    groups = by_dataset(summarise(results))
    sections = [_ranking(results)] if several_datasets(results) else []
    sections += [_section(records, group, f"part-{number}") for number, group in enumerate(groups)]
    links = "".join(f'<a href="#part-{number}">{escape(_title(group))}</a><br>' for number, group in enumerate(groups))
    failed = sum(result.status == "failed" for result in results)
    lead = f"{len(results)} runs of {len({result.model for result in results})} models on {len(groups)} tasks"
    lead += f"; {failed} failed" if failed else "; none failed"
    return (
        "<!doctype html>\n<html lang='en'><head><meta charset='utf-8'>"
        "<meta name='viewport' content='width=device-width,initial-scale=1'>"
        f"<link rel='icon' href='data:,'><title>graphkit report</title><style>{_STYLE}</style></head><body>"
        f"<h1>graphkit report</h1><p class='lead'>{escape(lead)}</p><nav>{links}</nav>"
        + "".join(sections)
        + f"<footer>{escape(layout.FOOTER)}.<br>{escape(_environment(results))}</footer></body></html>\n"
    )


def _section(records: Sequence[Record], rows: Sequence[Row], anchor: str) -> str:
    block = layout.block(rows)
    head = "".join(f"<th>{escape(name)}</th>" for name in block.header)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>" for cells in block.cells)
    parts = [
        f"<h2 id='{anchor}'>{escape(block.title)}</h2><div class='scroll'><table><thead><tr>{head}</tr></thead>"
        f"<tbody>{body}</tbody></table></div>"
    ]
    drawn, notes = _figures(records, rows)
    if drawn:
        parts.append("<div class='figures'>" + "".join(drawn) + "</div>")
    items = [*block.notes, *notes]
    if items:
        lines = "".join(
            f"<li{' class=failed' if ' failed: ' in note else ''}>{escape(note)}</li>" for note in dict.fromkeys(items)
        )
        parts.append(f"<ul class='notes'>{lines}</ul>")
    return "<section>" + "".join(parts) + "</section>"


def _figures(records: Sequence[Record], rows: Sequence[Row]) -> tuple[list[str], list[str]]:
    """Returns the figures of one dataset and protocol, and what could not be drawn."""
    done = [row for row in rows if row.summary.test_mean is not None]
    if not done:
        return [], []
    drawn, notes = [_figure("Every seed", figures.seeds_strip(done))], []
    cells = _cells(records, rows)
    curves = {name: found for name, those in cells.items() if (found := list(filter(None, map(curve_of, those))))}
    if curves:
        drawn.append(_figure("Learning curves", figures.learning_curves(curves, rows[0].summary.metric)))
    if any(row.summary.train_seconds or row.summary.peak_memory_mb for row in done):
        drawn.append(_figure("Score against cost", figures.cost_scatter(done)))
    ranked = {name: those for name, those in cells.items() if any((each.folder / RANKS).exists() for each in those)}
    if ranked and _is_stream(next(iter(ranked.values()))[0]):
        moments = {name: per_event(those, rows[0].summary.metric) for name, those in ranked.items()}
        shown = {name: values for name, values in moments.items() if values is not None}
        if shown:
            drawn.append(_figure("Over the test period", figures.score_over_time(shown, rows[0].summary.metric)))
    elif ranked:
        for by, caption in (("degree", "By degree"), ("tc", "By Topological Concentration")):
            try:
                slices = slices_of([record for those in ranked.values() for record in those], by=by, offline=True)
            except GraphkitError as error:
                notes.append(f"no breakdown by {by}: {error}")
                continue
            if slices:
                drawn.append(_figure(caption, figures.breakdown_bars(slices)))
    return drawn, notes


def _cells(records: Sequence[Record], rows: Sequence[Row]) -> dict[str, list[Record]]:
    """Returns the finished seeds of every row, by the row's name."""
    first = rows[0].summary
    wanted = {
        (row.summary.model, row.summary.spec_hash): f"{row.summary.model} ({row.variant})"
        if row.variant
        else row.summary.model
        for row in rows
    }
    found: dict[str, list[Record]] = {}
    for record in records:
        result = record.result
        name = wanted.get((result.model, result.spec_hash))
        same = (result.dataset, result.protocol_hash) == (first.dataset, first.protocol_hash)
        if name and same and result.status != "failed":
            found.setdefault(name, []).append(record)
    return found


def curve_of(record: Record) -> figures.Curve | None:
    """Returns the validation scores of a cell's log; of an epoch that was repeated after a stop, the last counts."""
    path = record.folder / "log.jsonl"
    if not path.exists():
        return None
    scores: dict[int, float] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            event = json.loads(line)
        except ValueError:  # the line that a kill cut short
            continue
        if event.get("event") == "epoch" and isinstance(event.get("valid"), float):
            scores[event["epoch"]] = event["valid"]
    return (sorted(scores), [scores[epoch] for epoch in sorted(scores)]) if len(scores) > 1 else None


def _is_stream(record: Record) -> bool:
    return "batch_size" in record.result.evaluation


def per_event(records: Sequence[Record], name: str) -> NDArray[np.float64] | None:
    """Returns [T] what every test event adds to the metric, averaged over seeds; None for a metric that is no mean."""
    metric = metric_named(name)
    if not isinstance(metric, RankMetric):
        return None
    values = []
    for record in records:
        with np.load(record.folder / RANKS, allow_pickle=False) as arrays:
            values.append(np.asarray(metric.per_row(np.asarray(arrays["test"], dtype=np.float64)), dtype=np.float64))
    return np.asarray(np.mean(values, axis=0)) if len({len(each) for each in values}) == 1 else None


def _ranking(results: Sequence[Result]) -> str:
    try:
        ranked = rank_models(results)
    except ProtocolError as error:
        return f"<p class='lead'>No ranking over datasets: {escape(str(error))}</p>"
    picture = figures.to_svg(critical_difference_figure(ranked.comparison), "critical differences of mean ranks")
    caption = f"Mean ranks over {len(ranked.datasets)} datasets, with Nemenyi's critical difference"
    note = f"<ul class='notes'><li>{escape(ranked.note)}</li></ul>" if ranked.note else ""
    return f"<section><h2>Over all datasets</h2><div class='figures'>{_figure(caption, picture)}</div>{note}</section>"


def _title(rows: Sequence[Row]) -> str:
    return f"{rows[0].summary.dataset} · {rows[0].summary.protocol}"


def _figure(caption: str, picture: str) -> str:
    return f"<figure><figcaption>{escape(caption)}</figcaption>{picture}</figure>"


def _environment(results: Sequence[Result]) -> str:
    """Returns versions and hardware, every different value once."""
    pairs = sorted({(name, version) for result in results for name, version in result.versions.items()})
    machines = sorted({str(result.environment["cpu"]) for result in results if "cpu" in result.environment})
    return "; ".join([*(f"{name} {version}" for name, version in pairs), *machines])
