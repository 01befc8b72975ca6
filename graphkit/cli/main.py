"""The `graphkit` command: finds the verb, runs it, and turns every error into one line and an exit code."""

from __future__ import annotations

import argparse
import difflib
import importlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from graphkit import __version__
from graphkit.errors import GraphkitError

VERBS = {
    "bench": "train and compare models under published protocols",
    "audit": "ask every leakage, order and equivariance guard about an encoder",
    "eval": "score prediction files of any origin; explain a protocol",
    "ls": "list datasets, models, protocols, metrics, suites, recipes",
    "data": "download, verify, describe, mirror and import datasets",
    "recipe": "list, show, copy and run recipe scripts",
    "doctor": "check the installation, the caches and the accelerators",
}
_EPILOG = """\
first steps (nothing is downloaded):
  graphkit bench run -d karate -m gat,gcn -n 5    train, and print the table
  graphkit ls models                              every name there is, by kind

exit codes:
  0    everything went well
  1    a run failed; the others are reported
  2    bad usage or configuration
  3    data is missing, damaged, or cannot be stored
  4    `bench compare` found a regression
  130  interrupted; the state is saved and the same command goes on from it
"""


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors suggest the nearest word and look like all other errors."""

    def error(self, message: str) -> NoReturn:
        """Prints one line and ends with exit code 2."""
        print(f"error: {message}{self._suggestion(message)} (see `{self.prog} --help`)", file=sys.stderr)
        raise SystemExit(2)

    def _suggestion(self, message: str) -> str:
        if message.startswith("unrecognized arguments: "):
            word = message.removeprefix("unrecognized arguments: ").split()[0]
            known = [option for action in self._actions for option in action.option_strings]
        elif "invalid choice: '" in message:
            word = message.split("invalid choice: '")[1].split("'")[0]
            known = [str(c) for action in self._actions for c in (action.choices or ())]
        else:
            return ""
        close = difflib.get_close_matches(word, known, n=1)
        return f"; did you mean {close[0]}?" if close else ""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line and returns its exit code.

    Example:
        >>> main(["--version"])
        graphkit ...
        0
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    verbose = "-v" in arguments or "--verbose" in arguments
    if str(Path.cwd()) not in sys.path:
        sys.path.append(str(Path.cwd()))  # where a user's own module:Class is looked for
    try:
        args = _parser(arguments).parse_args(arguments)
        code: int = args.run(args)
        sys.stdout.flush()
        return code
    except SystemExit as exit:
        return exit.code if isinstance(exit.code, int) else 2
    except GraphkitError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("interrupted; run the same command again to go on", file=sys.stderr)
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader has left; nothing more to say
        return 0
    except Exception as error:
        if verbose:
            raise
        print(f"error: {type(error).__name__}: {error}; this is a bug: -v prints the traceback", file=sys.stderr)
        return 1


def _parser(arguments: Sequence[str]) -> argparse.ArgumentParser:
    parser = Parser(
        prog="graphkit",
        description="Published raw data in, a trustworthy and comparable number out.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"graphkit {__version__}")
    verbs = parser.add_subparsers(dest="verb", metavar="COMMAND", required=True, parser_class=Parser)
    chosen = next((word for word in arguments if not word.startswith("-")), "")
    for verb, help in VERBS.items():
        if verb == chosen:  # only the verb that runs is imported
            _module(verb).add_parser(verbs)
        else:
            verbs.add_parser(verb, help=help, add_help=False)
    return parser


def _module(verb: str) -> Any:
    return importlib.import_module(f"graphkit.cli.{verb}")
