"""One readable training loop: feeds give batches, `fit` optimises and selects, `run_cell` ties a whole run together."""

from __future__ import annotations

import importlib
from typing import Any

_PUBLIC = {
    "Feed": "feeds",
    "FitResult": "loop",
    "FullGraphFeed": "feeds",
    "NodeModel": "build",
    "Stream": "live",
    "StreamModel": "stream_model",
    "build_model": "build",
    "build_stream_model": "stream_build",
    "check_leakage": "leakage",
    "fit": "loop",
    "make_feed": "feeds",
    "part_score": "run",
    "run_cell": "run",
}

__all__ = sorted(_PUBLIC)


def __getattr__(name: str) -> Any:
    if name in _PUBLIC:
        return getattr(importlib.import_module(f"graphkit.training.{_PUBLIC[name]}"), name)
    raise AttributeError(f"module 'graphkit.training' has no attribute {name!r}")
