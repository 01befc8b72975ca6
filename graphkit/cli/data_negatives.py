"""`graphkit data negatives`: generate, describe, import and export the candidates that positives are ranked against."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graphkit.errors import ConfigError

if TYPE_CHECKING:
    from graphkit.data.negatives import NegativeSet, Positives

_GENERATED = ("uniform", "historical", "inductive", "hist_rnd", "tgb-all", "tgb-seq")
_READ = ("tgb", "tgb-seq", "heart")
_WRITTEN = ("tgb", "tgb-seq")
_EVENTS = "dataset, .npz of src, dst, t (and masks train, valid, test), or .csv with a header"


def add_parser(verbs: Any) -> None:
    """Adds the verb `negatives` to `graphkit data`."""
    text = "generate, describe, import and export negative sets"
    parser = verbs.add_parser("negatives", help=text, description=text.capitalize() + ".")
    actions = parser.add_subparsers(dest="negatives_verb", metavar="ACTION", required=True)
    make = _action(actions, "generate", "draw the negatives of a stream of events", _generate)
    make.add_argument("kind", choices=_GENERATED, metavar="KIND", help=", ".join(_GENERATED))
    make.add_argument("events", metavar="EVENTS", help=_EVENTS)
    make.add_argument("--split", choices=("valid", "test"), default="test", help="whose positives (default: test)")
    make.add_argument(
        "-k", "--count", type=int, metavar="K", help="negatives a positive; hist_rnd of a TGB set knows it"
    )
    make.add_argument("--seed", type=int, metavar="S", help="default: 42 for hist_rnd, else 0")
    make.add_argument("--pool", metavar="LOW:HIGH", help="destinations LOW to HIGH - 1 (default: all the events have)")
    make.add_argument("--share", type=float, help="largest historical share (default: 0.5 for hist_rnd, else 1)")
    make.add_argument("--filter", choices=("none", "own", "same-time", "known"), default="same-time", help="of uniform")
    make.add_argument("--rows", metavar="A:B", help="only these rows of the split, equal to those of the whole set")
    _output(make)
    info = _action(actions, "info", "print what a saved set is, and verify it", _info)
    info.add_argument("file", metavar="FILE")
    take = _action(actions, "import", "read published negatives; pickles are never executed", _import)
    take.add_argument("form", choices=_READ, metavar="FORM", help=", ".join(_READ))
    take.add_argument("file", metavar="FILE")
    take.add_argument("--events", metavar="EVENTS", help=f"order the rows by these events: {_EVENTS}")
    take.add_argument("--split", choices=("valid", "test"), default="test", help="whose positives (default: test)")
    _output(take)
    give = _action(actions, "export", "write a saved set in a published form", _export)
    give.add_argument("form", choices=_WRITTEN, metavar="FORM", help=", ".join(_WRITTEN))
    give.add_argument("file", metavar="FILE")
    _output(give)


def _action(actions: Any, name: str, text: str, run: Callable[[argparse.Namespace], int]) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = actions.add_parser(name, help=text, description=text.capitalize() + ".")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    parser.set_defaults(data_run=run)
    return parser


def _output(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-o", "--out", required=True, metavar="FILE", help="where to write")


def _generate(args: argparse.Namespace) -> int:
    from graphkit.data import negatives as make
    from graphkit.data.negatives.sources import destination_range, read_events

    rows = None if args.rows is None else slice(*_pair("--rows", args.rows))
    count = args.count or (make.TGB_COUNTS.get(args.events, 0) if args.kind == "hist_rnd" else 0)
    if not count and args.kind != "tgb-all":
        raise ConfigError(f"{args.kind} needs --count, the negatives a positive")
    events, split = read_events(args.events)
    pool = destination_range(events) if args.pool is None else _pair("--pool", args.pool)
    chosen, train = split[args.split], split["train"]
    common: dict[str, Any] = {"split": args.split, "rows": rows}
    seeded = {**common, "pool": pool, "seed": args.seed or 0}
    share = {} if args.share is None else {"share": args.share}
    if args.kind == "tgb-all":
        made = make.tgb_all(events, chosen, pool=pool, **common)
    elif args.kind == "hist_rnd":
        ratio = 0.5 if args.share is None else args.share
        seeded["seed"] = 42 if args.seed is None else args.seed
        made = make.hist_rnd(events, chosen, train, count, ratio=ratio, **seeded)
    elif args.kind == "historical":
        made = make.historical(events, chosen, count, **seeded, **share)
    elif args.kind == "inductive":
        made = make.inductive(events, chosen, train, count, **seeded, **share)
    else:
        positives = events.positives(events.chosen(chosen, args.split))
        if args.kind == "tgb-seq":
            made = make.tgb_seq(positives, pool[0], pool[1] - 1, count=count, seed=args.seed or 0, **common)
        else:
            known = events if args.filter in ("same-time", "known") else None
            made = make.uniform(positives, count, filtered=args.filter, known=known, **seeded)
    return _saved(args, made)


def _info(args: argparse.Namespace) -> int:
    from graphkit.data.negatives import NegativeSet

    _say(args, NegativeSet.load(args.file), args.file)
    return 0


def _import(args: argparse.Namespace) -> int:
    from graphkit.data import negatives as make

    positives: Positives | None = None
    if args.events is not None:
        from graphkit.data.negatives.sources import read_events

        events, split = read_events(args.events)
        positives = events.positives(events.chosen(split[args.split], args.split))
    read: Any = {"tgb": make.read_tgb, "tgb-seq": make.read_tgb_seq, "heart": make.read_heart}[args.form]
    return _saved(args, read(args.file, positives, split=args.split))


def _export(args: argparse.Namespace) -> int:
    from graphkit.data import negatives as make

    loaded = make.NegativeSet.load(args.file)
    write: Any = {"tgb": make.write_tgb, "tgb-seq": make.write_tgb_seq}[args.form]
    _say(args, loaded, str(write(loaded, args.out)))
    return 0


def _saved(args: argparse.Namespace, made: NegativeSet) -> int:
    _say(args, made, str(made.save(args.out)))
    return 0


def _say(args: argparse.Namespace, made: NegativeSet, file: str) -> None:
    facts = {
        "file": str(Path(file)),
        "kind": made.kind,
        "positives": len(made),
        "candidates": [int(made.counts.min()), int(made.counts.max())],
        "filtered": made.filtered,
        "parameters": dict(made.parameters),
        "sha256": made.sha256,
    }
    if args.json:
        json.dump(facts, sys.stdout, indent=1)
        print()
        return
    for name, value in facts.items():
        shown = ", ".join(f"{key}={one}" for key, one in value.items()) if isinstance(value, dict) else value
        print(f"{name:<12}{shown}")


def _pair(option: str, text: str) -> tuple[int, int]:
    low, _, high = text.partition(":")
    if not low.isdecimal() or not high.isdecimal():
        raise ConfigError(f"{option} takes two whole numbers LOW:HIGH, got {text!r}")
    return int(low), int(high)
