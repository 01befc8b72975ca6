"""What a training step sees: the whole graph, sampled neighbourhoods, or batches of whole graphs.

A feed is a pure function of (dataset, split, seed, epoch), so a resumed run sees the very batches it would have seen.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from graphkit.config import DataSpec
from graphkit.data.graphs import GraphDataset
from graphkit.data.labelled import LabelledDataset
from graphkit.data.load import NodeDataset
from graphkit.data.splits import Split
from graphkit.errors import ConfigError
from graphkit.kernels import CSRGraph, SparseFeatures, as_graph
from graphkit.kernels.ragged import Structure, whole
from graphkit.seeds import SeedStreams
from graphkit.training.structures import structure_of
from graphkit.transforms.structures import Requirement

Part = Literal["train", "valid", "test"]
SPARSE_BELOW = 0.1
"""Features with a smaller share of non-zeros go through the sparse first layer."""
INPUTS = ("x", "edge_index", "edge_attr", "y", "node_id")
_NOTHING: Structure = MappingProxyType({})


@dataclass(frozen=True)
class Batch:
    """Inputs of one forward pass, and which of the scores are asked for: `rows`, or all where it is None."""

    x: Tensor | SparseFeatures
    graph: CSRGraph
    rows: Tensor | None
    y: Tensor
    edge_attr: Tensor | None = None
    structure: Mapping[str, Tensor] | None = None

    def scores(self, model: Any) -> Tensor:
        """Returns the model's raw scores [B, C] of what is asked for, in the order of `y`."""
        scores: Tensor = model(self.x, self.graph, self.edge_attr, self.structure)
        return scores if self.rows is None else scores[self.rows]


class Feed(Protocol):
    """Batches for training, and for scoring the nodes (or graphs) of one part of the split."""

    def train_batches(self, epoch: int) -> Iterator[Batch]:
        """Yields the training batches of `epoch`."""

    def eval_batches(self, part: Part) -> Iterator[Batch]:
        """Yields batches that together score everything in `part` once."""

    def eval_rows(self, part: Part) -> np.ndarray[Any, Any]:
        """Returns the ids that `eval_batches(part)` scores, in its order."""


class FullGraphFeed:
    """One batch an epoch: every node, with the loss on the training nodes.

    Args:
        dataset: the loaded dataset.
        split: which nodes train, validate and test.
        device: where the tensors live.
        structure: arrays that the encoder requires.
    """

    def __init__(
        self, dataset: NodeDataset, split: Split, device: torch.device, structure: Structure = _NOTHING
    ) -> None:
        data = dataset.data
        arrays = whole(structure) | {key: data[key] for key in ("ptr", "batch") if key in data}
        self._structure = {name: values.to(device) for name, values in arrays.items()} or None
        self._x = prepare_features(data.x, device)
        self._graph = as_graph(data.edge_index, data.num_nodes).to(device)
        edge_attr = data.get("edge_attr")
        self._edge_attr = None if edge_attr is None else edge_attr.to(device)
        self._split = split
        self._rows = {part: torch.tensor(getattr(split, part), device=device) for part in ("train", "valid", "test")}
        self._y = {part: data.y.to(device)[rows] for part, rows in self._rows.items()}

    def train_batches(self, epoch: int) -> Iterator[Batch]:
        """Yields the one batch there is."""
        return self.eval_batches("train")

    def eval_batches(self, part: Part) -> Iterator[Batch]:
        """Yields the whole graph with the rows of `part`."""
        yield Batch(self._x, self._graph, self._rows[part], self._y[part], self._edge_attr, self._structure)

    def eval_rows(self, part: Part) -> np.ndarray[Any, Any]:
        """Returns the node ids of `part`."""
        return np.asarray(getattr(self._split, part))


class NeighborFeed(FullGraphFeed):
    """Training on sampled neighbourhoods of seed nodes; scoring on the whole graph, where nothing is sampled.

    Args:
        dataset: the loaded dataset.
        split: which nodes train, validate and test.
        device: where the tensors live.
        spec: `batch_size` and `fanout` are read.
        seed: start of the sampler's stream; every epoch derives its own.
        share: which part of a training batch is given, (r, n) for the r-th of n processes.
    """

    def __init__(
        self,
        dataset: NodeDataset,
        split: Split,
        device: torch.device,
        spec: DataSpec,
        seed: int,
        share: tuple[int, int] = (0, 1),
    ) -> None:
        super().__init__(dataset, split, device)
        from graphkit.sampling import NeighborSampler

        self._data, self._device, self._spec, self._seed = dataset.data, device, spec, seed
        self._sampler, self._share = NeighborSampler(dataset.data, spec.fanout), share

    def train_batches(self, epoch: int) -> Iterator[Batch]:
        """Yields one batch per `batch_size` training nodes, in an order drawn for this epoch."""
        from graphkit.sampling import neighbor_loader

        loader = neighbor_loader(
            self._data,
            fanout=self._spec.fanout,
            batch_size=self._spec.batch_size,
            input_nodes=torch.tensor(self._split.train),
            seed=epoch_seed(self._seed, epoch),
            shuffle=True,
            sampler=self._sampler,
            share=self._share,
        )
        for block in loader:
            block = block.to(self._device)
            rows = torch.arange(block.batch_size, device=self._device)
            graph = as_graph(block.edge_index, block.num_nodes)
            yield Batch(block.x, graph, rows, block.y[: block.batch_size], block.get("edge_attr"))


class ManyGraphsFeed:
    """Batches of whole graphs, whose nodes or which themselves are labelled.

    Args:
        dataset: a dataset whose data has `ptr [G + 1]`.
        split: which nodes or graphs train, validate and test; all nodes of a graph are on one side.
        device: where the tensors live.
        batch_size: graphs a step; 0 takes all.
        seed: start of the shuffling stream; every epoch derives its own.
        structure: arrays that the encoder requires.
        share: which part of a training batch is given, (r, n) for the r-th of n processes.
    """

    def __init__(
        self,
        dataset: LabelledDataset,
        split: Split,
        device: torch.device,
        batch_size: int,
        seed: int,
        structure: Structure = _NOTHING,
        share: tuple[int, int] = (0, 1),
    ) -> None:
        from graphkit.sampling import GraphBatches

        data, self._device, self._seed, self._share = dataset.data, device, seed, share
        self._split = split
        graph_level = isinstance(dataset, GraphDataset)
        graph_of = None if graph_level else data.batch.numpy()
        self._scored = None if graph_level else torch.zeros(data.num_nodes, dtype=torch.bool)
        self._batches: dict[str, Any] = {}
        for part in ("train", "valid", "test"):
            ids = rows = getattr(split, part)
            if self._scored is not None and graph_of is not None:
                self._scored[torch.tensor(rows)] = True
                ids = np.unique(graph_of[rows])
            level: Literal["node", "graph"] = "graph" if graph_level else "node"
            self._batches[part] = GraphBatches(data, ids, batch_size or max(1, len(ids)), level, structure)

    def train_batches(self, epoch: int) -> Iterator[Batch]:
        """Yields batches of training graphs, in an order drawn for this epoch."""
        yield from self._yield(self._batches["train"].epoch(epoch_seed(self._seed, epoch), self._share))

    def eval_batches(self, part: Part) -> Iterator[Batch]:
        """Yields batches of the graphs of `part`, in their order."""
        yield from self._yield(self._batches[part].epoch(None))

    def eval_rows(self, part: Part) -> np.ndarray[Any, Any]:
        """Returns the node or graph ids of `part`."""
        return np.asarray(getattr(self._split, part))

    def _yield(self, blocks: Iterator[Any]) -> Iterator[Batch]:
        for block in blocks:
            rows = None if self._scored is None else self._scored[block.node_id].nonzero().squeeze(-1)
            y = block.y if rows is None else block.y[rows]
            block = block.to(self._device)
            graph = as_graph(block.edge_index, block.num_nodes)
            rows = None if rows is None else rows.to(self._device)
            structure = {key: block[key] for key in block.to_dict() if key not in INPUTS}
            yield Batch(block.x, graph, rows, y.to(self._device), block.get("edge_attr"), structure)


def make_feed(
    dataset: LabelledDataset,
    split: Split,
    spec: DataSpec,
    streams: SeedStreams,
    device: torch.device,
    requires: tuple[Requirement, ...] = (),
    share: tuple[int, int] = (0, 1),
) -> Feed:
    """Returns the feed that a data spec asks for, with the arrays that an encoder requires.

    `share` (r, n) gives the r-th of n processes its part of every training batch.

    Raises:
        ConfigError: the batch size, the fanout and the dataset do not fit each other.
        BudgetExceeded: the arrays would take more than `data.budget_mb`.
    """
    seed = streams.integer("sampler")
    if spec.fanout and requires:
        raise ConfigError(f"sampled neighbourhoods have no {requires[0].name}; drop data.fanout")
    structure = structure_of(dataset, requires, spec.budget_mb)
    if not isinstance(dataset, NodeDataset):
        return ManyGraphsFeed(dataset, split, device, spec.batch_size, seed, structure, share)
    if not spec.batch_size:
        if share[1] > 1:
            raise ConfigError("the whole graph is one batch, which cannot be shared out; set data.batch_size")
        if spec.fanout:
            raise ConfigError("data.fanout needs data.batch_size > 0; drop the fanout to train on the whole graph")
        return FullGraphFeed(dataset, split, device, structure)
    if "ptr" in dataset.data:
        return ManyGraphsFeed(dataset, split, device, spec.batch_size, seed, structure, share)
    if not spec.fanout:
        raise ConfigError("data.batch_size on a single graph needs data.fanout, for example data.fanout=[10,10]")
    return NeighborFeed(dataset, split, device, spec, seed, share)


def prepare_features(x: Tensor, device: torch.device) -> Tensor | SparseFeatures:
    """Returns mostly-zero features of a CPU run as SparseFeatures, and everything else as the tensor it is."""
    if (
        device.type == "cpu"
        and x.is_floating_point()
        and x.numel()
        and torch.count_nonzero(x).item() < SPARSE_BELOW * x.numel()
    ):
        return SparseFeatures.from_dense(x)
    return x.to(device)


def epoch_seed(seed: int, epoch: int) -> int:
    """Returns the seed of one epoch of a stream."""
    return int(np.random.SeedSequence(entropy=seed, spawn_key=(epoch,)).generate_state(1, np.uint32)[0])


def scores_of(model: nn.Module, feed: Feed, part: Part) -> tuple[Tensor, Tensor]:
    """Returns (raw scores, targets) of everything in `part`, the model in evaluation mode.

    Shapes:
        scores [B, C] and targets [B] or [B, C], B nodes or graphs in the order of `feed.eval_rows(part)`.
    """
    model.eval()
    scores, targets = [], []
    with torch.no_grad():
        for batch in feed.eval_batches(part):
            scores.append(batch.scores(model))
            targets.append(batch.y)
    return (scores[0], targets[0]) if len(scores) == 1 else (torch.cat(scores), torch.cat(targets))
