"""Speed beside peers, in one run: `python -m benchmarks NAME...`, `--list`, `--quick`, `--save`.

A benchmark is a module of this folder with a function `rows(options)`; its docstring says what both sides do. Every one
runs in a process of its own. `--save` keeps the rows, with hardware and versions, in `benchmarks/results/NAME.json`.
The exit code is 1 where a bar was missed, or where a kept result has a peer that did not run this time and is left
alone, and 0 otherwise; what cannot run here is skipped with the reason.
"""

from __future__ import annotations

import argparse
import ast
import importlib
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from benchmarks.measure import OURS, ROOT, Options, Row, Skipped, machine

FOLDER = Path(__file__).parent
RESULTS = FOLDER / "results"
NAMES = sorted(path.stem for path in FOLDER.glob("*.py") if path.stem not in ("__main__", "measure"))


def title(name: str) -> str:
    """Returns the first sentence of a benchmark's docstring, without importing it."""
    text = ast.get_docstring(ast.parse((FOLDER / f"{name}.py").read_text(encoding="utf-8"))) or ""
    return " ".join(text.partition("\n\n")[0].split())


def line(row: Row) -> str:
    """Returns a row as people read it."""
    ours = row.values.get(OURS)
    text = f"  {row.case:<58}" + (f"{ours:>12.4g} {row.unit}" if ours is not None else "")
    for peer, value in row.values.items():
        if peer == OURS:
            continue
        asked = f", asked {row.bars[peer]:g}" if peer in row.bars else ""
        ratio = f" {row.ratios[peer]:>8.2f} x{asked}" if peer in row.ratios else ""
        text += f"\n      {peer:<54}{value:>12.4g} {row.unit:<6}{ratio}"
    if "" in row.bars:
        text += f"   asked {'at least' if row.more else 'at most'} {row.bars['']:g}"
    if row.missed():
        text += "   MISSED"
    return text + (f"\n      {row.note}" if row.note else "")


def run(name: str, options: Options, save: bool) -> int:
    """Runs one benchmark in this process and returns an exit code."""
    import torch

    from graphkit.errors import DataError

    print(f"{name}: {title(name)}", flush=True)
    rows: list[Row] = []
    try:
        module = importlib.import_module(f"benchmarks.{name}")
        options = replace(options, threads=options.threads or getattr(module, "THREADS", 1))
        torch.set_num_threads(options.threads)
        torch.manual_seed(0)
        for row in module.rows(options):
            rows.append(replace(row, bars={}) if options.quick else row)
            print(line(rows[-1]), flush=True)
    except (Skipped, DataError, ModuleNotFoundError) as reason:
        print(f"  skipped: {reason}", flush=True)
        return 0
    return int(any(row.missed() for row in rows)) | (keep(name, rows, options) if save else 0)


def keep(name: str, rows: list[Row], options: Options) -> int:
    """Writes the rows to the results folder and returns 0; or 1 where a kept one knows a side that is missing here."""
    path, found = RESULTS / f"{name}.json", [row.record() for row in rows]
    kept = json.loads(path.read_text(encoding="utf-8"))["rows"] if path.exists() else []
    now = {row["case"]: set(row["values"]) for row in found}
    lost = sorted({side for row in kept for side in set(row["values"]) - now.get(row["case"], set(row["values"]))})
    if lost:
        print(f"  not saved: {path.name} has {', '.join(lost)}, which did not run this time; install or delete it")
        return 1
    record = {"benchmark": name, "title": title(name), "machine": machine(options)}
    path.write_text(json.dumps({**record, "rows": found}, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return 0


def main(argv: list[str] | None = None) -> int:
    """Runs the command."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="all unless told")
    parser.add_argument("--list", action="store_true", help="say what there is")
    parser.add_argument("--quick", action="store_true", help="one round of small cases: does it run?")
    parser.add_argument("--save", action="store_true", help="keep the rows in benchmarks/results")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=0, help="1 unless the benchmark says otherwise")
    args = parser.parse_args(argv)
    if args.list:
        for name in NAMES:
            print(f"{name:<12} {title(name)}")
        return 0
    unknown = set(args.names) - set(NAMES)
    if unknown:
        parser.error(f"no benchmark is called {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}")
    options = Options(1 if args.quick else args.rounds, args.threads, args.quick)
    if len(args.names) == 1:
        return run(args.names[0], options, args.save)
    words = ["--rounds", str(args.rounds), "--threads", str(args.threads)]
    words += [flag for flag, given in (("--quick", args.quick), ("--save", args.save)) if given]
    codes = []
    for name in args.names or NAMES:
        command = [sys.executable, "-m", "benchmarks", name, *words]
        codes.append(subprocess.run(command, cwd=ROOT, check=False).returncode)
    return int(any(codes))


if __name__ == "__main__":
    sys.exit(main())
