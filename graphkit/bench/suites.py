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
_KEYS = ("datasets", "models", "protocol", "seeds", "set")


@dataclass(frozen=True)
class Suite:
    """A named list of jobs.

    Args:
        name: what `bench suite` takes.
        title: one line for lists.
        notes: what a reader of its table should know.
        bounds: tables with `model`, `oracle`, `theorem` and `reached`: the ladder is printed after the results.
        rows: tables with `datasets`, `models` and, where wanted, `protocol`, `seeds` and `set`.
    """

    name: str
    title: str
    notes: str
    rows: tuple[Mapping[str, Any], ...]
    bounds: tuple[Mapping[str, Any], ...] = ()

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
                overrides=[*row.get("set", []), *overrides],
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
    for row in values.get("row", []):
        for key in row:
            if key not in _KEYS:
                raise UnknownNameError(f"key in {path.name}:", key, _KEYS)
        for key in ("datasets", "models"):
            if not isinstance(row.get(key), list):
                raise ConfigError(f"{path.name}: a row needs {key} = [...]")
    return Suite(
        path.stem,
        values.get("title", path.stem),
        values.get("notes", ""),
        tuple(values.get("row", [])),
        tuple(values.get("bound", [])),
    )
