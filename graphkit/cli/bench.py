"""`graphkit bench`: run, suite, report, breakdown and compare. Running again is resuming."""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graphkit.bench import report
from graphkit.errors import ConfigError, ProtocolError

if TYPE_CHECKING:
    from graphkit.bench.ladder import Rung
    from graphkit.bench.matrix import Job
    from graphkit.evaluation import Result


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    """Adds the `bench` verb to the command line."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "bench", help="train and compare models under published protocols"
    )
    verbs = parser.add_subparsers(dest="bench_verb", metavar="VERB", required=True)
    run = verbs.add_parser("run", help="train models on datasets; running again goes on where it stopped")
    run.add_argument("-d", "--dataset", required=True, metavar="NAMES", help="datasets, separated by commas")
    run.add_argument("-m", "--model", required=True, metavar="NAMES", help="models, separated by commas")
    run.add_argument("-n", "--seeds", default="1", help="a count (20) or a list (0,3,7); 1 unless told")
    run.add_argument("--protocol", default="", help="protocol id; the dataset's first unless told")
    _run_options(run)
    run.set_defaults(bench_run=_run)
    suite = verbs.add_parser("suite", help="run a named list of datasets and models")
    suite.add_argument("name", metavar="NAME", help="`graphkit ls suites`, or a TOML file of your own")
    suite.add_argument("-n", "--seeds", default="", help="a count or a list, instead of the suite's own")
    _run_options(suite)
    suite.set_defaults(bench_run=_suite)
    shown = verbs.add_parser("report", help="print the table of a results folder")
    shown.add_argument("folder", metavar="DIR")
    shown.add_argument("--format", default="table", choices=report.FORMATS)
    shown.add_argument("--json", action="store_true", help="the same as --format json")
    shown.add_argument("--html", metavar="FILE", help="write tables and figures as one HTML file")
    shown.set_defaults(bench_run=_report)
    parts = verbs.add_parser("breakdown", help="a link metric by the degree or concentration of the links' ends")
    parts.add_argument("folder", metavar="DIR")
    parts.add_argument("--by", default="degree", help="degree, tc (Topological Concentration), or both: degree,tc")
    parts.add_argument("--bins", type=int, default=4, help="intervals with equally many ends; 4 unless told")
    parts.add_argument("--part", default="test", help="test or valid")
    parts.add_argument("--csv", action="store_true", help="print fractions as CSV")
    parts.add_argument("--json", action="store_true", help="print one JSON object")
    parts.set_defaults(bench_run=_breakdown)
    compare = verbs.add_parser("compare", help="test whether two results folders, or the models of one, differ")
    compare.add_argument("baseline", metavar="DIR")
    compare.add_argument("candidate", metavar="DIR", nargs="?")
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


def _run_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-o", "--out", default="runs", metavar="DIR", help="results folder; `runs` unless told")
    parser.add_argument("-c", "--config", metavar="FILE", help="TOML file of settings laid over the model cards")
    parser.add_argument("--set", action="append", default=[], metavar="A.B=C", help="one setting; may be repeated")
    parser.add_argument(
        "--limit", type=float, metavar="X", help="run this fraction of the epochs; the result is partial"
    )
    parser.add_argument("--device", help="cpu, cuda, cuda:1, ...")
    parser.add_argument("--precision", help="float32, bfloat16 or float16")
    parser.add_argument("--compile", action="store_true", default=None, help="use torch.compile")
    parser.add_argument("--deterministic", action=argparse.BooleanOptionalAction, default=None)
    parser.add_argument("--offline", action="store_true", help="download nothing")
    parser.add_argument("--yes", action="store_true", help="allow downloads of more than 1 GB")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="worker processes at a time")
    parser.add_argument("--time-limit", default="", metavar="T", help="stop after 90s, 30m or 2h; run again to go on")
    parser.add_argument("--cell-timeout", default="", metavar="T", help="a cell that takes longer has failed")
    parser.add_argument("--max-params", default="", metavar="N", help="a model with more than 500k, 2M, ... has failed")
    parser.add_argument("--track", default="", metavar="TOOL", help="tensorboard or mlflow, beside the log")
    parser.add_argument("--tune", type=int, default=0, metavar="N", help="search for settings, N trials a model")
    parser.add_argument("--tuner", default="random", metavar="NAMES", help="random, tpe, or both for a row each")
    parser.add_argument("--space", default="", metavar="FILE", help="TOML file of settings and their values to try")
    parser.add_argument("--dry-run", action="store_true", help="say what would run and be downloaded")
    parser.add_argument("--print-config", action="store_true", help="print the resolved settings as JSON")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout, everything else on stderr")
    parser.add_argument("-q", "--quiet", action="store_true", help="no progress")
    parser.add_argument("-v", "--verbose", action="store_true", help="tracebacks of unexpected errors")


def _run(args: argparse.Namespace) -> int:
    from graphkit.bench.matrix import parse_seeds, plan

    jobs = plan(
        _names(args.dataset),
        _names(args.model),
        parse_seeds(args.seeds),
        protocol=args.protocol,
        settings=_settings(args),
        overrides=_overrides(args),
    )
    return _execute(args, jobs)


def _suite(args: argparse.Namespace) -> int:
    from graphkit.bench.suites import load_suite

    suite = load_suite(args.name)
    if not args.quiet:
        print(suite.title, *([suite.notes] if suite.notes else []), sep="\n", file=sys.stderr)
    jobs = suite.jobs(args.seeds, _settings(args), _overrides(args))
    if not suite.bounds or args.dry_run or args.print_config:
        return _execute(args, jobs)
    from graphkit.bench import ladder

    def rungs(results: Sequence[Result]) -> list[ladder.Rung]:
        return ladder.climb([ladder.Bound(**bound) for bound in suite.bounds], results)

    return _execute(args, jobs, rungs)


def _execute(
    args: argparse.Namespace,
    jobs: Sequence[Job],
    rungs: Callable[[Sequence[Result]], list[Rung]] | None = None,
) -> int:
    from graphkit.bench.limits import Limits, count_of
    from graphkit.bench.runner import Runner
    from graphkit.bench.store import Store
    from graphkit.cli.console import bench_progress

    store, limit = Store(args.out), seconds(args.time_limit)
    limits = Limits(count_of(args.max_params), seconds(args.cell_timeout))
    if args.print_config:
        print(json.dumps([{"model": job.model, "seeds": job.seeds, **job.spec.to_dict()} for job in jobs], indent=2))
        return 0
    if args.dry_run:
        _describe(jobs, store)
        return 0
    _fetch(args, jobs)
    with bench_progress(args.quiet) as on_event:
        bounds: dict[str, Any] = {"time_limit": limit, "limits": limits, "on_event": on_event}
        if args.tune:
            jobs = _tuned(args, jobs, Runner(Store(f"{args.out}-tuning"), **bounds))
        runner = Runner(store, parallel=args.jobs, track=args.track, **bounds)
        results = runner.run(jobs)
    rows = report.summarise(results)
    climbed = rungs(results) if rungs else []
    if args.json:
        more = {"ladder": [rung.to_dict() for rung in climbed]} if climbed else {}
        print(json.dumps({**report.to_payload(rows), **more, "out": str(store.root)}, indent=2, allow_nan=False))
    else:
        report.show(rows, sys.stdout)
        if climbed:
            from graphkit.bench.ladder import render

            print("\n" + render(climbed))
        print(f"results in {store.root}", file=sys.stderr)
    return runner.failures[0] if len(set(runner.failures)) == 1 else int(bool(runner.failures))


def _tuned(args: argparse.Namespace, jobs: Sequence[Job], runner: Any) -> list[Job]:
    """Returns the jobs with searched settings; trials are kept beside the results, so that no report counts them."""
    from graphkit.bench.tune import read_space, tune

    space = read_space(args.space) if args.space else None
    return [tune(job, args.tune, tuner, space, runner.run) for job in jobs for tuner in _names(args.tuner)]


def _describe(jobs: Sequence[Job], store: Any) -> None:
    from graphkit.cli.ls import columns
    from graphkit.data.cards import load_card

    rows = [["dataset", "model", "protocol", "seeds", "to run", "files"]]
    for job in jobs:
        size = load_card(job.dataset).download_bytes
        files = (
            f"{size / 1e6:.1f} MB" if size else ("built in" if not load_card(job.dataset).needs_files else "unknown")
        )
        left = len(store.missing(job))
        rows.append([job.dataset, job.model, job.spec.protocol, str(len(job.seeds)), str(left), files])
    print("\n".join(columns(rows)))


def _fetch(args: argparse.Namespace, jobs: Sequence[Job]) -> None:
    """Gets the files of every dataset before anything trains, so that a missing one costs no work."""
    from graphkit.cli.console import transfer_progress
    from graphkit.data.cards import load_card

    cards = [card for card in map(load_card, dict.fromkeys(job.dataset for job in jobs)) if card.needs_files]
    if not cards:
        return
    from graphkit.data.fetch import fetch

    with transfer_progress(quiet=args.quiet) as progress:
        for card in cards:
            fetch(card, offline=args.offline, progress=progress, yes=args.yes)


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
    for by in _names(args.by):
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


def _names(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names:
        raise ConfigError("name at least one dataset and one model, separated by commas")
    return names


def _settings(args: argparse.Namespace) -> dict[str, Any]:
    from graphkit.config import RunSpec, read_toml

    if not args.config:
        return {}
    values = read_toml(Path(args.config))
    RunSpec.from_dict(values)
    return values


def _overrides(args: argparse.Namespace) -> list[str]:
    flags = {
        "limit": args.limit,
        "train.device": args.device,
        "train.precision": args.precision,
        "train.compile": args.compile,
        "train.deterministic": args.deterministic,
    }
    if args.limit is not None and not 0 < args.limit <= 1:
        raise ConfigError(f"--limit is a fraction of the epochs between 0 and 1, got {args.limit:g}")
    given = [f"{key}={str(value).lower()}" for key, value in flags.items() if value is not None]
    return [*given, *args.set]


def seconds(text: str) -> float:
    """Reads `90`, `90s`, `30m` or `2h` as seconds; empty is 0.

    Raises:
        ConfigError: something else.

    Example:
        >>> seconds("2h")
        7200.0
    """
    if not text:
        return 0.0
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smh]?)", text)
    if match is None:
        raise ConfigError(f"a time is written 90s, 30m or 2h, got {text!r}")
    return float(match[1]) * {"": 1, "s": 1, "m": 60, "h": 3600}[match[2]]
