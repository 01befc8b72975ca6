"""A read-only table of named, immutable values: metrics and protocols."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Generic, Protocol, TypeVar

from graphkit.errors import ConfigError, UnknownNameError


class Named(Protocol):
    """Anything with a name to be found under."""

    @property
    def name(self) -> str:
        """The name it is listed by."""
        ...


T = TypeVar("T", bound=Named)


class Table(Mapping[str, T], Generic[T]):
    """A mapping from name to value, in the order given; an unknown name raises with the nearest known ones.

    Raises:
        ConfigError: two values share a name.
        UnknownNameError: on looking up a name that no value has (exit code 2).

    Example:
        >>> from graphkit.evaluation import METRICS
        >>> METRICS["rmse"].higher_is_better, "rocauc" in METRICS
        (False, False)
    """

    def __init__(self, kind: str, values: Iterable[T]) -> None:
        self.kind = kind
        self._values: dict[str, T] = {}
        for value in values:
            if value.name in self._values:
                raise ConfigError(f"{kind} {value.name!r} is listed twice; choose another name")
            self._values[value.name] = value

    def __getitem__(self, name: str) -> T:
        if name not in self._values:
            raise UnknownNameError(self.kind, name, self._values)
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __contains__(self, name: object) -> bool:
        return name in self._values
