"""Counter-based dropout: whether a coefficient is kept is a hash of (seed, slot, head), so no mask is ever stored."""

from __future__ import annotations

import torch
from torch import Tensor

from graphkit.errors import ConfigError

_WORD = 0xFFFFFFFF


def draw_seed() -> int:
    """A 62-bit seed from PyTorch's global generator, so that `torch.manual_seed` governs the masks."""
    return int(torch.randint(0, 2**62, ()))


def check_rate(dropout: float) -> None:
    """Refuses a dropout probability outside [0, 1]."""
    if not 0.0 <= dropout <= 1.0:
        raise ConfigError(f"dropout must be a probability between 0 and 1, got {dropout}")


def threshold(dropout: float) -> int:
    """Smallest 32-bit hash that is kept: a fraction `dropout` of all hashes lies below it."""
    return min(round(dropout * 2**32), _WORD + 1)


def keep_mask(num_rows: int, num_columns: int, dropout: float, seed: int, device: torch.device | str) -> Tensor:
    """The mask [rows, columns] of booleans that the compiled kernels compute on the fly (the slow form).

    The counter row * columns + column is hashed in two rounds of a 32-bit finaliser, one for each half of the seed.
    """
    counter = torch.arange(num_rows * num_columns, device=device)
    state = _mix((counter & _WORD) ^ (seed & _WORD))
    state = _mix((state + (counter >> 32) * 0x9E3779B1 + (seed >> 32)) & _WORD)
    return (state >= threshold(dropout)).view(num_rows, num_columns)


def _mix(state: Tensor) -> Tensor:
    state = state ^ (state >> 16)
    state = (state * 0x7FEB352D) & _WORD
    state = state ^ (state >> 15)
    state = (state * 0x846CA68B) & _WORD  # wraps in 64 bits; the low 32 are exact
    return state ^ (state >> 16)
