"""The leakage guards for torch models: the same questions, asked in tensors and in evaluation mode."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from itertools import chain
from typing import Any

import numpy as np
import torch
from torch import nn

from graphkit.evaluation import guards
from graphkit.evaluation.probes import Finding


def check_leakage(
    model: nn.Module | Callable[..., Any] | None = None,
    *,
    transform: Callable[..., Any] | None = None,
    **given: Any,
) -> list[Finding]:
    """Runs every leakage guard that the arguments allow on a torch model, and raises when one finds a leak.

    Args:
        model: a module, or any function of tensors: `model(src [B], candidates [B, K], t [B]) -> [B, K]` with
            `queries`; `model(events, src, candidates, t)` with `events` and `cut` too, `events` a dictionary of
            tensors; `model(edge_index [2, E], pairs [2, B]) -> [B]` with `edge_index` and `pairs`. A module is copied,
            put into evaluation mode and asked on its own device; a function is called as it is.
        transform: `transform(x [N, F]) -> [N, ...]`, with `x` and `train`.
        given: the other arguments of `graphkit.evaluation.check_leakage`, as arrays or tensors.

    Returns:
        One finding a guard.

    Raises:
        ProtocolError: a guard found a leak; the message lists all that did. `strict=False` returns the findings only.
        ConfigError: the arguments select no guard, or one of a guard's arguments is missing.
        NonFiniteScores: the model returned NaN or infinity.
        ShapeError: arrays or scores do not fit each other.

    Example:
        >>> ring = torch.tensor([[0, 1, 2, 3, 1, 2, 3, 0], [1, 2, 3, 0, 0, 1, 2, 3]])
        >>> degree = lambda edge_index, pairs: torch.bincount(edge_index[0], minlength=4)[pairs[0]]
        >>> check_leakage(degree, edge_index=ring, pairs=ring[:, :2], strict=False)[0].leaks
        True
    """
    return guards.check_leakage(
        None if model is None else of_arrays(model),
        transform=None if transform is None else of_arrays(transform),
        **{name: _to_numpy(value) for name, value in given.items()},
    )


def of_arrays(model: nn.Module | Callable[..., Any]) -> Callable[..., Any]:
    """Returns a function of numpy arrays that asks a torch model, without gradients, as evaluation does.

    Example:
        >>> of_arrays(nn.Dropout(0.5))(np.ones(3, dtype=np.float32)).tolist()
        [1.0, 1.0, 1.0]
    """
    asked: Callable[..., Any] = model
    device = torch.device("cpu")
    if isinstance(model, nn.Module):
        asked = copy.deepcopy(model).eval()
        tensor = next(chain(model.parameters(), model.buffers()), None)
        device = device if tensor is None else tensor.device

    def call(*arguments: Any) -> Any:
        with torch.no_grad():
            return _to_numpy(asked(*(_to_tensor(argument, device) for argument in arguments)))

    return call


def _to_tensor(value: Any, device: torch.device) -> Any:
    if isinstance(value, Mapping):
        return {name: _to_tensor(entry, device) for name, entry in value.items()}
    return torch.from_numpy(np.ascontiguousarray(value)).to(device)


def _to_numpy(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return value.detach().cpu().numpy()
    if isinstance(value, Mapping):
        return {name: _to_numpy(entry) for name, entry in value.items()}
    if isinstance(value, tuple | list):
        return type(value)(_to_numpy(entry) for entry in value)
    return value
