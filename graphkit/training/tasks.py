"""Which function runs a cell: that depends on the kind of the dataset, and on whether the model is trained."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from graphkit.config import RunSpec
from graphkit.data.tasks import TASKS, card_under, kind_of
from graphkit.encoders.families import family_for, family_of
from graphkit.errors import ConfigError, UnknownNameError
from graphkit.heads import GRAPH_HEADS, PAIR_HEADS, POINT_HEADS, STREAM_HEADS
from graphkit.scorers import SCORERS, scorer_kind
from graphkit.training.inputs import LEARNED, input_parts

if TYPE_CHECKING:
    from graphkit.data.cards import Card

RUNNERS: Mapping[tuple[str, str], str] = MappingProxyType(
    {
        ("node", "encoder"): "graphkit.training.run:train_labels",
        ("graph", "encoder"): "graphkit.training.run:train_labels",
        ("graph-pair", "encoder"): "graphkit.training.pairs:separate_pairs",
        ("graph-link", "encoder"): "graphkit.training.graph_links:train_graph_links",
        ("node", "embedding"): "graphkit.training.embedding:probe_nodes",
        ("link", "encoder"): "graphkit.training.links:train_links",
        ("link", "scorer"): "graphkit.training.scoring:score_pairs",
        ("link", "embedding"): "graphkit.training.scoring:score_pairs",
        ("system", "encoder"): "graphkit.training.systems:train_systems",
        ("temporal-link", "encoder"): "graphkit.training.streams:train_stream",
        ("temporal-link", "scorer"): "graphkit.training.scoring:score_stream",
        ("temporal-attribute", "encoder"): "graphkit.training.series:train_series",
        ("temporal-edge", "encoder"): "graphkit.training.edge_streams:train_edge_stream",
        ("temporal-edge", "scorer"): "graphkit.training.edge_streams:score_edge_stream",
        ("temporal-node", "scorer"): "graphkit.training.node_streams:score_node_stream",
    }
)
"""(kind of dataset, kind of model) to `run(spec, folder, model_name=..., on_event=...) -> Result`."""
MODEL_PARTS = ("scorer", "encoder", "embedding")
"""Parts of a RunSpec that can be the model; exactly one has a name."""


SHARED_OUT = ("node", "graph", "system")
"""Kinds of datasets whose batches are independent examples, so that several processes can share one."""
NODE_HEADS = ("identity", "linear", "mlp")
STATE_HEADS = ("bilinear", "dot", "hadamard-mlp")
"""Pair heads that look at no more than the two states of a pair."""


def check_model(card: Card, model: str, spec: RunSpec) -> str:
    """Returns the entry of `RUNNERS` for a dataset and a model.

    Args:
        card: the dataset.
        model: what the user called the model.
        spec: its settings.

    Raises:
        ConfigError: the model cannot run on such a dataset; the message says which can.
        UnknownNameError: no such scorer or head.

    Example:
        >>> from graphkit.data.cards import load_card
        >>> check_model(load_card("cora"), "gat", RunSpec().with_overrides(["encoder.name=gat"]))
        'graphkit.training.run:train_labels'
    """
    card = card_under(card, spec.protocol)
    kind, how = kind_of(card).name, model_part(spec, model)
    if how == "scorer":
        able = [scorer_kind(spec.scorer.name)]
    else:
        able = [name for name, model_kind in RUNNERS if model_kind == how]
    if how == "encoder":
        able = [name for name in able if family_for(name) == family_of(spec.encoder.name)]
    if kind not in able:
        tasks = " and ".join(task for task, name in TASKS.items() if name in able)
        raise ConfigError(
            f"dataset {card.name!r} is a {card.task} task, and model {model!r} is for {tasks}; {_instead(kind)}"
        )
    if how == "encoder":
        _check_head(kind, model, spec)
        if LEARNED in input_parts(spec) and kind != "link":
            raise ConfigError(f"data.inputs = {LEARNED} is for links; nodes take ones or a node embedding")
    return RUNNERS[kind, how]


def model_part(spec: RunSpec, model: str = "") -> str:
    """Returns the part of a specification that names its model: `encoder`, `scorer` or `embedding`.

    Raises:
        ConfigError: none does, or several do.

    Example:
        >>> model_part(RunSpec().with_overrides(["scorer.name=cn"]))
        'scorer'
    """
    named = [part for part in MODEL_PARTS if getattr(spec, part).name]
    if len(named) > 1:
        several = " and the ".join(f"{part} {getattr(spec, part).name}" for part in named)
        raise ConfigError(f"model {model!r} names the {several}")
    if not named:
        raise ConfigError(f"model {model!r} names neither of {', '.join(f'{part}.name' for part in MODEL_PARTS)}")
    return named[0]


def _check_head(kind: str, model: str, spec: RunSpec) -> None:
    heads = {
        "node": NODE_HEADS,
        "graph": GRAPH_HEADS.names(),
        "graph-pair": GRAPH_HEADS.names(),
        "graph-link": STATE_HEADS,
        "link": PAIR_HEADS.names(),
        "system": POINT_HEADS.names(),
        "temporal-link": ("identity", *STREAM_HEADS.names()),
        "temporal-edge": ("identity", *STREAM_HEADS.names()),
        "temporal-attribute": ("identity", *STREAM_HEADS.names()),
    }
    known = heads[kind]
    if spec.head.name not in known:
        if any(spec.head.name in names for names in heads.values()):
            raise ConfigError(
                f"model {model!r} has head {spec.head.name!r}, which is not for {kind}s; choose head.name from "
                + ", ".join(known)
            )
        raise UnknownNameError("head", spec.head.name, known)


def check_parallel(card: Card, model: str, spec: RunSpec, devices: int) -> None:
    """Refuses a run that cannot be shared out, before anything is loaded.

    Raises:
        ConfigError: Lightning Fabric is missing, the dataset's kind has no batches of independent examples, or the run
            trains on everything at once.

    Example:
        >>> from graphkit.data.cards import load_card
        >>> check_parallel(load_card("karate"), "gcn", RunSpec(), 1)
    """
    if devices < 1:
        raise ConfigError(f"--devices is a number of processes, got {devices}")
    if devices == 1:
        return
    if importlib.util.find_spec("lightning_fabric") is None:
        raise ConfigError(f"--devices {devices} needs lightning-fabric: pip install 'graphkit[dist]'")
    what = f"{model} on {spec.data.name}"
    kind = kind_of(card_under(card, spec.protocol)).name
    if kind not in SHARED_OUT or not spec.encoder.name:
        whose = f"{kind} data" if spec.encoder.name else "models without training"
        raise ConfigError(
            f"{what}: batches of {whose} are not independent examples, so they cannot be shared out; leave --devices "
            f"out ({', '.join(SHARED_OUT)} data can)"
        )
    if not spec.data.batch_size:
        raise ConfigError(
            f"{what} trains on everything at once, which cannot be shared out; set data.batch_size (and data.fanout on "
            "a single graph), or leave --devices out"
        )
    if spec.data.batch_size < devices:
        raise ConfigError(f"{what}: a batch of {spec.data.batch_size} cannot be shared among {devices} processes")


def runner_of(card: Card, spec: RunSpec, model: str = "") -> Any:
    """Imports and returns the function that runs a cell. Arguments and errors as in `check_model`."""
    name = model or spec.scorer.name or spec.embedding.name or spec.encoder.name
    module, _, name = check_model(card, name, spec).partition(":")
    return getattr(importlib.import_module(module), name)


def _instead(kind: str) -> str:
    able = ", ".join(name for name in SCORERS if scorer_kind(name) == kind)
    if (kind, "encoder") in RUNNERS:
        able += " and " * bool(able) + f"any encoder of {family_for(kind)} (`graphkit ls encoders`)"
    return f"it takes {able}"
