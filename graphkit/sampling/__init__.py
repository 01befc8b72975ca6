"""Mini-batches: sampled neighbourhoods of nodes and links, and batches of whole graphs."""

from graphkit.sampling.graphs import GraphBatches
from graphkit.sampling.loader import neighbor_loader
from graphkit.sampling.neighbors import NeighborSampler, Subgraph

__all__ = ["GraphBatches", "NeighborSampler", "Subgraph", "neighbor_loader"]
