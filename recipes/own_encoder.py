"""An encoder of one's own against GCN: copy this file, edit the class, run it. A template without a published number.

Any nn.Module that is built from in_channels and out_channels and called as PyG's layers are will do; this one repeats
the layer of Kipf and Welling (arXiv 1609.02907) with a skip. The same class runs under every protocol of a dataset:

    graphkit bench run -d cora -m own_encoder:OwnEncoder,gcn -n 10
"""

import argparse

from torch import nn
from torch_geometric.nn import GCNConv

from graphkit import DataSpec, EncoderSpec, RunSpec, TrainSpec, run


class OwnEncoder(nn.Module):
    """Two graph convolutions with a skip."""

    def __init__(self, in_channels: int, out_channels: int, hidden_channels: int = 64):
        super().__init__()
        self.first, self.second = GCNConv(in_channels, hidden_channels), GCNConv(hidden_channels, out_channels)
        self.skip = nn.Linear(in_channels, out_channels)

    def forward(self, x, edge_index):
        """Returns a score for every node and class."""
        return self.second(self.first(x, edge_index).relu(), edge_index) + self.skip(x)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-d", "--dataset", default="karate")
    data = DataSpec(parser.parse_args().dataset)
    for name in (f"{__name__}:OwnEncoder", "gcn"):
        spec = RunSpec(data=data, encoder=EncoderSpec(name), train=TrainSpec(epochs=100))
        print(f"{name}: test {run(spec).test:.4f}")
