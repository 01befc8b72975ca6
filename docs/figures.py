"""Draws docs/figures/*.svg from runs: `python docs/figures.py RUNS` runs what RUNS lacks, then draws.

Runs take about half an hour on two cores; what is there already is read, not run again.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from graphkit.bench import figures
from graphkit.bench.html import curve_of, per_event
from graphkit.bench.report import Record, Row, read_records, summarise
from graphkit.config import RunSpec

TARGET = Path(__file__).parent / "figures"
COMMANDS = (
    "-d uci -m edgebank,pair-recency,dst-recency,local-global-recency,tpnet",
    "-d cora -m gat,gcn,sgc -n 5",
    "-d nbody -m straight-line,egnn --set train.epochs=60",
    "-d mutag -m gin,pathnn-sp -n 3",
    *(f"-d ring-transfer -m gcn-tuned,gps,graph-mamba --set data.options.distance={far}" for far in (2, 4, 8, 16, 50)),
)
BLUE, ORANGE, GREEN, GREY = "#1b6ca8", "#d1662a", "#3a8f4d", "#9aa3ab"


def main(runs: Path) -> None:
    """Runs and draws."""
    for command in COMMANDS:
        subprocess.run(
            [sys.executable, "-m", "graphkit", "bench", "run", "-o", str(runs), *command.split()], check=True
        )
    rows: dict[str, list[Row]] = {}
    cells: dict[tuple[str, str], list[Record]] = {}
    records = read_records(runs)
    for row in summarise([record.result for record in records]):
        rows.setdefault(row.summary.dataset, []).append(row)
    for record in records:
        cells.setdefault((record.result.dataset, record.result.model), []).append(record)
    for name in ("cora", "mutag"):
        save(f"{name}-seeds", figures.seeds_strip(rows[name]))
        save(f"{name}-curves", figures.learning_curves(curves(rows[name], cells), "accuracy"))
    moments = {row.summary.model: per_event(cells["uci", row.summary.model], "mrr") for row in rows["uci"]}
    save("uci-time", figures.score_over_time(moments, "mrr"))
    save("uci-bars", bars(rows["uci"]))
    straight = next(row.summary.test_mean for row in rows["nbody"] if row.summary.model == "straight-line")
    save("nbody-curves", error_curve(curves(rows["nbody"], cells)["egnn"][0], straight))
    save("nbody-paths", particles({model: cells["nbody", model][0] for model in ("straight-line", "egnn")}))
    save("ladder", ladder_figure())
    rings = {model: found for (dataset, model), found in cells.items() if dataset == "ring-transfer"}
    save("sequence-distance", distances(rings))
    save("sequence-length", lengths())


def curves(rows: list[Row], cells: dict[tuple[str, str], list[Record]]) -> dict[str, list[figures.Curve]]:
    """Returns the learning curves of every model."""
    names = [(row.summary.dataset, row.summary.model) for row in rows]
    found = {model: [curve_of(record) for record in cells[dataset, model]] for dataset, model in names}
    return {model: [curve for curve in many if curve] for model, many in found.items()}


def save(name: str, text: str) -> None:
    """Writes one figure."""
    (TARGET / f"{name}.svg").write_text(text, encoding="utf-8")


def axes_of(width: float = 4.7, height: float = 2.7, columns: int = 1) -> tuple[Figure, Any]:
    """Returns a figure and its axes in the style of the reports."""
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.subplots(1, columns)
    for panel in np.atleast_1d(axes):
        panel.tick_params(labelsize=7.5)
        panel.xaxis.label.set_size(8)
        panel.yaxis.label.set_size(8)
        for side in ("top", "right"):
            panel.spines[side].set_visible(False)
    return figure, axes


def bars(rows: list[Row]) -> str:
    """Draws test scores as bars, learned models in another colour."""
    figure, axes = axes_of(height=0.7 + 0.32 * len(rows))
    ordered = sorted(rows, key=lambda row: row.summary.test_mean)
    for place, row in enumerate(ordered):
        value, learned = 100 * row.summary.test_mean, bool(row.summary.parameters)
        axes.barh(place, value, color=ORANGE if learned else BLUE, height=0.62)
        axes.text(value + 0.5, place, f"{value:.1f}", va="center", fontsize=7.5)
    axes.set_yticks(range(len(ordered)), [row.summary.model for row in ordered])
    axes.set_xlabel("test mrr, %; orange: learned")
    return figures.to_svg(figure, "test MRR of models on UCI")


def error_curve(curve: figures.Curve, straight: float) -> str:
    """Draws a validation error over the epochs, with that of a straight movement."""
    figure, axes = axes_of()
    axes.plot(*curve, "o-", color=BLUE, markersize=3, label="egnn")
    axes.axhline(straight, color=GREY, linestyle="--", label="straight line (test)")
    axes.set_yscale("log")
    axes.tick_params(which="both", labelsize=7.5)
    axes.set_xlabel("epoch")
    axes.set_ylabel("mean squared error")
    axes.legend(fontsize=7, frameon=False)
    return figures.to_svg(figure, "validation error of EGNN")


def particles(records: dict[str, Record]) -> str:
    """Draws three test systems and what the trained models of the records predict for them."""
    guesses = {}
    for model, record in records.items():
        guesses[model], truth, start = predictions(record, 3)
    figure, panels = axes_of(height=1.9, columns=3)
    for system, axes in enumerate(panels):
        points = slice(5 * system, 5 * system + 5)
        for a, b in zip(start[points], truth[points], strict=True):
            axes.plot([a[0], b[0]], [a[1], b[1]], color=GREY, linewidth=0.8, zorder=1)
        axes.plot(*start[points, :2].T, "o", mfc="white", mec=GREY, markersize=4)
        axes.plot(*truth[points, :2].T, "o", color=BLUE, markersize=4, label="truth")
        axes.plot(*guesses["straight-line"][points, :2].T, "x", color=GREEN, markersize=5, label="straight line")
        axes.plot(*guesses["egnn"][points, :2].T, "o", mfc="none", mec=ORANGE, markersize=7.5, label="EGNN")
        axes.set_aspect("equal", adjustable="datalim")
        axes.set_xticks([])
        axes.set_yticks([])
        for side in axes.spines.values():
            side.set_visible(True)
            side.set_color("#dddddd")
    handles, names = panels[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=3, fontsize=7, frameon=False)
    return figures.to_svg(figure, "positions of charged particles and their predictions")


def predictions(record: Record, count: int) -> tuple[Any, Any, Any]:
    """Returns predicted, true and starting positions of the first test systems, from a cell's weights."""
    import torch
    from safetensors.torch import load_file

    from graphkit import load_dataset
    from graphkit.seeds import SeedStreams
    from graphkit.training.system_feed import SystemFeed
    from graphkit.training.systems import build_system_model

    result = record.result
    spec, dataset, streams = RunSpec.from_dict(result.spec), load_dataset(result.dataset), SeedStreams(result.seed)
    model = build_system_model(spec, dataset, streams).eval()
    model.load_state_dict(load_file(record.folder / "best.safetensors"))
    batch = next(iter(SystemFeed(dataset, dataset.split(), spec, streams).eval_batches("test")))
    with torch.no_grad():
        found = model(batch.points)["future"]
    rows = 5 * count
    return found[:rows].numpy(), batch.targets["future"][:rows].numpy(), batch.points.pos[:rows].numpy()


def distances(rings: dict[str, list[Record]]) -> str:
    """Draws accuracy over the distance that information has to travel."""
    figure, axes = axes_of()
    for (model, records), colour in zip(sorted(rings.items()), (BLUE, ORANGE, GREEN), strict=True):
        reached = {record.result.spec["data"]["options"]["distance"]: 100 * record.result.test for record in records}
        axes.plot(*zip(*sorted(reached.items()), strict=True), "o-", color=colour, markersize=3, label=model)
    axes.axhline(20, color=GREY, linestyle="--", label="guessing")
    axes.set_xscale("log", base=2)
    axes.set_xticks([2, 4, 8, 16, 50], ["2", "4", "8", "16", "50"])
    axes.set_xlabel("edges between source and target")
    axes.set_ylabel("test accuracy, %")
    axes.legend(fontsize=7, frameon=False)
    return figures.to_svg(figure, "accuracy on ring transfer over the distance")


def lengths() -> str:
    """Draws time and memory of one layer over the nodes of a graph, from the kept benchmark."""
    kept = json.loads((TARGET.parents[1] / "benchmarks/results/sequence.json").read_text(encoding="utf-8"))
    figure, panels = axes_of(width=6.4, columns=2)
    for axes, case, label in zip(panels, ("", ", extra memory"), ("milliseconds", "extra MiB"), strict=True):
        layers: dict[str, list[tuple[int, float]]] = {}
        for row in kept["rows"]:
            found = re.fullmatch(rf"one layer on ([\d,]+) nodes{case}", row["case"])
            for layer, value in row["values"].items() if found else ():
                layers.setdefault(layer, []).append((int(found[1].replace(",", "")), value))
        for (layer, points), colour in zip(layers.items(), (BLUE, ORANGE, GREEN), strict=True):
            axes.plot(*zip(*points, strict=True), "o-", color=colour, markersize=3, label=layer)
        axes.set_xscale("log", base=2)
        axes.set_xticks([256, 1024, 4096, 16384], ["256", "1,024", "4,096", "16,384"])
        axes.set_yscale("log" if not case else "linear")
        axes.set_xlabel("nodes of the graph")
        axes.set_ylabel(label)
    panels[0].legend(fontsize=7, frameon=False)
    return figures.to_svg(figure, "time and memory of one layer over the nodes of a graph")


def ladder_figure() -> str:
    """Draws which share of the classes of every family each oracle finds."""
    from graphkit.expressiveness import ORACLES, classes, ladder

    families = ladder()
    names = ("1-wl", "ego2", "ap3", "nm", "2-fwl", "ap4", "(1,2)-wl")
    shares = []
    for name in names:
        found = [classes(ORACLES[name].run(graphs)) / graphs.num_graphs for graphs in families.values()]
        shares.append(100 * float(np.mean([share == 1 for share in found])))
    figure, axes = axes_of(height=2.4)
    axes.bar(range(len(names)), shares, color=BLUE, width=0.62)
    axes.set_xticks(range(len(names)), names)
    axes.set_ylabel("families told apart, %")
    return figures.to_svg(figure, "families of graphs that oracles tell apart")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "runs/docs"))
