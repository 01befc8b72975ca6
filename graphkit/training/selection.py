"""Which epoch is kept and when training stops: validation values in, two yes/no answers out."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from typing import Any

from graphkit.config import TrainSpec


@dataclass(frozen=True)
class Verdict:
    """What one look at the validation nodes decides."""

    keep: bool
    """The weights of this epoch become the ones that are tested."""
    stop: bool
    """Training ends after this epoch."""


class Selection:
    """Model selection and early stopping on validation values, with a state that fits into JSON.

    Args:
        spec: `select`, `stop`, `patience` and `min_epochs` are read.
        higher_is_better: the direction of the validation metric.

    Example:
        >>> selection = Selection(TrainSpec(select="valid-metric"), higher_is_better=True)
        >>> selection.update(0, metric=0.5, loss=1.0).keep, selection.update(1, metric=0.4, loss=0.9).keep
        (True, False)
    """

    def __init__(self, spec: TrainSpec, *, higher_is_better: bool) -> None:
        self._spec = spec
        self._sign = 1.0 if higher_is_better else -1.0
        self._best_metric = -math.inf
        self._best_loss = math.inf
        self._since_best = 0
        self._losses: deque[float] = deque(maxlen=spec.patience)
        self.best_epoch = -1

    def update(self, epoch: int, *, metric: float, loss: float) -> Verdict:
        """Takes the validation metric and loss of `epoch` and says whether to keep its weights and whether to stop."""
        keep, progress = self._compare(self._sign * metric, loss)
        if keep:
            self.best_epoch = epoch
        self._since_best = 0 if progress else self._since_best + 1
        stop = epoch + 1 >= self._spec.min_epochs and self._says_stop(loss)
        self._losses.append(loss)
        return Verdict(keep, stop)

    def state(self) -> dict[str, Any]:
        """Returns everything `restore` needs, as JSON-ready values (infinities as None)."""
        return {
            "best_metric": _finite(self._best_metric),
            "best_loss": _finite(self._best_loss),
            "since_best": self._since_best,
            "losses": list(self._losses),
            "best_epoch": self.best_epoch,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Continues from a `state()` of an earlier process."""
        self._best_metric = -math.inf if state["best_metric"] is None else state["best_metric"]
        self._best_loss = math.inf if state["best_loss"] is None else state["best_loss"]
        self._since_best = state["since_best"]
        self._losses = deque(state["losses"], maxlen=self._spec.patience)
        self.best_epoch = state["best_epoch"]

    def _compare(self, metric: float, loss: float) -> tuple[bool, bool]:
        """Returns (keep these weights, count this epoch as progress) and moves the best values."""
        better_metric, better_loss = metric > self._best_metric, loss < self._best_loss
        level_metric, level_loss = metric >= self._best_metric, loss <= self._best_loss
        self._best_metric = max(self._best_metric, metric)
        self._best_loss = min(self._best_loss, loss)
        match self._spec.select:
            case "valid-metric":
                # among equal metrics the lower loss wins: on small validation sets ties are the rule
                keep = better_metric or (level_metric and better_loss)
                return keep, better_metric
            case "valid-loss":
                return better_loss, better_loss
            case "valid-metric-or-loss":
                return level_metric and level_loss, level_metric or level_loss
            case "last":
                return True, better_loss

    def _says_stop(self, loss: float) -> bool:
        match self._spec.stop:
            case "never":
                return False
            case "patience":
                return self._since_best >= self._spec.patience
            case "loss-above-mean":
                full = len(self._losses) == self._spec.patience
                return full and loss > math.fsum(self._losses) / len(self._losses)


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
