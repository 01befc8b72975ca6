"""What a model reads of a node besides its edges: features, ones, or vectors of a node embedding, side by side."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from graphkit.config import RunSpec
from graphkit.data.dataset import NodeDataset
from graphkit.data.raw import Features
from graphkit.embeddings import EMBEDDINGS
from graphkit.errors import ConfigError, UnknownNameError

LEARNED = "embedding"
"""The input that is a parameter of the model."""
PLAIN = ("features", "ones", LEARNED)
Inputs = NDArray[np.float32]


def input_parts(spec: RunSpec) -> list[str]:
    """Returns the names in `data.inputs`, checked.

    Raises:
        UnknownNameError: a name that is neither plain nor a node embedding.
        ConfigError: a name twice, learned rows beside others, or a width that is missing or of no use.

    Example:
        >>> input_parts(RunSpec().with_overrides(["data.inputs=features+fastrp", "data.input_channels=64"]))
        ['features', 'fastrp']
    """
    parts = [part.strip() for part in spec.data.inputs.split("+")]
    known = (*PLAIN, *EMBEDDINGS.names())
    for part in parts:
        if part not in known:
            raise UnknownNameError("value of data.inputs:", part, known)
    if len(set(parts)) < len(parts) or (LEARNED in parts and len(parts) > 1):
        raise ConfigError(f"data.inputs = {spec.data.inputs!r}: parts occur once, and {LEARNED} alone")
    if parts != ["features"] and spec.data.input_channels < 1:
        raise ConfigError(f"data.inputs = {spec.data.inputs} needs data.input_channels, a positive width")
    embeddings = [part for part in parts if part not in PLAIN]
    if len(embeddings) > 1 or (spec.data.input_options and not embeddings):
        raise ConfigError(
            f"data.inputs = {spec.data.inputs!r}: data.input_options is for one node embedding, there are "
            f"{len(embeddings)}"
        )
    return parts


def input_width(spec: RunSpec, num_features: int) -> int:
    """Returns the width of a node's inputs; arguments and errors as in `node_inputs`."""
    widths = [num_features if part == "features" else spec.data.input_channels for part in input_parts(spec)]
    if 0 in widths:
        raise ConfigError(
            f"dataset {spec.data.name} has no features; set data.inputs to ones or a node embedding (`graphkit ls "
            f"embeddings`), on links also to {LEARNED}, and data.input_channels to their width"
        )
    return sum(widths)


def node_inputs(
    spec: RunSpec, features: Features | None, num_nodes: int, adjacency: Callable[[], sparse.csr_matrix]
) -> Inputs | None:
    """Returns the inputs of every node [N, F] float32, or None where they are learned rows.

    Args:
        spec: `data.inputs`, `data.input_channels`, `data.input_options` and the seed are read.
        features: [N, D] of the dataset, dense or sparse; None where there are none.
        num_nodes: N.
        adjacency: makes the graph that a node embedding may see.

    Raises:
        UnknownNameError: no such input or option.
        ConfigError: parts that do not go together, a missing width, or features that are not there.

    Example:
        >>> ring = sparse.csr_matrix(np.roll(np.eye(5), 1, axis=1))
        >>> given = ["data.inputs=ones+fastrp", "data.input_channels=4"]
        >>> node_inputs(RunSpec().with_overrides(given), None, 5, lambda: ring).shape
        (5, 8)
    """
    input_width(spec, 0 if features is None else features.shape[1])
    made: list[Inputs] = []
    for part in input_parts(spec):
        if part == LEARNED:
            return None
        if part == "features":
            dense = features if isinstance(features, np.ndarray) else features.toarray()  # type: ignore[union-attr]
            made.append(np.array(dense, dtype=np.float32, order="C"))
        elif part == "ones":
            made.append(np.ones((num_nodes, spec.data.input_channels), dtype=np.float32))
        else:
            made.append(_embedded(part, spec, adjacency()))
    return made[0] if len(made) == 1 else np.concatenate(made, axis=1)


def _embedded(name: str, spec: RunSpec, adjacency: sparse.csr_matrix) -> Inputs:
    from graphkit.training.embedding import make_embedding  # scikit-learn takes its time

    options = {"dimension": spec.data.input_channels, **spec.data.input_options}
    vectors = make_embedding(name, options, spec.seed).fit_transform(adjacency)
    if vectors.shape[1] != spec.data.input_channels:
        raise ConfigError(f"{name} gave {vectors.shape[1]} numbers a node; set data.input_channels to that")
    return np.ascontiguousarray(vectors, dtype=np.float32)


def simple_adjacency(dataset: NodeDataset) -> sparse.csr_matrix:
    """Returns the [N, N] 0/1 adjacency of a dataset; an edge that is listed twice counts once."""
    source, target = dataset.raw.edge_index
    ones = np.ones(len(source), dtype=np.float32)
    adjacency = sparse.coo_matrix((ones, (source, target)), shape=(dataset.num_nodes,) * 2).tocsr()
    adjacency.data[:] = 1.0
    return adjacency
