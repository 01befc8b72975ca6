"""Layers: parameters named and shaped as in PyG, so that state dicts travel both ways; messages through our kernels."""

from graphkit.encoders.conv.gat import GATConv
from graphkit.encoders.conv.gatv2 import GATv2Conv
from graphkit.encoders.conv.gcn import GCNConv
from graphkit.encoders.conv.sage import SAGEConv
from graphkit.encoders.conv.sgc import SGConv
from graphkit.encoders.conv.sir import SIRConv

__all__ = ["GATConv", "GATv2Conv", "GCNConv", "SAGEConv", "SGConv", "SIRConv"]
