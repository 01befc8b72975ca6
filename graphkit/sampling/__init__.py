"""Mini-batches: sampled neighbourhoods, enclosing subgraphs of links, and batches of whole graphs."""

from graphkit.sampling.enclosing import enclosing_loader
from graphkit.sampling.graphs import GraphBatches
from graphkit.sampling.last_neighbors import LastNeighborLoader
from graphkit.sampling.loader import neighbor_loader
from graphkit.sampling.neighbors import NeighborSampler, Subgraph

__all__ = ["GraphBatches", "LastNeighborLoader", "NeighborSampler", "Subgraph", "enclosing_loader", "neighbor_loader"]
