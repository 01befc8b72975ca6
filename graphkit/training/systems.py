"""One benchmark cell of particles or molecules: fit an encoder and a head on systems, look at the test systems once."""

from __future__ import annotations

import typing
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from graphkit.config import RunSpec
from graphkit.data.systems import SystemDataset
from graphkit.encoders.equivariant import POINT_ENCODERS
from graphkit.encoders.equivariant.base import PointEncoder, Points
from graphkit.errors import ConfigError
from graphkit.evaluation import PROTOCOLS, Result, evaluate
from graphkit.heads import POINT_HEADS
from graphkit.heads.points import PointHead, Predicted
from graphkit.seeds import SeedStreams
from graphkit.training.checkpoint import CheckpointFile
from graphkit.training.loop import Event, fit
from graphkit.training.options import typed_options
from graphkit.training.record import record_of
from graphkit.training.scoring import loaded
from graphkit.training.session import announce, determinism, device_of, save_weights, training_of
from graphkit.training.system_feed import WIDTHS, SystemBatch, SystemFeed

if TYPE_CHECKING:
    from graphkit.training.parallel import Team


class SystemModel(nn.Module):
    """An encoder of points followed by a head of points.

    Args:
        encoder: sees the points.
        head: predicts quantities by name.

    Example:
        >>> from graphkit.encoders.equivariant.egnn import EGNN
        >>> from graphkit.heads.points import PositionHead
        >>> encoder = EGNN(0, 0, hidden_channels=8)
        >>> model = SystemModel(encoder, PositionHead(encoder))
        >>> list(model(Points.of(torch.randn(5, 3), torch.tensor([0, 5]))))
        ['future']
    """

    def __init__(self, encoder: PointEncoder, head: PointHead) -> None:
        super().__init__()
        self.encoder, self.head = encoder, head

    def forward(self, points: Points) -> Predicted:
        """Returns predictions by name."""
        return typing.cast(Predicted, self.head(self.encoder, points))


def train_systems(
    spec: RunSpec,
    folder: Path | None = None,
    *,
    model_name: str = "",
    on_event: Callable[[Event], None] = lambda event: None,
    team: Team | None = None,
) -> Result:
    """Trains an encoder of points on systems; arguments, result and errors as in `training.run_cell`.

    In one process of a `team`, batches are this process's shares; the first process alone writes to the folder.
    """
    device = team.fabric.device if team else device_of(spec.train.device)
    dataset = loaded(spec)
    if not isinstance(dataset, SystemDataset):
        raise ConfigError(f"dataset {spec.data.name} is a {dataset.card.task} task, not systems of points")
    protocol = PROTOCOLS[spec.protocol or dataset.card.protocols[0]]
    metric = protocol.metric_for(dataset.card.metric)
    index = protocol.split_index(spec.seed) if spec.data.split is None else spec.data.split
    split = dataset.split(protocol.id, index)
    streams = SeedStreams(spec.seed)
    train = training_of(spec)
    with determinism(train):
        model = build_system_model(spec, dataset, streams).to(device)
        share = team.share if team else (0, 1)
        feed = SystemFeed(dataset, split, spec, streams, cutoff=model.encoder.cutoff, device=device, share=share)
        fit_statistics(model, feed)
        parameters = announce(model, train, on_event)
        torch.manual_seed(streams.integer("dropout"))
        checkpoint = CheckpointFile(folder / "last.ckpt") if folder else None
        fitted = fit(
            model,
            feed,
            train,
            metric=metric,
            step=step,
            look=look,
            checkpoint=checkpoint,
            on_event=on_event,
            team=team,
        )
        valid, test = (predict(model, feed, part) for part in ("valid", "test"))
    if folder and (team is None or team.rank == 0):
        save_weights(model, folder / "best.safetensors")
    scored = model.head.scored
    values = {
        name: evaluate(metric, found[0][scored], found[1][scored]) for name, found in (("valid", valid), ("test", test))
    }
    on_event({"event": "tested", "test": values["test"], "valid": values["valid"], "best_epoch": fitted.best_epoch})
    return record_of(
        spec,
        dataset,
        protocol,
        metric,
        model_name or spec.encoder.name,
        split=index,
        test=values["test"],
        valid=values["valid"],
        split_sha256=split.sha256,
        evaluation={
            "scored": scored,
            "units": dict(dataset.units),
            **errors_of(*test),
            **by_subset(dataset, split.test, *test),
        },
        parameters=parameters,
        fitted=fitted,
        device=device,
    )


def build_system_model(spec: RunSpec, dataset: SystemDataset, streams: SeedStreams) -> SystemModel:
    """Builds encoder and head for a dataset; the weights come from the run's `init` stream.

    Raises:
        UnknownNameError: an option the encoder or head does not take, with suggestions.
        ConfigError: an option of the wrong type, or a head that is not for the dataset's task.
    """
    torch.manual_seed(streams.integer("init"))
    encoder_class, head_class = POINT_ENCODERS.get(spec.encoder.name), POINT_HEADS.get(spec.head.name)
    task = dataset.card.task
    if task not in head_class.tasks:
        able = ", ".join(name for name in POINT_HEADS if task in POINT_HEADS.get(name).tasks)
        raise ConfigError(f"head {spec.head.name!r} is not for {task}; choose head.name from {able}")
    skip = ("in_channels", "edge_dim")
    options = typed_options(encoder_class, spec.encoder.options, what="encoder", name=spec.encoder.name, skip=skip)
    channels, edge_dim = WIDTHS.get(task, (0, 0))
    encoder = encoder_class(channels, edge_dim, **options)
    given = typed_options(head_class, spec.head.options, what="head", name=spec.head.name, skip=("encoder",))
    return SystemModel(encoder, head_class(encoder, **given))


def fit_statistics(model: SystemModel, feed: SystemFeed) -> None:
    """Shows the head all training systems at once, and no others."""
    model.head.fit_statistics(feed.training_arrays(), feed.dataset.raw.facts)


def step(model: Any, batch: SystemBatch) -> tuple[Tensor, int]:
    """Returns the loss of a batch, and its number of systems."""
    predicted = model(batch.points)
    return model.head.loss(predicted, batch.targets, batch.points), batch.points.num_systems


def predict(model: Any, feed: SystemFeed, part: str) -> tuple[dict[str, Any], dict[str, Any], float]:
    """Returns predictions and targets of `part` by name, and the mean loss; the model is left in evaluation mode."""
    model.eval()
    predicted: dict[str, list[Any]] = {}
    targets: dict[str, list[Any]] = {}
    total, systems = 0.0, 0
    with torch.no_grad():
        for batch in feed.eval_batches(part):
            found = model(batch.points)
            total += float(model.head.loss(found, batch.targets, batch.points)) * batch.points.num_systems
            systems += batch.points.num_systems
            for key in found.keys() & batch.targets.keys():
                predicted.setdefault(key, []).append(found[key].detach().cpu().numpy())
                targets.setdefault(key, []).append(batch.targets[key].cpu().numpy())
    joined = [{key: np.concatenate(parts) for key, parts in values.items()} for values in (predicted, targets)]
    return joined[0], joined[1], total / max(1, systems)


def look(model: Any, feed: SystemFeed, metric: str) -> tuple[float, float]:
    """Returns metric and loss over the validation systems."""
    predicted, targets, loss = predict(model, feed, "valid")
    return evaluate(metric, predicted[model.head.scored], targets[model.head.scored]), loss


def errors_of(predicted: Mapping[str, Any], targets: Mapping[str, Any], loss: float) -> dict[str, float]:
    """Returns mean absolute and root mean squared errors of energies, forces and dipoles, in the data's units."""
    found: dict[str, float] = {}
    for key in ("energy", "forces", "dipole"):
        if key in predicted:
            error = predicted[key].astype(np.float64) - targets[key]
            found |= {f"{key}_mae": float(np.abs(error).mean()), f"{key}_rmse": float(np.sqrt((error**2).mean()))}
    return found


def by_subset(
    dataset: SystemDataset, numbers: Any, predicted: Mapping[str, Any], targets: Mapping[str, Any], loss: float
) -> dict[str, Any]:
    """Returns `errors_of` for every subset of the systems `numbers`, where the data tells several apart."""
    subset = dataset.raw.systems.get("subset")
    if subset is None or len(np.unique(subset[numbers])) < 2:
        return {}
    of_system, names = subset[numbers], dataset.raw.facts["subsets"]
    of_point = np.repeat(of_system, dataset.sizes[numbers])
    found = {}
    for own in np.unique(of_system):
        rows = {
            key: (of_point if len(value) == len(of_point) else of_system) == own for key, value in predicted.items()
        }
        parts = [{key: values[key][chosen] for key, chosen in rows.items()} for values in (predicted, targets)]
        found[names[own]] = errors_of(parts[0], parts[1], loss)
    return {"subsets": found}
