"""What a guard found on a model, and the small questions that every audit asks in the same way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from graphkit.errors import NonFiniteScores
from graphkit.evaluation.probes import Finding

Array = NDArray[Any]
TOLERANCE = 1e-4
"""Largest relative change of a score that counts as rounding: float32 sums are taken in another order."""
MOST = 0.5
"""Share of the parameters without a gradient from which on a model is cut off from its loss."""
ASKS = {
    "repeat": "the same question twice",
    "same-seed": "two models built from one seed",
    "memory": "another graph was asked about before",
    "permutation": "nodes and edges in another order",
    "batch": "asked alone, without the rest of the batch",
    "candidate-order": "candidates in another order",
    "garbage-future": "later events replaced and removed",
    "target-edge": "the asked link taken out of the graph",
    "test-labels": "trained with other validation and test labels",
    "gradient": "parameters without a gradient after one step",
}
"""Guard to what it changes."""


@dataclass(frozen=True)
class Check:
    """One guard and its verdict.

    Args:
        guard: its name.
        asks: what is changed or looked at.
        passed: the verdict; None where the guard does not apply, and `text` says why.
        text: what was seen, with the mend where it failed.
        magnitude: largest relative change of a score, or the share of parameters concerned; None without a number.
    """

    guard: str
    asks: str
    passed: bool | None
    text: str
    magnitude: float | None = None


def moved(guard: str, before: Array, after: Array, mend: str, *, tolerance: float = TOLERANCE) -> Check:
    """Compares two answers that must be the same.

    Raises:
        NonFiniteScores: an answer is NaN or infinite.

    Example:
        >>> moved("repeat", np.ones(2), np.array([1.0, 2.0]), "seed it").passed
        False
    """
    if not (np.isfinite(before).all() and np.isfinite(after).all()):
        raise NonFiniteScores(f"the untrained model gives NaN or infinite scores ({guard}); nothing can be compared")
    change = float(np.abs(before - after).max() / (np.abs(before).max() or 1.0))
    passed = change <= tolerance
    return Check(guard, ASKS[guard], passed, "the scores are the same" if passed else mend, change)


def skipped(guard: str, why: str) -> Check:
    """Returns a guard that does not apply."""
    return Check(guard, ASKS[guard], None, why)


def of_finding(finding: Finding) -> Check:
    """Returns what a leakage guard found as a row of an audit."""
    return Check(
        finding.guard,
        ASKS.get(finding.guard, "the data and its split"),
        not finding.leaks,
        finding.text,
        finding.change,
    )


def gradient_check(model: nn.Module, loss: Tensor) -> Check:
    """Looks for parameters that a training step cannot move, or moves to nowhere.

    Some that no gradient reaches are common and harmless (a bias before a softmax), so they are told; where most of the
    parameters are among them, the model is cut off from its loss.

    Example:
        >>> layer = nn.Linear(2, 2)
        >>> gradient_check(layer, layer.weight.sum()).text
        'no gradient reaches bias'
    """
    model.zero_grad(set_to_none=True)
    if loss.requires_grad:
        loss.backward()
    named = [(name, parameter) for name, parameter in model.named_parameters() if parameter.requires_grad]
    count = sum(one.numel() for _, one in named)
    if not count:
        return skipped("gradient", "the model has no parameters")
    wild = [name for name, one in named if one.grad is not None and not torch.isfinite(one.grad).all()]
    if wild or not torch.isfinite(loss.detach()):
        what = f"the gradient of {_few(wild)}" if wild else "the loss"
        return Check("gradient", ASKS["gradient"], False, f"{what} is not finite")
    idle = {name: one.numel() for name, one in named if one.grad is None or not torch.count_nonzero(one.grad)}
    share = sum(idle.values()) / count
    text = f"no gradient reaches {_few(list(idle))}" if idle else f"a gradient reaches all {count:,} parameters"
    return Check("gradient", ASKS["gradient"], share < MOST, text, share)


def common_checks(
    build: Callable[[], Any],
    ask: Callable[[Any, Any], Array],
    first: Any,
    other: Any,
    again: Callable[[Any, Any], Array] | None = None,
) -> Iterator[Check]:
    """Asks whether answers depend on the model and the question alone: `repeat`, `same-seed` and `memory`.

    Args:
        build: makes the model anew, always from the same seed.
        ask: `ask(model, question)` returns scores, the model in evaluation mode.
        first: a question.
        other: a question about another graph or stream.
        again: asks right after `ask`, where that does more than asking.
    """
    model = build()
    answer = ask(model, first)
    yield moved(
        "repeat",
        answer,
        (again or ask)(model, first),
        "the model draws at random, or changes itself when asked: use self.training, and declare `stochastic` where it "
        "is meant",
    )
    yield moved("same-seed", answer, ask(build(), first), "draw weights from torch's generator alone")
    yield moved(
        "memory",
        ask(build(), other),
        ask(model, other),
        "the answer depends on what was asked before: keep nothing of a graph between calls (cached=True?)",
    )


def _few(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
