"""Scorers: models without parameters. They need no training, and every learned model has to beat them.

A scorer of pairs looks at a graph and scores pairs of its nodes; a scorer of streams sees events go by and scores who a
source turns to next; a forecaster of labels says what label a node will have from those it had. Packages of users add
their own through the entry-point group `graphkit.scorers`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from graphkit.registry import Registry

if TYPE_CHECKING:
    from graphkit.scorers.base import PairScorer, StreamScorer
    from graphkit.scorers.label_history import LabelForecaster
    from graphkit.scorers.ratings import EdgeForecaster

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
_LABELS = {
    "last-label": "graphkit.scorers.label_history:LastLabel",
    "label-average": "graphkit.scorers.label_history:LabelAverage",
}
_EDGES = {
    "mean-rating": "graphkit.scorers.ratings:MeanRating",
    "node-mean-rating": "graphkit.scorers.ratings:NodeMeanRating",
}

SCORERS: Registry[type[PairScorer] | type[StreamScorer] | type[LabelForecaster] | type[EdgeForecaster]] = Registry(
    "scorer", {**_PAIRS, **_STREAMS, **_LABELS, **_EDGES}, group="graphkit.scorers"
)


def scorer_kind(name: str) -> str:
    """Returns the kind of dataset a scorer is for, such as `link` or `temporal-link`; built-in ones are not imported.

    Raises:
        UnknownNameError: no such scorer.

    Example:
        >>> scorer_kind("cn"), scorer_kind("edgebank")
        ('link', 'temporal-link')
    """
    for kind, names in (
        ("link", _PAIRS),
        ("temporal-link", _STREAMS),
        ("temporal-node", _LABELS),
        ("temporal-edge", _EDGES),
    ):
        if name in names:
            return kind
    return SCORERS.get(name).kind
