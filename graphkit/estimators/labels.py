"""Classification and regression of nodes and graphs: what those estimators do alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from graphkit.config import DataSpec
from graphkit.data.labelled import LabelledDataset
from graphkit.data.splits import Split
from graphkit.errors import ShapeError
from graphkit.estimators.base import Estimator
from graphkit.seeds import SeedStreams
from graphkit.training.build import build_model
from graphkit.training.feeds import make_feed, scores_of
from graphkit.training.loop import fit
from graphkit.training.session import determinism, device_of


class LabelEstimator(Estimator):
    """Trains an encoder with a head on labelled examples; subclasses say what an example is."""

    _head: Mapping[str, Any] = {}
    _metric = "accuracy"

    def _train(self, dataset: LabelledDataset, labelled: NDArray[np.int64]) -> None:
        spec, streams = self._spec(head=dict(self._head)), SeedStreams(self.seed)
        train, valid = self._divide(labelled)
        rest = np.setdiff1d(np.arange(_size(dataset)), labelled)
        device = device_of(self.device)
        with determinism(spec.train):
            model = build_model(spec, dataset, streams).to(device)
            split = Split("given", 0, train, valid, rest)
            feed = make_feed(dataset, split, spec.data, streams, device, model.encoder.requires)
            torch.manual_seed(streams.integer("dropout"))
            self.history_ = fit(model, feed, spec.train, metric=self._metric)
        self.model_, self.n_features_in_ = model.eval(), dataset.num_features
        self.dataset_fingerprint_ = dataset.fingerprint

    def _scores(self, dataset: LabelledDataset) -> NDArray[Any]:
        """Returns raw scores [B, C] of everything in a dataset."""
        if dataset.num_features != self.n_features_in_:
            raise ShapeError(
                f"{type(self).__name__} was fitted on {self.n_features_in_} features, got {dataset.num_features}"
            )
        spec = self._spec(head=dict(self._head))
        every = np.arange(_size(dataset))
        # a split has something to train on; what is scored is all of it
        split = Split("given", 0, every, [], [])
        data: DataSpec = replace(spec.data, fanout=())
        device, requires = device_of(self.device), self.model_.encoder.requires
        feed = make_feed(dataset, split, data, SeedStreams(self.seed), device, requires)
        scores, _ = scores_of(self.model_, feed, "train")
        return np.asarray(scores.float().cpu().numpy())

    def _shapes(self, dataset: LabelledDataset) -> nn.Module:
        """Returns an untrained model for a dataset like the one it was fitted on."""
        return build_model(self._spec(head=dict(self._head)), dataset, SeedStreams(self.seed))


def softmax(scores: NDArray[Any]) -> NDArray[np.float64]:
    """Returns rows of probabilities."""
    shifted = np.exp(scores.astype(np.float64) - scores.max(axis=1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=1, keepdims=True))


def _size(dataset: Any) -> int:
    return int(getattr(dataset, "num_graphs", dataset.num_nodes))
