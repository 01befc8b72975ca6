"""The arrays that encoders require, computed once a dataset and kept in the cache."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch

from graphkit.data.cache import load_or_build, processed_file
from graphkit.data.container import Arrays
from graphkit.data.labelled import LabelledDataset, writeable
from graphkit.errors import ConfigError
from graphkit.kernels.ragged import Ragged
from graphkit.transforms.structures import BUDGET, Cost, Graphs, Requirement


@dataclass
class _Kept:
    fields: dict[str, Ragged]
    name: str


def structure_of(
    dataset: LabelledDataset, requires: Iterable[Requirement], budget_mb: int = BUDGET
) -> dict[str, Ragged]:
    """Returns the arrays of all required transforms for the whole dataset, from the cache where they are.

    Raises:
        BudgetExceeded: a transform would take more than `budget_mb`.
        ConfigError: two transforms make an array of one name.
    """
    found: dict[str, Ragged] = {}
    for requirement in requires:
        path = processed_file(dataset.name, {"structure": requirement.key(dataset.fingerprint)})

        def build(requirement: Requirement = requirement) -> _Kept:
            return _Kept(dict(requirement.compute(Graphs.of(dataset.data), budget_mb)), dataset.name)

        kept, _ = load_or_build(path, build, _pack, _unpack)
        held = sum(field.values.nbytes for field in kept.fields.values())
        requirement.check(Cost(held, "kept in the cache"), budget_mb)
        twice = sorted(found.keys() & kept.fields.keys())
        if twice:
            raise ConfigError(f"two transforms make an array {twice[0]!r}; give one of them another name")
        found |= kept.fields
    return found


def _pack(kept: _Kept) -> Arrays:
    arrays: Arrays = {}
    for name, field in kept.fields.items():
        key = f"{name}.{field.names}"
        arrays[f"values.{key}"] = np.ascontiguousarray(field.values.cpu().numpy())
        arrays[f"ptr.{key}"] = field.ptr.cpu().numpy()
    return arrays


def _unpack(arrays: Arrays, name: str) -> _Kept:
    fields = {}
    for key, values in arrays.items():
        kind, _, rest = key.partition(".")
        if kind == "values":
            field, _, names = rest.rpartition(".")
            ptr = torch.from_numpy(writeable(arrays[f"ptr.{rest}"]))
            fields[field] = Ragged(torch.from_numpy(writeable(values)), ptr, names)
    return _Kept(fields, name)
