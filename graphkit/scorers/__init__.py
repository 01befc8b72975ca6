"""Scorers: models without parameters. They need no training, and every learned model has to beat them.

A scorer of pairs looks at a graph and scores pairs of its nodes; a scorer of streams sees events go by and scores who a
source turns to next. Packages of users add their own through the entry-point group `graphkit.scorers`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from graphkit.registry import Registry

if TYPE_CHECKING:
    from graphkit.scorers.base import PairScorer, StreamScorer

_PAIRS = {
    "cn": "graphkit.scorers.pairs:CommonNeighbors",
    "aa": "graphkit.scorers.pairs:AdamicAdar",
    "ra": "graphkit.scorers.pairs:ResourceAllocation",
    "jaccard": "graphkit.scorers.pairs:Jaccard",
    "pa": "graphkit.scorers.pairs:PreferentialAttachment",
    "katz": "graphkit.scorers.katz:Katz",
    "katz-truncated": "graphkit.scorers.katz:TruncatedKatz",
    "ppr": "graphkit.scorers.proximity:PersonalizedPageRank",
    "shortest-path": "graphkit.scorers.proximity:ShortestPath",
    "simrank": "graphkit.scorers.proximity:SimRank",
}
_STREAMS = {
    "edgebank": "graphkit.scorers.streams:EdgeBank",
    "edgebank-tw": "graphkit.scorers.streams:TimeWindowEdgeBank",
    "pair-recency": "graphkit.scorers.streams:PairRecency",
    "dst-recency": "graphkit.scorers.streams:DestinationRecency",
    "pair-popularity": "graphkit.scorers.heuristics:PairPopularity",
    "dst-popularity": "graphkit.scorers.heuristics:DestinationPopularity",
    "local-global-recency": "graphkit.scorers.heuristics:LocalGlobalRecency",
    "local-global-popularity": "graphkit.scorers.heuristics:LocalGlobalPopularity",
    "poptrack": "graphkit.scorers.fading:PopTrack",
    "base3": "graphkit.scorers.fading:Base3",
}

SCORERS: Registry[type[PairScorer] | type[StreamScorer]] = Registry(
    "scorer", {**_PAIRS, **_STREAMS}, group="graphkit.scorers"
)


def scorer_kind(name: str) -> str:
    """Returns the kind of dataset a scorer is for, `link` or `temporal-link`; built-in ones are not imported for it.

    Raises:
        UnknownNameError: no such scorer.

    Example:
        >>> scorer_kind("cn"), scorer_kind("edgebank")
        ('link', 'temporal-link')
    """
    if name in _PAIRS:
        return "link"
    return "temporal-link" if name in _STREAMS else SCORERS.get(name).kind
