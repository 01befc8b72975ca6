"""What a number means: metrics, protocols, result records and statistics, on numpy and scipy alone."""

from graphkit.evaluation.metrics import METRICS, Metric, evaluate
from graphkit.evaluation.protocols import PROTOCOLS, Protocol
from graphkit.evaluation.results import Result

__all__ = ["METRICS", "PROTOCOLS", "Metric", "Protocol", "Result", "evaluate"]
