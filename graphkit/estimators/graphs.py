"""Classes and numbers of whole graphs: `GraphClassifier` and `GraphRegressor`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.base import ClassifierMixin, RegressorMixin
from torch import nn
from torch_geometric.data import Data

from graphkit.data.graphs import GraphDataset
from graphkit.errors import ConfigError, ShapeError
from graphkit.estimators.convert import as_data
from graphkit.estimators.labels import LabelEstimator, softmax


class _GraphEstimator(LabelEstimator):
    _head = {"name": "graph"}
    _target = "multiclass"

    def _dataset(self, graphs: Sequence[Any], y: NDArray[Any]) -> GraphDataset:
        plain = [as_data(graph) for graph in graphs]
        if len(plain) != len(y):
            raise ShapeError(f"{len(plain)} graphs came with {len(y)} labels")
        labelled = []
        for data, label in zip(plain, y, strict=True):
            fields = {key: data[key] for key in ("x", "edge_index", "edge_attr") if data.get(key) is not None}
            labelled.append(Data(**fields, y=torch.as_tensor(label).reshape(1, -1).squeeze(0)))
        target: Any = self._target
        return GraphDataset.from_graphs(labelled, target=target, splits={"given": [([0], [], [])]})

    def _blank(self, count: int, y: NDArray[Any]) -> GraphDataset:
        features = self.n_features_in_
        one = Data(x=torch.zeros(1, features), edge_index=torch.zeros(2, 1, dtype=torch.long))
        return self._dataset([one] * count, y)


class GraphClassifier(ClassifierMixin, _GraphEstimator):
    """Predicts the class of graphs.

    Args are those of `Estimator`. Fitted attributes: `classes_` [C], `model_`, `history_`.

    Example:
        >>> import networkx as nx
        >>> graphs = [nx.cycle_graph(size) for size in range(3, 23)] + [nx.star_graph(size) for size in range(2, 22)]
        >>> data = [as_data(graph, x=np.array([[degree] for _, degree in graph.degree()])) for graph in graphs]
        >>> kind = np.repeat(["ring", "star"], 20)
        >>> GraphClassifier("gin", train={"epochs": 30}).fit(data, kind).score(data, kind) > 0.9
        True
    """

    def fit(self, graphs: Sequence[Any], y: ArrayLike) -> GraphClassifier:
        """Learns from labelled graphs.

        Args:
            graphs: G graphs of PyG, networkx or scipy, each with features.
            y: [G] classes of any type.
        """
        self.classes_, codes = np.unique(np.asarray(y), return_inverse=True)
        if len(self.classes_) < 2:
            raise ConfigError(f"all graphs have class {self.classes_[0]!r}; there is nothing to tell apart")
        self._train(self._dataset(graphs, codes.astype(np.int64)), np.arange(len(codes)))
        return self

    def predict_proba(self, graphs: Sequence[Any]) -> NDArray[np.float64]:
        """Returns probabilities [G, C], columns in the order of `classes_`."""
        self._check_fitted()
        return softmax(self._scores(self._dataset(graphs, np.arange(len(graphs)) % len(self.classes_))))

    def predict(self, graphs: Sequence[Any]) -> NDArray[Any]:
        """Returns the likeliest class [G] of every graph."""
        likeliest = self.predict_proba(graphs).argmax(axis=1)
        return np.asarray(self.classes_[likeliest])

    def score(self, graphs: Sequence[Any], y: ArrayLike) -> float:
        """Returns the accuracy."""
        return float(np.mean(self.predict(graphs) == np.asarray(y)))

    def _facts(self) -> dict[str, Any]:
        return {"classes": self.classes_.tolist(), "features": self.n_features_in_}

    def _rebuild(self, facts: Mapping[str, Any]) -> nn.Module:
        self.classes_, self.n_features_in_ = np.array(facts["classes"]), int(facts["features"])
        count = len(self.classes_)
        return self._shapes(self._blank(count, np.arange(count)))


class GraphRegressor(RegressorMixin, _GraphEstimator):
    """Predicts a number, or several, of graphs; numbers are standardised by the training graphs and mapped back.

    Args are those of `Estimator`. Fitted attributes: `mean_` and `scale_` [L], `model_`, `history_`.

    Example:
        >>> import networkx as nx
        >>> data = [as_data(nx.path_graph(size), x=np.ones((size, 1))) for size in range(2, 42)]
        >>> length = np.arange(2, 42)
        >>> GraphRegressor("gin", train={"epochs": 100}).fit(data, length).predict(data[:2]).shape
        (2,)
    """

    _target = "regression"
    _metric = "mae"

    def fit(self, graphs: Sequence[Any], y: ArrayLike) -> GraphRegressor:
        """Learns from graphs with numbers.

        Args:
            graphs: G graphs of PyG, networkx or scipy, each with features.
            y: [G] or [G, L] numbers; NaN is unknown.
        """
        values = np.asarray(y, dtype=np.float64)
        self._single = values.ndim == 1
        values = values.reshape(len(values), -1)
        self.mean_ = np.nanmean(values, axis=0)
        spread = np.nanstd(values, axis=0)
        self.scale_ = np.where(spread > 0, spread, 1.0)
        scaled = ((values - self.mean_) / self.scale_).astype(np.float32)
        self._train(self._dataset(graphs, scaled), np.arange(len(scaled)))
        return self

    def predict(self, graphs: Sequence[Any]) -> NDArray[np.float64]:
        """Returns numbers [G] or [G, L], as `fit` was given them."""
        self._check_fitted()
        blank = np.zeros((len(graphs), len(self.mean_)), dtype=np.float32)
        found = self._scores(self._dataset(graphs, blank)).astype(np.float64) * self.scale_ + self.mean_
        return np.asarray(found[:, 0] if self._single else found)

    def _facts(self) -> dict[str, Any]:
        facts = {"mean": self.mean_.tolist(), "scale": self.scale_.tolist(), "single": self._single}
        return {**facts, "features": self.n_features_in_}

    def _rebuild(self, facts: Mapping[str, Any]) -> nn.Module:
        self.mean_, self.scale_ = np.array(facts["mean"]), np.array(facts["scale"])
        self._single, self.n_features_in_ = bool(facts["single"]), int(facts["features"])
        return self._shapes(self._blank(1, np.zeros((1, len(self.mean_)), dtype=np.float32)))
