"""`graphkit data`: download, verify, locate, describe, mirror and import datasets, and make their negatives."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from graphkit.cli import data_negatives
from graphkit.cli.console import transfer_progress
from graphkit.data.cards import Card, data_root, load_card

if TYPE_CHECKING:
    from graphkit.data.raw import LocalFile

_DESCRIPTION = """\
Published files are kept in GRAPHKIT_DATA (by default the platform's cache folder) and always verified by checksum.
GRAPHKIT_MIRROR names a folder or URL with a MANIFEST.tsv that is asked before the internet.
"""


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    """Adds the `data` verb to the command line."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "data",
        help="download, verify, describe, mirror and import datasets",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verbs = parser.add_subparsers(dest="data_verb", metavar="VERB", required=True)
    download = _verb(verbs, "download", "fetch the files of datasets into the cache", _download, network=True)
    download.add_argument("names", nargs="+", metavar="NAME")
    verify = _verb(verbs, "verify", "hash the cached files again and check the graphs they hold", _verify)
    verify.add_argument("names", nargs="+", metavar="NAME")
    check = _verb(verbs, "check", "look for leaks: overlapping splits, labels as features", _check, network=True)
    check.add_argument("names", nargs="+", metavar="NAME")
    path = _verb(verbs, "path", "print the cache folder, or that of one dataset", _path)
    path.add_argument("name", nargs="?", metavar="NAME")
    info = _verb(verbs, "info", "print what a dataset is: card, statistics, homophily, licence", _info, network=True)
    info.add_argument("name", metavar="NAME")
    mirror = _verb(
        verbs, "mirror", "copy the files of datasets to DIR, for a machine without internet", _mirror, network=True
    )
    mirror.add_argument("folder", metavar="DIR")
    mirror.add_argument("names", nargs="+", metavar="NAME")
    importer = _verb(verbs, "import", "take a dataset's files (or your own card) from a folder or URL", _import)
    importer.add_argument("name", metavar="NAME")
    importer.add_argument("--from", dest="source", required=True, metavar="DIR|URL", help="where the files are")
    importer.add_argument("--yes", action="store_true", help="allow downloads of more than 1 GB")
    data_negatives.add_parser(verbs)
    parser.set_defaults(run=run)
    return parser


def run(args: argparse.Namespace) -> int:
    """Runs the chosen verb; errors are raised as GraphkitError and end the command with their exit code."""
    action: Callable[[argparse.Namespace], int] = args.data_run
    return action(args)


def _verb(
    verbs: Any, name: str, text: str, action: Callable[[argparse.Namespace], int], network: bool = False
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = verbs.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout; text for people goes to stderr")
    parser.add_argument("-q", "--quiet", action="store_true", help="no progress")
    if network:
        parser.add_argument("--offline", action="store_true", help="use the cache, and a mirror that is a folder, only")
        parser.add_argument("--yes", action="store_true", help="allow downloads of more than 1 GB")
    parser.set_defaults(data_run=action)
    return parser


def _download(args: argparse.Namespace) -> int:
    from graphkit.data.fetch import fetch, raw_folder

    cards = [load_card(name) for name in args.names]  # a misspelt name fails before the first byte
    answer = {}
    with transfer_progress(args.quiet) as progress:
        for card in cards:
            files = fetch(card, offline=args.offline, progress=progress, yes=args.yes)
            answer[card.name] = _files(files)
            where = f"{len(files)} files in {raw_folder(card)}" if files else "built in, needs no file"
            _say(args, f"{card.name}: {where}")
    return _finish(args, answer)


def _verify(args: argparse.Namespace) -> int:
    from graphkit.data.fetch import damage, fetch
    from graphkit.data.load import read_raw
    from graphkit.data.tasks import kind_of

    answer = {}
    for card in [load_card(name) for name in args.names]:
        for problem in damage(card):
            print(f"{card.name}: {problem}; it is taken from the mirror again, if there is one", file=sys.stderr)
        files = fetch(card, offline=True, rehash=True)
        counts = kind_of(card).get("count")(read_raw(card, files), card)
        answer[card.name] = {"files": _files(files), "statistics": counts}
        pinned = sum(file.pinned for file in files.values())
        note = f", {pinned} of them pinned on first use" if pinned else ""
        _say(args, f"{card.name}: ok, {len(files)} files{note}; {_counts(counts)}")
    return _finish(args, answer)


def _check(args: argparse.Namespace) -> int:
    from graphkit.data.fetch import fetch
    from graphkit.data.leaks import check_dataset, summarise
    from graphkit.data.load import load_dataset

    answer, leaks = {}, False
    for card in [load_card(name) for name in args.names]:
        with transfer_progress(args.quiet) as progress:
            fetch(card, offline=args.offline, progress=progress, yes=args.yes)
        found = list(check_dataset(load_dataset(card.name, offline=True)))
        answer[card.name] = [
            {"protocol": one.protocol, "split": one.index, "findings": [vars(finding) for finding in one.findings]}
            for one in found
        ]
        leaks |= any(finding.leaks for one in found for finding in one.findings)
        for line in summarise(found):
            _say(args, f"{card.name}: {line}")
    _finish(args, answer)
    return 1 if leaks else 0


def _path(args: argparse.Namespace) -> int:
    folder = data_root() / "raw" / load_card(args.name).name if args.name else data_root()
    print(json.dumps({"path": str(folder)}) if args.json else folder)
    return 0


def _info(args: argparse.Namespace) -> int:
    from graphkit.data.fetch import fetch
    from graphkit.data.load import read_raw
    from graphkit.data.tasks import kind_of

    card = load_card(args.name)
    with transfer_progress(args.quiet) as progress:
        files = fetch(card, offline=args.offline, progress=progress, yes=args.yes)
    kind = kind_of(card)
    raw = read_raw(card, files)
    counts = kind.get("count")(raw, card)
    measured = kind.get("measure")(raw, card)
    if args.json:
        return _finish(args, {**_facts(card), "statistics": counts, "diagnostics": measured, "files": _files(files)})
    _print_info(card, counts, measured, files)
    return 0


def _print_info(card: Card, counts: dict[str, int], measured: dict[str, Any], files: dict[str, LocalFile]) -> None:
    for key, value in _facts(card).items():
        if value:
            _row(key, ", ".join(value) if isinstance(value, list) else value)
    print()
    for key, number in counts.items():
        _row(key.replace("_", " "), f"{number:,}" + ("  (as published)" if key in card.statistics else ""))
    labels = measured.pop("labels", None) or {}
    counted = {"num_nodes", "num_edges", "self_loops", "duplicate_edges", "isolated_nodes"}
    for key, value in measured.items():
        if key not in counted and value is not None:
            _row(key.replace("_", " "), _text(value))
    similarity = labels.pop("neighbourhood_similarity", [])
    if labels:
        print()
    for key, value in labels.items():
        _row(key.replace("_", " "), " ".join(map(_text, value)) if isinstance(value, list | tuple) else _text(value))
    if len(similarity) <= 20:
        for first, row in enumerate(similarity):
            _row("neighbourhood" if first == 0 else "  similarity" if first == 1 else "", " ".join(map(_text, row)))
    if files:
        print()
    for path, file in files.items():
        _row("file", f"{file.sha256}  {path}" + ("  (pinned on first use)" if file.pinned else ""))


def _row(label: str, text: str) -> None:
    print(f"{label:<24}{text}".rstrip())


def _text(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "-"}[value]
    return f"{value:.4f}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)


def _mirror(args: argparse.Namespace) -> int:
    from graphkit.data.mirror import build_mirror

    for name in args.names:
        load_card(name)
    with transfer_progress(args.quiet) as progress:
        entries = build_mirror(args.folder, args.names, offline=args.offline, progress=progress, yes=args.yes)
    _say(args, f"{args.folder}: {len(entries)} files; set GRAPHKIT_MIRROR to it on the other machine")
    return _finish(args, {"folder": args.folder, "files": [entry.path for entry in entries]})


def _import(args: argparse.Namespace) -> int:
    from graphkit.data.importing import import_dataset

    with transfer_progress(args.quiet) as progress:
        files = import_dataset(args.name, args.source, progress=progress, yes=args.yes)
    _say(args, f"{args.name}: {len(files)} files imported and verified")
    return _finish(args, {args.name: _files(files)})


def _facts(card: Card) -> dict[str, Any]:
    return {
        "name": card.name,
        "title": card.title,
        "kind": card.kind,
        "task": card.task,
        "target": card.target,
        "metric": card.metric,
        "protocols": list(card.protocols),
        "licence": card.licence,
        "citation": card.citation,
        "notes": card.notes,
    }


def _files(files: dict[str, LocalFile]) -> dict[str, Any]:
    return {
        path: {"path": str(file.path), "sha256": file.sha256, "pinned": file.pinned, "origin": file.origin}
        for path, file in files.items()
    }


def _counts(counts: dict[str, int]) -> str:
    shown = ("nodes", "edges", "features", "classes", "events", "pairs", "train_links", "valid_links", "test_links")
    return ", ".join(f"{counts[key]:,} {key.replace('_', ' ')}" for key in shown if key in counts)


def _say(args: argparse.Namespace, text: str) -> None:
    print(text, file=sys.stderr if args.json else sys.stdout)


def _finish(args: argparse.Namespace, answer: dict[str, Any]) -> int:
    if args.json:
        print(json.dumps(answer, indent=1))
    return 0
