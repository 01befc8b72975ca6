"""Adds a page of the API reference for every public module, written by mkdocstrings from its docstrings."""

from __future__ import annotations

import ast
import pkgutil
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

import graphkit

_INNER = ("graphkit.cli", "graphkit.kernels.cpu", "graphkit.data.readers", "graphkit.bench.launchers")
"""Packages that nobody imports from outside of graphkit."""
_ROOT = Path(graphkit.__file__).parent


def modules() -> list[str]:
    """Returns the public modules by name."""
    names = ["graphkit", *(module.name for module in pkgutil.walk_packages(graphkit.__path__, "graphkit."))]
    public = (name for name in names if not any(part.startswith("_") for part in name.split(".")))
    return sorted(name for name in public if not any(name == one or name.startswith(one + ".") for one in _INNER))


def on_config(config: MkDocsConfig) -> None:
    """Appends the reference to the navigation, a group a package."""
    groups: dict[str, list[object]] = {}
    for name in modules():
        parts = name.split(".")
        group = ".".join(parts[:2]) if len(parts) > 2 or _is_package(name) else "graphkit"
        groups.setdefault(group, []).append({name.removeprefix(group + ".") or name: _uri(name)})
    front: list[object] = ["reference/index.md"]
    assert config.nav is not None
    config.nav.append({"Reference": front + [{name: pages} for name, pages in groups.items()]})


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the pages; they exist while the site is built and nowhere else."""
    rows = ["# Reference", "", "Every public module, from its docstrings.", "", "| module | |", "| --- | --- |"]
    for name in modules():
        rows.append(f"| [`{name}`]({name}.md) | {_sentence(name)} |")
        text = f"---\ntitle: {name}\n---\n\n# `{name}`\n\n::: {name}\n"
        files.append(File.generated(config, _uri(name), content=text))
    files.append(File.generated(config, "reference/index.md", content="\n".join(rows) + "\n"))
    return files


def _uri(name: str) -> str:
    return f"reference/{name}.md"


def _path(name: str) -> Path:
    place = _ROOT.joinpath(*name.split(".")[1:])
    package = place / "__init__.py"
    return package if package.exists() else place.with_suffix(".py")


def _is_package(name: str) -> bool:
    return _path(name).name == "__init__.py" and name != "graphkit"


def _sentence(name: str) -> str:
    """Returns the first line of a module's docstring without importing it."""
    text = ast.get_docstring(ast.parse(_path(name).read_text(encoding="utf-8"))) or ""
    return text.partition("\n")[0].replace("|", "\\|")
