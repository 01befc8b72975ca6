"""Training batches of links: positives in the order of the epoch, as many negatives, and the graph they may see."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from graphkit.config import RunSpec, TrainSpec
from graphkit.data.diagnostics import simple_undirected
from graphkit.data.links import LinkDataset, LinkSplit
from graphkit.errors import ConfigError
from graphkit.kernels import CSRGraph, SparseFeatures
from graphkit.kernels.subset import RemovableLinks
from graphkit.seeds import SeedStreams
from graphkit.training.feeds import epoch_seed, prepare_features
from graphkit.training.inputs import node_inputs
from graphkit.training.pair_values import Part

if TYPE_CHECKING:
    from graphkit.training.link_model import LinkModel


@dataclass(frozen=True)
class LinkBatch:
    """One step: pairs [2, 2B], the positives first, their labels [2B], and what a model may look at."""

    x: Tensor | SparseFeatures | None
    graph: CSRGraph
    whole: CSRGraph
    pairs: Tensor
    y: Tensor


class LinkFeed:
    """Batches of training links and negatives; a pure function of (dataset, split, spec, seed, epoch).

    Args:
        dataset: the graph.
        split: which links a model may see, and which it learns from.
        spec: of `data` `batch_size` and the inputs, of `train` `remove_targets`, `negatives` and `drop_last` are read.
        streams: of the run; `sampler` orders the links, `negatives` draws.
        device: where the tensors live.

    Raises:
        ConfigError: features are asked for where nodes have none, or published negatives where there are none.

    Example:
        >>> from graphkit.data import load_dataset
        >>> cora = load_dataset("cora", protocol="ncn-70-10-20")  # doctest: +SKIP
        >>> feed = LinkFeed(cora, cora.split(), RunSpec(), SeedStreams(0), torch.device("cpu"))  # doctest: +SKIP
        >>> [batch.pairs.shape for batch in feed.train_batches(0)]  # doctest: +SKIP
        [torch.Size([2, 7392])]
    """

    def __init__(
        self, dataset: LinkDataset, split: LinkSplit, spec: RunSpec, streams: SeedStreams, device: torch.device
    ) -> None:
        if split.train.shape[1] < 1:
            raise ConfigError(f"{dataset.name}: split {split.index} of {split.name} has no training links")
        if spec.train.negatives == "published" and split.train_negatives is None:
            raise ConfigError(
                f"{dataset.name}: {split.name} publishes no training negatives; set train.negatives = non-links"
            )
        self.split, self._spec, self._device = split, spec, device
        inputs = node_inputs(
            spec, dataset.raw.x, dataset.num_nodes, lambda: simple_undirected(split.message, dataset.num_nodes)
        )
        self.x = None if inputs is None else prepare_features(torch.from_numpy(inputs), device)
        self.num_nodes, undirected = dataset.num_nodes, dataset.raw.undirected
        self.graph = self._graph(split.message)
        _ = self.graph.t  # thinned with the graph for every batch, instead of sorted anew
        self._removable = RemovableLinks(self.graph, undirected)
        self._seeds = streams.integer("sampler"), streams.integer("negatives")
        self._taken = np.unique(self._keys(split.message))

    def train_batches(self, epoch: int) -> Iterator[LinkBatch]:
        """Yields the batches of `epoch`."""
        order_seed, negative_seed = (epoch_seed(seed, epoch) for seed in self._seeds)
        count = self.split.train.shape[1]
        order = np.random.default_rng(order_seed).permutation(count)
        links = self.split.train[:, order]
        negatives = self._negatives(np.random.default_rng(negative_seed), count)
        size = self._spec.data.batch_size or count
        stop = count // size * size if self._spec.train.drop_last and count >= size else count
        for start in range(0, stop, size):
            positive = torch.from_numpy(links[:, start : start + size]).to(self._device)
            negative = torch.from_numpy(negatives[:, start : start + size]).to(self._device)
            graph = self._removable.without(positive) if self._spec.train.remove_targets else self.graph
            y = torch.zeros(positive.size(1) + negative.size(1), device=self._device)
            y[: positive.size(1)] = 1.0
            yield LinkBatch(self.x, graph, self.graph, torch.cat([positive, negative], dim=1), y)

    def graph_of(self, part: Part) -> CSRGraph:
        """Returns the graph whose messages may be used when links of `valid` or `test` are scored."""
        message = self.split.message_of(part)
        return self.graph if message is self.split.message else self._graph(message)

    def _graph(self, message: NDArray[np.int64]) -> CSRGraph:
        # neighbours in rising order, which lists of common ones need, once and for every batch
        message = message[:, np.argsort(message[0], kind="stable")]
        return CSRGraph.from_edge_index(torch.from_numpy(message), self.num_nodes).to(self._device)

    def _negatives(self, rng: np.random.Generator, count: int) -> NDArray[np.int64]:
        """As many pairs as links [2, count]: the split's own in random order, or any that are no message links."""
        if self._spec.train.negatives == "published" and self.split.train_negatives is not None:
            published = self.split.train_negatives
            return published[:, rng.permutation(max(count, published.shape[1]))[:count] % published.shape[1]]
        found = np.zeros((2, 0), dtype=np.int64)
        while found.shape[1] < count:
            pairs = rng.integers(self.num_nodes, size=(2, count - found.shape[1]))
            keys = self._keys(pairs)
            place = np.minimum(np.searchsorted(self._taken, keys), max(len(self._taken) - 1, 0))
            free = (pairs[0] != pairs[1]) & (self._taken[place] != keys if len(self._taken) else True)
            found = np.concatenate([found, pairs[:, free]], axis=1)
        return found

    def _keys(self, pairs: NDArray[np.int64]) -> NDArray[np.int64]:
        keys: NDArray[np.int64] = pairs[0] * np.int64(self.num_nodes) + pairs[1]
        return keys


class ReweightedFeed:
    """The batches of a feed, before some epochs of which a model's edges are weighted anew (`train.reweight`).

    Args:
        feed: the batches.
        model: has `reweight(x, graph, alpha)`.
        spec: `reweight`, `reweight_from` and `reweight_every` are read.

    Raises:
        ConfigError: a weight that is negative, or epochs that are no count.
    """

    def __init__(self, feed: LinkFeed, model: LinkModel, spec: TrainSpec) -> None:
        if spec.reweight < 0 or spec.reweight_from < 0 or spec.reweight_every < 1:
            raise ConfigError(
                "train.reweight and train.reweight_from are not negative, train.reweight_every is at least 1, got "
                f"{spec.reweight}, {spec.reweight_from} and {spec.reweight_every}"
            )
        self.feed, self.model, self.spec = feed, model, spec
        self.x, self.graph = feed.x, feed.graph

    def train_batches(self, epoch: int) -> Iterator[LinkBatch]:
        """Yields the batches of `epoch`."""
        since = epoch - self.spec.reweight_from
        if since >= 0 and since % self.spec.reweight_every == 0:
            self.model.reweight(self.x, self.graph, self.spec.reweight)
            self.model.train()
        yield from self.feed.train_batches(epoch)
