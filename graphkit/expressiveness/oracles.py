"""Oracles: encoders with a perfect hash for every layer, so what one cannot tell apart no weights can."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphkit.errors import UnknownNameError
from graphkit.expressiveness import refine, tuples, walks
from graphkit.expressiveness.flat import FlatGraphs

Colors = NDArray[np.uint64]
ALL_ROUNDS = 1 << 40
POLICIES = {
    "node-marked": refine.NODE_MARKED,
    "node-deleted": refine.NODE_DELETED,
    "edge-deleted": refine.EDGE_DELETED,
    "ego": refine.EGO,
    "ego+": refine.EGO_PLUS,
    "pair-marked": refine.PAIR_MARKED,
}
"""Bags of subgraphs an oracle can refine."""


def wl(graphs: FlatGraphs, rounds: int = ALL_ROUNDS) -> Colors:
    """1-WL: c_v <- hash(c_v, multiset of neighbours), as many rounds as nodes unless limited (Weisfeiler, Leman 1968).

    Args:
        graphs: G graphs; colours of edges count.
        rounds: at most so many.

    Returns:
        [G] colours; equal ones mean that no message-passing network tells the graphs apart (Xu et al., ICLR 2019).

    Example:
        >>> from graphkit.expressiveness import ladder
        >>> classes(wl(ladder()["c6-2c3"]))
        1
    """
    return wl_nodes(graphs, rounds)[1]


def wl_nodes(graphs: FlatGraphs, rounds: int = ALL_ROUNDS) -> tuple[Colors, Colors]:
    """Returns the 1-WL colours of nodes [N] and of graphs [G]; arguments as in `wl`."""
    out, nodes = np.empty(graphs.num_graphs, np.uint64), np.empty(len(graphs.color), np.uint64)
    refine.refine_graphs(graphs.ptr, graphs.rowptr, graphs.col, graphs.edge_color, graphs.color, rounds, out, nodes)
    return nodes, out


def bags(graphs: FlatGraphs, policy: str, radius: int = 1, rounds: int = ALL_ROUNDS) -> Colors:
    """1-WL in every subgraph of a bag, nodes pooled, then subgraphs: what DS can tell (Bevilacqua et al., ICLR 2022).

    Node marking is also ID-GNN and (1, 1)-WL, and marked pairs are (1, 2)-WL (Zhou et al., ICML 2023).

    Args:
        graphs: G graphs.
        policy: a name of `POLICIES`.
        radius: edges from the root to the rim of an ego net.
        rounds: at most so many; as many as nodes unless limited.
    """
    return _run(graphs, refine.refine_bags, _policy(policy), radius, rounds)


def shared_bags(graphs: FlatGraphs, policy: str, radius: int = 1, rounds: int = ALL_ROUNDS) -> Colors:
    """The same with nodes that also see themselves in the other subgraphs: DSS. Arguments as in `bags`."""
    return _run(graphs, refine.refine_shared, _policy(policy), radius, rounds)


def ego_kernels(graphs: FlatGraphs, radius: int = 1, outer: int = 3, inner: int = 4) -> Colors:
    """GNN-AK+ (Zhao et al., ICLR 2022): a node is renewed by its refined ego net, coloured by distance to it.

    Args:
        graphs: G graphs.
        radius: of the ego nets.
        outer: renewals.
        inner: rounds of 1-WL inside an ego net.
    """
    return _run(graphs, refine.refine_kernels, radius, outer, inner)


def paths(graphs: FlatGraphs, length: int, kind: str = "all", distance: bool = True) -> Colors:
    """What PathNN can tell (Michel et al., ICML 2023): one renewal a length, over all paths that end in a node.

    Args:
        graphs: G graphs.
        length: K, edges of the longest paths.
        kind: `all` simple paths, or all `shortest` ones.
        distance: nodes of a path carry their distance to its end.
    """
    return _run(graphs, walks.refine_paths, length, kind == "shortest", distance)


def fwl2(graphs: FlatGraphs, rounds: int = 12) -> Colors:
    """2-FWL, as strong as 3-WL and PPGN (Cai, Fuerer, Immerman 1992; Maron et al., NeurIPS 2019)."""
    out = np.empty(graphs.num_graphs, np.uint64)
    tuples.refine_pairs(graphs.ptr, graphs.rowptr, graphs.col, graphs.color, graphs.edge_color, rounds, out)
    return out


def fwl3(graphs: FlatGraphs, rounds: int = 5) -> Colors:
    """3-FWL, as strong as 4-WL; n^4 steps a round, for small graphs."""
    out = np.empty(graphs.num_graphs, np.uint64)
    tuples.refine_triples(graphs.ptr, graphs.rowptr, graphs.col, graphs.color, graphs.edge_color, rounds, out)
    return out


def classes(colors: Colors) -> int:
    """Returns the number of different colours."""
    return len(np.unique(colors))


def separated(colors: Colors) -> NDArray[np.bool_]:
    """Returns, for consecutive pairs of graphs (0, 1), (2, 3), ..., whether their colours differ [G / 2]."""
    return colors[0::2] != colors[1::2]


@dataclass(frozen=True)
class Oracle:
    """One column of the ladder.

    Args:
        title: how tables call it.
        bounds: encoders that it bounds, in words.
        run: graphs to colours [G].
        quick: the same with the rounds of the BREC table.
    """

    title: str
    bounds: str
    run: Callable[[FlatGraphs], Colors]
    quick: Callable[[FlatGraphs], Colors] | None = None


ORACLES: Mapping[str, Oracle] = MappingProxyType(
    {
        "1-wl": Oracle("1-WL", "GCN, GAT, GraphSAGE, GIN", wl, lambda graphs: wl(graphs, 40)),
        "nm": Oracle(
            "NM",
            "DS with marked nodes, ID-GNN, (1,1)-WL",
            lambda graphs: bags(graphs, "node-marked"),
            lambda graphs: bags(graphs, "node-marked", rounds=25),
        ),
        "ds-nd": Oracle("DS-ND", "DS with deleted nodes", lambda graphs: bags(graphs, "node-deleted")),
        "ego1": Oracle("EGO1", "DS on ego nets of radius 1", lambda graphs: bags(graphs, "ego", 1)),
        "ego1+": Oracle("EGO+1", "DS on marked ego nets of radius 1", lambda graphs: bags(graphs, "ego+", 1)),
        "ego2": Oracle("EGO2", "DS on ego nets of radius 2", lambda graphs: bags(graphs, "ego", 2)),
        "ego2+": Oracle("EGO+2", "DS on marked ego nets of radius 2", lambda graphs: bags(graphs, "ego+", 2)),
        "dss-nm": Oracle(
            "DSS-NM",
            "DSS with marked nodes",
            lambda graphs: shared_bags(graphs, "node-marked"),
            lambda graphs: shared_bags(graphs, "node-marked", rounds=25),
        ),
        "dss-ego2": Oracle("DSS-EGO2", "DSS on ego nets of radius 2", lambda graphs: shared_bags(graphs, "ego", 2)),
        "ak1": Oracle("AK+ h1", "GNN-AK+ on radius 1", lambda graphs: ego_kernels(graphs, 1)),
        "ak2": Oracle(
            "AK+ h2",
            "GNN-AK+ on radius 2",
            lambda graphs: ego_kernels(graphs, 2),
            lambda graphs: ego_kernels(graphs, 2, 2),
        ),
        "sp+2": Oracle("SP+ K2", "PathNN-SP+, K = 2", lambda graphs: paths(graphs, 2, "shortest", False)),
        "sp+6": Oracle("SP+ K6", "PathNN-SP+", lambda graphs: paths(graphs, 6, "shortest", False)),
        "sp+10": Oracle("SP+ K10", "PathNN-SP+", lambda graphs: paths(graphs, 10, "shortest", False)),
        "ap2": Oracle("AP K2", "PathNN-AP, K = 2", lambda graphs: paths(graphs, 2)),
        "ap3": Oracle("AP K3", "PathNN-AP, K = 3", lambda graphs: paths(graphs, 3)),
        "ap4": Oracle("AP K4", "PathNN-AP, K = 4", lambda graphs: paths(graphs, 4)),
        "ap5": Oracle("AP K5", "PathNN-AP, K = 5", lambda graphs: paths(graphs, 5)),
        "2-fwl": Oracle("2-FWL", "PPGN, SUN, all subgraph networks with one root", fwl2),
        "(1,2)-wl": Oracle(
            "(1,2)-WL",
            "k,l-GNN with k = 1, l = 2",
            lambda graphs: bags(graphs, "pair-marked"),
            lambda graphs: bags(graphs, "pair-marked", rounds=12),
        ),
        "3-fwl": Oracle("3-FWL", "networks on triples", fwl3),
    }
)
"""Oracles by name, weakest first as far as they are ordered."""


def _policy(name: str) -> int:
    if name not in POLICIES:
        raise UnknownNameError("policy", name, POLICIES)
    return POLICIES[name]


def _run(graphs: FlatGraphs, kernel: Any, *options: Any) -> Colors:
    out = np.empty(graphs.num_graphs, np.uint64)
    kernel(graphs.ptr, graphs.rowptr, graphs.col, graphs.color, *options, out)
    return out
