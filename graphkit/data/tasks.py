"""Kinds of datasets: what a task's raw form is, how it is kept, checked and counted, and what a user gets.

| kind          | reader returns | kept as    | `load_dataset` returns |
| ------------- | -------------- | ---------- | ---------------------- |
| node          | RawGraph       | RawGraph   | NodeDataset            |
| graph         | RawGraphs      | RawGraphs  | GraphDataset           |
| graph-link    | RawGraphLinks  | RawGraphLinks | GraphLinkDataset    |
| link          | RawLinks       | RawLinks   | LinkDataset            |
| temporal-link | RawEvents      | EventStore | EventDataset           |
| temporal-edge | RawEvents      | EventStore | EventDataset           |
| temporal-attribute | RawSeries | RawSeries | SeriesDataset          |
| temporal-node | RawLabelledEvents | LabelledEvents | NodeEventDataset |
| system        | RawSystems     | RawSystems | SystemDataset          |

A graph or many graphs with labelled nodes are one kind: many graphs are one disjoint union. Graphs with a label each
are another, laid out in the same way, and graphs inside which links are asked for a third. Everything is named as
`module:attribute`, so that the table costs nothing to import.
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


def _kind(name: str, tasks: tuple[str, ...], module: str, raw: str, dataset: str, **more: Any) -> Kind:
    """Returns a kind whose functions are those of `graphkit.data.MODULE`, unless `more` names others."""
    own = {part: f"graphkit.data.{module}:{part}" for part in ("pack", "unpack", "check", "count", "measure")}
    named = {key: f"graphkit.data.{place}" if isinstance(place, str) else place for key, place in more.items()}
    places: dict[str, Any] = {"raw": f"graphkit.data.{raw}", "dataset": f"graphkit.data.{dataset}"}
    return Kind(name=name, tasks=tasks, **{**own, "finish": "", "prepares": False, **places, **named})


_GRAPH = _kind(
    "graph",
    ("graph-classification", "graph-regression"),
    "graph_checks",
    "raw:RawGraphs",
    "graphs:GraphDataset",
    pack="graphs:pack",
    unpack="graphs:unpack",
)
_LINK_STREAM = _kind(
    "temporal-link",
    ("temporal-link-prediction",),
    "event_dataset",
    "raw:RawEvents",
    "event_dataset:EventDataset",
    finish="events:EventStore.from_raw",
    pack="events:pack",
    unpack="events:unpack",
)
_KINDS = (
    _kind(
        "node",
        ("node-classification", "node-regression"),
        "checks",
        "raw:RawGraph",
        "dataset:NodeDataset",
        prepares=True,
        pack="cache:to_arrays",
        unpack="cache:from_arrays",
        check="checks:check_raw",
        measure="diagnostics:measure_nodes",
    ),
    _GRAPH,
    replace(_GRAPH, name="graph-pair", tasks=("graph-separation",)),
    _kind(
        "graph-link",
        ("graph-link-prediction",),
        "graph_links",
        "graph_links:RawGraphLinks",
        "graph_links:GraphLinkDataset",
    ),
    _kind(
        "link",
        ("link-prediction",),
        "links",
        "raw:RawLinks",
        "links:LinkDataset",
        measure="diagnostics:measure_links",
    ),
    _LINK_STREAM,
    replace(_LINK_STREAM, name="temporal-edge", tasks=("temporal-edge-prediction",)),
    _kind("temporal-attribute", ("attribute-forecasting",), "series", "series:RawSeries", "series:SeriesDataset"),
    _kind(
        "temporal-node",
        ("temporal-node-prediction",),
        "node_labels",
        "node_labels:RawLabelledEvents",
        "node_labels:NodeEventDataset",
        finish="node_labels:LabelledEvents.from_raw",
    ),
    _kind(
        "system",
        ("trajectory", "graph-autoencoding", "energy-forces", "energy", "dipole"),
        "systems",
        "systems:RawSystems",
        "systems:SystemDataset",
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
