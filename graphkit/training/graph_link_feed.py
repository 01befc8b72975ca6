"""Batches of whole graphs with the links that are asked for inside them, and drawn negatives for training."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from graphkit.config import RunSpec
from graphkit.data.graph_links import GraphLinkDataset
from graphkit.data.splits import Split
from graphkit.errors import ConfigError
from graphkit.kernels import CSRGraph, as_graph
from graphkit.kernels.ragged import Structure
from graphkit.seeds import SeedStreams
from graphkit.training.feeds import INPUTS, Part, epoch_seed

_ASKED = "asked_links"


@dataclass(frozen=True)
class GraphLinkBatch:
    """Whole graphs and pairs inside them.

    Shapes:
        x [N, F] or [N, D] categories; pairs [2, P]; y [P] 1 (links) and 0, all 1 in evaluation; ptr [G + 1], batch [N].
    """

    x: Tensor
    graph: CSRGraph
    edge_attr: Tensor | None
    structure: Mapping[str, Tensor]
    pairs: Tensor
    y: Tensor

    @property
    def ptr(self) -> Tensor:
        """[G + 1] first node of every graph."""
        return self.structure["ptr"]

    def states(self, model: Any) -> Tensor:
        """Returns the states [N, C] of a model's encoder."""
        states: Tensor = model.states(self.x, self.graph, self.edge_attr, self.structure)
        return states


class GraphLinkFeed:
    """Batches of graphs; a pure function of (dataset, split, spec, seed, epoch).

    Args:
        dataset: the graphs.
        split: which graphs train, validate and test; graphs without links are left out.
        spec: `data.batch_size` (0 takes all graphs) and `train.negative_count` are read.
        streams: of the run; `sampler` orders the graphs, `negatives` draws.
        device: where the tensors live.
        structure: arrays that the encoder requires.

    Raises:
        ConfigError: `train` asks for other negatives than drawn ones, or no part of graphs has a link.

    Example:
        >>> from graphkit.data import load_dataset
        >>> far = load_dataset("far-links", options={"graphs": 10})
        >>> spec = RunSpec().with_overrides(["data.batch_size=3"])
        >>> feed = GraphLinkFeed(far, far.split(), spec, SeedStreams(0), torch.device("cpu"))
        >>> [len(batch.ptr) - 1 for batch in feed.train_batches(0)]
        [3, 3]
    """

    def __init__(
        self,
        dataset: GraphLinkDataset,
        split: Split,
        spec: RunSpec,
        streams: SeedStreams,
        device: torch.device,
        structure: Structure | None = None,
    ) -> None:
        from graphkit.sampling import GraphBatches

        if spec.train.negatives != "non-links":
            raise ConfigError("links inside graphs take train.negatives = non-links")
        self._device, self._count = device, spec.train.negative_count
        self._seeds = streams.integer("sampler"), streams.integer("negatives")
        arrays = {**(structure or {}), _ASKED: dataset.asked}
        self._batches: dict[str, GraphBatches] = {}
        for part, graphs in zip(("train", "valid", "test"), split.parts, strict=True):
            ids = graphs[dataset.raw.y[graphs] > 0]
            if not len(ids):
                raise ConfigError(f"{dataset.name}: no {part} graph of {split!r} has a link")
            self._batches[part] = GraphBatches(dataset.data, ids, spec.data.batch_size or len(ids), "graph", arrays)

    def train_batches(self, epoch: int) -> Iterator[GraphLinkBatch]:
        """Yields the batches of `epoch`: the links, then `negative_count` negatives of every one."""
        order, negative = (epoch_seed(seed, epoch) for seed in self._seeds)
        rng = np.random.default_rng(negative)
        for block in self._batches["train"].epoch(order):
            links = block[_ASKED].t()
            drawn = draw_negatives(links.numpy(), block.ptr.numpy(), self._count, rng)
            y = torch.zeros(links.size(1) + drawn.shape[1])
            y[: links.size(1)] = 1.0
            yield self._batch(block, torch.cat([links, torch.from_numpy(drawn)], dim=1), y)

    def eval_batches(self, part: Part) -> Iterator[GraphLinkBatch]:
        """Yields the graphs of a part in their order, with their links."""
        for block in self._batches[part].epoch(None):
            links = block[_ASKED].t()
            yield self._batch(block, links, torch.ones(links.size(1)))

    def _batch(self, block: Any, pairs: Tensor, y: Tensor) -> GraphLinkBatch:
        block = block.to(self._device)
        skip = (*INPUTS, _ASKED, f"{_ASKED}_ptr", "num_nodes")
        return GraphLinkBatch(
            block.x,
            as_graph(block.edge_index, block.num_nodes),
            block.get("edge_attr"),
            {key: block[key] for key in block.to_dict() if key not in skip},
            pairs.to(self._device),
            y.to(self._device),
        )


def draw_negatives(
    links: NDArray[np.int64], ptr: NDArray[np.int64], count: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Draws `count` nodes of the same graph for every link's source that it is not linked to, itself among them.

    The structured sampling of Dwivedi et al. (arXiv 2206.08164), with repetition.

    Args:
        links: [2, L] all links of the graphs; no source is linked to all nodes of its graph.
        ptr: [G + 1] first node of every graph.
        count: negatives a link.
        rng: source of randomness.

    Returns:
        Pairs [2, L * count], those of a link side by side.

    Example:
        >>> links = np.array([[0, 2], [2, 0]])
        >>> draw_negatives(links, np.array([0, 3]), 50, np.random.default_rng(0)).max(1).tolist()
        [2, 2]
    """
    nodes = ptr[-1]
    source = np.repeat(links[0], count)
    graph = np.searchsorted(ptr, source, side="right") - 1
    first, size = ptr[graph], np.diff(ptr)[graph]
    taken = np.sort(links[0] * nodes + links[1])
    target = first + rng.integers(size)
    again = np.arange(len(source))
    while True:
        keys = source[again] * nodes + target[again]
        place = np.minimum(np.searchsorted(taken, keys), len(taken) - 1)
        again = again[taken[place] == keys]
        if not len(again):
            return np.stack([source, target])
        target[again] = first[again] + rng.integers(size[again])
