"""`graphkit bench run`, `suite` and `job`: the verbs that train. Running again is resuming."""

from __future__ import annotations

import argparse
import contextlib
import json
import re
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graphkit.bench import report
from graphkit.errors import ConfigError, RunFailed

if TYPE_CHECKING:
    from graphkit.bench.ladder import Rung
    from graphkit.bench.limits import Limits
    from graphkit.bench.matrix import Job
    from graphkit.evaluation import Result


def add_run_verbs(verbs: Any) -> None:
    """Adds them to `graphkit bench`."""
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
    job = verbs.add_parser("job", help="run one job of a file that `--launcher slurm` wrote")
    job.add_argument("file", metavar="FILE")
    job.add_argument("index", type=int, metavar="NUMBER")
    _run_options(job)
    job.set_defaults(bench_run=_job)


def _run_options(parser: argparse.ArgumentParser) -> None:
    settings = parser.add_argument_group("settings")
    settings.add_argument("-c", "--config", metavar="FILE", help="TOML file of settings laid over the model cards")
    settings.add_argument("--set", action="append", default=[], metavar="A.B=C", help="one setting; may be repeated")
    settings.add_argument(
        "--limit", type=float, metavar="X", help="run this fraction of the epochs; the result is partial"
    )
    settings.add_argument("--device", help="cpu, cuda, cuda:1, ...")
    settings.add_argument("--precision", help="float32, bfloat16 or float16")
    settings.add_argument("--compile", action="store_true", default=None, help="use torch.compile")
    settings.add_argument(
        "--deterministic", action=argparse.BooleanOptionalAction, default=None, help="of torch's algorithms"
    )
    where = parser.add_argument_group("where it runs")
    where.add_argument("-o", "--out", default="runs", metavar="DIR", help="results folder; `runs` unless told")
    where.add_argument("--offline", action="store_true", help="download nothing")
    where.add_argument("--yes", action="store_true", help="allow downloads of more than 1 GB")
    where.add_argument("--jobs", type=int, default=1, metavar="N", help="worker processes at a time")
    where.add_argument("--devices", type=int, default=1, metavar="N", help="processes that share every batch")
    where.add_argument("--launcher", default="local", choices=("local", "slurm", "ray"), help="where the jobs run")
    where.add_argument("--address", default="", metavar="HOST", help="of a Ray cluster; none starts one here")
    bounds = parser.add_argument_group("bounds")
    bounds.add_argument("--time-limit", default="", metavar="T", help="stop after 90s, 30m or 2h; run again to go on")
    bounds.add_argument("--cell-timeout", default="", metavar="T", help="a cell that takes longer has failed")
    bounds.add_argument("--max-params", default="", metavar="N", help="a model with more than 500k, 2M, ... has failed")
    search = parser.add_argument_group("search and tracking")
    search.add_argument("--track", default="", metavar="TOOL", help="tensorboard or mlflow, beside the log")
    search.add_argument("--tune", type=int, default=0, metavar="N", help="search for settings, N trials a model")
    search.add_argument("--tuner", default="random", metavar="NAMES", help="random, tpe, or both for a row each")
    search.add_argument("--space", default="", metavar="FILE", help="TOML file of settings and their values to try")
    shown = parser.add_argument_group("what is printed")
    shown.add_argument("--dry-run", action="store_true", help="say what would run and be downloaded")
    shown.add_argument("--print-config", action="store_true", help="print the resolved settings as JSON")
    shown.add_argument("--json", action="store_true", help="one JSON object on stdout, everything else on stderr")
    shown.add_argument("-q", "--quiet", action="store_true", help="no progress")
    shown.add_argument("-v", "--verbose", action="store_true", help="tracebacks of unexpected errors")


def _run(args: argparse.Namespace) -> int:
    from graphkit.bench.matrix import parse_seeds, plan

    jobs = plan(
        names(args.dataset),
        names(args.model),
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
    args.cell_timeout = args.cell_timeout or suite.cell_timeout
    jobs = suite.jobs(args.seeds, _settings(args), _overrides(args))
    if not suite.bounds or args.dry_run or args.print_config:
        return _execute(args, jobs)
    from graphkit.bench import ladder

    def rungs(results: Sequence[Result]) -> list[ladder.Rung]:
        return ladder.climb([ladder.Bound(**bound) for bound in suite.bounds], results)

    return _execute(args, jobs, rungs)


def _job(args: argparse.Namespace) -> int:
    from graphkit.bench.launchers.files import read_job

    return _execute(args, [read_job(args.file, args.index)])


@contextlib.contextmanager
def _terminated_like_interrupted() -> Iterator[None]:
    """Makes SIGTERM, with which a cluster announces the end, save state like Ctrl-C."""

    def interrupt(signum: int, frame: Any) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _execute(
    args: argparse.Namespace,
    jobs: Sequence[Job],
    rungs: Callable[[Sequence[Result]], list[Rung]] | None = None,
) -> int:
    from graphkit.bench.limits import Limits, count_of
    from graphkit.bench.pool import WorkerPool
    from graphkit.bench.runner import Runner
    from graphkit.bench.store import Store
    from graphkit.cli.console import bench_progress

    store, limit = Store(args.out), seconds(args.time_limit)
    limits = Limits(count_of(args.max_params), seconds(args.cell_timeout))
    if args.devices != 1:
        _check_devices(args, jobs)
    if args.print_config:
        print(json.dumps([{"model": job.model, "seeds": job.seeds, **job.spec.to_dict()} for job in jobs], indent=2))
        return 0
    if args.dry_run:
        _describe(args, jobs, store)
        return 0
    if args.launcher == "slurm":
        return _write_array(args, [job for job in jobs if store.missing(job)])
    _fetch(args, jobs)
    with _terminated_like_interrupted(), bench_progress(args.quiet) as on_event, WorkerPool() as workers:
        bounds: dict[str, Any] = {"time_limit": limit, "limits": limits, "on_event": on_event, "workers": workers}
        if args.tune:
            jobs = _tuned(args, jobs, Runner(Store(f"{args.out}-tuning"), **bounds))
        if args.launcher == "ray":
            results, failures = _run_on_ray(args, jobs, limits)
        else:
            runner = Runner(store, parallel=args.jobs, track=args.track, devices=args.devices, **bounds)
            results, failures = runner.run(jobs), runner.failures
            _warn_of_other_code(runner.commits)
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
    return failures[0] if len(set(failures)) == 1 else int(bool(failures))


def _warn_of_other_code(kept: set[str]) -> None:
    """Says that kept cells were made by other code than this: a cell's key has the version, not the commit."""
    from graphkit.bench.environment import git_commit

    others = sorted(commit for commit in kept if commit and commit != git_commit()) if git_commit() else []
    if others:
        names = ", ".join(commit[:10] + "+dirty" * commit.endswith("+dirty") for commit in others)
        print(f"note: kept cells are of commit {names}; choose another -o to run them with this code", file=sys.stderr)


def _check_devices(args: argparse.Namespace, jobs: Sequence[Job]) -> None:
    from graphkit.data.cards import load_card
    from graphkit.training.tasks import check_parallel

    if args.launcher == "ray":
        raise ConfigError("--devices is for processes of this machine; leave it out with --launcher ray")
    for job in jobs:
        check_parallel(load_card(job.dataset), job.model, job.spec, args.devices)


def _write_array(args: argparse.Namespace, jobs: Sequence[Job]) -> int:
    from graphkit.bench.launchers.slurm import write_array

    flags = {"--cell-timeout": args.cell_timeout, "--max-params": args.max_params, "--track": args.track}
    flags["--devices"] = str(args.devices) if args.devices > 1 else ""
    words = [word for flag, value in flags.items() if value for word in (flag, value)]
    script = write_array(jobs, args.out, parallel=max(args.jobs, 16), options=words)
    print(f"sbatch {script}")
    print(f"{len(jobs)} jobs to go; submit the script, then `graphkit bench report {args.out}`", file=sys.stderr)
    return 0


def _run_on_ray(args: argparse.Namespace, jobs: Sequence[Job], limits: Limits) -> tuple[list[Result], list[int]]:
    from graphkit.bench.launchers.ray import run_on_ray

    results = run_on_ray(jobs, args.out, address=args.address, limits=limits, track=args.track)
    return results, [RunFailed.exit_code for result in results if result.status == "failed"]


def _tuned(args: argparse.Namespace, jobs: Sequence[Job], runner: Any) -> list[Job]:
    """Returns the jobs with searched settings; trials are kept beside the results, so that no report counts them."""
    from graphkit.bench.tune import read_space, tune

    space = read_space(args.space) if args.space else None
    return [tune(job, args.tune, tuner, space, runner.run) for job in jobs for tuner in names(args.tuner)]


def _describe(args: argparse.Namespace, jobs: Sequence[Job], store: Any) -> None:
    from graphkit.bench.dry_run import describe

    described = describe(jobs, store, parallel=args.jobs)
    print(json.dumps(described.to_payload(), indent=2) if args.json else described)


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


def names(text: str) -> list[str]:
    """Splits a list of names at its commas.

    Raises:
        ConfigError: there is none.

    Example:
        >>> names("gat, gcn")
        ['gat', 'gcn']
    """
    found = [name.strip() for name in text.split(",") if name.strip()]
    if not found:
        raise ConfigError("name at least one dataset and one model, separated by commas")
    return found


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
