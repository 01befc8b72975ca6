"""`graphkit bench`: run, suite, report, breakdown and compare. Running again is resuming."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from graphkit.bench import report
from graphkit.cli.bench_run import add_run_verbs, names
from graphkit.errors import ProtocolError


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    """Adds the `bench` verb to the command line."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "bench", help="train and compare models under published protocols"
    )
    verbs = parser.add_subparsers(dest="bench_verb", metavar="VERB", required=True)
    add_run_verbs(verbs)
    shown = verbs.add_parser("report", help="print the table of a results folder")
    shown.add_argument("folder", metavar="DIR", help="results folder of `bench run`")
    shown.add_argument("--format", default="table", choices=report.FORMATS)
    shown.add_argument("--json", action="store_true", help="the same as --format json")
    shown.add_argument("--html", metavar="FILE", help="write tables and figures as one HTML file")
    shown.set_defaults(bench_run=_report)
    parts = verbs.add_parser("breakdown", help="a link metric by the degree or concentration of the links' ends")
    parts.add_argument("folder", metavar="DIR", help="results folder of `bench run`")
    parts.add_argument("--by", default="degree", help="degree, tc (Topological Concentration), or both: degree,tc")
    parts.add_argument("--bins", type=int, default=4, help="intervals with equally many ends; 4 unless told")
    parts.add_argument("--part", default="test", help="test or valid")
    parts.add_argument("--csv", action="store_true", help="print fractions as CSV")
    parts.add_argument("--json", action="store_true", help="print one JSON object")
    parts.set_defaults(bench_run=_breakdown)
    compare = verbs.add_parser("compare", help="test whether two results folders, or the models of one, differ")
    compare.add_argument("baseline", metavar="DIR", help="results folder")
    compare.add_argument("candidate", metavar="DIR", nargs="?", help="another; without it, the models of the first")
    compare.add_argument("--test", default="wilcoxon", help="wilcoxon, paired-t, sign or bootstrap")
    compare.add_argument(
        "--fail-if-worse", default="", metavar="X", help="exit 4 when worse by more than 0.5%% or 0.005"
    )
    compare.add_argument(
        "--plot", metavar="FILE", help="draw the critical differences over datasets to FILE.svg, .png or .pdf"
    )
    compare.add_argument("--json", action="store_true", help="print one JSON object")
    compare.set_defaults(bench_run=_compare)
    parser.set_defaults(run=lambda args: args.bench_run(args))
    return parser


def _report(args: argparse.Namespace) -> int:
    if args.html:
        from graphkit.bench.html import write_html

        print(f"report in {write_html(args.folder, args.html)}", file=sys.stderr)
        return 0
    rows = report.summarise(report.read_results(args.folder))
    format: report.Format = "json" if args.json else args.format
    if format == "table":
        report.show(rows, sys.stdout)
    else:
        sys.stdout.write(report.render(rows, format))
    return 0


def _breakdown(args: argparse.Namespace) -> int:
    from graphkit.bench import breakdown

    rows = []
    for by in names(args.by):
        rows += breakdown.break_down(args.folder, by=by, bins=args.bins, part=args.part)
    if args.json:
        print(json.dumps(breakdown.to_payload(rows), indent=2, allow_nan=False))
    else:
        print(breakdown.render(rows, "csv" if args.csv else "table"), end="")
    return 0


def _compare(args: argparse.Namespace) -> int:
    from graphkit.bench import compare, ranking
    from graphkit.bench.diagram import check_plot_path, critical_difference_diagram

    if args.plot:
        check_plot_path(args.plot)
    baseline = report.read_results(args.baseline)
    candidate = report.read_results(args.candidate) if args.candidate else None
    comparisons = compare.compare_results(baseline, candidate, test=args.test, fail_if_worse=args.fail_if_worse)
    ranked, reason = None, ""
    if args.plot or ranking.several_datasets(baseline, candidate):
        try:
            ranked = ranking.rank_models(baseline, candidate)
        except ProtocolError as error:
            if args.plot:
                raise
            reason = f"no ranking over datasets: {error}"
    if args.json:
        payload = {**compare.to_payload(comparisons), "ranking": ranking.to_payload(ranked) if ranked else None}
        print(json.dumps(payload, indent=2, allow_nan=False))
    else:
        print(compare.render(comparisons) + (ranking.render(ranked) if ranked else ""), end="")
    if reason:
        print(reason, file=sys.stderr)
    if ranked and args.plot:
        title = f"{len(ranked.datasets)} datasets: {', '.join(ranked.datasets)}" if len(ranked.datasets) <= 5 else ""
        written = critical_difference_diagram(ranked.comparison, args.plot, title=title)
        print(f"critical-difference diagram in {written}", file=sys.stderr)
    return 4 if compare.has_regression(comparisons) else 0
