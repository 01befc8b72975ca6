"""What an untrained encoder tells apart: random weights in float64, statistics of random graphs, several draws."""

from __future__ import annotations

from collections.abc import Callable

import networkx as nx
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch_geometric.data import Data

from graphkit.encoders.base import Encoder
from graphkit.expressiveness import FlatGraphs, from_networkx
from graphkit.kernels.ragged import owners
from graphkit.transforms.structures import attach

TOLERANCE = 1e-10
"""Relative distance below which two graph vectors are one: rounding leaves 1e-14, a difference 1e-8 and more."""
DRAWS = 3


def random_encoder(make: Callable[[], Encoder], seed: int) -> Encoder:
    """Returns an encoder in float64 with weights drawn by `seed`, in evaluation mode.

    Running means and variances of its normalisations are those of random graphs, so that they are the same constants
    for all graphs that are compared.

    Args:
        make: builds the encoder, for one constant feature a node.
        seed: of the weights.
    """
    torch.manual_seed(seed)
    encoder = make().double().train()
    kept = {module: module.momentum for module in encoder.modules() if hasattr(module, "momentum")}
    for module in kept:
        setattr(module, "momentum", 1.0)  # noqa: B010
    graph_vectors(encoder, _random_graphs())
    for module, momentum in kept.items():
        setattr(module, "momentum", momentum)  # noqa: B010
    return encoder.eval()


def graph_vectors(encoder: Encoder, graphs: FlatGraphs) -> Tensor:
    """Returns one vector a graph [G, C]: the sum of a bounded, nonlinear function of node states, or graph states."""
    ptr = torch.from_numpy(graphs.ptr)
    x = torch.ones(int(ptr[-1]), encoder.in_channels, dtype=torch.float64)
    data = Data(x=x, edge_index=torch.from_numpy(graphs.edge_index()), ptr=ptr)
    with torch.no_grad():
        states: Tensor = encoder(attach(data, encoder.requires)).x
    if encoder.level == "graph":
        return states
    states = torch.tanh(states / states.abs().mean().clamp(min=1e-30))
    return states.new_zeros(len(ptr) - 1, states.size(1)).index_add(0, owners(ptr, len(states)), states)


def apart(make: Callable[[], Encoder], graphs: FlatGraphs, draws: int = DRAWS) -> NDArray[np.bool_]:
    """Returns which graphs an encoder tells apart in at least one of several draws of its weights [G, G]."""
    found = np.zeros((graphs.num_graphs, graphs.num_graphs), dtype=bool)
    for seed in range(draws):
        vectors = graph_vectors(random_encoder(make, seed), graphs)
        scale = vectors.norm(dim=1).max().clamp(min=1e-30)
        found |= (
            torch.cdist(vectors, vectors, compute_mode="donot_use_mm_for_euclid_dist") / scale > TOLERANCE
        ).numpy()
    return found


def count_classes(different: NDArray[np.bool_]) -> int:
    """Returns the number of classes, where `different` [G, G] says which graphs are apart."""
    return len({tuple(row) for row in ~different})


def _random_graphs() -> FlatGraphs:
    regular = [(3, 8), (4, 9), (6, 16), (5, 12), (2, 9)]
    sizes = (8, 11, 14, 17, 20)
    return from_networkx(
        [nx.random_regular_graph(degree, nodes, seed=nodes) for degree, nodes in regular]
        + [nx.gnp_random_graph(nodes, chance, seed=nodes) for nodes in sizes for chance in (4 / nodes, 0.45)]
    )
