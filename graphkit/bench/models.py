"""Model cards: an encoder or embedding with its published settings, dataset by dataset; or a scorer, which has few.

A card is a TOML file in `bench/models`: a `default` table of settings, and `override` tables that apply where their
`when` matches the dataset. Later overrides win. An encoder without a card, such as a user's own, trains with `PLAIN`
settings; a scorer or an embedding without a card has its own defaults.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from graphkit.config import EncoderSpec, HeadSpec, RunSpec, check_type, read_toml, type_hints
from graphkit.data.cards import Card
from graphkit.embeddings import EMBEDDINGS
from graphkit.encoders import ENCODERS
from graphkit.encoders.families import FAMILIES, family_of
from graphkit.errors import ConfigError, UnknownNameError
from graphkit.scorers import SCORERS
from graphkit.training.tasks import MODEL_PARTS, NODE_HEADS, STATE_HEADS

FOLDER = Path(__file__).parent / "models"
PLAIN: Mapping[str, Any] = {"train": {"epochs": 500, "stop": "patience", "patience": 100}}
"""How an encoder without a card is trained."""
POINTS: Mapping[str, Any] = {**PLAIN, "data": {"batch_size": 32}, "head": {"name": "position"}}
"""How an encoder of points without a card is trained."""
LINKS: Mapping[str, Any] = {"head": {"name": "hadamard-mlp"}, "train": {"select": "valid-metric"}}
"""What an encoder whose card says nothing of links adds on links."""
FEATURELESS: Mapping[str, Any] = {"data": {"inputs": "embedding", "input_channels": 64}}
"""What an encoder reads of nodes without features on links where its card does not say: a learned row each."""
GRAPHS: Mapping[str, Any] = {"data": {"batch_size": 32}, "head": {"name": "graph"}}
"""What an encoder whose card says nothing of graphs adds on graphs."""
INSIDE: Mapping[str, Any] = {"data": {"batch_size": 32}, "head": {"name": "hadamard-mlp"}}
"""What an encoder whose card says nothing of links inside graphs adds on them."""
STREAMS: Mapping[str, Any] = {
    "head": {"name": "concat-mlp"},
    "train": {"epochs": 30, "lr": 1e-3, "stop": "patience", "patience": 5},
}
"""How a temporal encoder without a card is trained."""
WHEN = ("dataset", "kind", "task", "target", "graphs", "protocol")
PARTS = ("data", "encoder", "head", "train", "scorer", "embedding")


@dataclass(frozen=True)
class Override:
    """Settings for some datasets.

    Args:
        when: what must match: `dataset`, `kind`, `task`, `target`, `graphs` ("one" or "many") or `protocol`, each with
            the accepted values, in which `*` stands for anything.
        settings: parts of a RunSpec.
    """

    when: Mapping[str, tuple[str, ...]]
    settings: Mapping[str, Any]

    def matches(self, dataset: Card, protocol: str) -> bool:
        """Returns whether every condition holds."""
        facts = {
            "dataset": dataset.name,
            "kind": dataset.kind,
            "task": dataset.task,
            "target": dataset.target,
            "graphs": "many" if dataset.statistics.get("graphs", 1) > 1 or dataset.task.startswith("graph-") else "one",
            "protocol": protocol,
        }
        return all(any(fnmatchcase(facts[key], value) for value in values) for key, values in self.when.items())


@dataclass(frozen=True)
class ModelCard:
    """An encoder and how it is trained, a scorer, or an embedding.

    Example:
        >>> from graphkit.data.cards import load_card
        >>> load_model("gat").spec(load_card("cora"), "planetoid-public").train.lr
        0.005
    """

    name: str
    title: str
    paper: str
    default: Mapping[str, Any]
    overrides: tuple[Override, ...] = ()

    def spec(self, dataset: Card, protocol: str) -> RunSpec:
        """Returns the settings for a dataset under a protocol."""
        spec = RunSpec.from_dict(self.default)
        for override in self.overrides:
            if override.matches(dataset, protocol):
                spec = _laid_over(spec, override.settings)
        if dataset.task == "link-prediction" and spec.encoder.name and spec.head.name in NODE_HEADS:
            spec = _laid_over(spec, LINKS)
        if dataset.task == "link-prediction" and spec.encoder.name and spec.data.inputs == "features":
            spec = _laid_over(spec, FEATURELESS if dataset.statistics.get("features") == 0 else {})
        if dataset.task == "graph-link-prediction" and spec.encoder.name and spec.head.name not in STATE_HEADS:
            spec = _laid_over(spec, INSIDE)
        elif dataset.task.startswith("graph-") and spec.encoder.name and spec.head.name in NODE_HEADS:
            spec = _laid_over(spec, GRAPHS)
        return spec.merged({"data": {"name": dataset.name}, "protocol": protocol})


def _laid_over(spec: RunSpec, settings: Mapping[str, Any]) -> RunSpec:
    """Returns the settings over a specification; another encoder or head starts with no options of the old one."""
    encoder = settings.get("encoder", {}).get("name", spec.encoder.name)
    head = settings.get("head", {}).get("name", spec.head.name)
    if encoder != spec.encoder.name:
        spec = replace(spec, encoder=EncoderSpec(encoder))
    if head != spec.head.name:
        spec = replace(spec, head=HeadSpec(head))
    return spec.merged(settings)


def list_models() -> list[str]:
    """Returns the names `-m` takes: every card, and every encoder, scorer and embedding without one.

    Example:
        >>> "gat-sep" in list_models()
        True
    """
    cards = {path.stem for path in FOLDER.glob("*.toml")}
    encoders = [name for registry in FAMILIES.values() for name in registry.names()]
    return sorted(cards.union(encoders, SCORERS.names(), EMBEDDINGS.names()))


@functools.cache
def load_model(name: str) -> ModelCard:
    """Returns the card called `name`, or plain settings for the encoder, scorer or embedding of that name.

    `module:Class` is an encoder of the user's own, installed or in the current folder.

    Raises:
        UnknownNameError: none exists; the nearest names are suggested.
        ConfigError: the card is malformed.
    """
    path = FOLDER / f"{name}.toml"
    if name not in list_models() and name not in ENCODERS:  # a user's own module:Class is listed nowhere
        raise UnknownNameError("model", name, list_models())
    if path.exists():
        return parse_model(read_toml(path), path)
    if name in SCORERS.names():
        return ModelCard(name, f"{name}, no training", "not stated", {"scorer": {"name": name}})
    if name in EMBEDDINGS.names():
        return ModelCard(name, f"{name}, a node embedding", "not stated", {"embedding": {"name": name}})
    plain = {"points": POINTS, "streams": STREAMS}.get(family_of(name), PLAIN)
    return ModelCard(name, f"{name} with plain settings", "not stated", {**plain, "encoder": {"name": name}})


def parse_model(values: Mapping[str, Any], path: Path) -> ModelCard:
    """Builds a card from a TOML table, strictly.

    Raises:
        ConfigError: a key is unknown or missing, or a setting is no RunSpec setting.
    """
    known = ("title", "paper", "default", "override")
    _check_keys(values, known, path)
    for key in ("title", "paper", "default"):
        if key not in values:
            raise ConfigError(f"{path.name}: {key} is missing")
    settings = _settings(values["default"], path)
    names = [part for part in MODEL_PARTS if settings.get(part, {}).get("name")]
    if len(names) != 1:
        wanted = ", ".join(f"default.{part}.name" for part in MODEL_PARTS)
        raise ConfigError(f"{path.name}: give one of {wanted}")
    overrides = tuple(_override(table, path) for table in values.get("override", []))
    return ModelCard(path.stem, values["title"], values["paper"], settings, overrides)


def _override(values: Mapping[str, Any], path: Path) -> Override:
    _check_keys(values, ("when", "source", *PARTS), path)
    when = values.get("when", {})
    if not when:
        raise ConfigError(f'{path.name}: an override needs conditions; write when = {{ dataset = ["cora"] }}')
    _check_keys(when, WHEN, path)
    conditions = {key: _names(value, f"{path.name}: when.{key}") for key, value in when.items()}
    return Override(conditions, _settings({key: values[key] for key in PARTS if key in values}, path))


def _settings(values: Mapping[str, Any], path: Path) -> Mapping[str, Any]:
    _check_keys(values, PARTS, path)
    try:
        RunSpec.from_dict(values)
    except ConfigError as error:
        raise ConfigError(f"{path.name}: {error}") from error
    return values


def _names(value: Any, where: str) -> tuple[str, ...]:
    hint = type_hints(Override)["when"].__args__[1]
    names: tuple[str, ...] = check_type([value] if isinstance(value, str) else value, hint, where)
    return names


def _check_keys(values: Mapping[str, Any], known: tuple[str, ...], path: Path) -> None:
    for key in values:
        if key not in known:
            raise UnknownNameError(f"key in {path.name}:", key, known)
