"""A typed, lazy table from names to objects: nothing is imported until it is asked for.

Built-in entries are written as ``"module:attribute"`` strings; a user's own package adds entries through an entry-point
group, so a module can be benchmarked by name without touching graphkit.
"""

from __future__ import annotations

import importlib
import threading
from collections.abc import Iterator, Mapping
from importlib import metadata
from typing import Generic, TypeVar

from graphkit.errors import ConfigError, UnknownNameError

T = TypeVar("T")


class Registry(Generic[T]):
    """Maps names to lazily imported objects of one kind.

    Args:
        kind: what an entry is ("encoder", "dataset reader"); used in error messages.
        entries: name to ``"module:attribute"``.
        group: entry-point group scanned for users' entries, or None.

    Raises:
        UnknownNameError: when a name is asked for that nobody registered (exit code 2, with suggestions).
        ConfigError: when a name is registered twice.

    Example:
        >>> readers = Registry("decoder", {"json": "json:loads"})
        >>> readers.get("json")("[1]")
        [1]
    """

    def __init__(self, kind: str, entries: Mapping[str, str], group: str | None = None) -> None:
        self.kind = kind
        self.group = group
        self._targets: dict[str, str] = dict(entries)
        self._loaded: dict[str, T] = {}
        self._scanned = group is None
        self._lock = threading.RLock()

    def register(self, name: str, target: str | T) -> None:
        """Adds an entry: a ``"module:attribute"`` string, or the object itself."""
        with self._lock:
            if name in self._targets or name in self._loaded:
                raise ConfigError(f"{self.kind} {name!r} is registered twice; choose another name")
            if isinstance(target, str):
                self._targets[name] = target
            else:
                self._loaded[name] = target

    def get(self, name: str) -> T:
        """Imports and returns the entry called `name`."""
        with self._lock:
            if name not in self._loaded:
                if name not in self.names():
                    raise UnknownNameError(self.kind, name, self.names())
                module, _, attribute = self._targets[name].partition(":")
                self._loaded[name] = getattr(importlib.import_module(module), attribute)
            return self._loaded[name]

    def target(self, name: str) -> str | None:
        """Returns the ``"module:attribute"`` of `name` without importing it; None where an object was registered."""
        if name not in self.names():
            raise UnknownNameError(self.kind, name, self.names())
        return self._targets.get(name)

    def names(self) -> list[str]:
        """Returns every known name, sorted, importing nothing."""
        with self._lock:
            self._scan_entry_points()
            return sorted({*self._targets, *self._loaded})

    def __contains__(self, name: object) -> bool:
        return name in self.names()

    def __iter__(self) -> Iterator[str]:
        return iter(self.names())

    def _scan_entry_points(self) -> None:
        if self._scanned:
            return
        self._scanned = True
        for point in metadata.entry_points(group=self.group or ""):
            self.register(point.name, point.value)
