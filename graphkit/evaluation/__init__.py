"""What a number means: metrics, protocols, result records, statistics and leakage guards, on numpy and scipy alone."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from graphkit.evaluation.metrics import METRICS, Metric, evaluate, metric_named
from graphkit.evaluation.protocols import PROTOCOLS, Protocol
from graphkit.evaluation.ranking import RankingResult, hits_at, mrr, ndcg_at, ranks
from graphkit.evaluation.results import Result, cell_hash
from graphkit.evaluation.streaming import AllDestinations, stream_ranks

if TYPE_CHECKING:
    from graphkit.evaluation.guards import check_leakage
    from graphkit.evaluation.leakage import check_node_leakage
    from graphkit.evaluation.link_leakage import check_link_leakage
    from graphkit.evaluation.rank_tests import friedman
    from graphkit.evaluation.significance import holm, paired_test, power_note, smallest_p
    from graphkit.evaluation.statistics import bootstrap_interval, describe, minimum_detectable_difference

_LAZY = {
    "bootstrap_interval": "statistics",
    "check_leakage": "guards",
    "check_link_leakage": "link_leakage",
    "check_node_leakage": "leakage",
    "describe": "statistics",
    "friedman": "rank_tests",
    "holm": "significance",
    "minimum_detectable_difference": "statistics",
    "paired_test": "significance",
    "power_note": "significance",
    "smallest_p": "significance",
}

__all__ = [
    "METRICS",
    "PROTOCOLS",
    "AllDestinations",
    "Metric",
    "Protocol",
    "RankingResult",
    "Result",
    "bootstrap_interval",
    "cell_hash",
    "check_leakage",
    "check_link_leakage",
    "check_node_leakage",
    "describe",
    "evaluate",
    "friedman",
    "hits_at",
    "holm",
    "metric_named",
    "minimum_detectable_difference",
    "mrr",
    "ndcg_at",
    "paired_test",
    "power_note",
    "ranks",
    "smallest_p",
    "stream_ranks",
]


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(importlib.import_module(f"graphkit.evaluation.{_LAZY[name]}"), name)
    raise AttributeError(f"module 'graphkit.evaluation' has no attribute {name!r}")
