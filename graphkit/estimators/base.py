"""What the estimators share: settings, training, and one file that holds a trained model."""

from __future__ import annotations

import importlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import torch
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.exceptions import NotFittedError
from torch import nn

from graphkit import __version__
from graphkit.config import RunSpec
from graphkit.errors import ConfigError, DataError
from graphkit.training.session import save_weights

FORMAT = 1
"""Of saved estimators; raised when what they hold changes meaning."""


class Estimator(BaseEstimator):
    """Settings of every estimator, and saving.

    Args:
        encoder: name of an encoder (`graphkit ls encoders`), or `module:Class`.
        options: the encoder's own options.
        train: settings of training, fields of `TrainSpec`.
        validation: share of the labelled examples that selects the epoch and is not trained on.
        batch_size: graphs or links a step; 0 takes all at once.
        seed: of weights, dropout, and the validation examples.
        device: where training runs.
    """

    _defaults: Mapping[str, Any] = {"epochs": 300, "stop": "patience", "patience": 50}

    def __init__(
        self,
        encoder: str = "gcn",
        *,
        options: Mapping[str, Any] | None = None,
        train: Mapping[str, Any] | None = None,
        validation: float = 0.2,
        batch_size: int = 0,
        seed: int = 0,
        device: str = "cpu",
    ) -> None:
        self.encoder, self.options, self.train = encoder, options, train
        self.validation, self.batch_size, self.seed, self.device = validation, batch_size, seed, device

    def save(self, path: Path | str) -> Path:
        """Writes weights, settings, classes and the digest of the training data to one safetensors file.

        Args:
            path: the file; an existing one is replaced.

        Raises:
            NotFittedError: there is nothing to save.
            CacheError: the file cannot be written.

        Example:
            >>> NodeClassifier("gcn").fit(data).save("cora-gcn.safetensors")  # doctest: +SKIP
        """
        self._check_fitted()
        target = Path(path)
        facts = {
            "format": FORMAT,
            "graphkit": __version__,
            "class": type(self).__name__,
            "settings": self.get_params(deep=False),
            "dataset": self.dataset_fingerprint_,
            "facts": self._facts(),
        }
        save_weights(self.model_, target, {"graphkit": json.dumps(facts)})
        return target

    def _spec(self, **more: Any) -> RunSpec:
        if not 0.0 < self.validation < 1.0:
            raise ConfigError(f"validation is a share between 0 and 1, got {self.validation}")
        values: dict[str, Any] = {
            "encoder": {"name": self.encoder, "options": dict(self.options or {})},
            "train": {**self._defaults, "device": self.device, **(self.train or {})},
            "data": {"batch_size": self.batch_size},
            "seed": self.seed,
        }
        return RunSpec.from_dict(values).merged(more)

    def _divide(self, labelled: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Returns training and validation examples, drawn by the seed."""
        count = max(1, round(self.validation * len(labelled)))
        if len(labelled) < 2 or count >= len(labelled):
            raise ConfigError(f"{len(labelled)} labelled examples are too few to hold out {count} for validation")
        order = np.random.default_rng(self.seed).permutation(labelled)
        return order[count:], order[:count]

    def _facts(self) -> dict[str, Any]:
        """Returns what `_rebuild` needs besides the settings, as plain values."""
        raise TypeError(f"{type(self).__name__} must say how it is rebuilt")

    def _rebuild(self, facts: Mapping[str, Any]) -> nn.Module:
        """Returns a model of the right shape, and sets the fitted attributes."""
        raise TypeError(f"{type(self).__name__} must say how it is rebuilt")

    def _check_fitted(self) -> None:
        if not hasattr(self, "model_"):
            raise NotFittedError(f"this {type(self).__name__} is not fitted yet; call fit first")


def load_estimator(path: Path | str) -> Any:
    """Returns the estimator that `save` wrote; nothing in the file is executed.

    Raises:
        DataError: no such file, or one of another kind or of a newer graphkit.

    Example:
        >>> load_estimator("cora-gcn.safetensors").predict(data)  # doctest: +SKIP
    """
    try:
        with safetensors.safe_open(str(path), framework="pt") as stored:
            text = (stored.metadata() or {}).get("graphkit", "")
            weights = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118  (no mapping)
    except (OSError, safetensors.SafetensorError) as error:
        raise DataError(f"{path} is no saved estimator: {error}") from error
    facts = json.loads(text) if text else {}
    if facts.get("format") != FORMAT:
        raise DataError(f"{path} has format {facts.get('format')}, and this graphkit reads {FORMAT}; save it anew")
    estimators = importlib.import_module("graphkit.estimators")
    if facts["class"] not in estimators.__all__:
        raise DataError(f"{path} holds a {facts['class']}, which this graphkit does not know")
    estimator = getattr(estimators, facts["class"])(**facts["settings"])
    estimator.dataset_fingerprint_ = facts["dataset"]
    estimator.model_ = estimator._rebuild(facts["facts"])
    estimator.model_.load_state_dict(weights)
    estimator.model_.to(torch.device(estimator.device)).eval()
    return estimator
