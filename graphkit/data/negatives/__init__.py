"""Negative sets: which wrong answers every positive is ranked against, as explicit values that are saved and hashed.

Names are imported on first use.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from graphkit.data.negatives.events import Events
    from graphkit.data.negatives.exchange import read_tgb, read_tgb_seq, write_tgb, write_tgb_seq
    from graphkit.data.negatives.generate import tgb_seq, uniform
    from graphkit.data.negatives.heart import heart_clean, read_heart
    from graphkit.data.negatives.pairs import historical_pairs, inductive_pairs
    from graphkit.data.negatives.positives import Positives
    from graphkit.data.negatives.sets import KINDS, NegativeSet
    from graphkit.data.negatives.temporal import TGB_COUNTS, hist_rnd, historical, inductive, tgb_all

_HOMES = {
    "Events": "events",
    "KINDS": "sets",
    "NegativeSet": "sets",
    "Positives": "positives",
    "TGB_COUNTS": "temporal",
    "heart_clean": "heart",
    "hist_rnd": "temporal",
    "historical": "temporal",
    "historical_pairs": "pairs",
    "inductive": "temporal",
    "inductive_pairs": "pairs",
    "read_heart": "heart",
    "read_tgb": "exchange",
    "read_tgb_seq": "exchange",
    "tgb_all": "temporal",
    "tgb_seq": "generate",
    "uniform": "generate",
    "write_tgb": "exchange",
    "write_tgb_seq": "exchange",
}

__all__ = [
    "Events",
    "KINDS",
    "NegativeSet",
    "Positives",
    "TGB_COUNTS",
    "heart_clean",
    "hist_rnd",
    "historical",
    "historical_pairs",
    "inductive",
    "inductive_pairs",
    "read_heart",
    "read_tgb",
    "read_tgb_seq",
    "tgb_all",
    "tgb_seq",
    "uniform",
    "write_tgb",
    "write_tgb_seq",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{home}"), name)
