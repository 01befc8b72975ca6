"""Adds the page of commands: the help of `graphkit` and of every verb, as the program prints it."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

from graphkit.cli.main import VERBS, _parser

_WIDTH = 100


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds `cli.md`."""
    files.append(File.generated(config, "cli.md", content=page()))
    return files


def page() -> str:
    """Returns the page as Markdown."""
    os.environ["COLUMNS"] = str(_WIDTH)
    parts = ["# Commands", "", "What `--help` prints.", "", "```text", _parser([]).format_help().rstrip(), "```", ""]
    for verb in VERBS:
        for name, parser in _parsers(f"graphkit {verb}", _verbs(_parser([verb]))[verb]):
            level = "#" * min(name.count(" ") + 1, 4)
            parts += [f"{level} {name}", "", "```text", parser.format_help().rstrip(), "```", ""]
    return "\n".join(parts)


def _parsers(name: str, parser: argparse.ArgumentParser) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    yield name, parser
    for verb, inner in _verbs(parser).items():
        yield from _parsers(f"{name} {verb}", inner)


def _verbs(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    actions = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    return dict(actions[0].choices) if actions else {}
