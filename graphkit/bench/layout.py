"""Report rows laid out for people: plain text, Markdown, LaTeX, and a coloured terminal table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TextIO

from graphkit.evaluation.metrics import metric_named
from graphkit.evaluation.protocols import PROTOCOLS
from graphkit.evaluation.significance import power_note
from graphkit.evaluation.summaries import Summary

if TYPE_CHECKING:
    from graphkit.bench.report import Row

FOOTER = "± is the sample standard deviation over seeds (ddof = 1); 95% CI is Student's t interval of the mean"
BEHIND = "†"
"""Marks trained models that do not beat the best one without parameters."""
_ABSENT = "-"


@dataclass(frozen=True)
class Block:
    """The rows of one dataset under one protocol, as text.

    Args:
        title: dataset, protocol, metric and its unit.
        header: column names.
        cells: one tuple a row.
        notes: failures, sources and caveats, one line each.
    """

    title: str
    header: tuple[str, ...]
    cells: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...]


def block(rows: Sequence[Row]) -> Block:
    """Lays out the rows of one dataset and protocol; fractions become percent, and the title says so."""
    first = rows[0].summary
    metric = metric_named(first.metric)
    scale, unit = (100.0, "in percent") if metric.fraction else (1.0, "in the data's units")
    arrow = "higher is better" if metric.higher_is_better else "lower is better"
    sources: list[str] = []
    cells, notes = [], []
    for row in rows:
        summary, reference = row.summary, row.reference
        name = f"{summary.model} ({row.variant})" if row.variant else summary.model
        marked = f"{name} {BEHIND}" if row.behind else name
        published = delta = _ABSENT
        if reference:
            source = f"{reference.source}; {reference.setting}"
            if source not in sources:
                sources.append(source)
            published = f"{_spread(reference.mean, reference.std, scale)} [{sources.index(source) + 1}]"
            if summary.test_mean is not None:
                delta = f"{round((summary.test_mean - reference.mean) * scale, 2) + 0.0:+.2f}"  # + 0.0: no "-0.00"
        total = len(summary.seeds) + len(summary.failed)
        cells.append(
            (
                marked,
                f"{len(summary.seeds)}/{total}" if summary.failed else str(total),
                _spread(summary.valid_mean, None, scale),
                _spread(summary.test_mean, summary.test_std, scale),
                _interval(summary.ci95, scale),
                _ABSENT if summary.parameters is None else f"{summary.parameters:,}",
                _number(summary.seconds_per_epoch, "{:.3g}"),
                _number(summary.peak_memory_mb, "{:.0f}"),
                published,
                delta,
            )
        )
        notes += [f"{name}: {failure}" for failure in _failures(summary)]
        if summary.status.startswith("partial"):
            notes.append(f"{name}: {summary.status}")
    behind = next((row.behind for row in rows if row.behind), "")
    if behind:
        notes.append(f"{BEHIND} its mean on test does not beat {behind}, the best model here without parameters")
    notes += [f"[{number}] {source}" for number, source in enumerate(sources, start=1)]
    notes += seed_notes([row.summary for row in rows])
    title = f"{first.dataset} · {first.protocol} · {first.metric} {unit}, {arrow}"
    header = ("model", "seeds", "valid", "test", "95% CI", "params", "s/epoch", "peak MB", "published", "diff")
    return Block(title, header, tuple(cells), tuple(notes))


def seed_notes(summaries: Sequence[Summary]) -> list[str]:
    """Says where more seeds would help, and where they cannot: models without training have one number a split."""
    random = [summary for summary in summaries if not summary.deterministic]
    notes = []
    if len(random) < len(summaries):
        fixed = [summary.model for summary in summaries if summary.deterministic]
        more = "; ranks.npz has every positive" if keeps_ranks(summaries[0].protocol) else ""
        notes.append(f"{', '.join(fixed)}: deterministic, one seed a split says it all{more}")
    few = min((len(summary.seeds) for summary in random), default=0)
    if random and len(summaries) > 1 and power_note(few):
        notes.append(power_note(few))
    return notes


def keeps_ranks(protocol: str) -> bool:
    """Whether the cells of a protocol hold the rank of every positive."""
    return protocol in PROTOCOLS and PROTOCOLS[protocol].ranks_positives


def _failures(summary: Summary) -> list[str]:
    """Says why runs failed, once a reason."""
    seeds: dict[str, list[int]] = {}
    for seed, error in summary.failed:
        seeds.setdefault(error, []).append(seed)
    return [
        f"{'seed' if len(those) == 1 else 'seeds'} {', '.join(map(str, those))} failed: {error}"
        for error, those in seeds.items()
    ]


def plain(blocks: Sequence[Block]) -> str:
    """Returns aligned text that needs no terminal."""
    return "\n\n".join(["\n".join(plain_lines(part)) for part in blocks] + [FOOTER]) + "\n"


def plain_lines(part: Block) -> list[str]:
    """Returns title, header, rule, rows and notes, aligned by column."""
    table = (part.header, *part.cells)
    widths = [max(len(row[column]) for row in table) for column in range(len(part.header))]
    lines = []
    for row in table:
        cells = [row[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        lines.append("  ".join(cells).rstrip())
    return [part.title, lines[0], "-" * max(map(len, lines)), *lines[1:], *part.notes]


def markdown(blocks: Sequence[Block]) -> str:
    """Returns one heading, table and list of notes a block."""
    parts = []
    for part in blocks:
        lines = [f"### {part.title}", ""]
        table = [part.header, ("---", *["---:"] * (len(part.header) - 1)), *part.cells]
        lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in table]
        if part.notes:
            lines += ["", *[f"- {note}" for note in part.notes]]
        parts.append("\n".join(lines))
    return "\n\n".join([*parts, FOOTER + "."]) + "\n"


def latex(blocks: Sequence[Block]) -> str:
    """Returns one `tabular` a block, in booktabs style; titles and notes are comments."""
    parts = []
    for part in blocks:
        lines = [f"% {part.title}", f"\\begin{{tabular}}{{l{'r' * (len(part.header) - 1)}}}", "\\toprule"]
        lines += [" & ".join(map(_tex, part.header)) + r" \\", "\\midrule"]
        lines += [" & ".join(map(_tex, row)) + r" \\" for row in part.cells]
        lines += ["\\bottomrule", "\\end{tabular}", *[f"% {note}" for note in part.notes]]
        parts.append("\n".join(lines))
    return "\n\n".join([*parts, f"% {FOOTER}"]) + "\n"


def rich(blocks: Sequence[Block], stream: TextIO) -> None:
    """Prints the plain layout in colour; lines are never cut, however narrow the terminal."""
    from rich.console import Console  # slow to import, needed on a terminal alone
    from rich.text import Text

    console = Console(file=stream)
    for part in blocks:
        title, header, rule, *rest = plain_lines(part)
        rows, notes = rest[: len(part.cells)], rest[len(part.cells) :]
        styled = [(title, "bold cyan"), (header, "bold"), (rule, "dim"), *[(row, "") for row in rows]]
        styled += [(note, "yellow" if " failed: " in note else "dim") for note in notes]
        for line, style in [*styled, ("", "")]:
            console.print(Text(line, style=style), soft_wrap=True)
    console.print(Text(FOOTER, style="dim"), soft_wrap=True)


def _spread(mean: float | None, std: float | None, scale: float) -> str:
    if mean is None:
        return _ABSENT
    digits = "{:.2f}" if scale == 100.0 else "{:.4g}"
    text = digits.format(mean * scale)
    return text if std is None else f"{text} ± {digits.format(std * scale)}"


def _interval(interval: tuple[float, float] | None, scale: float) -> str:
    if interval is None:
        return _ABSENT
    return f"[{_spread(interval[0], None, scale)}, {_spread(interval[1], None, scale)}]"


def _number(value: float | None, form: str) -> str:
    return _ABSENT if value is None else form.format(value)


def _tex(text: str) -> str:
    escaped = "".join("\\" + character if character in "&%$#_{}" else character for character in text)
    return escaped.replace("±", "$\\pm$").replace(BEHIND, "$^\\dagger$")
