"""Cells of node embeddings: through the bench's runner, on built-in and on published data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from graphkit.config import RunSpec
from graphkit.data import load_dataset
from graphkit.errors import ConfigError, UnknownNameError
from graphkit.evaluation import Result, evaluate
from graphkit.training.embedding import EmbeddedPairs
from graphkit.training.run import run_cell


def cell(dataset: str, embedding: str = "fastrp", **more: Any) -> Result:
    given = [f"data.name={dataset}", f"embedding.name={embedding}", *(f"{key}={value}" for key, value in more.items())]
    return run_cell(RunSpec().with_overrides(given))


def test_classes_are_probed_too_and_equal_seeds_agree() -> None:
    one, two = (cell("karate", seed=3) for _ in range(2))
    assert one.test == two.test and one.valid is not None and one.metric == "accuracy"
    assert one.evaluation["c"] == 1.0 and one.spec["embedding"]["name"] == "fastrp"


def test_many_classes() -> None:
    assert (cell("les-miserables").test or 0) > 0.7


def test_options_are_checked() -> None:
    with pytest.raises(UnknownNameError, match="dimension"):
        cell("karate", **{"embedding.options.dimensions": 3})
    with pytest.raises(ConfigError, match="above 0"):
        cell("karate", **{"embedding.c": 0.0})
    with pytest.raises(ConfigError, match="scorer cn and the embedding fastrp"):
        cell("karate", **{"scorer.name": "cn"})
    with pytest.raises(ConfigError, match="temporal-link-prediction task"):
        cell("uci")


@pytest.mark.mirror
def test_blogcatalog_equals_the_published_number(mirror: Path) -> None:
    options = {"dimension": 512, "weights": [0, 0, 7.81, 45.28], "alpha": -0.628}
    settings = {f"embedding.options.{name}": value for name, value in options.items()} | {"embedding.c": 0.1}
    found = [cell("blogcatalog", seed=seed, **settings) for seed in (0, 1)]
    assert np.mean([result.test for result in found]) == pytest.approx(0.3758, abs=0.01)
    assert np.mean([result.evaluation["macro-f1-top-k"] for result in found]) == pytest.approx(0.2315, abs=0.015)


@pytest.mark.mirror
def test_protocols_without_validation_nodes_are_not_for_encoders(mirror: Path) -> None:
    with pytest.raises(ConfigError, match="probe-10 has no validation nodes"):
        run_cell(RunSpec().with_overrides(["data.name=ppi", "encoder.name=sgc"]))
    dataset = load_dataset("ppi")
    assert dataset.raw.y.sum(1).min() >= 1 and dataset.data.y.shape == (3890, 50)


@pytest.mark.mirror
def test_links_are_scored_by_cosine(mirror: Path) -> None:
    result = cell("usair")
    assert result.test is not None and result.test > 0.75 and result.metric == "roc-auc"
    assert result.evaluation["deterministic"] is False and result.evaluation["ties"] == "average"
    split = load_dataset("usair").split()
    from graphkit.embeddings.fastrp import FastRP
    from graphkit.seeds import SeedStreams

    model = EmbeddedPairs(FastRP(seed=SeedStreams(0).integer("init")))
    model.fit(split.message, 332)
    scores = [model.score(pairs) for pairs in (split.test, split.test_negatives)]
    labels = np.repeat([1, 0], [len(part) for part in scores])
    assert evaluate("roc-auc", np.concatenate(scores), labels) == result.test
