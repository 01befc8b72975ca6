"""What generators of streams share: option checks, and one distractor a question as published negatives."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphkit.errors import ConfigError

Array = NDArray[Any]


def check_counts(name: str, **least: tuple[int, int]) -> None:
    """Refuses whole-number options below their least value; each is given as option=(value, least)."""
    for option, (value, low) in least.items():
        if value < low:
            raise ConfigError(f"{name} takes {option} >= {low}, got {value}")


def check_shares(name: str, **shares: float) -> None:
    """Refuses probabilities outside [0, 1]."""
    for option, value in shares.items():
        if not 0 <= value <= 1:
            raise ConfigError(f"{name}: {option} is a probability, got {value}")


def one_each(candidates: Array) -> tuple[Array, Array]:
    """Returns negatives [B], one a positive, as (candidates, offsets)."""
    return candidates.astype(np.int64), np.arange(len(candidates) + 1)
