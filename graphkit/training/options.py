"""Constructor arguments of encoders, scorers and embeddings, checked before anything is built."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Mapping
from typing import Any

from graphkit.config import check_type
from graphkit.errors import ConfigError, UnknownNameError


def typed_options(
    cls: type[Any], given: Mapping[str, Any], *, what: str, name: str, skip: tuple[str, ...] = ()
) -> dict[str, Any]:
    """Returns `given`, typed by the constructor of `cls`.

    Args:
        cls: the class to be built.
        given: options by name.
        what: `encoder`, `scorer` or `embedding`, the table of a RunSpec they stand in.
        name: the registered name of the class, for messages.
        skip: arguments that are no options.

    Raises:
        UnknownNameError: an option the class does not take, with suggestions.
        ConfigError: an option of the wrong type or a missing one.
    """
    parameters = inspect.signature(cls).parameters
    hints = typing.get_type_hints(cls.__init__)
    taken = [option for option in parameters if option not in (*skip, "self")]
    options: dict[str, Any] = {}
    for option, value in given.items():
        key = f"{what}.options.{option}"
        if option not in taken:
            known = [f"{what}.options.{one}" for one in taken]
            raise UnknownNameError(f"option of {what} {name!r}:", key, known)
        options[option] = check_type(value, hints.get(option, Any), key)
    missing = [one for one in taken if parameters[one].default is inspect.Parameter.empty and one not in options]
    if missing:
        raise ConfigError(f"{what} {name!r} needs " + ", ".join(f"{what}.options.{one}" for one in missing))
    return options
