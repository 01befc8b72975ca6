"""What a number means: metrics, protocols, result records and statistics, on numpy and scipy alone."""

from graphkit.evaluation.metrics import METRICS, Metric, evaluate

__all__ = ["METRICS", "Metric", "evaluate"]
