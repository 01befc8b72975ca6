"""The expressiveness ladder: what untrained encoders tell apart, beside what their oracle allows."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from graphkit.bench.models import load_model
from graphkit.errors import ConfigError
from graphkit.expressiveness import ORACLES, ladder

if TYPE_CHECKING:
    from graphkit.evaluation import Result

WIDTH = 16
"""Hidden width of the untrained encoders."""


@dataclass(frozen=True)
class Bound:
    """Which oracle bounds a model.

    Args:
        model: name of a model card.
        oracle: name in `ORACLES`.
        theorem: the bound in words, with its source.
        reached: whether the model is as strong as the oracle.
    """

    model: str
    oracle: str
    theorem: str
    reached: bool = True


@dataclass(frozen=True)
class Rung:
    """What one model tells apart.

    Args:
        bound: its oracle.
        found: family to number of classes, weights random in float64.
        allowed: family to number of classes of the oracle.
        trained: group of BREC to (pairs told apart, pairs), after training; empty without results.
    """

    bound: Bound
    found: Mapping[str, int]
    allowed: Mapping[str, int]
    trained: Mapping[str, tuple[int, int]]

    def to_dict(self) -> dict[str, Any]:
        """Returns plain values."""
        return {
            "model": self.bound.model,
            "oracle": self.bound.oracle,
            "theorem": self.bound.theorem,
            "found": dict(self.found),
            "allowed": dict(self.allowed),
            "trained": {group: list(counts) for group, counts in self.trained.items()},
            "holds": self.holds,
        }

    @property
    def holds(self) -> bool:
        """Never above the oracle, and equal to it where the theorem says so."""
        pairs = [(self.found[family], self.allowed[family]) for family in self.found]
        return all(a == b if self.bound.reached else a <= b for a, b in pairs)


def climb(bounds: Iterable[Bound], results: Sequence[Result] = (), families: Sequence[str] = ()) -> list[Rung]:
    """Runs every model untrained on the families of the ladder.

    Args:
        bounds: models and their oracles.
        results: records of `brec-rpc`, for the trained column.
        families: names of families; all if empty.

    Raises:
        UnknownNameError: no such model or oracle.

    Example:
        >>> climb([Bound("gcn", "1-wl", "")], families=["decalin"])[0].found
        {'decalin': 1}
    """
    from graphkit.training.separation import apart, count_classes

    graphs = {name: family for name, family in ladder().items() if name in (families or ladder())}
    rungs = []
    for bound in bounds:
        make = functools.partial(_encoder, bound.model)
        allowed = {name: _classes(bound.oracle, name) for name in graphs}
        found = {name: count_classes(apart(make, family)) for name, family in graphs.items()}
        rungs.append(Rung(bound, found, allowed, _trained(bound.model, results)))
    return rungs


def render(rungs: Sequence[Rung]) -> str:
    """Returns the ladder as text: a cell is classes found of classes the oracle finds."""
    families = list(rungs[0].found) if rungs else []
    groups = list(dict.fromkeys(group for rung in rungs for group in rung.trained))
    lines = [["model", "oracle", *families, "holds"]]
    for rung in rungs:
        cells = [f"{rung.found[family]}/{rung.allowed[family]}" for family in families]
        lines.append([rung.bound.model, ORACLES[rung.bound.oracle].title, *cells, "yes" if rung.holds else "NO"])
    text = ["untrained, float64: classes told apart / classes of the oracle", *_columns(lines)]
    if groups:
        trained = [["model", *groups]]
        for rung in rungs:
            if rung.trained:
                trained.append(
                    [rung.bound.model, *("{}/{}".format(*rung.trained.get(group, (0, 0))) for group in groups)]
                )
        text += ["", "trained, BREC: pairs told apart reliably / pairs", *_columns(trained)]
    text += ["", *(f"{rung.bound.model}: {rung.bound.theorem}" for rung in rungs)]
    return "\n".join(text)


def _columns(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


@functools.cache
def _classes(oracle: str, family: str) -> int:
    if oracle not in ORACLES:
        raise ConfigError(f"unknown oracle {oracle!r}; use one of {', '.join(ORACLES)}")
    return len(np.unique(ORACLES[oracle].run(ladder()[family])))


def _encoder(model: str) -> Any:
    from graphkit.data.cards import load_card
    from graphkit.encoders import ENCODERS
    from graphkit.encoders.base import Encoder

    spec = load_model(model).spec(load_card("brec"), "brec-rpc").encoder
    encoder_class = ENCODERS.get(spec.name)
    options = {**spec.options, "hidden_channels": WIDTH}
    if "dropout" in inspect.signature(encoder_class).parameters:
        options["dropout"] = 0.0
    encoder = encoder_class(1, WIDTH, **options)
    assert isinstance(encoder, Encoder)
    return encoder


def _trained(model: str, results: Sequence[Result]) -> dict[str, tuple[int, int]]:
    for result in results:
        if result.model == model and "separated" in result.evaluation:
            told, pairs = result.evaluation["separated"], result.evaluation["pairs"]
            return {group: (told[group], pairs[group]) for group in told}
    return {}
