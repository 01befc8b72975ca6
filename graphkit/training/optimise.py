"""Optimisers and learning-rate schedules, built from a TrainSpec."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import torch
from torch import nn

from graphkit.config import TrainSpec
from graphkit.errors import ConfigError


def make_optimizer(model: nn.Module, spec: TrainSpec) -> torch.optim.Optimizer:
    """Returns Adam or AdamW over `model`, with the weight decay on the parameters that `weight_decay_scope` names.

    Parameters of `model.head` get `head_lr` where that is set; every group keeps its own rate as `base`.
    """
    head = {id(parameter) for name, parameter in model.named_parameters() if name.startswith("head.")}
    groups: list[dict[str, Any]] = []
    for parameters, decay in zip(_decay_groups(model, spec), (spec.weight_decay, 0.0), strict=True):
        for is_head in (False, True) if spec.head_lr else (None,):
            chosen = [p for p in parameters if is_head is None or (id(p) in head) == is_head]
            rate = spec.head_lr if is_head else spec.lr
            if chosen:
                groups.append({"params": chosen, "weight_decay": decay, "lr": rate, "base": rate})
    if not groups:
        raise ConfigError("the model has no parameters to train; bench it with a training-free model card")
    optimizer = torch.optim.Adam if spec.optimizer == "adam" else torch.optim.AdamW
    return optimizer(groups, lr=spec.lr, fused=True)


class Schedule:
    """The learning rate of every epoch: constant, cosine, plateau or step, after an optional linear warm-up.

    Args:
        optimizer: its groups' `lr` are set by `step`.
        spec: `lr`, `schedule`, `warmup_epochs`, `epochs`, and the `plateau_` and `step_` fields are read.
    """

    def __init__(self, optimizer: torch.optim.Optimizer, spec: TrainSpec) -> None:
        self._optimizer, self._spec = optimizer, spec
        self._scale, self._best, self._since = 1.0, math.inf, 0

    def step(self, epoch: int) -> float:
        """Sets the learning rate of `epoch` (from 0) and returns it."""
        spec, factor = self._spec, self._scale
        if epoch < spec.warmup_epochs:
            factor *= (epoch + 1) / spec.warmup_epochs
        elif spec.schedule == "cosine":
            done = (epoch - spec.warmup_epochs) / max(1, spec.epochs - spec.warmup_epochs)
            factor *= 0.5 * (1.0 + math.cos(math.pi * done))
        elif spec.schedule == "step":
            factor *= spec.step_factor ** ((epoch - spec.warmup_epochs) // spec.step_epochs)
        for group in self._optimizer.param_groups:
            group["lr"] = group.get("base", spec.lr) * factor
        return spec.lr * factor

    def observe(self, valid_loss: float) -> None:
        """Lowers the plateau scale when the validation loss has not improved for `plateau_patience` looks."""
        if self._spec.schedule != "plateau":
            return
        if valid_loss < self._best:
            self._best, self._since = valid_loss, 0
            return
        self._since += 1
        if self._since > self._spec.plateau_patience:
            self._scale, self._since = self._scale * self._spec.plateau_factor, 0

    def state(self) -> dict[str, Any]:
        """Returns a JSON-ready state."""
        return {"scale": self._scale, "best": self._best if math.isfinite(self._best) else None, "since": self._since}

    def restore(self, state: dict[str, Any]) -> None:
        """Continues from a `state()` of an earlier process."""
        self._scale, self._since = state["scale"], state["since"]
        self._best = math.inf if state["best"] is None else state["best"]


def _decay_groups(model: nn.Module, spec: TrainSpec) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    match spec.weight_decay_scope:
        case "all":
            return parameters, []
        case "weights":
            decays = [p for p in parameters if p.ndim > 1 and not getattr(p, "no_decay", False)]
            kept = {id(parameter) for parameter in decays}
            return decays, [p for p in parameters if id(p) not in kept]
        case "first":
            first = {id(parameter) for parameter in _first_layer(model)}
            return [p for p in parameters if id(p) in first], [p for p in parameters if id(p) not in first]


def _first_layer(model: nn.Module) -> Iterable[nn.Parameter]:
    """The parameters of the first layer: those that share the first parameter's top-level module inside the encoder."""
    named = list(model.named_parameters())
    prefix = _layer_of(named[0][0])
    return [parameter for name, parameter in named if _layer_of(name) == prefix]


def _layer_of(name: str) -> tuple[str, ...]:
    """`encoder.convs.0.lin.weight` belongs to layer (encoder, convs, 0); `encoder.input.weight` to (encoder, input)."""
    parts = name.split(".")[:-1]
    for depth, part in enumerate(parts):
        if part.isdigit():
            return tuple(parts[: depth + 1])
    return tuple(parts[:2])
