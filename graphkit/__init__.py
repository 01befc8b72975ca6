"""graphkit: published raw data in, a trustworthy and comparable number out.

Importing this package is instant; the names below load what they need when they are first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from graphkit.config import DataSpec, EncoderSpec, HeadSpec, RunSpec, TrainSpec
    from graphkit.data.graphs import GraphDataset
    from graphkit.data.load import NodeDataset, load_dataset
    from graphkit.data.load import load_dataset as load
    from graphkit.encoders import create_encoder, list_encoders
    from graphkit.estimators import (
        GraphClassifier,
        GraphRegressor,
        LinkPredictor,
        NodeClassifier,
        from_networkx,
        load_estimator,
        to_networkx,
    )
    from graphkit.evaluation import evaluate
    from graphkit.kernels import CSRGraph
    from graphkit.runtime import tune_allocator
    from graphkit.training.loop import fit
    from graphkit.training.run import run_cell
    from graphkit.training.run import run_cell as run

__version__ = "0.1.0"

_HOME = {
    "CSRGraph": "graphkit.kernels:CSRGraph",
    "DataSpec": "graphkit.config:DataSpec",
    "EncoderSpec": "graphkit.config:EncoderSpec",
    "GraphClassifier": "graphkit.estimators:GraphClassifier",
    "GraphDataset": "graphkit.data.graphs:GraphDataset",
    "GraphRegressor": "graphkit.estimators:GraphRegressor",
    "HeadSpec": "graphkit.config:HeadSpec",
    "LinkPredictor": "graphkit.estimators:LinkPredictor",
    "NodeClassifier": "graphkit.estimators:NodeClassifier",
    "NodeDataset": "graphkit.data.load:NodeDataset",
    "RunSpec": "graphkit.config:RunSpec",
    "TrainSpec": "graphkit.config:TrainSpec",
    "create_encoder": "graphkit.encoders:create_encoder",
    "evaluate": "graphkit.evaluation:evaluate",
    "fit": "graphkit.training.loop:fit",
    "from_networkx": "graphkit.estimators:from_networkx",
    "list_encoders": "graphkit.encoders:list_encoders",
    "load": "graphkit.data.load:load_dataset",
    "load_dataset": "graphkit.data.load:load_dataset",
    "load_estimator": "graphkit.estimators:load_estimator",
    "run": "graphkit.training.run:run_cell",
    "run_cell": "graphkit.training.run:run_cell",
    "to_networkx": "graphkit.estimators:to_networkx",
    "tune_allocator": "graphkit.runtime:tune_allocator",
}

__all__ = [
    "CSRGraph",
    "DataSpec",
    "EncoderSpec",
    "GraphClassifier",
    "GraphDataset",
    "GraphRegressor",
    "HeadSpec",
    "LinkPredictor",
    "NodeClassifier",
    "NodeDataset",
    "RunSpec",
    "TrainSpec",
    "create_encoder",
    "evaluate",
    "fit",
    "from_networkx",
    "list_encoders",
    "load",
    "load_dataset",
    "load_estimator",
    "run",
    "run_cell",
    "to_networkx",
    "tune_allocator",
]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        module, _, attribute = _HOME[name].partition(":")
        return getattr(importlib.import_module(module), attribute)
    raise AttributeError(f"module 'graphkit' has no attribute {name!r}")
