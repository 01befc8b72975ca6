"""Classes of nodes: `NodeClassifier`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.base import ClassifierMixin
from torch import nn
from torch_geometric.data import Data

from graphkit.data.dataset import NodeDataset
from graphkit.errors import ConfigError, ShapeError
from graphkit.estimators.convert import as_data
from graphkit.estimators.labels import LabelEstimator, softmax


class NodeClassifier(ClassifierMixin, LabelEstimator):
    """Predicts the class of nodes from a graph on which some are known.

    Args are those of `Estimator`. Fitted attributes: `classes_` [C], `model_`, `history_`.

    Example:
        >>> import networkx as nx
        >>> club = nx.karate_club_graph()
        >>> clubs = np.array([club.nodes[node]["club"] for node in club])
        >>> model = NodeClassifier("gcn", train={"epochs": 50}).fit(club, clubs, x=np.eye(34), nodes=range(20))
        >>> model.predict().shape, model.score(club, clubs, x=np.eye(34)) > 0.8
        ((34,), True)
    """

    def fit(
        self, graph: Any, y: ArrayLike | None = None, *, x: ArrayLike | None = None, nodes: ArrayLike | None = None
    ) -> NodeClassifier:
        """Learns from the labelled nodes of one graph.

        Args:
            graph: PyG `Data`, networkx graph, or scipy matrix [N, N].
            y: [N] classes of any type; None takes the graph's own (`Data.y`, or node attribute `y`). None, NaN and -1
                are unknown.
            x: [N, F] features, in place of the graph's own.
            nodes: node numbers or a mask [N]: those whose labels may be used; None takes all known ones, or
                `Data.train_mask` where there is one.

        Raises:
            ConfigError: too few labels, or no features.
            ShapeError: arrays do not fit each other.
        """
        data = as_data(graph, x)
        given = _labels(data, graph, y)
        known = _known(given)
        chosen = _chosen(nodes, graph, known)
        if len(chosen) < 2:
            raise ConfigError(f"{len(chosen)} labelled examples are too few to learn from")
        classes, codes = np.unique(np.array(given[chosen].tolist()), return_inverse=True)
        if len(classes) < 2:
            raise ConfigError(f"all labelled nodes have class {classes[0]!r}; there is nothing to tell apart")
        self.classes_ = classes
        labels = np.zeros(len(given), dtype=np.int64)
        labels[chosen] = codes
        self._graph = self._dataset(data, labels)
        self._train(self._graph, chosen)
        return self

    def predict_proba(self, graph: Any = None, *, x: ArrayLike | None = None) -> NDArray[np.float64]:
        """Returns probabilities [N, C] of every node, columns in the order of `classes_`.

        Args:
            graph: another graph with the same features; None takes the one of `fit`.
            x: [N, F] features, in place of the graph's own.
        """
        self._check_fitted()
        dataset = self._seen() if graph is None else self._dataset(as_data(graph, x))
        return softmax(self._scores(dataset))

    def predict(self, graph: Any = None, *, x: ArrayLike | None = None) -> NDArray[Any]:
        """Returns the likeliest class [N] of every node; arguments as in `predict_proba`."""
        likeliest = self.predict_proba(graph, x=x).argmax(axis=1)
        return np.asarray(self.classes_[likeliest])

    def score(
        self,
        graph: Any = None,
        y: ArrayLike | None = None,
        *,
        x: ArrayLike | None = None,
        nodes: ArrayLike | None = None,
    ) -> float:
        """Returns the accuracy on the nodes given, or on all whose class is known; arguments as in `fit`."""
        if graph is None:
            raise ConfigError("score needs a graph, and labels y that it does not carry itself")
        found = _labels(as_data(graph, x), graph, y)
        chosen = _chosen(nodes, None, _known(found))
        return float(np.mean(self.predict(graph, x=x)[chosen] == found[chosen]))

    def _dataset(self, data: Data, labels: NDArray[np.int64] | None = None) -> NodeDataset:
        # every class occurs among the labels that are only there for their number
        y = np.arange(data.num_nodes) % len(self.classes_) if labels is None else labels
        return NodeDataset.from_data(_with_y(data, y), splits={"given": [([0], [], [])]})

    def _seen(self) -> NodeDataset:
        if not hasattr(self, "_graph"):
            raise ConfigError("a loaded model has no graph with it; give predict the graph")
        return self._graph

    def _facts(self) -> dict[str, Any]:
        edge_dim = self.model_.encoder.edge_dim
        return {"classes": self.classes_.tolist(), "features": self.n_features_in_, "edge_dim": edge_dim}

    def _rebuild(self, facts: Mapping[str, Any]) -> nn.Module:
        self.classes_, self.n_features_in_ = np.array(facts["classes"]), int(facts["features"])
        count = len(self.classes_)
        blank = Data(x=torch.zeros(count, self.n_features_in_), edge_index=torch.zeros(2, 1, dtype=torch.long))
        return self._shapes(self._dataset(blank, np.arange(count)))


def _with_y(data: Data, y: NDArray[np.int64]) -> Data:
    fields = {key: data[key] for key in ("x", "edge_index", "edge_attr") if data.get(key) is not None}
    return Data(**fields, y=torch.from_numpy(np.ascontiguousarray(y)))


def _labels(data: Data, graph: Any, y: ArrayLike | None) -> NDArray[Any]:
    found = y if y is not None else getattr(graph, "y", None)
    if found is None and data.get("labels") is not None:
        found = data.labels
    if found is None:
        raise ConfigError("there are no labels: pass y [N], or a graph that carries them")
    labels = np.asarray(found)
    if labels.shape != (data.num_nodes,):
        raise ShapeError(f"y must be [{data.num_nodes}], one class a node, got {list(labels.shape)}")
    return labels


def _known(labels: NDArray[Any]) -> NDArray[np.bool_]:
    if labels.dtype == object:
        return np.array([label is not None and label == label for label in labels])  # NaN differs from itself
    if labels.dtype.kind == "f":
        return ~np.isnan(labels)
    return np.asarray(labels != -1) if labels.dtype.kind == "i" else np.ones(len(labels), dtype=bool)


def _chosen(nodes: ArrayLike | None, graph: Any, known: NDArray[np.bool_]) -> NDArray[np.int64]:
    if nodes is None and isinstance(graph, Data) and graph.get("train_mask") is not None:
        nodes = np.asarray(graph.train_mask)
    if nodes is None:
        return np.flatnonzero(known)
    chosen = np.asarray(nodes)
    chosen = np.flatnonzero(chosen) if chosen.dtype == bool else np.unique(chosen.astype(np.int64))
    if len(chosen) and not 0 <= chosen[0] <= chosen[-1] < len(known):
        raise ShapeError(f"nodes are numbered 0 to {len(known) - 1}, got {chosen[0]} to {chosen[-1]}")
    if not known[chosen].all():
        raise ConfigError(f"node {chosen[~known[chosen]][0]} is to be used, but its class is unknown")
    return chosen
