"""Tensors as the flat numpy arrays that compiled kernels read and write, without copies where possible."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from graphkit.kernels.csr import CSRGraph

Array = npt.NDArray[Any]


def flat(tensor: Tensor) -> Array:
    """The elements of a tensor in order, sharing its memory if it is contiguous."""
    return tensor.detach().contiguous().view(-1).numpy()


def indices(graph: CSRGraph) -> tuple[Array, Array]:
    """The arrays rowptr and col of a graph (kept with the graph)."""
    views: tuple[Array, Array] | None = graph.__dict__.get("_indices")
    if views is None:
        views = graph.__dict__["_indices"] = (graph.rowptr.numpy(), graph.col.numpy())
    return views


_empty: dict[Any, Array] = {}


def empty(dtype: Any) -> Array:
    """An array of no elements, which stands for an absent argument."""
    array = _empty.get(dtype)
    if array is None:
        array = _empty[dtype] = np.empty(0, dtype)
    return array


def as_computed(*tensors: Tensor | None) -> tuple[list[Tensor | None], Callable[[Tensor], Tensor]]:
    """The tensors in one type the kernels know, and the cast back to the type of the first one.

    float64 if any is float64, else float32: half precision is computed in float32.
    """
    first = tensors[0]
    assert first is not None
    wanted = torch.float32
    for tensor in tensors:
        if tensor is not None and tensor.dtype == torch.float64:
            wanted = torch.float64
    cast = [None if tensor is None or tensor.dtype == wanted else tensor.to(wanted) for tensor in tensors]
    result = [changed if changed is not None else tensor for changed, tensor in zip(cast, tensors, strict=True)]
    if first.dtype in (wanted, torch.float32):
        return result, _same
    return result, lambda tensor: tensor.to(first.dtype)


def _same(tensor: Tensor) -> Tensor:
    return tensor
