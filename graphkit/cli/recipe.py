"""`graphkit recipe`: short scripts that reproduce one published result each."""

from __future__ import annotations

import argparse
import ast
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from graphkit.errors import ConfigError, UnknownNameError


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    """Adds the `recipe` verb to the command line."""
    parser: argparse.ArgumentParser = subparsers.add_parser("recipe", help="list, show, copy and run recipe scripts")
    verbs = parser.add_subparsers(dest="recipe_verb", metavar="VERB", required=True)
    verbs.add_parser("ls", help="list the recipes").set_defaults(recipe_run=_ls)
    show = verbs.add_parser("show", help="print a recipe")
    show.add_argument("name", metavar="NAME|arxiv:NUMBER")
    show.set_defaults(recipe_run=_show)
    copy = verbs.add_parser("copy", help="copy a recipe, to be edited")
    copy.add_argument("name", metavar="NAME|arxiv:NUMBER")
    copy.add_argument("target", metavar="FILE|DIR", nargs="?", default=".")
    copy.set_defaults(recipe_run=_copy)
    runner = verbs.add_parser("run", help="run a recipe; what follows the name goes to the script")
    runner.add_argument("name", metavar="NAME|arxiv:NUMBER")
    runner.add_argument("arguments", nargs=argparse.REMAINDER, metavar="ARGUMENTS")
    runner.set_defaults(recipe_run=_run)
    parser.set_defaults(run=run)
    return parser


def run(args: argparse.Namespace) -> int:
    """Runs the chosen verb."""
    code: int = args.recipe_run(args)
    return code


def recipe_folder() -> Path:
    """Returns the folder of recipes: that of the checkout, or the one inside the installed package."""
    package = Path(__file__).resolve().parents[1]
    checkout = package.parent / "recipes"
    return checkout if checkout.is_dir() else package / "_recipes"


def list_recipes() -> list[str]:
    """Returns the names of the recipes."""
    return sorted(path.stem for path in recipe_folder().glob("*.py"))


def recipe_path(name: str) -> Path:
    """Returns a recipe's file.

    Args:
        name: of the recipe, or `arxiv:NUMBER` of a paper that one recipe reproduces.

    Raises:
        UnknownNameError: no such recipe, or none of that paper.
        ConfigError: several recipes of that paper; they are named.
    """
    scheme, _, paper = name.partition(":")
    if scheme.lower() == "arxiv" and paper:
        return recipe_folder() / f"{_recipe_of(paper)}.py"
    if name not in list_recipes():
        raise UnknownNameError("recipe", name, list_recipes())
    return recipe_folder() / f"{name}.py"


def papers_of(name: str) -> list[str]:
    """Returns the arXiv numbers that a recipe's docstring cites."""
    return re.findall(r"arXiv (\d{4}\.\d{4,5})", _docstring(name))


def title_of(name: str) -> str:
    """Returns the first line of a recipe's docstring."""
    return _docstring(name).partition("\n")[0]


def _docstring(name: str) -> str:
    return ast.get_docstring(ast.parse((recipe_folder() / f"{name}.py").read_text(encoding="utf-8"))) or ""


def _recipe_of(paper: str) -> str:
    papers = {name: papers_of(name) for name in list_recipes()}
    found = [name for name, cited in papers.items() if paper in cited]
    if not found:
        raise UnknownNameError("paper of a recipe", paper, sorted({one for cited in papers.values() for one in cited}))
    if len(found) > 1:
        raise ConfigError(f"arXiv {paper} has the recipes {', '.join(found)}; name one of them")
    return found[0]


def _ls(args: argparse.Namespace) -> int:
    from graphkit.cli.ls import columns

    for line in columns([[name, " ".join(papers_of(name)), title_of(name)] for name in list_recipes()]):
        print(line)
    return 0


def _show(args: argparse.Namespace) -> int:
    print(recipe_path(args.name).read_text(encoding="utf-8"), end="")
    return 0


def _copy(args: argparse.Namespace) -> int:
    source, target = recipe_path(args.name), Path(args.target)
    target = target / source.name if target.is_dir() else target
    if target.exists():
        raise ConfigError(f"{target} exists already; choose another name")
    target.write_text(source.read_text(encoding="utf-8"), encoding="utf-8")
    print(target)
    return 0


def _run(args: argparse.Namespace) -> int:
    arguments = args.arguments[1:] if args.arguments[:1] == ["--"] else args.arguments
    return subprocess.run([sys.executable, str(recipe_path(args.name)), *arguments], check=False).returncode
