"""Batches of systems of points: edges are found once for the whole dataset, and a batch is cut out of flat arrays."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from graphkit.config import RunSpec
from graphkit.data.splits import Split
from graphkit.data.systems import SystemDataset
from graphkit.encoders.equivariant.base import Points
from graphkit.errors import ConfigError
from graphkit.kernels.point_edges import PointEdges
from graphkit.sampling.graphs import share_of
from graphkit.seeds import SeedStreams
from graphkit.training.feeds import epoch_seed

EVAL_BATCH = 500
"""Points times eight are what an evaluation batch holds about, however many systems that is."""
NOISE = 8
"""Dimension of the noise that graphs without positions start from."""


@dataclass(frozen=True)
class SystemBatch:
    """Some systems and what is asked about them.

    Shapes:
        targets: quantities by name, over points [N, ...], systems [G] or edges [E].
    """

    points: Points
    targets: Mapping[str, Tensor]


WIDTHS: Mapping[str, tuple[int, int]] = {"trajectory": (1, 2), "graph-autoencoding": (0, 1)}
"""Task to the features of a point and of an edge; elements alone where it is not listed."""


class SystemFeed:
    """Batches of whole systems; training systems in an order drawn for every epoch.

    Args:
        dataset: the loaded dataset.
        split: which systems train, validate and test.
        spec: `data.batch_size` (0 takes all at once) and `train.drop_last` are read.
        cutoff: edges join points closer than this; 0 joins all pairs.
        streams: the order of an epoch and the noise of graphs come from here.
        device: where the tensors go.
        dtype: of positions and features; energies stay float64.
        share: which part of a training batch is given, (r, n) for the r-th of n processes.
    """

    def __init__(
        self,
        dataset: SystemDataset,
        split: Split,
        spec: RunSpec,
        streams: SeedStreams,
        *,
        cutoff: float = 0.0,
        device: torch.device | None = None,
        dtype: torch.dtype = torch.float32,
        share: tuple[int, int] = (0, 1),
    ) -> None:
        self.dataset, self.split, self.spec = dataset, split, spec
        self._device, self._dtype, self._share = device or torch.device("cpu"), dtype, share
        self._order_seed, self._noise_seed = streams.integer("sampler"), streams.integer("data")
        self._task = dataset.card.task
        raw = dataset.raw
        self._points = {key: _tensor(value, dtype) for key, value in raw.points.items()}
        self._systems = {key: torch.from_numpy(np.array(value)) for key, value in raw.systems.items()}
        self._ptr = torch.from_numpy(np.array(raw.ptr))
        self._edges = _Edges(self._ptr, _radius(self._points, self._systems, self._ptr, cutoff)) if cutoff else None
        self._pairs = None if raw.edge_index is None else torch.from_numpy(np.array(raw.edge_index))
        self._pair_ptr = None if self._pairs is None else _edge_offsets(self._pairs[1], self._ptr)
        self._complete: tuple[Tensor, PointEdges] | None = None
        if self._task == "trajectory":
            every = PointEdges.complete(self._ptr)
            self._charges = _charges_and_distances(self._points["charge"], self._points["pos"], every)
            self._charge_ptr = _edge_offsets(every.target, self._ptr)

    def train_batches(self, epoch: int) -> Iterator[SystemBatch]:
        """Yields batches of training systems."""
        seed = epoch_seed(self._order_seed, epoch)
        order = np.random.default_rng(seed).permutation(self.split.train)
        size = self.spec.data.batch_size or len(order)
        last = len(order) - len(order) % size if self.spec.train.drop_last and len(order) >= size else len(order)
        for start in range(0, last, size):
            own = share_of(order[start : min(start + size, last)], self._share)
            yield self.batch(own, noise=epoch_seed(seed, start))

    def eval_batches(self, part: str) -> Iterator[SystemBatch]:
        """Yields the systems of `part` in their order."""
        numbers: NDArray[np.int64] = getattr(self.split, part)
        size = max(1, int(EVAL_BATCH * 8 / max(8.0, float(self.dataset.sizes.mean()))))
        for start in range(0, len(numbers), size):
            yield self.batch(numbers[start : start + size], noise=epoch_seed(self._noise_seed, start))

    def batch(self, numbers: NDArray[np.int64], *, noise: int = 0) -> SystemBatch:
        """Returns the batch of the systems with these numbers."""
        chosen = torch.from_numpy(np.array(numbers, dtype=np.int64))
        rows, ptr = _ranges(self._ptr, chosen)
        own = {key: value[rows] for key, value in self._points.items()}
        targets: dict[str, Tensor] = {key: own[key] for key in ("future", "forces") if key in own}
        targets |= {key: value[chosen] for key, value in self._systems.items() if key in ("energy", "dipole")}
        edges = self._complete_edges(ptr) if self._edges is None else self._edges.cut(chosen, rows, ptr)
        pos, x = own.get("pos"), None
        if self._task == "graph-autoencoding":
            generator = torch.Generator().manual_seed(noise)
            pos = torch.randn(len(rows), NOISE, generator=generator, dtype=self._dtype)
            targets["edges"] = self._adjacency(chosen, ptr, edges)
            edges.attr = targets["edges"].unsqueeze(-1)
        elif self._task == "trajectory":
            x = own["vel"].norm(dim=-1, keepdim=True)
            edges.attr = self._charges[_ranges(self._charge_ptr, chosen)[0]]
        if pos is None:
            raise ConfigError(f"dataset {self.dataset.name} has no positions")
        charge = self._systems["charge"][chosen].to(self._dtype) if "charge" in self._systems else None
        z = own.get("z")
        points = Points(pos, edges, ptr, x=x, z=z, vel=own.get("vel"), charge=charge)
        batch = SystemBatch(points, targets)
        return batch if self._device.type == "cpu" else _moved(batch, self._device)

    def training_arrays(self) -> dict[str, Tensor]:
        """Returns what is known of all training systems: arrays over points and systems, and `system` [N]."""
        chosen = torch.from_numpy(np.array(self.split.train, dtype=np.int64))
        rows, ptr = _ranges(self._ptr, chosen)
        found = {key: value[rows] for key, value in self._points.items()}
        found |= {key: value[chosen] for key, value in self._systems.items()}
        return found | {"system": torch.repeat_interleave(torch.arange(len(chosen)), ptr.diff())}

    def _complete_edges(self, ptr: Tensor) -> PointEdges:
        """All pairs of points of every system; found once for batches whose systems have the same sizes."""
        if self._complete is None or not torch.equal(self._complete[0], ptr):
            edges = PointEdges.complete(ptr)
            _ = edges.into, edges.out, edges.degree  # shared by the copies
            self._complete = ptr, edges
        return copy.copy(self._complete[1])

    def _adjacency(self, chosen: Tensor, ptr: Tensor, edges: PointEdges) -> Tensor:
        """Returns [E] ones where a pair of all ordered pairs is an edge of the data."""
        found = torch.zeros(edges.num_edges, dtype=self._dtype)
        assert self._pairs is not None and self._pair_ptr is not None
        rows, offsets = _ranges(self._pair_ptr, chosen)
        graph = torch.repeat_interleave(torch.arange(len(chosen)), offsets.diff())
        source, target = self._pairs[:, rows] - self._ptr[chosen][graph] + ptr[graph]
        size = ptr.diff()[graph]
        # pairs of a point are listed from the next point on, around (PointEdges.complete)
        found[edges.into.ptr[target] + (source - target - 1) % size] = 1.0
        return found


class _Edges:
    """Edges of every system of a dataset, from which those of a batch are cut."""

    def __init__(self, ptr: Tensor, edges: PointEdges) -> None:
        self.ptr, self.offsets = ptr, _edge_offsets(edges.target, ptr)
        system = torch.repeat_interleave(torch.arange(len(ptr) - 1), self.offsets.diff())
        self.source, self.target = edges.source - ptr[system], edges.target - ptr[system]
        self.reverse = None if edges.reverse is None else edges.reverse - self.offsets[system]
        self.shift = edges.shift

    def cut(self, chosen: Tensor, rows: Tensor, ptr: Tensor) -> PointEdges:
        index, offsets = _ranges(self.offsets, chosen)
        system = torch.repeat_interleave(torch.arange(len(chosen)), offsets.diff())
        first = ptr[system]
        return PointEdges(
            self.source[index] + first,
            self.target[index] + first,
            len(rows),
            shift=None if self.shift is None else self.shift[index],
            reverse=None if self.reverse is None else self.reverse[index] + offsets[system],
            checked=True,
        )


def _radius(points: Mapping[str, Tensor], systems: Mapping[str, Tensor], ptr: Tensor, cutoff: float) -> PointEdges:
    from graphkit.kernels.radius import radius_edges

    return radius_edges(points["pos"].double(), cutoff, ptr, cell=systems.get("cell"), pbc=systems.get("pbc"))


def _charges_and_distances(charge: Tensor, pos: Tensor, edges: PointEdges) -> Tensor:
    way = pos[edges.target] - pos[edges.source]
    product = charge[edges.target] * charge[edges.source]
    return torch.cat([product, (way * way).sum(-1, keepdim=True)], dim=-1)


def _ranges(ptr: Tensor, chosen: Tensor) -> tuple[Tensor, Tensor]:
    """Rows of the chosen systems one after another, and their offsets [len(chosen) + 1]."""
    size = ptr[chosen + 1] - ptr[chosen]
    offsets = torch.cat([size.new_zeros(1), size.cumsum(0)])
    first = torch.repeat_interleave(ptr[chosen] - offsets[:-1], size)
    return first + torch.arange(int(offsets[-1])), offsets


def _edge_offsets(target: Tensor, ptr: Tensor) -> Tensor:
    """Where the edges of every system begin; edges are sorted by target."""
    return torch.searchsorted(target.contiguous(), ptr)


def _tensor(array: NDArray[Any], dtype: torch.dtype) -> Tensor:
    tensor = torch.from_numpy(np.array(array))
    return tensor.to(dtype) if tensor.is_floating_point() else tensor


def _moved(batch: SystemBatch, device: torch.device) -> SystemBatch:
    points = batch.points
    fields = {key: getattr(points, key) for key in ("pos", "ptr", "x", "z", "vel", "charge", "system")}
    moved = {key: None if value is None else value.to(device) for key, value in fields.items()}
    targets = {key: value.to(device) for key, value in batch.targets.items()}
    return SystemBatch(points.with_(edges=points.edges.to(device), **moved), targets)
