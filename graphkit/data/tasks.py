"""Kinds of datasets: what a task's raw form is, how it is kept, checked and counted, and what a user gets.

| kind          | reader returns | kept as    | `load_dataset` returns |
| ------------- | -------------- | ---------- | ---------------------- |
| node          | RawGraph       | RawGraph   | NodeDataset            |
| graph         | RawGraphs      | RawGraphs  | GraphDataset           |
| link          | RawLinks       | RawLinks   | LinkDataset            |
| temporal-link | RawEvents      | EventStore | EventDataset           |
| temporal-edge | RawEvents      | EventStore | EventDataset           |
| temporal-attribute | RawSeries | RawSeries | SeriesDataset          |
| temporal-node | RawLabelledEvents | LabelledEvents | NodeEventDataset |
| system        | RawSystems     | RawSystems | SystemDataset          |

A graph or many graphs with labelled nodes are one kind: many graphs are one disjoint union. Graphs with a label each
are another, laid out in the same way. Everything is named as `module:attribute`, so that the table costs nothing to
import.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from graphkit.errors import ConfigError, UnknownNameError
from graphkit.evaluation.protocols import PROTOCOLS

if TYPE_CHECKING:
    from graphkit.data.cards import Card


@dataclass(frozen=True)
class Kind:
    """One kind of dataset; every field but the first three names an object as `module:attribute`.

    Args:
        name: what protocols call it.
        tasks: the tasks of cards that have this kind.
        prepares: whether features and edges can be prepared on loading (`data.prepare`).
        raw: class a reader returns.
        finish: makes the kept form of it; empty where they are the same.
        pack: lays the kept form out as arrays; `unpack` is the way back.
        check: refuses a broken dataset, and one that differs from its card.
        count: counts what a card may publish.
        measure: what else `graphkit data info` tells, as plain values.
        dataset: class that a user gets, made of card, kept form, content digest and provenance.
    """

    name: str
    tasks: tuple[str, ...]
    prepares: bool
    raw: str
    finish: str
    pack: str
    unpack: str
    check: str
    count: str
    measure: str
    dataset: str

    def get(self, part: str) -> Any:
        """Imports and returns what a field names.

        Example:
            >>> KINDS["node"].get("raw").__name__
            'RawGraph'
        """
        module, _, attribute = getattr(self, part).partition(":")
        found = importlib.import_module(module)
        for name in attribute.split("."):
            found = getattr(found, name)
        return found


_KINDS = (
    Kind(
        name="node",
        tasks=("node-classification", "node-regression"),
        prepares=True,
        raw="graphkit.data.raw:RawGraph",
        finish="",
        pack="graphkit.data.cache:to_arrays",
        unpack="graphkit.data.cache:from_arrays",
        check="graphkit.data.checks:check_raw",
        count="graphkit.data.checks:count",
        measure="graphkit.data.diagnostics:measure_nodes",
        dataset="graphkit.data.dataset:NodeDataset",
    ),
    Kind(
        name="graph",
        tasks=("graph-classification", "graph-regression"),
        prepares=False,
        raw="graphkit.data.raw:RawGraphs",
        finish="",
        pack="graphkit.data.graphs:pack",
        unpack="graphkit.data.graphs:unpack",
        check="graphkit.data.graph_checks:check",
        count="graphkit.data.graph_checks:count",
        measure="graphkit.data.graph_checks:measure",
        dataset="graphkit.data.graphs:GraphDataset",
    ),
    Kind(
        name="graph-pair",
        tasks=("graph-separation",),
        prepares=False,
        raw="graphkit.data.raw:RawGraphs",
        finish="",
        pack="graphkit.data.graphs:pack",
        unpack="graphkit.data.graphs:unpack",
        check="graphkit.data.graph_checks:check",
        count="graphkit.data.graph_checks:count",
        measure="graphkit.data.graph_checks:measure",
        dataset="graphkit.data.graphs:GraphDataset",
    ),
    Kind(
        name="link",
        tasks=("link-prediction",),
        prepares=False,
        raw="graphkit.data.raw:RawLinks",
        finish="",
        pack="graphkit.data.links:pack",
        unpack="graphkit.data.links:unpack",
        check="graphkit.data.links:check",
        count="graphkit.data.links:count",
        measure="graphkit.data.diagnostics:measure_links",
        dataset="graphkit.data.links:LinkDataset",
    ),
    Kind(
        name="temporal-link",
        tasks=("temporal-link-prediction",),
        prepares=False,
        raw="graphkit.data.raw:RawEvents",
        finish="graphkit.data.events:EventStore.from_raw",
        pack="graphkit.data.events:pack",
        unpack="graphkit.data.events:unpack",
        check="graphkit.data.event_dataset:check",
        count="graphkit.data.event_dataset:count",
        measure="graphkit.data.event_dataset:measure",
        dataset="graphkit.data.event_dataset:EventDataset",
    ),
    Kind(
        name="temporal-edge",
        tasks=("temporal-edge-prediction",),
        prepares=False,
        raw="graphkit.data.raw:RawEvents",
        finish="graphkit.data.events:EventStore.from_raw",
        pack="graphkit.data.events:pack",
        unpack="graphkit.data.events:unpack",
        check="graphkit.data.event_dataset:check",
        count="graphkit.data.event_dataset:count",
        measure="graphkit.data.event_dataset:measure",
        dataset="graphkit.data.event_dataset:EventDataset",
    ),
    Kind(
        name="temporal-attribute",
        tasks=("attribute-forecasting",),
        prepares=False,
        raw="graphkit.data.series:RawSeries",
        finish="",
        pack="graphkit.data.series:pack",
        unpack="graphkit.data.series:unpack",
        check="graphkit.data.series:check",
        count="graphkit.data.series:count",
        measure="graphkit.data.series:measure",
        dataset="graphkit.data.series:SeriesDataset",
    ),
    Kind(
        name="temporal-node",
        tasks=("temporal-node-prediction",),
        prepares=False,
        raw="graphkit.data.node_labels:RawLabelledEvents",
        finish="graphkit.data.node_labels:LabelledEvents.from_raw",
        pack="graphkit.data.node_labels:pack",
        unpack="graphkit.data.node_labels:unpack",
        check="graphkit.data.node_labels:check",
        count="graphkit.data.node_labels:count",
        measure="graphkit.data.node_labels:measure",
        dataset="graphkit.data.node_labels:NodeEventDataset",
    ),
    Kind(
        name="system",
        tasks=("trajectory", "graph-autoencoding", "energy-forces", "energy", "dipole"),
        prepares=False,
        raw="graphkit.data.systems:RawSystems",
        finish="",
        pack="graphkit.data.systems:pack",
        unpack="graphkit.data.systems:unpack",
        check="graphkit.data.systems:check",
        count="graphkit.data.systems:count",
        measure="graphkit.data.systems:measure",
        dataset="graphkit.data.systems:SystemDataset",
    ),
)
KINDS: Mapping[str, Kind] = MappingProxyType({kind.name: kind for kind in _KINDS})
TASKS: Mapping[str, str] = MappingProxyType({task: kind.name for kind in _KINDS for task in kind.tasks})
"""Task of a card to the name of its kind."""


def kind_of(card: Card) -> Kind:
    """Returns the kind of a card's task.

    Raises:
        UnknownNameError: nobody knows the task.

    Example:
        >>> from graphkit.data.cards import load_card
        >>> kind_of(load_card("cora")).name
        'node'
    """
    if card.task not in TASKS:
        raise UnknownNameError(f"task of dataset {card.name}:", card.task, TASKS)
    return KINDS[TASKS[card.task]]


def card_under(card: Card, protocol: str) -> Card:
    """Returns a card as a protocol sees it: a graph with labelled nodes under a protocol for links predicts links.

    Args:
        card: a dataset.
        protocol: protocol id; empty takes the card's first.

    Example:
        >>> from graphkit.data.cards import load_card
        >>> card_under(load_card("cora"), "ncn-70-10-20").metric
        'hits@100'
    """
    if not protocol or not asks_for_links(card, protocol):
        return card
    metric = PROTOCOLS[protocol].metric
    # published counts of edges no longer hold, because a link is counted once
    return replace(
        card,
        task="link-prediction",
        target="binary" if metric == "roc-auc" else "ranking",
        metric=metric,
        protocols=tuple(name for name in card.protocols if asks_for_links(card, name)),
        statistics={},
    )


def asks_for_links(card: Card, protocol: str) -> bool:
    """Whether a protocol of a card for nodes is about its links instead."""
    return card.task == "node-classification" and protocol in PROTOCOLS and PROTOCOLS[protocol].tasks == ("link",)


def check_form(kind: Kind, raw: Any, card: Card) -> None:
    """Refuses what a reader of another kind of dataset returned.

    Raises:
        ConfigError: reader and task do not belong together.
    """
    due = kind.get("raw")
    if not isinstance(raw, due):
        raise ConfigError(
            f"{card.name}: its reader returns {type(raw).__name__}, but task {card.task} needs {due.__name__}; "
            "mend reader or task on its card"
        )
