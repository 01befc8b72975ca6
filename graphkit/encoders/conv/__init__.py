"""Single convolutions, for models of one's own; the encoders beside this folder stack them."""

from graphkit.encoders.conv.gat import GATConv
from graphkit.encoders.conv.gatv2 import GATv2Conv
from graphkit.encoders.conv.gcn import GCNConv
from graphkit.encoders.conv.gin import GINConv
from graphkit.encoders.conv.sage import SAGEConv
from graphkit.encoders.conv.sir import SIRConv

__all__ = ["GATConv", "GATv2Conv", "GCNConv", "GINConv", "SAGEConv", "SIRConv"]
