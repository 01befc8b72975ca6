"""The training loop: optimise, look at the validation nodes, keep the best weights, checkpoint, stop.

The test nodes are never looked at here. Stopping a run after any epoch and going on from its checkpoint gives the same
bits as never having stopped (on CPU).
"""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from graphkit import evaluation
from graphkit.config import TrainSpec
from graphkit.errors import NonFiniteScores
from graphkit.training.checkpoint import Checkpoint, CheckpointFile, optimizer_tensors, restore_optimizer
from graphkit.training.feeds import Batch, Feed, scores_of
from graphkit.training.norms import settle_norms
from graphkit.training.optimise import Schedule, make_optimizer
from graphkit.training.selection import Selection

if TYPE_CHECKING:
    from graphkit.training.parallel import Team

Event = dict[str, Any]
Step = Callable[[Any, Any], tuple[Tensor, int]]
"""(model, batch) to the loss and how many examples it is a mean over."""
Look = Callable[[Any, Any, str], tuple[float, float]]
"""(model, feed, metric) to the validation metric and loss; raises NonFiniteScores."""


@dataclass(frozen=True)
class FitResult:
    """What training leaves behind, besides the best weights that the model now holds."""

    best_epoch: int
    epochs: int
    """Epochs run, those of an earlier process included."""
    train_seconds: float
    eval_seconds: float
    curve: tuple[float, ...] = ()
    """The validation metric at every look."""


def node_step(model: Any, batch: Batch) -> tuple[Tensor, int]:
    """Returns the loss on what a batch of nodes or graphs asks for, and how many that are."""
    loss: Tensor = model.head.loss(batch.scores(model), batch.y)
    return loss, len(batch.y)


def node_look(model: Any, feed: Feed, metric: str) -> tuple[float, float]:
    """Returns metric and loss over the validation nodes or graphs."""
    scores, targets = scores_of(model, feed, "valid")
    scores = scores.float()
    loss = float(model.head.loss(scores, targets))
    return evaluation.evaluate(metric, model.head.scores(scores), targets.cpu().numpy()), loss


def fit(
    model: nn.Module,
    feed: Any,
    spec: TrainSpec,
    *,
    metric: str,
    step: Step = node_step,
    look: Look = node_look,
    checkpoint: CheckpointFile | None = None,
    on_event: Callable[[Event], None] = lambda event: None,
    team: Team | None = None,
) -> FitResult:
    """Trains `model` and leaves it holding the weights of the selected epoch.

    Args:
        model: encoder and head; trained in place.
        feed: anything with `train_batches(epoch)`, and with what `look` needs.
        spec: optimiser, schedule, stopping and selection.
        metric: name of the validation metric (`graphkit ls metrics`).
        step: the loss of a training batch; that of nodes and graphs unless given.
        look: the validation metric and loss; those of nodes and graphs unless given.
        checkpoint: where the state of every epoch is kept and resumed from; None keeps nothing.
        on_event: called with `{"event": "epoch", "epoch", "loss", ...}` after every epoch.
        team: the processes that share every batch, of which `feed` gives this one's part; the first keeps checkpoints.

    Raises:
        NonFiniteScores: the loss or a validation score became NaN or infinite.

    Example:
        >>> from graphkit.data.load import load_dataset
        >>> from graphkit.encoders.gcn import GCN
        >>> from graphkit.heads.node import NodeHead
        >>> from graphkit.training import FullGraphFeed, NodeModel
        >>> karate = load_dataset("karate")
        >>> feed = FullGraphFeed(karate, karate.split(), torch.device("cpu"))
        >>> fit(NodeModel(GCN(34, 2), NodeHead(2, 2)), feed, TrainSpec(epochs=5), metric="accuracy").epochs
        5
    """
    optimizer, higher = make_optimizer(model, spec), evaluation.metric_named(metric).higher_is_better
    schedule, selection = Schedule(optimizer, spec), Selection(spec, higher_is_better=higher)
    train_model: Any = torch.compile(model) if spec.compile else model
    train_model = team.wrap(train_model) if team else train_model
    scaler = torch.amp.GradScaler(spec.device.split(":")[0], enabled=spec.precision == "float16")
    best = {name: value.detach().clone() for name, value in model.state_dict().items()}
    clock, curve = {"train": 0.0, "eval": 0.0}, []
    first, stopped = 0, False
    saved = checkpoint.load() if checkpoint else None
    if saved is not None:
        first, stopped = saved.meta["epoch"] + 1, saved.meta["stopped"]
        best = _restore(saved, model, optimizer)
        schedule.restore(saved.meta["schedule"])
        selection.restore(saved.meta["selection"])
        scaler.load_state_dict(saved.meta["scaler"])
        clock.update(saved.meta["clock"])
        curve = list(saved.meta["curve"])
        on_event({"event": "resumed", "epoch": first})
    epoch = first - 1
    for epoch in range(first, spec.epochs):
        if stopped:
            epoch -= 1
            break
        rate = schedule.step(epoch)
        with _timed(clock, "train"):
            loss = _train_epoch(train_model, feed, spec, step, optimizer, scaler, epoch, team)
        event: Event = {"event": "epoch", "epoch": epoch, "loss": loss, "lr": rate}
        if (epoch + 1) % spec.eval_every == 0 or epoch + 1 == spec.epochs:
            with _timed(clock, "eval"):
                if spec.norm_statistics == "exact":
                    settle_norms(model, feed.train_batches(epoch), step)
                value, valid_loss = _validate(model if team else train_model, feed, spec, look, metric, epoch)
            curve.append(value)
            schedule.observe(valid_loss)
            verdict = selection.update(epoch, metric=value, loss=valid_loss)
            if verdict.keep:
                for name, tensor in model.state_dict().items():
                    best[name].copy_(tensor)
            stopped = verdict.stop
            event |= {"valid": value, "valid_loss": valid_loss, "best": verdict.keep}
        if checkpoint and (team is None or team.rank == 0):
            meta = {
                "epoch": epoch,
                "stopped": stopped,
                "schedule": schedule.state(),
                "selection": selection.state(),
                "scaler": scaler.state_dict(),
                "clock": clock,
                "curve": curve,
            }
            checkpoint.save(Checkpoint(_tensors(model, best, optimizer), meta))
        on_event(event)
    model.load_state_dict(best)
    return FitResult(selection.best_epoch, epoch + 1, clock["train"], clock["eval"], tuple(curve))


def _train_epoch(
    model: Any,
    feed: Any,
    spec: TrainSpec,
    step: Step,
    optimizer: torch.optim.Optimizer,
    scaler: torch.amp.GradScaler,
    epoch: int,
    team: Team | None,
) -> float:
    model.train()
    total, count = 0.0, 0
    for batch in feed.train_batches(epoch):
        optimizer.zero_grad(set_to_none=True)
        with _precision(spec):
            loss, examples = step(model, batch)
        if team is None:
            value = loss.item()
        else:
            loss, value, examples = team.weigh(loss, examples)
        if not math.isfinite(value):
            raise NonFiniteScores(f"non-finite loss at epoch {epoch}; lower train.lr or set train.clip_norm")
        scaler.scale(loss).backward()
        if spec.clip_norm:
            scaler.unscale_(optimizer)
            torch.nn.utils.clip_grad_norm_(model.parameters(), spec.clip_norm)
        scaler.step(optimizer)
        scaler.update()
        total, count = total + value * examples, count + examples
    return total / count


def _validate(model: Any, feed: Any, spec: TrainSpec, look: Look, metric: str, epoch: int) -> tuple[float, float]:
    try:
        with _precision(spec):
            return look(model, feed, metric)
    except NonFiniteScores as error:
        raise NonFiniteScores(f"non-finite validation scores at epoch {epoch}; lower train.lr") from error


def _precision(spec: TrainSpec) -> contextlib.AbstractContextManager[Any]:
    if spec.precision == "float32":
        return contextlib.nullcontext()
    return torch.autocast(spec.device.split(":")[0], dtype=getattr(torch, spec.precision))


def _tensors(model: nn.Module, best: dict[str, Tensor], optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    tensors = {f"model/{name}": value for name, value in model.state_dict().items()}
    tensors |= {f"best/{name}": value for name, value in best.items()}
    tensors |= optimizer_tensors(optimizer)
    tensors["rng/cpu"] = torch.get_rng_state()
    if torch.cuda.is_available():
        tensors["rng/cuda"] = torch.cuda.get_rng_state()
    return tensors


def _restore(saved: Checkpoint, model: nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """Puts a checkpoint back into model, optimiser and random state; returns the best weights so far."""
    parts: dict[str, dict[str, Tensor]] = {"model": {}, "best": {}}
    for name, value in saved.tensors.items():
        part, _, rest = name.partition("/")
        if part in parts:
            parts[part][rest] = value
    model.load_state_dict(parts["model"])
    restore_optimizer(optimizer, saved.tensors)
    torch.set_rng_state(saved.tensors["rng/cpu"])
    if "rng/cuda" in saved.tensors and torch.cuda.is_available():
        torch.cuda.set_rng_state(saved.tensors["rng/cuda"])
    return {name: value.to(model.state_dict()[name].device) for name, value in parts["best"].items()}


@contextlib.contextmanager
def _timed(clock: dict[str, float], name: str) -> Iterator[None]:
    start = time.perf_counter()
    yield
    clock[name] += time.perf_counter() - start
