"""`graphkit ls`: what there is, without importing torch."""

from __future__ import annotations

import argparse
import json
import textwrap
from collections.abc import Callable
from typing import Any

_WRAP: dict[str, Any] = {"subsequent_indent": "  ", "break_on_hyphens": False, "break_long_words": False}


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    """Adds the `ls` verb to the command line."""
    parser: argparse.ArgumentParser = subparsers.add_parser("ls", help="list what there is")
    parser.add_argument("what", nargs="?", choices=sorted(_LISTS), metavar="WHAT", help=", ".join(sorted(_LISTS)))
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(run=run)
    return parser


def run(args: argparse.Namespace) -> int:
    """Prints one list, or the names in all of them."""
    if args.json:
        print(json.dumps({what: _LISTS[what]() for what in ([args.what] if args.what else sorted(_LISTS))}, indent=2))
    elif args.what:
        for line in columns([list(map(str, row.values())) for row in _LISTS[args.what]()]):
            print(line)
    else:
        for what in sorted(_LISTS):
            found = names_of(what)
            text = textwrap.fill(", ".join(found), 100, initial_indent="  ", **_WRAP)
            print(f"{what} ({len(found)}): `graphkit ls {what}` says more", text, sep="\n")
    return 0


def names_of(what: str) -> list[str]:
    """Returns the names of one list; datasets and models are many, so their cards stay unread."""
    if what == "datasets":
        from graphkit.data.cards import list_cards

        return list_cards()
    if what == "models":
        from graphkit.bench.models import list_models

        return list_models()
    return [row["name"] for row in _LISTS[what]()]


def columns(rows: list[list[str]]) -> list[str]:
    """Returns lines in which every column but the last is as wide as its widest cell."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _datasets() -> list[dict[str, Any]]:
    from graphkit.data.cards import list_cards, load_card

    cards = [load_card(name) for name in list_cards()]
    return [
        {
            "name": card.name,
            "task": card.task,
            "metric": card.metric,
            "protocols": ", ".join(card.protocols),
            "title": card.title,
        }
        for card in cards
    ]


def _models() -> list[dict[str, Any]]:
    from graphkit.bench.models import list_models, load_model

    return [{"name": name, "title": load_model(name).title, "paper": load_model(name).paper} for name in list_models()]


def _encoders() -> list[dict[str, Any]]:
    from graphkit.bench.matrix import encoder_options
    from graphkit.encoders.families import FAMILIES

    of = {name: family for family, registry in FAMILIES.items() for name in registry}
    return [{"name": name, "of": of[name], "options": ", ".join(encoder_options(name) or ())} for name in sorted(of)]


def _scorers() -> list[dict[str, Any]]:
    from graphkit.bench.matrix import scorer_options
    from graphkit.scorers import SCORERS, scorer_kind

    return [
        {"name": name, "for": scorer_kind(name), "options": ", ".join(scorer_options(name) or ())} for name in SCORERS
    ]


def _embeddings() -> list[dict[str, Any]]:
    from graphkit.bench.matrix import embedding_options
    from graphkit.embeddings import EMBEDDINGS

    return [{"name": name, "options": ", ".join(embedding_options(name) or ())} for name in EMBEDDINGS]


def _protocols() -> list[dict[str, Any]]:
    from graphkit.evaluation.protocols import PROTOCOLS

    return [{"name": name, "task": PROTOCOLS[name].task, "title": PROTOCOLS[name].title} for name in PROTOCOLS]


def _metrics() -> list[dict[str, Any]]:
    from graphkit.evaluation.metrics import METRICS

    listed = [{"name": name, "better": "higher" if METRICS[name].higher_is_better else "lower"} for name in METRICS]
    parametrised = ("average-precision@batch-B", "roc-auc@batch-B", "mrr", "hits@K", "ndcg@K")
    return listed + [{"name": name, "better": "higher"} for name in parametrised]


def _suites() -> list[dict[str, Any]]:
    from graphkit.bench.suites import list_suites, load_suite

    return [{"name": name, "title": load_suite(name).title} for name in list_suites()]


def _recipes() -> list[dict[str, Any]]:
    from graphkit.cli.recipe import list_recipes, title_of

    return [{"name": name, "title": title_of(name)} for name in list_recipes()]


_LISTS: dict[str, Callable[[], list[dict[str, Any]]]] = {
    "datasets": _datasets,
    "embeddings": _embeddings,
    "encoders": _encoders,
    "metrics": _metrics,
    "models": _models,
    "protocols": _protocols,
    "recipes": _recipes,
    "scorers": _scorers,
    "suites": _suites,
}
