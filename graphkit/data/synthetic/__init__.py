"""Generators: graphs that need no file, drawn from a seed and a few options.

A generator is a module with a `VERSION` and `generate(seed, **params) -> RawGraph` (or
`RawSystems`). The same seed and options give the
same graph, labels and split on every machine. The split comes with the graph, under the protocol `generator`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from graphkit.registry import Registry

if TYPE_CHECKING:
    from graphkit.data.raw import RawGraph
    from graphkit.data.systems import RawSystems

    Generator = Callable[..., RawGraph | RawSystems]

GENERATORS: Registry[Generator] = Registry(
    "generator",
    {
        "csbm": "graphkit.data.synthetic.csbm:generate",
        "dictionary-lookup": "graphkit.data.synthetic.dictionary_lookup:generate",
        "graph-autoencoder": "graphkit.data.synthetic.graph_autoencoder:generate",
        "nbody": "graphkit.data.synthetic.nbody:generate",
        "root-neighbours": "graphkit.data.synthetic.root_neighbours:generate",
        "sbm-cluster": "graphkit.data.synthetic.sbm_cluster:generate",
        "sbm-pattern": "graphkit.data.synthetic.sbm_pattern:generate",
        "social": "graphkit.data.synthetic.social:generate",
    },
    group="graphkit.generators",
)
