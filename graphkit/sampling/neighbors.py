"""Neighbour sampling with pip-installed packages only; plugs into PyG's `NodeLoader` and `LinkLoader`."""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch_geometric.data import Data
from torch_geometric.sampler import BaseSampler, EdgeSamplerInput, NegativeSampling, NodeSamplerInput, SamplerOutput

from graphkit.errors import ConfigError, GraphValidationError, ShapeError
from graphkit.kernels import as_graph

SubgraphKind = Literal["directional", "bidirectional", "induced"]


@dataclass(frozen=True)
class Subgraph:
    """What the sampler found around some seed nodes.

    Shapes:
        nodes [M] int64, seeds first; edge_index [2, S] int64 in numbers of `nodes`; edge_id [S] int64 columns of the
        full edge list; nodes_per_hop and edges_per_hop count what each hop added.
    """

    nodes: Tensor
    edge_index: Tensor
    edge_id: Tensor
    nodes_per_hop: list[int]
    edges_per_hop: list[int]


class NeighborSampler(BaseSampler):
    """Draws a few incoming neighbours a hop (Hamilton et al., NeurIPS 2017, arXiv 1706.02216, algorithm 2).

    A sample is a pure function of (seed, epoch, seed nodes), whatever the number of loader workers.

    Args:
        data: a PyG `Data` with `edge_index`, or a pair (edge_index [2, E], number of nodes).
        fanout: neighbours a hop, the hop next to the seeds first; -1 takes all.
        replace: draw with replacement.
        weight: [E] non-negative edge weights to draw in proportion to; None draws uniformly. Weight 0 is never drawn.
        subgraph: `directional` keeps the drawn edges; `bidirectional` adds, once, the reverse of every drawn edge where
            the graph has it; `induced` keeps every edge between the nodes met.
        seed: start of the random stream.

    Raises:
        ConfigError: a fan-out below -1, or no hop at all.
        GraphValidationError: a weight is negative or not finite.

    Example:
        >>> sampler = NeighborSampler((torch.tensor([[0, 1, 2], [1, 2, 0]]), 3), fanout=[1])
        >>> sampler.sample(torch.tensor([2])).nodes
        tensor([2, 1])
    """

    def __init__(
        self,
        data: Data | tuple[Tensor, int],
        fanout: Sequence[int],
        *,
        replace: bool = False,
        weight: Tensor | None = None,
        subgraph: SubgraphKind = "directional",
        seed: int = 0,
    ) -> None:
        edge_index, num_nodes = data if isinstance(data, tuple) else (data.edge_index, data.num_nodes)
        if not fanout or min(fanout) < -1:
            raise ConfigError(f"fanout must hold one number a hop, each -1 (all) or more, got {list(fanout)}")
        if subgraph not in get_args(SubgraphKind):
            raise ConfigError(f"unknown subgraph kind {subgraph!r}; use one of {', '.join(get_args(SubgraphKind))}")
        graph = as_graph(edge_index, int(num_nodes))
        self.num_nodes, self.fanout, self.replace = graph.num_nodes, tuple(fanout), replace
        self.subgraph, self.seed, self.epoch = subgraph, seed, 0
        self._rowptr, self._col, self._edge_id = graph.rowptr.numpy(), graph.col.numpy(), graph.edge_id.long()
        self._weight, self._cumulative = _weights(weight, graph.num_edges, self._edge_id, self._rowptr)
        self._local = threading.local()

    def __getstate__(self) -> dict[str, Any]:
        return {key: value for key, value in self.__dict__.items() if key != "_local"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._local = threading.local()

    def sample(self, seeds: Tensor, seed: int | None = None) -> Subgraph:
        """Returns the sampled neighbourhood of distinct seed nodes [B].

        Args:
            seeds: [B] int64 node numbers.
            seed: start of the random stream; None takes the sampler's own.

        Raises:
            GraphValidationError: a seed is out of range or occurs twice.
        """
        from graphkit.sampling import hops

        numbers = self._numbers()
        seeds_np = seeds.numpy().astype(np.int64)
        if len(seeds_np) and (seeds_np.min() < 0 or seeds_np.max() >= self.num_nodes):
            raise GraphValidationError(f"seed nodes must lie in 0..{self.num_nodes - 1}")
        if len(seeds_np) > self.num_nodes:
            raise GraphValidationError("a seed node occurs twice; pass every node once")
        nodes = np.empty(max(self.num_nodes, 1), np.int64)
        nodes[: len(seeds_np)] = seeds_np
        found = len(seeds_np)
        try:
            numbers[seeds_np] = np.arange(found)
            if (numbers[seeds_np] != np.arange(found)).any():
                raise GraphValidationError("a seed node occurs twice; pass every node once")
            state = self._stream(seeds_np, seed)
            parts, nodes_per_hop, edges_per_hop, first = [], [found], [], 0
            for count in self.fanout:
                last = found
                room = hops.edge_bound(self._rowptr, nodes, first, last, count, self.replace)
                edges = np.empty((3, room), np.int64)
                found, drawn = hops.expand(
                    self._rowptr,
                    self._col,
                    np.array([first, last]),
                    numbers,
                    nodes,
                    found,
                    count,
                    self.replace,
                    self._weight,
                    self._cumulative,
                    state,
                    *edges,
                )
                parts.append(edges[:, :drawn])
                nodes_per_hop.append(found - last)
                edges_per_hop.append(drawn)
                first = last
            kept = np.concatenate(parts, axis=1)
            if self.subgraph != "directional":
                between = self._induced(hops, numbers, nodes, found)
                kept = between if self.subgraph == "induced" else _both_ways(kept, between, found)
        finally:
            numbers[nodes[:found]] = -1
        return Subgraph(
            torch.from_numpy(nodes[:found].copy()),
            torch.from_numpy(kept[:2]),
            self._edge_id[torch.from_numpy(kept[2])],
            nodes_per_hop,
            edges_per_hop,
        )

    def sample_from_nodes(self, index: NodeSamplerInput, **kwargs: Any) -> SamplerOutput:
        """Samples around seed nodes, as PyG's `NodeLoader` asks for it."""
        return _output(self.sample(index.node), (index.input_id, index.time))

    def sample_from_edges(self, index: EdgeSamplerInput, neg_sampling: NegativeSampling | None = None) -> SamplerOutput:
        """Samples around the ends of seed links and of drawn negatives, as PyG's `LinkLoader` asks for it.

        Negative ends are drawn uniformly (or by the weights of `neg_sampling`) and may hit true links, as in PyG.
        """
        source, target, label = index.row, index.col, index.label
        positives = len(source)
        if neg_sampling is not None:
            generator = torch.Generator().manual_seed(int(self._stream(torch.cat([source, target]).numpy())[0] >> 1))
            negatives = math.ceil(positives * neg_sampling.amount)
            if neg_sampling.is_binary():
                source = torch.cat([source, self._negatives(negatives, neg_sampling.src_weight, generator)])
                label = torch.ones(positives) if label is None else label
                label = torch.cat([label, label.new_zeros((negatives, *label.shape[1:]))])
            target = torch.cat([target, self._negatives(negatives, neg_sampling.dst_weight, generator)])
        seeds, number = torch.cat([source, target]).unique(return_inverse=True)
        if neg_sampling is not None and neg_sampling.is_triplet():
            ends = (number[:positives], number[positives : 2 * positives], number[2 * positives :])
            metadata = (index.input_id, *ends[:2], ends[2].view(positives, -1).squeeze(-1), index.time)
            return _output(self.sample(seeds), metadata)
        return _output(self.sample(seeds), (index.input_id, number.view(2, -1), label, index.time))

    def _negatives(self, count: int, weight: Tensor | None, generator: torch.Generator) -> Tensor:
        if weight is None:
            return torch.randint(self.num_nodes, (count,), generator=generator)
        return torch.multinomial(weight, count, replacement=True, generator=generator)

    def _induced(self, hops: Any, numbers: NDArray[Any], nodes: NDArray[Any], found: int) -> NDArray[Any]:
        none = np.empty(0, np.int64)
        count = hops.induced(self._rowptr, self._col, numbers, nodes, found, none, none, none, True)
        edges = np.empty((3, count), np.int64)
        hops.induced(self._rowptr, self._col, numbers, nodes, found, *edges, False)
        return edges

    def _stream(self, seeds: NDArray[Any], seed: int | None = None) -> NDArray[Any]:
        words = np.frombuffer(seeds.astype("<i8").tobytes(), np.uint64)
        mixed = np.bitwise_xor.reduce(
            (words + np.uint64(1)) * (2 * np.arange(len(words), dtype=np.uint64) + 1), initial=0
        )
        return np.random.SeedSequence([self.seed if seed is None else seed, self.epoch, int(mixed)]).generate_state(
            1, np.uint64
        )

    def _numbers(self) -> NDArray[Any]:
        # One [N] array a thread, kept at -1 between calls, so that a small batch of a huge graph costs no pass over N.
        if not hasattr(self._local, "numbers"):
            self._local.numbers = np.full(self.num_nodes, -1, np.int64)
        numbers: NDArray[Any] = self._local.numbers
        return numbers


def _both_ways(drawn: NDArray[Any], between: NDArray[Any], found: int) -> NDArray[Any]:
    """Adds to the drawn (source, target, slot) columns those of `between` that run against one of them."""
    added = np.isin(between[0] * found + between[1], drawn[1] * found + drawn[0]) & ~np.isin(between[2], drawn[2])
    return np.concatenate([drawn, between[:, added]], axis=1)


def _weights(
    weight: Tensor | None, num_edges: int, edge_id: Tensor, rowptr: NDArray[Any]
) -> tuple[NDArray[Any], NDArray[Any]]:
    if weight is None:
        return np.empty(0), np.empty(0)
    if weight.shape != (num_edges,):
        raise ShapeError(f"weight has shape {list(weight.shape)}, but the graph has {num_edges} edges")
    if not bool(torch.isfinite(weight).all()) or bool((weight < 0).any()):
        raise GraphValidationError("edge weights must be finite and not negative")
    from graphkit.sampling.hops import running_sums

    slots = weight.double()[edge_id].numpy()
    cumulative = np.empty_like(slots)
    running_sums(rowptr, slots, cumulative)
    return slots, cumulative


def _output(found: Subgraph, metadata: tuple[Any, ...]) -> SamplerOutput:
    return SamplerOutput(
        node=found.nodes,
        row=found.edge_index[0],
        col=found.edge_index[1],
        edge=found.edge_id,
        num_sampled_nodes=found.nodes_per_hop,
        num_sampled_edges=found.edges_per_hop,
        metadata=metadata,
    )
