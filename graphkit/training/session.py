"""What a trained cell needs around its training: a device, deterministic algorithms, kept weights, memory used."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import nn

from graphkit.config import RunSpec, TrainSpec
from graphkit.errors import CacheError, ConfigError
from graphkit.training.memory import peak_memory_mb


def device_of(name: str) -> torch.device:
    """Returns the device called `name`; raises ConfigError where it cannot be used."""
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise ConfigError(f"train.device = {name!r} cannot be used here: {str(error).splitlines()[0]}") from error
    return device


def training_of(spec: RunSpec) -> TrainSpec:
    """Returns how a cell trains: its settings, with the epochs that `limit` leaves, one at least."""
    return replace(spec.train, epochs=max(1, math.ceil(spec.limit * spec.train.epochs)))


def announce(model: nn.Module, train: TrainSpec, on_event: Callable[[dict[str, Any]], None]) -> int:
    """Tells that a cell starts; returns the number of trained parameters."""
    parameters = sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)
    on_event({"event": "start", "parameters": parameters, "epochs": train.epochs})
    return parameters


@contextlib.contextmanager
def determinism(spec: TrainSpec) -> Iterator[None]:
    """Asks torch for deterministic algorithms where the spec does, and puts things back afterwards."""
    before = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    memory: Any = torch.utils.deterministic
    fill_before = memory.fill_uninitialized_memory
    torch.use_deterministic_algorithms(spec.deterministic, warn_only=True)
    # Filling fresh memory with NaN only helps to find reads of it, and costs a pass over every buffer.
    memory.fill_uninitialized_memory = False
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before[0], warn_only=before[1])
        memory.fill_uninitialized_memory = fill_before


def save_weights(model: nn.Module, path: Path, metadata: dict[str, str] | None = None) -> None:
    """Writes the weights of a model as safetensors; raises CacheError where that is not possible."""
    partial = path.with_suffix(".partial")
    try:
        safetensors.torch.save_file(
            {name: value.contiguous() for name, value in model.state_dict().items()}, partial, metadata
        )
        partial.replace(path)
    except (OSError, safetensors.SafetensorError) as error:
        partial.unlink(missing_ok=True)
        raise CacheError(
            f"cannot write the weights to {path}: {error}; free some space or choose another folder"
        ) from error


def peak_memory_of(device: torch.device) -> float:
    """Returns the largest memory used so far, of the process or of an accelerator, in 10^6 bytes."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 1e6
    return peak_memory_mb()
