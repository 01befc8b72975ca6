"""Protocols: everything besides the model that two results must share before they may be compared.

A protocol is a versioned, hashable value. Its hash covers the normative fields only, so prose may be mended without
making old results incomparable, while a change of rule changes the hash and must raise `version`.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from graphkit.config import stable_hash
from graphkit.errors import ProtocolError, ShapeError
from graphkit.evaluation.tables import Table

Nodes = NDArray[np.int64]

_PROSE = {"title", "description", "source", "traps"}


@dataclass(frozen=True)
class Protocol:
    """The rules of one experiment, all but the data and the model.

    Args:
        id: the name in cards, results and on the command line.
        version: raised whenever a normative field changes.
        title: one line for lists.
        description: what is done, in words.
        source: who published the setting.
        split_rule: how the nodes are divided.
        official: True when the splits are published files; False when `generate` draws them.
        num_splits: how many splits there are; seed k runs on split k mod num_splits.
        metric: `card` takes the dataset card's metric.
        aggregation: how runs become one number.
        selection: how the tested weights are chosen.
        seeds: what a seed changes, and how many are due.
        std: which standard deviation is printed.
        traps: known ways to get another number by accident.

    Example:
        >>> PROTOCOLS["geom-gcn-10"].split_index(13)
        3
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
    traps: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The id, under the attribute name that tables look for."""
        return self.id

    @cached_property
    def hash(self) -> str:
        """A sha256 hex digest of the normative fields."""
        return stable_hash({key: value for key, value in self.to_dict().items() if key not in _PROSE})

    def to_dict(self) -> dict[str, Any]:
        """Returns the fields as JSON-ready values."""
        return {**dataclasses.asdict(self), "traps": list(self.traps)}

    def split_index(self, seed: int) -> int:
        """Returns the split that the run of `seed` uses."""
        return seed % self.num_splits

    def generate(self, y: ArrayLike, index: int, seed: int = 0) -> tuple[Nodes, Nodes, Nodes]:
        """Draws split `index` for labels `y`; only `random-60-20-20` draws its splits.

        Stratified: 60 % of every class, rounded half up, goes to training, 20 % to validation, the rest to test. Node i
        is ranked inside its class by word i of the Philox counter stream keyed (seed, index), so that any split is
        drawn on its own, identically on every platform and numpy version. Nodes without a label (negative or NaN) are
        left out; multilabel nodes form a single stratum.

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
        if self.id != "random-60-20-20":
            raise ProtocolError(f"protocol {self.id} uses given splits; only random-60-20-20 draws its own")
        if not 0 <= index < self.num_splits:
            raise ProtocolError(f"{self.id} has splits 0..{self.num_splits - 1}, got {index}")
        return _stratified_60_20_20(np.asarray(y), index, seed)


def _stratified_60_20_20(y: NDArray[Any], index: int, seed: int) -> tuple[Nodes, Nodes, Nodes]:
    if y.ndim not in (1, 2):
        raise ShapeError(f"labels must be [N] or [N, L], got shape {list(y.shape)}")
    if y.ndim == 2:
        strata = np.where(np.isnan(y.astype(np.float64)).all(axis=1), -1, 0)
    else:
        strata = np.where(np.isnan(y), -1, y) if y.dtype.kind == "f" else y
    words = np.random.Philox(key=np.array([seed, index], dtype=np.uint64)).random_raw(len(strata))
    order = np.lexsort((words, strata))
    order = order[strata[order] >= 0]
    _, start, count = np.unique(strata[order], return_index=True, return_counts=True)
    position = np.arange(len(order)) - np.repeat(start, count)
    train_size, valid_size = (6 * count + 5) // 10, (2 * count + 5) // 10
    train = position < np.repeat(train_size, count)
    valid = ~train & (position < np.repeat(train_size + valid_size, count))
    parts = tuple(np.sort(order[part]).astype(np.int64) for part in (train, valid, ~(train | valid)))
    if not all(len(part) for part in parts):
        raise ShapeError(f"{len(order)} labelled nodes are too few for a 60/20/20 split: a part would be empty")
    return parts[0], parts[1], parts[2]


PROTOCOLS: Table[Protocol] = Table(
    "protocol",
    [
        Protocol(
            id="planetoid-public",
            version=1,
            title="Planetoid public split: 20 training nodes a class, 500 validation, 1000 test",
            description="One fixed split for every seed; a seed changes initialisation, dropout and sampling only.",
            source="Yang, Cohen, Salakhutdinov, ICML 2016 (arXiv 1603.08861); Kipf and Welling, arXiv 1609.02907",
            split_rule="published: 20 nodes a class train, the next 500 validate, 1000 listed nodes test",
            official=True,
            num_splits=1,
            seeds="initialisation and dropout; papers report 100, at least 10 are due",
            traps=(
                "GAT needs row-normalised features and weight decay 5e-4; without them it reads about 79 on Cora",
                "CiteSeer lists 15 isolated test nodes that the raw file lacks; they are zero rows, not dropped",
                "some published tables select the epoch on test accuracy; those numbers are no targets",
            ),
        ),
        Protocol(
            id="geom-gcn-10",
            version=1,
            title="Geom-GCN: 10 published splits, 48/32/20 of every class",
            description="Seed k trains on split k mod 10; mean and standard deviation are over runs.",
            source="Pei et al., ICLR 2020 (arXiv 2002.05287), the published split files",
            split_rule="published: 10 files of train, validation and test masks, 48/32/20 of every class",
            official=True,
            num_splits=10,
            seeds="split k mod 10 and every random stream; 10 are due, or a multiple",
            traps=(
                "the paper says 60/20/20; its files hold 48/32/20",
                "chameleon and squirrel hold duplicated nodes across train and test; use the filtered versions",
                "a split file may leave nodes out of all three masks; they stay in the graph, unscored",
            ),
        ),
        Protocol(
            id="heterophilous-10",
            version=1,
            title="Heterophilous graphs: 10 published splits, 50/25/25",
            description="Seed k trains on split k mod 10; accuracy, or ROC-AUC where a dataset has two classes.",
            source="Platonov et al., ICLR 2023 (arXiv 2302.11640)",
            split_rule="published: 10 columns of train, validation and test masks, 50/25/25",
            official=True,
            num_splits=10,
            seeds="split k mod 10 and every random stream; 10 are due, or a multiple",
            traps=(
                "binary datasets are scored by ROC-AUC, not accuracy",
                "the published code adds reverse edges before training",
                "the published code trains every model at learning rate 3e-5 for up to 1000 steps",
            ),
        ),
        Protocol(
            id="random-60-20-20",
            version=1,
            title="Random: 10 stratified splits, 60/20/20 of every class",
            description="Drawn by graphkit from the labels alone, counter-based, identical everywhere.",
            source="graphkit; the ratio follows Chien et al., ICLR 2021 (arXiv 2006.07988)",
            split_rule="drawn: Philox stream keyed (0, index), 60/20/20 of every class, rounded half up",
            official=False,
            num_splits=10,
            seeds="split k mod 10 and every random stream; 10 are due, or a multiple",
            traps=(
                "papers that say 60/20/20 draw their own splits, so their numbers are context, not targets",
                "it is not the 48/32/20 of the Geom-GCN files, which papers also call 60/20/20",
            ),
        ),
        Protocol(
            id="ogbn",
            version=1,
            title="Open Graph Benchmark: the official node split",
            description="One official split by time, popularity or species; the official metric of the dataset.",
            source="Hu et al., NeurIPS 2020 (arXiv 2005.00687)",
            split_rule="published: train, valid and test index files of the dataset archive",
            official=True,
            num_splits=1,
            seeds="initialisation, dropout and sampling; 10 are due",
            traps=(
                "using validation labels as input or for training makes another setting",
                "ogbn-arxiv is directed; most published numbers add reverse edges",
            ),
        ),
        Protocol(
            id="generator",
            version=1,
            title="Built-in generator: the graph comes with its split",
            description="Graph, labels and split are a function of the generator's options, its own seed among them.",
            source="graphkit's generators; each names the paper it follows",
            split_rule="drawn with the graph, from the generator's options alone",
            official=False,
            num_splits=1,
            seeds="initialisation, dropout and sampling; the graph stays the same",
            traps=("numbers hold for graphkit's graphs only: published ones used other draws",),
        ),
    ],
)
