"""What a number means: metrics, protocols, result records and statistics, on numpy and scipy alone."""

from graphkit.evaluation.metrics import METRICS, Metric, evaluate, metric_named
from graphkit.evaluation.protocols import PROTOCOLS, Protocol
from graphkit.evaluation.ranking import RankingResult, hits_at, mrr, ndcg_at, ranks
from graphkit.evaluation.results import Result, cell_hash

__all__ = [
    "METRICS",
    "PROTOCOLS",
    "Metric",
    "Protocol",
    "RankingResult",
    "Result",
    "cell_hash",
    "evaluate",
    "hits_at",
    "metric_named",
    "mrr",
    "ndcg_at",
    "ranks",
]
