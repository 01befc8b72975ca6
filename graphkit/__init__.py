"""graphkit: published raw data in, a trustworthy and comparable number out.

Importing this package is instant; the names below load what they need when they are first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from graphkit.config import DataSpec, EncoderSpec, HeadSpec, RunSpec, TrainSpec
    from graphkit.data.load import NodeDataset, load_dataset
    from graphkit.evaluation import evaluate
    from graphkit.kernels import CSRGraph
    from graphkit.training.loop import fit
    from graphkit.training.run import run_cell

__version__ = "0.1.0"

_HOME = {
    "CSRGraph": "graphkit.kernels",
    "DataSpec": "graphkit.config",
    "EncoderSpec": "graphkit.config",
    "HeadSpec": "graphkit.config",
    "NodeDataset": "graphkit.data.load",
    "RunSpec": "graphkit.config",
    "TrainSpec": "graphkit.config",
    "evaluate": "graphkit.evaluation",
    "fit": "graphkit.training.loop",
    "load_dataset": "graphkit.data.load",
    "run_cell": "graphkit.training.run",
}

__all__ = [
    "CSRGraph",
    "DataSpec",
    "EncoderSpec",
    "HeadSpec",
    "NodeDataset",
    "RunSpec",
    "TrainSpec",
    "evaluate",
    "fit",
    "load_dataset",
    "run_cell",
]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(importlib.import_module(_HOME[name]), name)
    raise AttributeError(f"module 'graphkit' has no attribute {name!r}")
