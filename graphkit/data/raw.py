"""What readers work with: verified local files in, plain arrays out. No torch here."""

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
