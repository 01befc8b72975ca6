"""Negative sets: which wrong answers every positive is ranked against, as explicit values that are saved and hashed.

Names are imported on first use.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from graphkit.data.negatives.positives import Positives
    from graphkit.data.negatives.sets import KINDS, NegativeSet

_HOMES = {
    "KINDS": "sets",
    "NegativeSet": "sets",
    "Positives": "positives",
}

__all__ = [
    "KINDS",
    "NegativeSet",
    "Positives",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{home}"), name)
