"""`graphkit eval`: scores prediction files of any origin under a protocol, and prints protocols in words."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from graphkit.errors import ConfigError

if TYPE_CHECKING:
    from graphkit.evaluation.protocols import Protocol
    from graphkit.evaluation.references import Reference
    from graphkit.evaluation.results import Result

_DESCRIPTION = """\
Scores what any other code predicted, without torch: one .npz of plain arrays a seed. Nodes: `scores` [N, C], or [R, C]
with `index` [R]. Links: `pos` [B] and `neg` [M] or [B, K], in the order of the split. Events: `pos` [B] in the order of
the stream and `neg` [B, K], or [S] with `offsets` [B + 1].
"""
_SHOWN = 6


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    """Adds the `eval` verb to the command line."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "eval",
        help="score prediction files of any origin; explain a protocol",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("files", nargs="*", metavar="SCORES.npz", help="one file a seed")
    parser.add_argument("-d", "--dataset", default="", metavar="NAME", help="the dataset the scores are for")
    parser.add_argument("--protocol", default="", metavar="ID", help="protocol id (default: the dataset's first)")
    parser.add_argument("-m", "--model", default="", metavar="NAME", help="name in the record (default: the file's)")
    parser.add_argument("-n", "--seeds", default="", metavar="0,1", help="the seed of each file (default: 0, 1, ...)")
    parser.add_argument("-o", "--out", metavar="DIR|FILE.json", help="keep the records, as `bench run` does")
    parser.add_argument("--offline", action="store_true", help="use the cache, and a mirror that is a folder, only")
    parser.add_argument(
        "--explain", nargs="?", const="", metavar="ID", help="print a protocol in words; without ID, those there are"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout; text for people goes to stderr")
    parser.set_defaults(run=run)
    return parser


def run(args: argparse.Namespace) -> int:
    """Scores files, or explains a protocol; errors end the command with their exit code."""
    if args.explain is not None:
        return _explain(args)
    if not args.files or not args.dataset:
        raise ConfigError("eval takes prediction files and their dataset: graphkit eval SCORES.npz -d DATASET")
    from graphkit.bench.matrix import parse_seeds
    from graphkit.bench.report import show, summarise
    from graphkit.bench.scoring import keep, score_files
    from graphkit.evaluation.protocols import PROTOCOLS
    from graphkit.evaluation.references import published

    seeds = parse_seeds(args.seeds if "," in args.seeds else args.seeds + ",") if args.seeds else None
    results = score_files(
        args.files, args.dataset, protocol=args.protocol, model=args.model, seeds=seeds, offline=args.offline
    )
    rows = summarise(results)
    written = keep(results, args.out) if args.out else []
    protocol = PROTOCOLS[results[0].protocol]
    references = published(results[0].dataset, protocol.id, results[0].metric)
    notes = caveats(results, protocol)
    stream = sys.stderr if args.json else sys.stdout
    show(rows, stream)
    for line in [*_published(references), *notes, *(f"wrote {path}" for path in written)]:
        print(line, file=stream)
    if args.json:
        print(json.dumps(_payload(results, references, notes), indent=2, allow_nan=False))
    return 0


def caveats(results: Sequence[Result], protocol: Protocol) -> list[str]:
    """Returns what a reader of the number must know, in sentences."""
    from graphkit.evaluation.significance import power_note

    notes = []
    if len(results) < protocol.seeds_due:
        plural = "seeds are" if protocol.seeds_due > 1 else "seed is"
        notes.append(
            f"{len(results)} of {protocol.seeds_due} seeds: {protocol.seeds_due} {plural} due under {protocol.id} "
            "unless nothing in the method is random"
        )
        notes += [note for note in [power_note(len(results))] if note]
    trust = ["how the weights were selected"]
    if protocol.batch_size is not None:
        trust.append(f"batch size {protocol.batch_size} and what the state had seen")
    notes.append(f"taken on trust, for a file cannot show it: {', '.join(trust)}")
    return notes


def _published(references: Sequence[Reference]) -> list[str]:
    from graphkit.evaluation.metrics import metric_named

    if not references:
        return ["no published value on record for this dataset and protocol"]
    scale = 100.0 if metric_named(references[0].metric).fraction else 1.0
    lines = ["published, the best first:"]
    for entry in references[:_SHOWN]:
        spread = "" if entry.std is None else f" ± {entry.std * scale:.2f}"
        lines.append(f"  {entry.mean * scale:.2f}{spread}  {entry.model}  ({entry.setting}; {entry.source})")
    if len(references) > _SHOWN:
        lines.append(f"  and {len(references) - _SHOWN} more")
    return lines


def _payload(results: Sequence[Result], references: Sequence[Reference], notes: Sequence[str]) -> dict[str, Any]:
    from graphkit.bench.report import summarise, to_payload

    return {
        **to_payload(summarise(results)),
        "records": [json.loads(result.to_json()) for result in results],
        "published": [vars(entry) for entry in references],
        "caveats": list(notes),
    }


def _explain(args: argparse.Namespace) -> int:
    from graphkit.evaluation.explain import explain
    from graphkit.evaluation.protocols import PROTOCOLS

    if args.files:
        raise ConfigError("--explain prints rules and scores nothing; leave the files out")
    chosen = [args.explain or args.protocol] if args.explain or args.protocol else []
    if not chosen and args.dataset:
        from graphkit.data.cards import load_card

        chosen = list(load_card(args.dataset).protocols)
    protocols = [PROTOCOLS[name] for name in chosen]
    if args.json:
        shown = protocols or [PROTOCOLS[name] for name in PROTOCOLS]
        print(json.dumps({"protocols": [{**one.to_dict(), "hash": one.hash} for one in shown]}, indent=2))
    elif protocols:
        print("\n".join(explain(protocol) for protocol in protocols), end="")
    else:
        from graphkit.cli.ls import columns

        print("\n".join(columns([[name, PROTOCOLS[name].title] for name in PROTOCOLS])))
        print("\n`graphkit eval --explain ID` prints one in words")
    return 0
