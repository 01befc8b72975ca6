"""Suites: named lists of (dataset, model, protocol) rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from graphkit.bench.matrix import Job, parse_seeds, plan
from graphkit.config import read_toml
from graphkit.errors import ConfigError, UnknownNameError

FOLDER = Path(__file__).parent / "suites"
_KEYS = ("title", "notes", "set", "cell_timeout", "row", "bound")
_ROW_KEYS = ("datasets", "models", "protocol", "seeds", "set")


@dataclass(frozen=True)
class Suite:
    """A named list of jobs.

    Args:
        name: what `bench suite` takes.
        title: one line for lists.
        notes: what a reader of its table should know.
        rows: tables with `datasets`, `models` and, where wanted, `protocol`, `seeds` and `set`.
        bounds: tables with `model`, `oracle`, `theorem` and `reached`: the ladder is printed after the results.
        settings: `a.b=c` assignments of every row, under the row's own.
        cell_timeout: longest time of a cell where the command gives none, such as `4m`; empty is no bound.
    """

    name: str
    title: str
    notes: str
    rows: tuple[Mapping[str, Any], ...]
    bounds: tuple[Mapping[str, Any], ...] = ()
    settings: tuple[str, ...] = ()
    cell_timeout: str = ""

    def jobs(
        self, seeds: str = "", settings: Mapping[str, Any] | None = None, overrides: Sequence[str] = ()
    ) -> list[Job]:
        """Returns the suite's jobs, with other seeds or settings where given.

        Example:
            >>> len(load_suite("quick").jobs()) > 5
            True
        """
        jobs: list[Job] = []
        for row in self.rows:
            jobs += plan(
                row["datasets"],
                row["models"],
                parse_seeds(seeds or str(row.get("seeds", "1"))),
                protocol=row.get("protocol", ""),
                settings=settings,
                overrides=[*self.settings, *row.get("set", []), *overrides],
            )
        return jobs


def list_suites() -> list[str]:
    """Returns the names of the suites that come with graphkit."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def load_suite(name: str) -> Suite:
    """Reads a suite by name, or from a TOML file of one's own.

    Raises:
        UnknownNameError: no such suite or key.
        ConfigError: a row lacks its datasets or models.
    """
    path = Path(name) if name.endswith(".toml") else FOLDER / f"{name}.toml"
    if not name.endswith(".toml") and name not in list_suites():
        raise UnknownNameError("suite", name, list_suites())
    values = read_toml(path)
    _check_keys(values, _KEYS, path)
    for row in values.get("row", []):
        _check_keys(row, _ROW_KEYS, path)
        for key in ("datasets", "models"):
            if not isinstance(row.get(key), list):
                raise ConfigError(f"{path.name}: a row needs {key} = [...]")
    return Suite(
        path.stem,
        values.get("title", path.stem),
        values.get("notes", ""),
        tuple(values.get("row", [])),
        tuple(values.get("bound", [])),
        tuple(values.get("set", [])),
        values.get("cell_timeout", ""),
    )


def _check_keys(values: Mapping[str, Any], known: tuple[str, ...], path: Path) -> None:
    for key in values:
        if key not in known:
            raise UnknownNameError(f"key in {path.name}:", key, known)
