"""Links of a graph: `LinkPredictor`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.base import ClassifierMixin
from torch import nn

from graphkit.data.cache import content_digest
from graphkit.data.cards import Card
from graphkit.data.link_draws import Words, draw_non_links, unordered_links
from graphkit.data.links import LinkDataset, check, pack
from graphkit.data.raw import RawLinks
from graphkit.errors import ConfigError, ShapeError
from graphkit.estimators.base import Estimator
from graphkit.estimators.convert import as_data
from graphkit.evaluation import PROTOCOLS, evaluate
from graphkit.seeds import SeedStreams
from graphkit.training.link_feed import LinkFeed
from graphkit.training.link_model import build_link_model
from graphkit.training.links import link_look, link_step
from graphkit.training.loop import fit
from graphkit.training.session import determinism, device_of

_PROTOCOL = "random-85-5-10"
"""Its metric, ROC-AUC, selects the epoch."""


class LinkPredictor(ClassifierMixin, Estimator):
    """Tells links from other pairs of nodes of one graph; a link has no direction.

    Args are those of `Estimator`, and:

    Args:
        head: name of a pair head (`graphkit ls heads`): `hadamard-mlp`, `dot`, `ncn`, ...
        head_options: the head's own options.

    Example:
        >>> import networkx as nx
        >>> club = nx.karate_club_graph()
        >>> model = LinkPredictor("gcn", train={"epochs": 20}).fit(club, x=np.eye(34))
        >>> model.predict_proba([[0, 1], [14, 26]]).shape
        (2, 2)
    """

    classes_ = np.array([0, 1])

    def __init__(
        self,
        encoder: str = "gcn",
        *,
        head: str = "hadamard-mlp",
        head_options: Mapping[str, Any] | None = None,
        options: Mapping[str, Any] | None = None,
        train: Mapping[str, Any] | None = None,
        validation: float = 0.1,
        batch_size: int = 0,
        seed: int = 0,
        device: str = "cpu",
    ) -> None:
        super().__init__(
            encoder,
            options=options,
            train=train,
            validation=validation,
            batch_size=batch_size,
            seed=seed,
            device=device,
        )
        self.head, self.head_options = head, head_options

    def fit(self, graph: Any, y: None = None, *, x: ArrayLike | None = None) -> LinkPredictor:
        """Learns from the links of a graph; other pairs, drawn by the seed, are what it tells them from.

        Args:
            graph: PyG `Data`, networkx graph, or scipy matrix [N, N].
            y: not used; links are the graph's.
            x: [N, F] features, in place of the graph's own.

        Raises:
            ConfigError: too few links, or no features.
        """
        data = as_data(graph, x)
        links = unordered_links(data.edge_index.numpy(), data.num_nodes)
        train, valid = self._divide(np.arange(links.shape[1]))
        negatives = draw_non_links(Words("estimator", self.seed), data.num_nodes, links, len(valid))
        parts = {"message": links[:, train], "train": links[:, train], "valid": links[:, valid]}
        # nothing is tested here; the split must name something
        parts |= {"valid_negatives": negatives, "test": links[:, valid], "test_negatives": negatives}
        dataset = _dataset(data, links, parts)
        split = dataset.split(_PROTOCOL)
        spec, streams = self._spec(head=self._head()), SeedStreams(self.seed)
        device, protocol = device_of(self.device), PROTOCOLS[_PROTOCOL]
        with determinism(spec.train):
            model = build_link_model(spec, dataset, streams).to(device)
            feed = LinkFeed(dataset, split, spec, streams, device)
            torch.manual_seed(streams.integer("dropout"))
            look = link_look(split, protocol)
            self.history_ = fit(model, feed, spec.train, metric="roc-auc", step=link_step, look=look)
        self.model_, self.n_features_in_ = model.eval(), dataset.num_features
        self.dataset_fingerprint_ = dataset.fingerprint
        self.observe(graph, x=x)
        return self

    def observe(self, graph: Any, *, x: ArrayLike | None = None) -> LinkPredictor:
        """Sets the graph that messages pass along when pairs are scored: after `fit` all links of its graph.

        Args:
            graph: the same nodes with other links, or another graph with the same features.
            x: [N, F] features, in place of the graph's own.
        """
        self._check_fitted()
        data = as_data(graph, x)
        if data.x.size(1) != self.n_features_in_:
            raise ShapeError(f"fitted on {self.n_features_in_} features, got {data.x.size(1)}")
        links = unordered_links(data.edge_index.numpy(), data.num_nodes)
        some = {"valid": links[:, :1], "test": links[:, :1], "train": links, "message": links}
        none = np.zeros((2, 1), dtype=np.int64)
        dataset = _dataset(data, links, {**some, "valid_negatives": none, "test_negatives": none}, checked=False)
        spec = self._spec(head=self._head())
        feed = LinkFeed(dataset, dataset.split(_PROTOCOL), spec, SeedStreams(self.seed), device_of(self.device))
        self._num_nodes, self._score = data.num_nodes, self.model_.scorer(feed.x, feed.graph)
        return self

    def decision_function(self, pairs: ArrayLike) -> NDArray[np.float64]:
        """Returns the raw score [B] of pairs [B, 2] of node numbers.

        Raises:
            ShapeError: not [B, 2], or a node that is not there.
        """
        self._check_fitted()
        if not hasattr(self, "_score"):
            raise ConfigError("a loaded model has no graph with it; call observe(graph) first")
        columns = np.asarray(pairs, dtype=np.int64)
        if columns.ndim != 2 or columns.shape[1] != 2:
            raise ShapeError(f"pairs are [B, 2] node numbers, got {list(columns.shape)}")
        if columns.size and not 0 <= columns.min() <= columns.max() < self._num_nodes:
            raise ShapeError(f"nodes are numbered 0 to {self._num_nodes - 1}, got {columns.min()} to {columns.max()}")
        return np.asarray(self._score(columns.T)) if len(columns) else np.zeros(0)

    def predict_proba(self, pairs: ArrayLike) -> NDArray[np.float64]:
        """Returns [B, 2]: how likely each pair is no link, and a link, against as many drawn pairs."""
        link = 1.0 / (1.0 + np.exp(-self.decision_function(pairs)))
        return np.stack([1.0 - link, link], axis=1)

    def predict(self, pairs: ArrayLike) -> NDArray[np.int64]:
        """Returns 1 [B] where a pair is more likely a link than not, and 0 elsewhere."""
        return (self.decision_function(pairs) > 0).astype(np.int64)

    def score(self, pairs: ArrayLike, y: ArrayLike) -> float:
        """Returns the ROC-AUC over pairs [B, 2] with labels [B] of 0 and 1."""
        return evaluate("roc-auc", self.decision_function(pairs), np.asarray(y))

    def _head(self) -> dict[str, Any]:
        return {"name": self.head, "options": dict(self.head_options or {})}

    def _facts(self) -> dict[str, Any]:
        return {"features": self.n_features_in_}

    def _rebuild(self, facts: Mapping[str, Any]) -> nn.Module:
        self.n_features_in_ = int(facts["features"])
        link = np.array([[0], [1]])
        raw = RawLinks(2, link, {}, x=np.zeros((2, self.n_features_in_), dtype=np.float32))
        dataset = LinkDataset(_card(), raw, "", {})
        return build_link_model(self._spec(head=self._head()), dataset, SeedStreams(self.seed))


def _dataset(data: Any, links: NDArray[np.int64], parts: Mapping[str, Any], checked: bool = True) -> LinkDataset:
    x = np.ascontiguousarray(data.x.numpy(), dtype=np.float32)
    raw = RawLinks(data.num_nodes, links, {_PROTOCOL: [parts]}, x=x, name="custom")
    if checked:
        check(raw, _card())
    return LinkDataset(_card(), raw, content_digest(pack(raw)), {"source": "in memory", "files": {}})


def _card() -> Card:
    return Card(
        name="custom",
        title="custom",
        kind="own",
        task="link-prediction",
        target="binary",
        metric="roc-auc",
        protocols=(_PROTOCOL,),
        licence="not stated",
        citation="not stated",
    )
