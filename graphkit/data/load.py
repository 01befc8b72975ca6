"""From a dataset's name to a dataset of its kind: fetch, read, check, prepare, keep."""

from __future__ import annotations

import dataclasses
import inspect
import zipfile
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from graphkit.data.cache import code_version, load_or_build, processed_file
from graphkit.data.cards import Card, load_card
from graphkit.data.dataset import NodeDataset
from graphkit.data.download import Progress
from graphkit.data.fetch import fetch
from graphkit.data.node_links import links_of
from graphkit.data.prepare import PrepareOptions, prepare
from graphkit.data.raw import LocalFile
from graphkit.data.tasks import asks_for_links, check_form, kind_of
from graphkit.errors import ConfigError, DataError, GraphValidationError, ProtocolError, UnknownNameError
from graphkit.evaluation.node_splits import DRAWN
from graphkit.evaluation.protocols import PROTOCOLS

if TYPE_CHECKING:
    from graphkit.data.event_dataset import EventDataset
    from graphkit.data.graphs import GraphDataset
    from graphkit.data.links import LinkDataset

    Dataset: TypeAlias = NodeDataset | GraphDataset | LinkDataset | EventDataset

__all__ = ["NodeDataset", "load_dataset", "read_raw"]

# what parsers of text, zip and npy files raise on content they do not know
_READ_ERRORS = (ValueError, LookupError, EOFError, OSError, zipfile.BadZipFile)
_NO_OPTIONS: Mapping[str, Any] = MappingProxyType({})


def load_dataset(
    name: str,
    *,
    features: Literal["raw", "row"] = "raw",
    undirected: bool = False,
    largest_component: bool = False,
    options: Mapping[str, Any] = _NO_OPTIONS,
    protocol: str = "",
    offline: bool = False,
    progress: Progress | None = None,
) -> Dataset:
    """Loads a dataset by the name of its card, downloading what is not in the cache.

    What is returned depends on the card's task: a `NodeDataset`, `GraphDataset`, `LinkDataset` or
    `EventDataset` (see `data.tasks`).

    Args:
        name: `graphkit ls datasets` lists them.
        features: `row` divides every feature row by its sum.
        undirected: adds the reverse of every edge and drops duplicates.
        largest_component: keeps the largest connected component only.
        options: arguments of a built-in generator, over its card's defaults.
        protocol: a protocol about links makes a `LinkDataset` of a graph with labelled nodes; others change nothing.
        offline: never uses the network.
        progress: called with (file, bytes so far, total bytes) as files arrive.

    Raises:
        UnknownNameError: no such dataset, or no such option of its generator.
        DataError: the files cannot be had, are damaged, or hold another graph than the card publishes.
        ConfigError: preparation of a dataset without nodes to classify.
        ProtocolError: the dataset does not have the protocol.

    Example:
        >>> load_dataset("cora", features="row").data  # doctest: +SKIP
        Data(x=[2708, 1433], edge_index=[2, 10556], y=[2708])
    """
    card = _with_options(load_card(name), options)
    if protocol and protocol not in card.protocols:
        raise ProtocolError(f"dataset {name} has no protocol {protocol!r}; it has {', '.join(card.protocols)}")
    kind = kind_of(card)
    preparation = PrepareOptions(features, undirected, largest_component)
    if preparation != PrepareOptions() and not kind.prepares:
        raise ConfigError(f"{name} is a {card.task} dataset; features, undirected and largest_component are for nodes")
    files = fetch(card, offline=offline, progress=progress)
    maker = _maker(card)
    recipe = {
        "card": card.hash,
        "reader": card.reader or card.generator,
        "code": code_version(maker),
        "files": {path: file.sha256 for path, file in files.items()},
        "prepare": dataclasses.asdict(preparation),
    }

    def build() -> Any:
        raw = read_raw(card, files)
        return prepare(raw, preparation) if kind.prepares else raw

    path = processed_file(card.name, recipe)
    raw, content = load_or_build(path, build, kind.get("pack"), kind.get("unpack"))
    provenance = {
        **{key: recipe[key] for key in ("card", "reader", "prepare")},
        "reader_version": recipe["code"],
        "options": dict(card.params),
        "files": {
            path: {"sha256": file.sha256, "encoding": file.encoding, "pinned": file.pinned}
            for path, file in files.items()
        },
        "content": content,
    }
    dataset: Dataset = kind.get("dataset")(card, raw, content, provenance)
    if isinstance(dataset, NodeDataset) and protocol and asks_for_links(card, protocol):
        return links_of(dataset, protocol)
    return dataset


def load_node_dataset(name: str, **options: Any) -> NodeDataset:
    """Does what `load_dataset` does, and refuses datasets without labelled nodes.

    Raises:
        ConfigError: the dataset is of another kind.
    """
    dataset = load_dataset(name, **options)
    if not isinstance(dataset, NodeDataset):
        raise ConfigError(f"dataset {name} is a {dataset.card.task} task, not a graph with labelled nodes")
    return dataset


def read_raw(card: Card, files: Mapping[str, LocalFile]) -> Any:
    """Reads and checks a dataset as published, without preparation or cache.

    Returns:
        The kept form of the card's kind: a `RawGraph`, `RawGraphs`, `RawLinks` or `EventStore`.

    Raises:
        GraphValidationError: it breaks its invariants or its published statistics, or lacks splits.
        DataError: the reader cannot make sense of the files.
    """
    maker = _maker(card)
    if card.generator:
        raw = maker(**card.params)
    else:
        try:
            raw = maker(files, card)
        except DataError as error:
            if card.name in str(error):
                raise
            raise type(error)(f"{card.name}: {error}") from error
        except _READ_ERRORS as error:
            raise DataError(
                f"{card.name}: its files are not what reader {card.reader} knows ({type(error).__name__}: {error}); "
                "they are damaged or another version"
            ) from error
    kind = kind_of(card)
    check_form(kind, raw, card)
    raw.name = card.name
    if kind.finish:
        raw = kind.get("finish")(raw)
    kind.get("check")(raw, card)
    if kind.name.startswith("temporal-") or kind.name == "graph-pair":  # time itself is the split, or there is none
        return raw
    for protocol in card.protocols:
        if asks_for_links(card, protocol):
            continue
        due = 0 if protocol in DRAWN else PROTOCOLS[protocol].num_splits
        if len(raw.splits.get(protocol, ())) != due:
            found = len(raw.splits.get(protocol, ()))
            raise GraphValidationError(f"{card.name}: {found} splits of protocol {protocol} were read, {due} are due")
    return raw


def _maker(card: Card) -> Any:
    if card.reader:
        from graphkit.data.readers import READERS

        return READERS.get(card.reader)
    from graphkit.data.synthetic import GENERATORS

    return GENERATORS.get(card.generator)


def _with_options(card: Card, options: Mapping[str, Any]) -> Card:
    if not options:
        return card
    if not card.generator:
        raise ConfigError(f"dataset {card.name} is read from files and takes no options, got {', '.join(options)}")
    known = {**card.params, **inspect.signature(_maker(card)).parameters}
    for key, value in options.items():
        if key not in known:
            raise UnknownNameError(f"option of {card.name}:", key, known)
        default = card.params.get(key)
        if default is not None and not _same_kind(value, default):
            raise ConfigError(
                f"option {key} of {card.name} takes {type(default).__name__}, got {value!r} ({type(value).__name__})"
            )
    # other options make another graph: the published statistics of the default one no longer apply
    changed = any(card.params.get(key) != value for key, value in options.items())
    return dataclasses.replace(card, params={**card.params, **options}, statistics={} if changed else card.statistics)


def _same_kind(value: Any, default: Any) -> bool:
    if isinstance(default, bool) or isinstance(value, bool):
        return type(value) is type(default)
    if isinstance(default, float):
        return isinstance(value, int | float)
    if isinstance(default, list | tuple):
        return isinstance(value, list | tuple)
    return isinstance(value, type(default))
