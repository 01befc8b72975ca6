"""A typed, lazy table from names to objects: nothing is imported until it is asked for.

Built-in entries are written as ``"module:attribute"`` strings; a user's own package adds entries through an entry-point
group, so a module can be benchmarked by name without touching graphkit.
"""

from __future__ import annotations

import importlib
import threading
from collections.abc import Iterator, Mapping
from importlib import metadata
from typing import Any, Generic, TypeVar

from graphkit.errors import ConfigError, UnknownNameError

T = TypeVar("T")


class Registry(Generic[T]):
    """Maps names to lazily imported objects of one kind.

    Args:
        kind: what an entry is ("encoder", "dataset reader"); used in error messages.
        entries: name to ``"module:attribute"``.
        group: entry-point group scanned for users' entries, or None. A registry that users extend also takes
            ``"module:attribute"`` in place of a name, for what is not installed or registered anywhere.
        adapt: ``"module:function"`` that turns what was imported into an entry, for example a plain module into an
            encoder; None takes it as it is.

    Raises:
        UnknownNameError: when a name is asked for that nobody registered (exit code 2, with suggestions).
        ConfigError: when a name is registered twice, or a ``"module:attribute"`` cannot be imported.

    Example:
        >>> readers = Registry("decoder", {"json": "json:loads"})
        >>> readers.get("json")("[1]")
        [1]
    """

    def __init__(
        self, kind: str, entries: Mapping[str, str], group: str | None = None, adapt: str | None = None
    ) -> None:
        self.kind = kind
        self.group = group
        self.adapt = adapt
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
                self._loaded[name] = _imported(self.adapt)(target) if self.adapt else target

    def get(self, name: str) -> T:
        """Imports and returns the entry called `name`."""
        with self._lock:
            if name not in self._loaded:
                if name not in self:
                    raise UnknownNameError(self.kind, name, self.names())
                found = _imported(self._targets[name]) if name in self._targets else self._own(name)
                self._loaded[name] = _imported(self.adapt)(found) if self.adapt else found
            return self._loaded[name]

    def target(self, name: str) -> str | None:
        """Returns the ``"module:attribute"`` of `name` without importing it; None where an object was registered."""
        if name not in self:
            raise UnknownNameError(self.kind, name, self.names())
        return name if self._is_address(name) else self._targets.get(name)

    def names(self) -> list[str]:
        """Returns every known name, sorted, importing nothing."""
        with self._lock:
            self._scan_entry_points()
            return sorted({*self._targets, *(name for name in self._loaded if not self._is_address(name))})

    def __contains__(self, name: object) -> bool:
        return name in self.names() or (isinstance(name, str) and self._is_address(name))

    def __iter__(self) -> Iterator[str]:
        return iter(self.names())

    def _scan_entry_points(self) -> None:
        if self._scanned:
            return
        self._scanned = True
        for point in metadata.entry_points(group=self.group or ""):
            self.register(point.name, point.value)

    def _is_address(self, name: str) -> bool:
        """Whether `name` is no name but a user's own ``"module:attribute"``."""
        module, _, attribute = name.partition(":")
        return bool(self.group and module and attribute)

    def _own(self, address: str) -> T:
        try:
            found: T = _imported(address)
        except (ImportError, AttributeError) as error:
            raise ConfigError(
                f"{self.kind} {address!r} cannot be imported: {error}; write module:Class, with the module installed "
                "or in the current folder"
            ) from error
        return found


def _imported(address: str) -> Any:
    module, _, attribute = address.partition(":")
    return getattr(importlib.import_module(module), attribute)
