"""From the words of a command to jobs: every (dataset, model) is checked before the first one runs."""

from __future__ import annotations

import ast
import functools
import importlib.util
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from graphkit.bench.models import load_model
from graphkit.config import RunSpec
from graphkit.data.cards import Card, load_card
from graphkit.data.tasks import card_under
from graphkit.embeddings import EMBEDDINGS
from graphkit.encoders.families import FAMILIES, family_of
from graphkit.errors import ConfigError, ProtocolError, UnknownNameError
from graphkit.heads import GRAPH_HEADS, PAIR_HEADS, POINT_HEADS
from graphkit.registry import Registry
from graphkit.scorers import SCORERS
from graphkit.training.tasks import check_model, model_part


@dataclass(frozen=True)
class Job:
    """The runs of one model on one dataset: a specification and its seeds.

    Args:
        model: model-card name.
        spec: resolved settings; its `seed` is replaced run by run.
        seeds: the seeds to run, in order.
    """

    model: str
    spec: RunSpec
    seeds: tuple[int, ...]

    @property
    def dataset(self) -> str:
        """The dataset card's name."""
        return self.spec.data.name

    @property
    def title(self) -> str:
        """What progress lines call the job."""
        return f"{self.dataset} {self.model}"


def plan(
    datasets: Iterable[str],
    models: Iterable[str],
    seeds: Sequence[int],
    *,
    protocol: str = "",
    settings: Mapping[str, Any] | None = None,
    overrides: Sequence[str] = (),
) -> list[Job]:
    """Returns one job a (dataset, model), with everything checked that can be checked without training.

    Args:
        datasets: card names.
        models: names of model cards, encoders, scorers or embeddings.
        seeds: seeds of every job.
        protocol: protocol id; empty takes each card's first.
        settings: nested RunSpec settings laid over the model cards.
        overrides: `a.b=c` assignments laid over those.

    Raises:
        UnknownNameError: an unknown dataset, model, protocol or setting, with suggestions.
        ConfigError: a setting of the wrong type, a seed twice, or a model that cannot do the dataset's task.
        ProtocolError: the dataset has no such protocol.

    Example:
        >>> [job.title for job in plan(["cora"], ["gat", "sgc"], [0])]
        ['cora gat', 'cora sgc']
    """
    if len(set(seeds)) != len(seeds) or not seeds:
        raise ConfigError(f"seeds must be different from each other and at least one, got {list(seeds)}")
    if min(seeds) < 0:
        raise ConfigError(f"seeds must not be negative, got {min(seeds)}")
    jobs = []
    for dataset in dict.fromkeys(datasets):
        card = load_card(dataset)
        for model in dict.fromkeys(models):
            seen = card_under(card, _protocol(card, protocol))
            spec = load_model(model).spec(seen, _protocol(card, protocol)).merged(settings or {})
            spec = spec.with_overrides(overrides)
            _check(card, model, spec)
            jobs.append(Job(model, spec, tuple(seeds)))
    return jobs


def parse_seeds(text: str) -> tuple[int, ...]:
    """Reads `20` as the seeds 0 to 19, and `0,3,7` as those three.

    Raises:
        ConfigError: neither a count nor a list.

    Example:
        >>> parse_seeds("3"), parse_seeds("0,3,7")
        ((0, 1, 2), (0, 3, 7))
    """
    try:
        if "," in text:
            return tuple(int(part) for part in text.split(",") if part.strip())
        return tuple(range(int(text)))
    except ValueError as error:
        raise ConfigError(f"--seeds takes a count (20) or a list (0,3,7), got {text!r}") from error


def _protocol(card: Card, protocol: str) -> str:
    if not protocol:
        return card.protocols[0]
    if protocol not in card.protocols:
        raise ProtocolError(f"dataset {card.name!r} has no protocol {protocol!r}; it has {', '.join(card.protocols)}")
    return protocol


def _check(card: Card, model: str, spec: RunSpec) -> None:
    if spec.data.name != card.name:
        raise ConfigError("the dataset is chosen with -d, not with data.name")
    check_model(card, model, spec)
    part = model_part(spec, model)
    known = _OPTIONS[part](getattr(spec, part).name)
    for name in getattr(spec, part).options:
        if known is not None and name not in known:
            wanted = [f"{part}.options.{option}" for option in known]
            raise UnknownNameError(f"option of model {model!r}:", f"{part}.options.{name}", wanted)
    known = head_options(spec.head.name) if spec.encoder.name else None
    for name in spec.head.options:
        if known is not None and name not in known:
            wanted = [f"head.options.{option}" for option in known]
            raise UnknownNameError(f"option of model {model!r}:", f"head.options.{name}", wanted)


def encoder_options(name: str) -> list[str] | None:
    """Returns the option names of an encoder, read from its source so that no torch is imported.

    None where the encoder was registered as an object or its source cannot be read; then its constructor checks.

    Raises:
        UnknownNameError: no such encoder.

    Example:
        >>> encoder_options("sgc")
        ['hops', 'dropout']
    """
    return _constructor_options(FAMILIES[family_of(name)], name)


def scorer_options(name: str) -> list[str] | None:
    """Returns the option names of a scorer; the rest is as in `encoder_options`.

    Example:
        >>> scorer_options("edgebank-tw")
        ['window']
    """
    return _constructor_options(SCORERS, name)


def head_options(name: str) -> list[str] | None:
    """Returns the option names of a head of pairs, points or graphs, None of one of nodes; see `encoder_options`.

    Example:
        >>> head_options("bilinear")
        ['symmetric']
    """
    for registry in (PAIR_HEADS, POINT_HEADS, GRAPH_HEADS):
        if name in registry:
            return _constructor_options(registry, name, given=("encoder",))
    return None


def embedding_options(name: str) -> list[str] | None:
    """Returns the option names of an embedding; the rest is as in `encoder_options`.

    Example:
        >>> "alpha" in embedding_options("fastrp")
        True
    """
    return _constructor_options(EMBEDDINGS, name)


_GIVEN = ("self", "info", "in_channels", "out_channels", "num_outputs", "target")
"""Constructor arguments that come from the dataset or the model."""
_OPTIONS = {"encoder": encoder_options, "scorer": scorer_options, "embedding": embedding_options}


def _constructor_options(registry: Registry[Any], name: str, given: Sequence[str] = ()) -> list[str] | None:
    target = registry.target(name)
    if target is None:
        return None
    module, _, attribute = target.partition(":")
    found = importlib.util.find_spec(module)
    if found is None or not found.origin or not found.origin.endswith(".py"):
        return None
    names = _constructors(found.origin, Path(found.origin).stat().st_mtime_ns).get(attribute)
    return None if names is None else [name for name in names if name not in (*_GIVEN, *given)]


@functools.lru_cache(maxsize=256)
def _constructors(path: str, _mtime: int) -> dict[str, list[str]]:
    """The argument names of the constructors of a file's classes."""
    return {
        node.name: [argument.arg for argument in (*item.args.args, *item.args.kwonlyargs)]
        for node in ast.parse(Path(path).read_text(encoding="utf-8")).body
        if isinstance(node, ast.ClassDef)
        for item in node.body
        if isinstance(item, ast.FunctionDef) and item.name == "__init__"
    }
