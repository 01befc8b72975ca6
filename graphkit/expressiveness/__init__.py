"""What an encoder can tell apart at best: exact oracles, and graphs that are hard to tell apart. No torch.

from graphkit.expressiveness import ladder, oracles

oracles.classes(oracles.wl(ladder()["csl41"]))      # 1 of 10 graphs
"""

from graphkit.expressiveness.flat import FlatGraphs, concatenate
from graphkit.expressiveness.generators import from_networkx, ladder
from graphkit.expressiveness.graph6 import read_graph6
from graphkit.expressiveness.oracles import ORACLES, Oracle, classes, separated

__all__ = [
    "ORACLES",
    "FlatGraphs",
    "Oracle",
    "classes",
    "concatenate",
    "from_networkx",
    "ladder",
    "read_graph6",
    "separated",
]
