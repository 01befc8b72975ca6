"""Protocols: everything besides the model that two results must share before they may be compared.

A protocol is a versioned, hashable value kept as data, one TOML file each in the folder of the same name. Its hash
covers the normative fields only, so prose may be mended without making old results incomparable, while a change of rule
changes the hash and must raise `version`.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from graphkit.config import check_type, read_toml, stable_hash, type_hints
from graphkit.errors import ConfigError, ProtocolError, UnknownNameError
from graphkit.evaluation.node_splits import DRAWN, Nodes
from graphkit.evaluation.tables import Table

Task = Literal[
    "node",
    "link",
    "temporal-link",
    "temporal-edge",
    "temporal-node",
    "temporal-attribute",
    "graph",
    "graph-pair",
    "graph-link",
    "system",
]
Ties = Literal["none", "average", "pessimistic", "optimistic", "strict", "by-metric"]
FOLDER = Path(__file__).with_suffix("")

_PROSE = {"title", "description", "source", "traps"}
# Fields that the first protocols did not have: they enter a hash only where they are set, so that giving protocols a
# new field changes no protocol that does not use it.
_ADDED = frozenset(
    ("tasks", "negatives", "ties", "batch_size", "freshness", "seeds_due", "spread", "budget", "tuning", "schedule")
    + ("common_epoch", "filtering")
)
_ISSUE = re.compile(r"[\w.-]+/[\w.-]+#\d+")


@dataclass(frozen=True)
class Trap:
    """A known way to get another number by accident.

    Args:
        text: what goes wrong.
        here: what graphkit does instead; empty where the text says it all.
        issues: public threads about it, `owner/repository#number`.
    """

    text: str
    here: str = ""
    issues: tuple[str, ...] = ()


@dataclass(frozen=True)
class Protocol:
    """The rules of one experiment, all but the data and the model.

    Args:
        id: the name in cards, results and on the command line.
        version: raised whenever a normative field changes.
        title: one line for lists.
        description: what is done, in words.
        source: who published the setting.
        split_rule: how nodes, links, events or graphs are divided.
        official: True when the splits are published files; False when they are drawn.
        num_splits: how many splits there are; seed k runs on split k mod num_splits.
        metric: `card` takes the dataset card's metric.
        aggregation: how examples become a run's number, and runs one number.
        selection: how the tested weights are chosen.
        seeds: what a seed changes, and how many are due.
        std: which standard deviation is printed.
        tasks: what may be predicted under it: node, link, temporal-link, temporal-edge, temporal-node,
            temporal-attribute, graph, graph-pair, graph-link, system.
        negatives: where the negatives of a ranking come from; empty where nothing is ranked.
        filtering: which nodes of its graph a link is ranked among: `raw` all but its target, `filtered` none that the
            source is linked to, `extended` nor the source itself; empty where no link lies inside one of many graphs.
        ties: how a positive ranks among equal scores; `by-metric` is `strict` for Hits@K, `average` for all else.
        batch_size: positives that are scored before the state may see them; None where there is no state.
        freshness: `batch` when a query sees the events before its batch, `event` when it sees all events before itself.
        seeds_due: how many seeds a comparable result has.
        spread: `runs` when the deviation is over runs; `splits` when runs of one split are averaged first.
        budget: largest number of trainable parameters; None where the protocol sets none.
        tuning: how much tuning is allowed, where the protocol says.
        schedule: optimiser and learning-rate schedule, where the protocol fixes them.
        common_epoch: there is no test part: the epoch with the best mean over all runs is reported for all of them.
        traps: known ways to get another number by accident, and how graphkit differs.

    Example:
        >>> PROTOCOLS["geom-gcn-10"].split_index(13), PROTOCOLS["tgb-link"].batch_size
        (3, 200)
    """

    id: str
    version: int
    title: str
    description: str
    source: str
    split_rule: str
    official: bool
    num_splits: int
    seeds: str
    metric: str = "card"
    aggregation: str = "mean over runs, one run a seed, unrounded"
    selection: str = "by the model card's rule, on validation nodes; test nodes are scored once, after selection"
    std: str = "sample standard deviation over runs (ddof = 1)"
    tasks: tuple[Task, ...] = ("node",)
    negatives: str = ""
    filtering: Literal["", "raw", "filtered", "extended"] = ""
    ties: Ties = "none"
    batch_size: int | None = None
    freshness: Literal["none", "batch", "event"] = "none"
    seeds_due: int = 10
    spread: Literal["runs", "splits"] = "runs"
    budget: int | None = None
    tuning: str = ""
    schedule: str = ""
    common_epoch: bool = False
    traps: tuple[Trap, ...] = ()

    @property
    def name(self) -> str:
        """The id, under the attribute name that tables look for."""
        return self.id

    @property
    def task(self) -> str:
        """The tasks in one word or list, for messages."""
        return ", ".join(self.tasks)

    @property
    def ranks_positives(self) -> bool:
        """Whether a run leaves the rank of every positive: of links in one graph or many, and of events of a stream.

        Example:
            >>> PROTOCOLS["tgb-link"].ranks_positives, PROTOCOLS["planetoid-public"].ranks_positives
            (True, False)
        """
        return bool({"link", "temporal-link", "graph-link"}.intersection(self.tasks))

    @cached_property
    def hash(self) -> str:
        """A sha256 hex digest of the normative fields."""
        defaults = {entry.name: entry.default for entry in dataclasses.fields(self)}
        unset = {name for name in _ADDED if getattr(self, name) == defaults[name]}
        return stable_hash({key: value for key, value in self.to_dict().items() if key not in _PROSE | unset})

    def to_dict(self) -> dict[str, Any]:
        """Returns the fields as JSON-ready values."""
        traps = [{"text": trap.text, "here": trap.here, "issues": list(trap.issues)} for trap in self.traps]
        values = {entry.name: getattr(self, entry.name) for entry in dataclasses.fields(self)}
        return {**values, "tasks": list(self.tasks), "traps": traps}

    def metric_for(self, card_metric: str) -> str:
        """Returns the metric of a dataset whose card names `card_metric`.

        Example:
            >>> PROTOCOLS["heart"].metric_for("roc-auc"), PROTOCOLS["ogb"].metric_for("hits@20")
            ('mrr', 'hits@20')
        """
        return card_metric if self.metric == "card" else self.metric

    def ties_for(self, metric: str) -> str:
        """Returns the tie rule that `metric` is ranked by.

        Example:
            >>> PROTOCOLS["ogb"].ties_for("hits@20"), PROTOCOLS["ogb"].ties_for("mrr"), PROTOCOLS["ogb"].ties
            ('strict', 'average', 'by-metric')
        """
        if self.ties != "by-metric":
            return self.ties
        return "strict" if metric.startswith("hits@") else "average"

    def split_index(self, seed: int) -> int:
        """Returns the split that the run of `seed` uses."""
        return seed % self.num_splits

    def generate(self, y: ArrayLike, index: int, seed: int = 0) -> tuple[Nodes, Nodes, Nodes]:
        """Draws split `index` for labels `y`; only the protocols in `node_splits.DRAWN` draw theirs.

        Args:
            y: [N] classes or [N, L] task labels.
            index: which split, 0..num_splits-1.
            seed: chooses another family of splits; results under this protocol use 0.

        Returns:
            Sorted int64 node numbers: train, valid, test.

        Raises:
            ProtocolError: the protocol's splits are published, or `index` is out of range.
            ShapeError: `y` is no [N] or [N, L] array, or so few nodes are labelled that a part would be empty.

        Example:
            >>> parts = PROTOCOLS["random-60-20-20"].generate(np.repeat([0, 1], 50), 0)
            >>> [len(part) for part in parts]
            [60, 20, 20]
        """
        if self.id not in DRAWN:
            raise ProtocolError(f"protocol {self.id} uses given splits; only {', '.join(DRAWN)} draw their own")
        if not 0 <= index < self.num_splits:
            raise ProtocolError(f"{self.id} has splits 0..{self.num_splits - 1}, got {index}")
        return DRAWN[self.id](np.asarray(y), index, seed)


def parse_protocol(values: Mapping[str, Any], origin: str) -> Protocol:
    """Builds a protocol from a TOML table, strictly.

    Args:
        values: the parsed table.
        origin: the file's name, for messages.

    Raises:
        UnknownNameError: a key that protocols do not have.
        ConfigError: a key is missing or of a wrong type, or parts do not fit each other.
    """
    traps = tuple(_parse_trap(trap, origin) for trap in values.get("traps", ()))
    plain = _typed({key: value for key, value in values.items() if key != "traps"}, Protocol, origin)
    missing = [
        entry.name
        for entry in dataclasses.fields(Protocol)
        if entry.default is dataclasses.MISSING and entry.name not in plain
    ]
    if missing:
        raise ConfigError(f"{origin}: {', '.join(missing)} missing")
    protocol = Protocol(**plain, traps=traps)
    if protocol.num_splits < 1 or protocol.version < 1 or protocol.seeds_due < 1:
        raise ConfigError(f"{origin}: version, num_splits and seeds_due count from 1")
    if (protocol.batch_size is None) != (protocol.freshness == "none"):
        raise ConfigError(f"{origin}: batch_size and freshness go together; a stream needs both")
    return protocol


def _parse_trap(values: Mapping[str, Any], origin: str) -> Trap:
    trap = Trap(**_typed(values, Trap, origin))
    for issue in trap.issues:
        if not _ISSUE.fullmatch(issue):
            raise ConfigError(f"{origin}: an issue is written owner/repository#number, got {issue!r}")
    return trap


def _typed(values: Mapping[str, Any], cls: type[Any], origin: str) -> dict[str, Any]:
    hints = type_hints(cls)
    for key in values:
        if key not in hints:
            raise UnknownNameError(f"key in {origin}:", key, hints)
    return {key: check_type(value, hints[key], f"{origin}: {key}") for key, value in values.items()}


def _load(path: Path) -> Protocol:
    protocol = parse_protocol(read_toml(path), path.name)
    if protocol.id != path.stem:
        raise ConfigError(f"{path}: the protocol is called {protocol.id!r}; file and protocol must have one name")
    return protocol


PROTOCOLS: Table[Protocol] = Table(
    "protocol",
    [_load(path) for path in sorted(FOLDER.glob("*.toml"), key=lambda path: path.stem)],
    renamed={"ogbn": "ogb"},
)
