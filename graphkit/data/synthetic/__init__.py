"""Generators: graphs that need no file, drawn from a seed and a few options.

A generator is a module with a `VERSION` and `generate(seed, **params) -> RawGraph` (or `RawSystems`, or `RawEvents`).
The same seed and options give the same graph, labels and split on every machine. The split comes with the graph, under
the protocol `generator` (`stream-generator` for events).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from graphkit.registry import Registry

if TYPE_CHECKING:
    from graphkit.data.raw import RawEvents, RawGraph
    from graphkit.data.systems import RawSystems

    Generator = Callable[..., RawGraph | RawSystems | RawEvents]

GENERATORS: Registry[Generator] = Registry(
    "generator",
    {
        "colour-counting": "graphkit.data.synthetic.global_tasks:colour_counting",
        "connectivity": "graphkit.data.synthetic.global_tasks:connectivity",
        "csbm": "graphkit.data.synthetic.csbm:generate",
        "dictionary-lookup": "graphkit.data.synthetic.dictionary_lookup:generate",
        "far-links": "graphkit.data.synthetic.far_links:generate",
        "graph-autoencoder": "graphkit.data.synthetic.graph_autoencoder:generate",
        "nbody": "graphkit.data.synthetic.nbody:generate",
        "point-charges": "graphkit.data.synthetic.point_charges:generate",
        "ring-transfer": "graphkit.data.synthetic.ring_transfer:generate",
        "root-neighbours": "graphkit.data.synthetic.root_neighbours:generate",
        "sbm-cluster": "graphkit.data.synthetic.sbm_cluster:generate",
        "sbm-pattern": "graphkit.data.synthetic.sbm_pattern:generate",
        "shortest-path": "graphkit.data.synthetic.global_tasks:shortest_path",
        "skip-links": "graphkit.data.synthetic.skip_links:generate",
        "social": "graphkit.data.synthetic.social:generate",
        "sequential-rules": "graphkit.data.synthetic.sequential_rules:generate",
        "triadic-closure": "graphkit.data.synthetic.triadic_closure:generate",
        "repeat-process": "graphkit.data.synthetic.repeat_process:generate",
        "popularity-drift": "graphkit.data.synthetic.popularity_drift:generate",
        "signed-balance": "graphkit.data.synthetic.signed_balance:generate",
        "diffusion": "graphkit.data.synthetic.diffusion:generate",
        "drifting-affinities": "graphkit.data.synthetic.drifting_affinities:generate",
        "snapshot-sbm": "graphkit.data.synthetic.snapshot_sbm:generate",
        "tree-neighbours-match": "graphkit.data.synthetic.tree_match:generate",
    },
    group="graphkit.generators",
)
