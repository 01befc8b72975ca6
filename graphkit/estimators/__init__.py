"""Estimators as scikit-learn has them: fit, predict and score over PyG, networkx and scipy graphs."""

from __future__ import annotations

import importlib
from typing import Any

_PUBLIC = {
    "GraphClassifier": "graphs",
    "GraphRegressor": "graphs",
    "LinkPredictor": "links",
    "NodeClassifier": "nodes",
    "from_networkx": "convert",
    "load_estimator": "base",
    "to_networkx": "convert",
}

__all__ = sorted(_PUBLIC)


def __getattr__(name: str) -> Any:
    if name in _PUBLIC:
        return getattr(importlib.import_module(f"graphkit.estimators.{_PUBLIC[name]}"), name)
    raise AttributeError(f"module 'graphkit.estimators' has no attribute {name!r}")
