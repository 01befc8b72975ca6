"""Inputs of nodes: side by side, from the graph a model may see alone, and checked before anything runs."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from graphkit.bench.matrix import plan
from graphkit.config import RunSpec
from graphkit.data import load_dataset
from graphkit.embeddings.fastrp import FastRP
from graphkit.errors import ConfigError, UnknownNameError
from graphkit.seeds import SeedStreams
from graphkit.training.inputs import input_width, node_inputs
from graphkit.training.run import run_cell


def spec_of(inputs: str, *more: str) -> RunSpec:
    return RunSpec().with_overrides(["data.name=karate", f"data.inputs={inputs}", "data.input_channels=8", *more])


def ring(size: int = 12) -> sparse.csr_matrix:
    forward = np.roll(np.eye(size, dtype=np.float32), 1, axis=1)
    return sparse.csr_matrix(forward + forward.T)


def test_parts_stand_side_by_side() -> None:
    features = np.random.default_rng(0).random((12, 3)).astype(np.float32)
    spec = spec_of("features+ones+fastrp", "data.input_options.alpha=-0.3", "seed=4")
    found = node_inputs(spec, sparse.csr_matrix(features), 12, ring)
    vectors = FastRP(8, alpha=-0.3, seed=SeedStreams(4).integer("init")).fit_transform(ring())
    assert found is not None and found.dtype == np.float32 and found.shape == (12, input_width(spec, 3)) == (12, 19)
    assert np.array_equal(found, np.concatenate([features, np.ones((12, 8)), vectors], axis=1).astype(np.float32))
    assert node_inputs(spec_of("embedding"), None, 12, ring) is None


def test_links_are_embedded_without_those_that_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[sparse.csr_matrix] = []
    embed = FastRP.embed
    monkeypatch.setattr(FastRP, "embed", lambda self, adjacency: shown.append(adjacency) or embed(self, adjacency))
    protocol = "protocol=random-85-5-10"
    more = ("encoder.name=gcn", "head.name=dot", "train.epochs=2", protocol)
    assert run_cell(spec_of("fastrp", *more)).status == "ok"
    split = load_dataset("karate", protocol="random-85-5-10").split()
    (adjacency,) = shown
    assert adjacency.nnz == split.message.shape[1]
    assert not np.asarray(adjacency[split.test[0], split.test[1]]).any()


def test_an_embedding_stands_in_for_features_of_nodes() -> None:
    plain = ("encoder.name=gcn", "train.epochs=30")
    result = run_cell(spec_of("fastrp", *plain))
    assert result.status == "ok" and result.test is not None and result.test > 0.6
    assert run_cell(spec_of("features+fastrp", *plain)).parameters > result.parameters


def test_mistakes_are_named_before_anything_runs() -> None:
    def planned(*settings: str) -> None:
        plan(["karate"], ["gcn"], [0], overrides=settings)

    with pytest.raises(UnknownNameError, match="fastrp"):
        planned("data.inputs=fastpr", "data.input_channels=4")
    with pytest.raises(ConfigError, match="input_channels"):
        planned("data.inputs=ones")
    with pytest.raises(ConfigError, match="alone"):
        planned("data.inputs=ones+embedding", "data.input_channels=4")
    with pytest.raises(ConfigError, match="is for links"):
        planned("data.inputs=embedding", "data.input_channels=4")
    with pytest.raises(ConfigError, match="one node embedding"):
        planned("data.inputs=ones", "data.input_channels=4", "data.input_options.alpha=1.0")
    with pytest.raises(UnknownNameError, match="embedding.options.alpha"):
        run_cell(spec_of("fastrp", "encoder.name=gcn", "data.input_options.alhpa=1.0"))
    with pytest.raises(ConfigError, match="has no features"):
        input_width(spec_of("features+ones"), 0)
