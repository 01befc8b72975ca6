"""Which function runs a cell: that depends on the kind of the dataset, and on whether the model is trained."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from graphkit.config import RunSpec
from graphkit.data.tasks import TASKS, kind_of
from graphkit.errors import ConfigError
from graphkit.scorers import SCORERS, scorer_kind

if TYPE_CHECKING:
    from graphkit.data.cards import Card

RUNNERS: Mapping[tuple[str, str], str] = MappingProxyType(
    {
        ("node", "encoder"): "graphkit.training.run:train_nodes",
        ("link", "scorer"): "graphkit.training.scoring:score_pairs",
        ("temporal-link", "scorer"): "graphkit.training.scoring:score_stream",
    }
)
"""(kind of dataset, kind of model) to `run(spec, folder, model_name=..., on_event=...) -> Result`."""


def check_model(card: Card, model: str, spec: RunSpec) -> str:
    """Returns the entry of `RUNNERS` for a dataset and a model.

    Args:
        card: the dataset.
        model: what the user called the model.
        spec: its settings.

    Raises:
        ConfigError: the model cannot run on such a dataset; the message says which can.
        UnknownNameError: no such scorer.

    Example:
        >>> from graphkit.data.cards import load_card
        >>> check_model(load_card("cora"), "gat", RunSpec().with_overrides(["encoder.name=gat"]))
        'graphkit.training.run:train_nodes'
    """
    kind = kind_of(card).name
    if spec.scorer.name and spec.encoder.name:
        raise ConfigError(f"model {model!r} names the scorer {spec.scorer.name} and the encoder {spec.encoder.name}")
    if not spec.scorer.name and not spec.encoder.name:
        raise ConfigError(f"model {model!r} names neither encoder.name nor scorer.name")
    if spec.scorer.name:
        able, how = [scorer_kind(spec.scorer.name)], "scorer"
    else:
        able, how = [name for name, model_kind in RUNNERS if model_kind == "encoder"], "encoder"
    if kind not in able:
        tasks = " and ".join(task for task, name in TASKS.items() if name in able)
        raise ConfigError(
            f"dataset {card.name!r} is a {card.task} task, and model {model!r} is for {tasks}; {_instead(kind)}"
        )
    return RUNNERS[kind, how]


def runner_of(card: Card, spec: RunSpec, model: str = "") -> Any:
    """Imports and returns the function that runs a cell. Arguments and errors as in `check_model`."""
    module, _, name = check_model(card, model or spec.scorer.name or spec.encoder.name, spec).partition(":")
    return getattr(importlib.import_module(module), name)


def _instead(kind: str) -> str:
    if (kind, "encoder") in RUNNERS:
        return "it takes any encoder (`graphkit ls encoders`)"
    return "it takes " + ", ".join(name for name in SCORERS if scorer_kind(name) == kind)
