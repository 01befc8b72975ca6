"""Attributes of the next step: the generator's best error, a graph that helps, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from graphkit.config import RunSpec
from graphkit.data import load_dataset
from graphkit.data.series import RawSeries, check
from graphkit.data.synthetic.diffusion import generate
from graphkit.errors import ConfigError, GraphValidationError
from graphkit.training.series import train_series

SMALL = ["data.name=diffusion", "data.options.nodes=40", "data.options.steps=80", "encoder.options.hidden_channels=16"]
TRAIN = ["train.epochs=6", "train.lr=1e-2", "encoder.options.window=2", "encoder.options.rows=false"]


def test_the_best_forecast_is_as_good_as_the_noise() -> None:
    raw = generate(nodes=60, steps=200, noise=0.3)
    matrix = np.eye(60)
    matrix[tuple(raw.edge_index)] = 1.0
    degree = matrix.sum(1) ** -0.5
    error = raw.x[1:] - 0.95 * np.einsum("uv,svf->suf", degree[:, None] * matrix * degree, raw.x[:-1])
    assert np.sqrt((error**2).mean()) == pytest.approx(0.3, rel=0.02)


def cell(*more: str) -> float:
    found = train_series(RunSpec().with_overrides([*SMALL, *TRAIN, "encoder.name=gcrn", "head.name=concat-mlp", *more]))
    assert found.test is not None and found.evaluation["repeating_the_last_step"] > found.test
    return found.test


def test_neighbours_help_where_attributes_diffuse() -> None:
    alone, around = cell("encoder.options.order=1"), cell("encoder.options.order=2")
    assert around < alone - 0.01 and around > 0.45


@pytest.mark.parametrize("name", ["evolvegcn", "coevognn", "dyted"])
def test_other_encoders_of_snapshots_forecast_too(name: str) -> None:
    options = [*SMALL, "train.epochs=1", f"encoder.name={name}", "head.name=concat-mlp"]
    spec = RunSpec().with_overrides(options)
    assert train_series(spec).test == train_series(spec).test


def test_what_is_refused() -> None:
    spec = RunSpec().with_overrides(["data.name=diffusion", "encoder.name=graphmixer", "head.name=concat-mlp"])
    with pytest.raises(ConfigError, match="takes events"):
        train_series(spec)
    card = load_dataset("diffusion").card
    with pytest.raises(GraphValidationError, match="finite"):
        check(RawSeries(np.zeros((2, 0), dtype=np.int64), np.full((12, 3, 1), np.nan, dtype=np.float32)), card)
    with pytest.raises(GraphValidationError, match="edges name nodes"):
        check(RawSeries(np.array([[0], [9]]), np.zeros((12, 3, 1), dtype=np.float32)), card)
