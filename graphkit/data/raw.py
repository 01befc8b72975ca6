"""What readers work with: verified local files in, plain arrays out (graphs, links or events). No torch here."""

from __future__ import annotations

import gzip
import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from graphkit.data.archive import open_member
from graphkit.errors import DataError

Features: TypeAlias = NDArray[np.float32] | sparse.csr_matrix
Triple: TypeAlias = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]


@dataclass(frozen=True)
class LocalFile:
    """A file on this machine whose checksum has been verified.

    Args:
        path: where its published bytes are.
        encoding: `plain`, `gzip`, `zip-member` or `pickle-free`, as on the card.
        sha256: digest of the published bytes.
        member: name inside the archive, for `zip-member`.
        pinned: True where the card listed no digest and the one of the first download is used.
        origin: the address the bytes came from.
    """

    path: Path
    encoding: str = "plain"
    sha256: str = ""
    member: str = ""
    pinned: bool = False
    origin: str = ""

    def open(self) -> BinaryIO:
        """Opens the decoded content for reading, seekable."""
        if self.encoding == "gzip":
            return cast(BinaryIO, gzip.open(self.path, "rb"))
        if self.encoding == "zip-member":
            return io.BytesIO(open_member(self.path, self.member))
        return self.path.open("rb")

    def read_bytes(self) -> bytes:
        """Returns the whole decoded content.

        Raises:
            DataError: the compressed stream is damaged or cut short.
        """
        try:
            with self.open() as stream:
                return stream.read()
        except (EOFError, gzip.BadGzipFile) as error:
            raise DataError(f"{self.path} is damaged: {error}; delete it and fetch it again") from error

    def read_text(self) -> str:
        """Returns the whole decoded content as UTF-8 text."""
        return self.read_bytes().decode("utf-8")


@dataclass
class RawGraph:
    """A graph as its publisher gives it, in numpy and scipy arrays.

    Args:
        x: [N, F] float32 features, dense or scipy CSR.
        edge_index: [2, E] int64; row 0 source, row 1 target.
        y: [N] int64 classes, -1 where a node has no label; or [N, L] float32 task labels.
        splits: protocol id to its published splits, each (train, valid, test) of node numbers.
        edge_attr: [E, D] float32, or None.
        ptr: [G + 1] int64 node offsets of a disjoint union of G graphs, or None.
        name: name of the dataset, for messages.
    """

    x: Features
    edge_index: NDArray[np.int64]
    y: NDArray[Any]
    splits: Mapping[str, list[Triple]] = field(default_factory=dict)
    edge_attr: NDArray[np.float32] | None = None
    ptr: NDArray[np.int64] | None = None
    name: str = ""

    @property
    def num_nodes(self) -> int:
        """N."""
        return int(self.x.shape[0])

    @property
    def num_edges(self) -> int:
        """E, counting every column of `edge_index`."""
        return int(self.edge_index.shape[1])

    @property
    def num_features(self) -> int:
        """F."""
        return int(self.x.shape[1])


@dataclass
class RawGraphs:
    """Many graphs with a label each, as one disjoint union: graph g owns the nodes ptr[g] to ptr[g + 1].

    Args:
        ptr: [G + 1] int64, first node of every graph.
        edge_index: [2, E] int64 numbers in the union, the edges of a graph side by side.
        x: [N, F] float32 features, or [N, C] int64 categories.
        y: [G] int64 classes; or [G, L] float32 of 0, 1 and NaN (multilabel) or of numbers (regression), NaN: no label.
        splits: protocol id to its published splits, each (train, valid, test) of graph numbers.
        x_sizes: number of categories of every column of `x`; empty where `x` holds features.
        edge_attr: [E, D] float32 features or [E, D] int64 categories of the edges, or None.
        edge_sizes: number of categories of every column of `edge_attr`; empty where it holds features.
        z: [N] int64 atomic numbers, or None.
        pos: [N, 3] float32 positions, or None.
        rejected: what the reader left out and why, one line each; shown by `graphkit data info`.
        name: name of the dataset, for messages.
    """

    ptr: NDArray[np.int64]
    edge_index: NDArray[np.int64]
    x: NDArray[Any]
    y: NDArray[Any]
    splits: Mapping[str, list[Triple]] = field(default_factory=dict)
    x_sizes: tuple[int, ...] = ()
    edge_attr: NDArray[Any] | None = None
    edge_sizes: tuple[int, ...] = ()
    z: NDArray[np.int64] | None = None
    pos: NDArray[np.float32] | None = None
    rejected: tuple[str, ...] = ()
    name: str = ""

    @property
    def num_graphs(self) -> int:
        """G."""
        return len(self.ptr) - 1

    @property
    def num_nodes(self) -> int:
        """N, of all graphs together."""
        return int(self.x.shape[0])

    @property
    def num_edges(self) -> int:
        """E, of all graphs together, counting every column of `edge_index`."""
        return int(self.edge_index.shape[1])

    @property
    def num_features(self) -> int:
        """F, or the number of columns of categories."""
        return int(self.x.shape[1])


@dataclass
class RawLinks:
    """A graph whose missing links are asked for, with its published splits, in numpy and scipy arrays.

    Args:
        num_nodes: N.
        edge_index: [2, E] int64 links as published; an undirected link is listed once.
        splits: protocol id to its splits. A split holds `train`, `valid` and `test` [2, B] links, their
            `train_negatives`, `valid_negatives` and `test_negatives` ([2, M] pairs), or `valid_candidates` and
            `test_candidates` ([B, K] other targets of every source, or [2, B, K] other pairs of every link), and
            `message` [2, E'], the links a model may see; `test_message`, those it may see at test time where they are
            more. Without `train` or `message` all of `edge_index` is meant.
        undirected: each link holds in both directions.
        x: [N, F] float32 features, dense or CSR, or None.
        edge_attr: [E, D] float32, or None.
        name: name of the dataset, for messages.
    """

    num_nodes: int
    edge_index: NDArray[np.int64]
    splits: Mapping[str, list[Mapping[str, NDArray[np.int64]]]]
    undirected: bool = True
    x: Features | None = None
    edge_attr: NDArray[np.float32] | None = None
    name: str = ""


@dataclass
class RawEvents:
    """Events in file order, under the publisher's node numbers.

    Args:
        src: [T] whole numbers of the sources.
        dst: [T] those of the destinations.
        t: [T] times, int64 or float64, in the publisher's unit.
        msg: [T, D] float32 features of the events, or None.
        y: [T] labels of the events, or None.
        part: [T] 0 for training, 1 for validation and 2 for test events, where the publisher says so, or None.
        negatives: `valid` and `test` to (candidates [S], offsets [B + 1]): published negatives of the events of a part,
            in file order, under the publisher's node numbers.
        nodes: publisher's numbers of nodes that count even where no event has them, or None.
        names: [M] what the publisher calls the nodes it numbers 0..M-1 by, where these are no numbers, or None.
        name: name of the dataset, for messages.
    """

    src: NDArray[Any]
    dst: NDArray[Any]
    t: NDArray[Any]
    msg: NDArray[np.float32] | None = None
    y: NDArray[Any] | None = None
    part: NDArray[Any] | None = None
    negatives: Mapping[str, tuple[NDArray[Any], NDArray[Any]]] = field(default_factory=dict)
    nodes: NDArray[Any] | None = None
    names: NDArray[Any] | None = None
    name: str = ""
