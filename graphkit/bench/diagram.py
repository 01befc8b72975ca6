"""The critical-difference diagram of models ranked over several datasets."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

from graphkit.errors import ConfigError
from graphkit.evaluation.rank_tests import RankComparison

FORMATS = (".svg", ".png", ".pdf")

_INCH_A_ROW = 0.28
_WIDTH = 7.5


def check_plot_path(path: Path | str) -> Path:
    """Returns the path a diagram can be written to, before any other work is done.

    Raises:
        ConfigError: the name does not end in .svg, .png or .pdf, its folder does not exist, or matplotlib is missing.
    """
    target = Path(path)
    if target.suffix.lower() not in FORMATS:
        raise ConfigError(f"a plot is written to a file ending in {', '.join(FORMATS)}, got {str(path)!r}")
    if not target.parent.is_dir():
        raise ConfigError(f"no folder {target.parent} to write the plot to; create it first")
    require_matplotlib()
    return target


def require_matplotlib() -> None:
    """Says how to install matplotlib where it is missing.

    Raises:
        ConfigError: it is.
    """
    if importlib.util.find_spec("matplotlib") is None:
        raise ConfigError("plots need matplotlib: pip install 'graphkit[plot]'")


def critical_difference_diagram(comparison: RankComparison, path: Path | str, *, title: str = "") -> Path:
    """Draws mean ranks on a line, with bars over models that Nemenyi's test cannot tell apart (Demsar, JMLR 2006).

    Rank 1, the best, stands on the left. The bar above the axis is as long as the critical difference.

    Args:
        comparison: from `evaluation.friedman`.
        path: a file ending in .svg, .png or .pdf; an existing one is replaced.
        title: printed above the diagram.

    Returns:
        The path written.

    Raises:
        ConfigError: as `check_plot_path`.

    Example:
        >>> import tempfile
        >>> from graphkit.evaluation import friedman
        >>> compared = friedman([[0.8, 0.7, 0.6], [0.9, 0.8, 0.7], [0.7, 0.5, 0.6]], ["gat", "gcn", "sgc"])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     critical_difference_diagram(compared, f"{folder}/ranks.svg").name
        'ranks.svg'
    """
    target = check_plot_path(path)
    from matplotlib import rc_context

    # A fixed salt and no date: the same ranks give the same file.
    with rc_context({"svg.hashsalt": "graphkit", "svg.fonttype": "none"}):
        metadata = {"Date": None} if target.suffix.lower() == ".svg" else None
        # Tight, because names of models may be longer than the margins.
        critical_difference_figure(comparison, title=title).savefig(
            target, dpi=200, metadata=metadata, bbox_inches="tight", pad_inches=0.1
        )
    return target


def critical_difference_figure(comparison: RankComparison, *, title: str = "") -> Any:
    """Returns that diagram as a matplotlib figure."""
    from matplotlib.figure import Figure

    bars = [group for group in comparison.groups if len(group) > 1]
    names = len(comparison.names)
    # Rows below the axis: the bars, then the longer of the two columns of labels.
    depth = 0.6 * len(bars) + (names + 1) // 2 + 0.8
    top = 3.2 if title else 2.4
    figure = Figure(figsize=(_WIDTH, _INCH_A_ROW * (depth + top)))
    axes = figure.add_axes((0.24, 0.0, 0.52, 1.0))
    axes.set_xlim(1, names)
    axes.set_ylim(-depth, top)
    axes.axis("off")
    _draw_axis(axes, comparison)
    _draw_bars(axes, comparison, bars)
    _draw_labels(axes, comparison, 0.6 * len(bars))
    if title:
        figure.text(0.5, 1 - 0.7 / (depth + top), title, ha="center", va="center", fontsize=10)
    return figure


def _draw_axis(axes: Any, comparison: RankComparison) -> None:
    names = len(comparison.names)
    axes.plot([1, names], [0, 0], color="black", linewidth=1)
    axes.text(1 - 0.04 * (names - 1), 0.1, "mean rank, 1 is best", ha="right", va="center", fontsize=8)
    step = max(1, names // 10)
    for rank in range(1, names + 1, step):
        axes.plot([rank, rank], [0, 0.25], color="black", linewidth=1)
        axes.text(rank, 0.4, str(rank), ha="center", va="bottom", fontsize=8)
    length = min(comparison.critical_difference, names - 1)
    longer = comparison.critical_difference > names - 1
    axes.plot([1, 1 + length], [1.55, 1.55], color="black", linewidth=1.5, marker="|", markersize=6)
    label = f"critical difference {comparison.critical_difference:.2f}" + (", longer than the axis" if longer else "")
    axes.text(1 + length / 2, 1.75, label, ha="center", va="bottom", fontsize=8)


def _draw_bars(axes: Any, comparison: RankComparison, bars: list[tuple[str, ...]]) -> None:
    place = dict(zip(comparison.names, comparison.mean_ranks, strict=True))
    margin = 0.015 * (len(comparison.names) - 1)
    for row, group in enumerate(bars):
        ends = [place[group[0]] - margin, place[group[-1]] + margin]
        height = -0.45 - 0.6 * row
        axes.plot(ends, [height, height], color="#c0392b", linewidth=3.5, solid_capstyle="butt", clip_on=False)


def _draw_labels(axes: Any, comparison: RankComparison, offset: float) -> None:
    """Writes the better half of the models on the left, the best on top, and the other half on the right."""
    names = len(comparison.names)
    half = (names + 1) // 2
    reach = 0.04 * (names - 1)
    for index, (name, rank) in enumerate(zip(comparison.names, comparison.mean_ranks, strict=True)):
        left = index < half
        row = index if left else names - 1 - index
        height = -offset - 0.8 - row
        edge = 1 - reach if left else names + reach
        axes.plot([rank, rank, edge], [0, height, height], color="#555555", linewidth=0.8, clip_on=False)
        axes.text(
            edge + (-reach / 3 if left else reach / 3),
            height,
            f"{name}  {rank:.2f}" if left else f"{rank:.2f}  {name}",
            ha="right" if left else "left",
            va="center",
            fontsize=9,
        )
