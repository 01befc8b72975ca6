"""Benchmark cells of node embeddings: embed the graph, then probe the vectors linearly, or score links by cosine."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphkit.config import RunSpec
from graphkit.data.dataset import NodeDataset
from graphkit.data.diagnostics import simple_undirected
from graphkit.data.load import load_node_dataset
from graphkit.embeddings import EMBEDDINGS
from graphkit.embeddings.base import NodeEmbedding
from graphkit.embeddings.probe import probe_scores
from graphkit.errors import ConfigError
from graphkit.evaluation import PROTOCOLS, Result, evaluate
from graphkit.scorers.base import PairScorer
from graphkit.seeds import SeedStreams
from graphkit.training.inputs import simple_adjacency
from graphkit.training.options import typed_options
from graphkit.training.record import record_of

Event = dict[str, Any]
_CHUNK = 1 << 16


def probe_nodes(
    spec: RunSpec,
    folder: Path | None = None,
    *,
    model_name: str = "",
    on_event: Callable[[Event], None] = lambda event: None,
) -> Result:
    """Embeds the nodes of a dataset and scores a logistic regression on them; arguments and errors as in `run_cell`.

    Nothing is selected on validation nodes; they are scored where the protocol has any, as the test nodes are.

    Example:
        >>> spec = RunSpec().with_overrides(["data.name=karate", "embedding.name=fastrp"])
        >>> probe_nodes(spec).parameters
        4352
    """
    data = spec.data
    dataset = load_node_dataset(
        data.name, undirected=data.undirected, largest_component=data.largest_component, options=dict(data.options)
    )
    protocol = PROTOCOLS[spec.protocol or dataset.card.protocols[0]]
    index = protocol.split_index(spec.seed) if data.split is None else data.split
    split = dataset.split(protocol.id, index)
    labels = one_hot(dataset)
    model = make_embedding(spec.embedding.name, spec.embedding.options, spec.seed)
    on_event({"event": "start", "parameters": 0, "epochs": 0})
    started = time.perf_counter()
    vectors = model.fit_transform(simple_adjacency(dataset))
    embedded = time.perf_counter()
    scores = probe_scores(vectors, labels, split.train, c=spec.embedding.c)
    if dataset.card.target == "binary":
        scores = scores[:, 1:]
    metric, truth = protocol.metric_for(dataset.card.metric), dataset.raw.y
    found = {
        part: evaluate(metric, scores[nodes], truth[nodes])
        for part, nodes in (("valid", split.valid), ("test", split.test))
        if len(nodes)
    }
    on_event({"event": "tested", "test": found["test"], "valid": found.get("valid")})
    return record_of(
        spec,
        dataset,
        protocol,
        metric,
        model_name or spec.embedding.name,
        split=split.index,
        test=found["test"],
        valid=found.get("valid"),
        split_sha256=split.sha256,
        evaluation={"probe": "one-vs-rest logistic regression, penalised intercept", "c": spec.embedding.c}
        | _beside(metric, scores[split.test], truth[split.test]),
        parameters=vectors.size,
        train_seconds=embedded - started,
        eval_seconds=time.perf_counter() - embedded,
    )


class EmbeddedPairs(PairScorer):
    """Scores pairs by the cosine of their vectors, embedded from the edges a model may see.

    Args:
        embedding: fitted anew for every graph.

    Shapes:
        message [2, E]; pairs [2, B]; scores [B], 0 where a vector is zero.

    Example:
        >>> from graphkit.embeddings.fastrp import FastRP
        >>> model = EmbeddedPairs(FastRP(8))
        >>> model.fit(np.array([[0, 1, 2], [1, 2, 0]]), 3)
        >>> model.score(np.array([[0], [1]])).shape
        (1,)
    """

    def __init__(self, embedding: NodeEmbedding) -> None:
        self.embedding = embedding
        self._unit = np.empty((0, 0))

    def fit(self, message: NDArray[Any], num_nodes: int) -> None:
        """Embeds the simple undirected graph of the edges."""
        vectors = self.embedding.fit_transform(simple_undirected(np.asarray(message), num_nodes)).astype(np.float64)
        length = np.linalg.norm(vectors, axis=1, keepdims=True)
        self._unit = np.divide(vectors, length, out=np.zeros_like(vectors), where=length > 0)

    def score(self, pairs: NDArray[Any]) -> NDArray[np.float64]:
        """Returns the [B] cosines of [2, B] pairs."""
        scores = np.empty(pairs.shape[1])
        for start in range(0, len(scores), _CHUNK):
            source, target = pairs[:, start : start + _CHUNK]
            np.einsum("bd,bd->b", self._unit[source], self._unit[target], out=scores[start : start + _CHUNK])
        return scores


def make_embedding(name: str, options: Mapping[str, Any], seed: int) -> NodeEmbedding:
    """Builds an embedding; its seed is the `init` stream of the run's seed unless the options name one.

    Raises:
        UnknownNameError: no such embedding, or an option it does not take.
        ConfigError: an option of the wrong type.

    Example:
        >>> make_embedding("fastrp", {"dimension": 8}, seed=0).dimension
        8
    """
    embedding = EMBEDDINGS.get(name)
    typed = typed_options(embedding, options, what="embedding", name=name)
    return embedding(**{"seed": SeedStreams(seed).integer("init"), **typed})


def one_hot(dataset: NodeDataset) -> NDArray[np.float32]:
    """Returns [N, L] labels of 0 and 1, one column a class; a node without a label has NaN or only zeros.

    Raises:
        ConfigError: the labels are numbers to be regressed.
    """
    y, target = dataset.raw.y, dataset.card.target
    if target == "multilabel":
        return np.asarray(y, dtype=np.float32)
    if target not in ("multiclass", "binary"):
        raise ConfigError(f"dataset {dataset.name} has {target} labels; embeddings are probed on classes and labels")
    classes = max(dataset.num_outputs, 2)
    return np.asarray(y[:, None] == np.arange(classes), dtype=np.float32)


def _beside(metric: str, scores: NDArray[np.float64], truth: NDArray[Any]) -> dict[str, float]:
    """Returns macro-F1 where the metric is micro-F1 of the same predictions: both are always published."""
    if metric != "micro-f1-top-k":
        return {}
    return {"macro-f1-top-k": evaluate("macro-f1-top-k", scores, truth)}
