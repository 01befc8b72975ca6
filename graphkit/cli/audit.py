"""`graphkit audit`: does an encoder look at what it must not? Every guard that applies, one verdict."""

from __future__ import annotations

import argparse
import json
from typing import Any


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    """Adds the `audit` verb to the command line."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "audit", help="ask every leakage, order and equivariance guard about an encoder"
    )
    parser.add_argument("model", metavar="MODEL", help="module:Class of your own, or a name of `graphkit ls models`")
    parser.add_argument("-d", "--dataset", required=True, metavar="NAME", help="the dataset it is asked on")
    parser.add_argument("--protocol", default="", help="protocol id; the dataset's first unless told")
    parser.add_argument("--set", action="append", default=[], metavar="A.B=C", help="one setting; may be repeated")
    parser.add_argument("--offline", action="store_true", help="download nothing")
    parser.add_argument("--yes", action="store_true", help="allow downloads of more than 1 GB")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("-q", "--quiet", action="store_true", help="no progress of downloads")
    parser.add_argument("-v", "--verbose", action="store_true", help="tracebacks of unexpected errors")
    parser.set_defaults(run=_audit)
    return parser


def _audit(args: argparse.Namespace) -> int:
    from graphkit.cli.console import transfer_progress
    from graphkit.data.cards import load_card

    card = load_card(args.dataset)
    if card.needs_files:
        from graphkit.data.fetch import fetch

        with transfer_progress(quiet=args.quiet) as progress:
            fetch(card, offline=args.offline, progress=progress, yes=args.yes)
    from graphkit.bench.audit import audit

    found = audit(args.model, args.dataset, protocol=args.protocol, overrides=args.set)
    print(json.dumps(found.to_payload(), indent=2, allow_nan=False) if args.json else found)
    return 0 if found.passed else 1
