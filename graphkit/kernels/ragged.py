"""Arrays that follow the graphs of a dataset: rows of every graph side by side, cut into batches by slices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from graphkit.errors import ConfigError, ShapeError

NODE, EDGE = "node", "edge"


@dataclass(frozen=True, eq=False)
class Ragged:
    """One array of a whole dataset, graph after graph, with as many rows a graph as it takes.

    Args:
        values: [R, ...] rows of graph 0, then of graph 1, and so on.
        ptr: [G + 1] int64: the rows of graph g are `ptr[g]` to `ptr[g + 1]`.
        names: what the integers in `values` number: `node`, `edge`, or the name of another array of the structure,
            whose rows they number; empty for values that are no such numbers. Numbers count through the dataset here,
            and through the batch in a batch.

    Raises:
        ShapeError: the last offset is not the number of rows.

    Example:
        >>> ends = Ragged(torch.tensor([[0, 1], [2, 3]]), torch.tensor([0, 1, 2]), names="node")
        >>> cut({"ends": ends}, torch.tensor([1]), {"node": torch.tensor([0, 2, 4])})["ends"].tolist()
        [[0, 1]]
    """

    values: Tensor
    ptr: Tensor
    names: str = ""

    def __post_init__(self) -> None:
        if self.ptr.dim() != 1 or int(self.ptr[-1]) != len(self.values):
            raise ShapeError(f"offsets end at {int(self.ptr[-1])}, but there are {len(self.values)} rows")


Structure = Mapping[str, Ragged]
"""The arrays of one or several transforms, by name."""


def ranges(ptr: Tensor, ids: Tensor) -> tuple[Tensor, Tensor]:
    """Returns the concatenated ranges ptr[i] to ptr[i + 1] of `ids`, and where each begins [len(ids) + 1]."""
    first = ptr[ids]
    sizes = ptr[ids + 1] - first
    begin = torch.cat([sizes.new_zeros(1), sizes.cumsum(0)])
    shift = torch.repeat_interleave(first - begin[:-1], sizes, output_size=int(begin[-1]))
    return shift.add_(torch.arange(len(shift), device=ptr.device)), begin


def cut(structure: Structure, ids: Tensor, numbered: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Cuts the rows of some graphs out of every array, with numbers that count through the batch.

    Args:
        structure: arrays by name.
        ids: [B] graphs, in the order of the batch.
        numbered: offsets [G + 1] of what arrays may number besides each other: `node` and `edge`.

    Returns:
        By name, the rows [R', ...] of the batch; and under NAME_ptr where each graph's rows begin [B + 1].

    Raises:
        ConfigError: an array numbers the rows of something that is not there.
    """
    offsets = {**numbered, **{name: field.ptr for name, field in structure.items()}}
    begins = {name: ranges_begin(ptr, ids) for name, ptr in offsets.items()}
    found = {}
    for name, field in structure.items():
        rows, begin = ranges(field.ptr, ids)
        values = field.values[rows]
        if field.names:
            if field.names not in offsets:
                raise ConfigError(f"array {name!r} numbers {field.names!r}, which is none of {', '.join(offsets)}")
            move = begins[field.names][:-1] - offsets[field.names][ids]
            shift = torch.repeat_interleave(move, begin.diff(), output_size=len(rows)).to(values.dtype)
            values = values + shift.view(-1, *[1] * (values.dim() - 1))
        found[name], found[f"{name}_ptr"] = values, begin
    return found


def ranges_begin(ptr: Tensor, ids: Tensor) -> Tensor:
    """Returns where the rows of each of `ids` begin in a batch [len(ids) + 1]."""
    sizes = ptr[ids + 1] - ptr[ids]
    return torch.cat([sizes.new_zeros(1), sizes.cumsum(0)])


def whole(structure: Structure) -> dict[str, Tensor]:
    """Returns every array and its offsets as they are: all graphs in one batch."""
    found = {name: field.values for name, field in structure.items()}
    return found | {f"{name}_ptr": field.ptr for name, field in structure.items()}


def owners(ptr: Tensor, rows: int) -> Tensor:
    """Returns the graph [R] of each of `rows` rows.

    Raises:
        ShapeError: the offsets end elsewhere.

    Example:
        >>> owners(torch.tensor([0, 2, 2, 3]), 3).tolist()
        [0, 0, 2]
    """
    if int(ptr[-1]) != rows:
        raise ShapeError(f"offsets end at {int(ptr[-1])}, but there are {rows} rows")
    return torch.repeat_interleave(torch.arange(len(ptr) - 1, device=ptr.device), ptr.diff(), output_size=rows)
