"""Figures of a report, drawn from records and logs as SVG text: nothing is trained, scored or loaded again."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from graphkit.evaluation.metrics import metric_named

if TYPE_CHECKING:
    from graphkit.bench.breakdown import Slice
    from graphkit.bench.report import Row

Curve = tuple[Sequence[float], Sequence[float]]
"""Epochs, and the validation score after each."""

_WIDTH = 4.7
"""Inches; about as wide as a telephone's screen, so that letters are readable there without zooming."""
_COLOURS = (
    "#1b6ca8",
    "#d1662a",
    "#3a8f4d",
    "#b23a6f",
    "#7a5cc0",
    "#8a6d3b",
    "#2a9d9d",
    "#c0392b",
    "#5f6b76",
    "#a0a01f",
)
_INTERVALS = 12


def learning_curves(curves: Mapping[str, Sequence[Curve]], metric: str) -> str:
    """Draws the validation score over the epochs, a thin line a seed and a colour a model.

    Args:
        curves: model name to the curves of its seeds.
        metric: what the scores are; fractions are drawn in percent.

    Returns:
        One `<svg>` element.
    """
    scale, label = _scale(metric)
    figure, axes = _axes(2.9)
    for number, (model, seeds) in enumerate(curves.items()):
        for index, (epochs, scores) in enumerate(seeds):
            name = model if index == 0 else None
            values = scale * np.asarray(scores)
            axes.plot(epochs, values, color=_colour(number), linewidth=1.0, alpha=0.7, label=name)
    axes.set_xlabel("epoch")
    axes.set_ylabel(f"validation {label}")
    _legend(axes, len(curves))
    return _svg(figure, "validation score over epochs")


def seeds_strip(rows: Sequence[Row]) -> str:
    """Draws the test score of every seed as a dot, and the 95 % interval of a model's mean as a bar."""
    scale, label = _scale(rows[0].summary.metric)
    figure, axes = _axes(0.9 + 0.32 * len(rows))
    for place, row in enumerate(rows):
        summary = row.summary
        values = scale * np.asarray(summary.test_values)
        spread = np.linspace(-0.16, 0.16, len(values)) if len(values) > 1 else np.zeros(len(values))
        if summary.ci95 and summary.test_mean is not None:
            low, high = (scale * end for end in summary.ci95)
            axes.plot([low, high], [place, place], color="#9aa3ab", linewidth=6, solid_capstyle="butt", alpha=0.6)
        if summary.test_mean is not None:
            axes.plot([scale * summary.test_mean], [place], "|", color="black", markersize=14, markeredgewidth=1.6)
        axes.plot(values, place + spread, ".", color=_colour(place), markersize=5)
        if row.reference:
            axes.plot([scale * row.reference.mean], [place], "D", mfc="none", mec="#c0392b", markersize=6)
    axes.set_yticks(range(len(rows)), [_name(row) for row in rows])
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xlabel(f"test {label}; bar: 95 % interval of the mean" + _diamond(rows))
    return _svg(figure, "test score of every seed")


def cost_scatter(rows: Sequence[Row]) -> str:
    """Draws the mean test score over training time and over peak memory, a dot a model."""
    scale, label = _scale(rows[0].summary.metric)
    panels = (("train_seconds", "training, s a seed"), ("peak_memory_mb", "peak memory, MB"))
    figure, both = _axes(2.7, columns=2)
    for axes, (attribute, title) in zip(both, panels, strict=True):
        values: list[float] = []
        for number, row in enumerate(rows):
            cost = getattr(row.summary, attribute)
            if cost and row.summary.test_mean is not None:
                height = scale * row.summary.test_mean
                values.append(cost)
                axes.plot([cost], [height], "o", color=_colour(number), markersize=6, label=_name(row))
        axes.set_xlabel(title)
        if values:
            _logarithmic(axes, min(values), max(values))
    both[0].set_ylabel(f"test {label}")
    handles, names = max((axes.get_legend_handles_labels() for axes in both), key=lambda found: len(found[0]))
    if handles:
        figure.legend(handles, names, loc="outside upper center", ncols=4, fontsize=7, frameon=False)
    return _svg(figure, "test score over time and memory")


def breakdown_bars(slices: Sequence[Slice]) -> str:
    """Draws a link metric by the degree or concentration of the links' ends, a line a model."""
    scale, label = _scale(slices[0].metric)
    figure, axes = _axes(2.7)
    spans = sorted({(part.low, part.high) for part in slices})
    for number, model in enumerate(dict.fromkeys(part.model for part in slices)):
        mine = [part for part in slices if part.model == model]
        places = [spans.index((part.low, part.high)) for part in mine]
        axes.plot(places, [scale * part.value for part in mine], "o-", color=_colour(number), markersize=4, label=model)
    axes.set_xticks(range(len(spans)), [f"{low:.3g} to {high:.3g}" for low, high in spans], rotation=20, ha="right")
    axes.set_xlabel("degree of an end" if slices[0].by == "degree" else "Topological Concentration of an end")
    axes.set_ylabel(label)
    _legend(axes, len({part.model for part in slices}))
    return _svg(figure, f"{label} by {slices[0].by}")


def score_over_time(per_event: Mapping[str, NDArray[np.float64]], metric: str) -> str:
    """Draws the mean of a stream's ranking metric over the test period, in intervals of equally many events.

    Args:
        per_event: model name to [T] what every test event adds to the metric's mean, in order of time.
        metric: its name.
    """
    scale, label = _scale(metric)
    figure, axes = _axes(2.7)
    for number, (model, values) in enumerate(per_event.items()):
        parts = [part.mean() for part in np.array_split(values, min(_INTERVALS, len(values)))]
        centres = (np.arange(len(parts)) + 0.5) / len(parts) * 100
        axes.plot(centres, scale * np.asarray(parts), "o-", color=_colour(number), markersize=3, label=model)
    axes.set_xlabel("share of the test events seen, %")
    axes.set_ylabel(label)
    _legend(axes, len(per_event))
    return _svg(figure, f"{label} over time")


def to_svg(figure: Any, title: str) -> str:
    """Returns a matplotlib figure as one `<svg>` element that scales with its page, the same text for the same data."""
    return _svg(figure, title)


def _axes(height: float, columns: int = 1) -> tuple[Any, Any]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(_WIDTH, height), layout="constrained")
    axes = figure.subplots(1, columns, sharey=True)
    for panel in np.atleast_1d(axes):
        panel.tick_params(labelsize=7.5)
        panel.xaxis.label.set_size(8)
        panel.yaxis.label.set_size(8)
        panel.grid(True, color="#dddddd", linewidth=0.6)
        panel.set_axisbelow(True)
        for side in ("top", "right"):
            panel.spines[side].set_visible(False)
    return figure, axes


def _logarithmic(axes: Any, least: float, most: float) -> None:
    """Makes the horizontal axis logarithmic, at least half a decade wide, with plain digits at its ticks."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    margin = max(1.15, (10**0.5 * least / most) ** 0.5)
    axes.set_xscale("log")
    axes.set_xlim(least / margin, most * margin)
    axes.xaxis.set_major_locator(LogLocator(base=10, subs=(1.0, 2.0, 5.0), numticks=6))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())


def _legend(axes: Any, entries: int) -> None:
    if entries:
        axes.legend(fontsize=7, frameon=False, ncols=2 if entries > 4 else 1)


def _scale(metric: str) -> tuple[float, str]:
    return (100.0, f"{metric}, %") if metric_named(metric).fraction else (1.0, metric)


def _name(row: Row) -> str:
    return f"{row.summary.model} ({row.variant})" if row.variant else row.summary.model


def _diamond(rows: Sequence[Row]) -> str:
    return ", diamond: published" if any(row.reference for row in rows) else ""


def _colour(number: int) -> str:
    return _COLOURS[number % len(_COLOURS)]


def _svg(figure: Any, title: str) -> str:
    from matplotlib import rc_context

    stream = io.StringIO()
    # A fixed salt and no date: the same records give the same text.
    with rc_context({"svg.hashsalt": "graphkit", "svg.fonttype": "none"}):
        figure.savefig(stream, format="svg", metadata={"Date": None}, transparent=True)
    text = stream.getvalue()
    text = text[text.index("<svg") :]
    # Without its size in points the picture takes the width it is given; a name of its own keeps parts of two apart.
    text = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", text, count=1)
    text = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", text, count=1)
    text = re.sub(r"<metadata>.*?</metadata>", "", text, count=1, flags=re.DOTALL)
    return text.replace("<svg", f'<svg role="img" aria-label="{title}"', 1).rstrip() + "\n"
