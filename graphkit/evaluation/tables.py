"""A read-only table of named, immutable values: metrics and protocols."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Generic, Protocol, TypeVar

from graphkit.errors import ConfigError, RenamedError, UnknownNameError


class Named(Protocol):
    """Anything with a name to be found under."""

    @property
    def name(self) -> str:
        """The name it is listed by."""
        ...


T = TypeVar("T", bound=Named)


class Table(Mapping[str, T], Generic[T]):
    """A mapping from name to value, in the order given; an unknown name raises with the nearest known ones.

    Args:
        kind: what the values are, for messages.
        values: anything named.
        renamed: former names and what they are called now; looking one up raises with the new name.

    Raises:
        ConfigError: two values share a name.
        UnknownNameError: on looking up a name that no value has (exit code 2).

    Example:
        >>> from graphkit.evaluation import METRICS
        >>> METRICS["rmse"].higher_is_better, "rocauc" in METRICS
        (False, False)
    """

    def __init__(self, kind: str, values: Iterable[T], renamed: Mapping[str, str] = MappingProxyType({})) -> None:
        self.kind, self.renamed = kind, renamed
        self._values: dict[str, T] = {}
        for value in values:
            if value.name in self._values:
                raise ConfigError(f"{kind} {value.name!r} is listed twice; choose another name")
            self._values[value.name] = value

    def __getitem__(self, name: str) -> T:
        if name in self.renamed:
            raise RenamedError(self.kind, name, self.renamed[name])
        if name not in self._values:
            raise UnknownNameError(self.kind, name, self._values)
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __contains__(self, name: object) -> bool:
        return name in self._values
