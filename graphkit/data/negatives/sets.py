"""`NegativeSet`: the candidates every positive is ranked against, as one frozen value."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from graphkit.data.negatives.checks import (
    Candidates,
    Integers,
    node_numbers,
    plain_values,
    refuse_positives,
    row_offsets,
)
from graphkit.data.negatives.positives import Positives
from graphkit.data.negatives.storage import read_arrays, write_arrays
from graphkit.errors import DataError, ProtocolError, ShapeError, UnknownNameError

KINDS = (
    "uniform",
    "historical",
    "inductive",
    "hist_rnd",
    "tgb-all",
    "tgb-seq",
    "heart",
    "heart-clean",
    "published",
)
NEVER_THE_POSITIVE = {"historical", "inductive", "hist_rnd", "tgb-all", "heart-clean"}
"""Kinds whose rows may not hold their own positive."""
FORMAT = "graphkit-negatives/1"
_BLOCK = 1 << 22


class NegativeSet:
    """The candidates of B positives, row by row: frozen, hashed, saved to one file that loads by mapping.

    Rows may differ in length. A candidate is a destination that takes the place of the positive's own; where `sources`
    are given (HeaRT, pairs of DyGLib) it is a whole link. Candidates are kept as int32 where they fit, else int64.

    Args:
        kind: one of `KINDS`.
        values: [S] candidates of all rows, one row after the other.
        offsets: [B + 1] int64; row i is `values[offsets[i]:offsets[i + 1]]`, never empty.
        parameters: what the set was made with (plain JSON values); part of the hash. `filtered: true` promises that
            no row holds its own positive, which the kinds that forbid it imply; it is checked.
        positives: the positives of the rows; needed for look-up by positive and for export.
        sources: [S] sources of the candidates, or None where they are the positive's own.
        num_nodes: N; candidates and sources must be below it.

    Raises:
        UnknownNameError: an unknown kind.
        ShapeError: arrays do not fit each other or are no whole numbers.
        DataError: a number is negative or at least N, or a row is empty.
        ProtocolError: a row holds its own positive where this is forbidden.

    Example:
        >>> negatives = NegativeSet.of_matrix("uniform", [[3, 4], [5, 6]], {"seed": 0})
        >>> negatives.rows(slice(1, 2))[0].tolist()
        [5, 6]
    """

    def __init__(
        self,
        kind: str,
        values: ArrayLike,
        offsets: ArrayLike,
        parameters: Mapping[str, Any] | None = None,
        positives: Positives | None = None,
        sources: ArrayLike | None = None,
        num_nodes: int | None = None,
    ) -> None:
        if kind not in KINDS:
            raise UnknownNameError("kind of negatives", kind, KINDS)
        self.kind = kind
        self.num_nodes = num_nodes
        self.positives = positives
        self._parameters = plain_values(parameters or {})
        self.values = node_numbers("candidates", values, num_nodes)
        self.sources = None if sources is None else node_numbers("sources", sources, num_nodes)
        self.offsets = row_offsets(offsets, len(self.values))
        if self.sources is not None and len(self.sources) != len(self.values):
            raise ShapeError(f"{len(self.values)} candidates have {len(self.sources)} sources")
        if positives is not None and len(positives) != len(self):
            raise ShapeError(f"{len(self)} rows of negatives cannot belong to {len(positives)} positives")
        if self.filtered:
            refuse_positives(self)

    @classmethod
    def of_matrix(
        cls,
        kind: str,
        candidates: ArrayLike,
        parameters: Mapping[str, Any] | None = None,
        positives: Positives | None = None,
        *,
        counts: ArrayLike | None = None,
        num_nodes: int | None = None,
    ) -> NegativeSet:
        """Makes a set from a rectangle of candidates.

        Args:
            kind: one of `KINDS`.
            candidates: [B, K] destinations, or [B, K, 2] links (source, destination).
            parameters: as in the constructor.
            positives: as in the constructor.
            counts: [B] how many of each row are there; the entries after them are padding. None: all.
            num_nodes: as in the constructor.

        Raises:
            ShapeError: no rectangle of whole numbers, or counts that do not fit; otherwise as the constructor.
        """
        table = np.asarray(candidates)
        if table.ndim not in (2, 3) or (table.ndim == 3 and table.shape[2] != 2):
            raise ShapeError(f"candidates must be [B, K], or [B, K, 2] for links, got {list(table.shape)}")
        rows, width = table.shape[:2]
        flat = table.reshape(rows * width, *table.shape[2:])
        lengths = np.full(rows, width, dtype=np.int64)
        if counts is not None:
            lengths = np.asarray(counts)
            if lengths.shape != (rows,) or lengths.dtype.kind not in "iu" or np.any(lengths > width):
                raise ShapeError(f"counts must be [{rows}] whole numbers of at most {width}")
            flat = flat[(np.arange(width) < lengths[:, None]).ravel()]
        offsets = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])
        if table.ndim == 2:
            return cls(kind, flat, offsets, parameters, positives, num_nodes=num_nodes)
        return cls(kind, flat[:, 1], offsets, parameters, positives, flat[:, 0], num_nodes)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def parameters(self) -> Mapping[str, Any]:
        """What the set was made with; cannot be changed."""
        return MappingProxyType(self._parameters)

    @property
    def filtered(self) -> bool:
        """Whether the set promises that no row holds its own positive."""
        return self.kind in NEVER_THE_POSITIVE or self.parameters.get("filtered") is True

    @cached_property
    def counts(self) -> Integers:
        """How many candidates each row has: [B] int64."""
        counts = np.diff(self.offsets)
        counts.flags.writeable = False
        return counts

    @property
    def candidates(self) -> Candidates:
        """The whole set as a [B, K] rectangle, short rows padded with -1; without a copy where all rows are even."""
        return self.matrix(slice(None))

    def rows(self, selection: slice | ArrayLike) -> tuple[Candidates, Integers]:
        """Returns the candidates of some rows as `(values [S'], offsets [B' + 1])`, what `evaluation.mrr` takes.

        Args:
            selection: a slice of step 1 (nothing is copied), or [B'] row numbers.

        Raises:
            ShapeError: a slice with steps, or a row that is not there.
        """
        return self._cut(self.values, selection)

    def source_rows(self, selection: slice | ArrayLike) -> tuple[Candidates, Integers]:
        """Returns the sources of the candidates of some rows, in the form of `rows`.

        Raises:
            DataError: the set has no sources and no positives to take them from.
        """
        if self.sources is not None:
            return self._cut(self.sources, selection)
        if self.positives is None:
            raise DataError("these negatives hold destinations only and carry no positives: sources are not known")
        offsets = self._cut(self.values, selection)[1]
        chosen = selection if isinstance(selection, slice) else np.asarray(selection, dtype=np.int64)
        return np.repeat(self.positives.src[chosen], np.diff(offsets)), offsets

    def matrix(self, selection: slice | ArrayLike) -> Candidates:
        """Returns the candidates of some rows as a [B', K] rectangle, short rows padded with -1.

        Arguments and errors as in `rows`.
        """
        values, offsets = self.rows(selection)
        counts = np.diff(offsets)
        width = int(counts.max(initial=0))
        if np.all(counts == width):
            return values.reshape(len(counts), width)
        table = np.full((len(counts), width), -1, dtype=values.dtype)
        table[np.arange(width) < counts[:, None]] = values
        return table

    def find(self, *columns: ArrayLike) -> Integers:
        """Returns the row of each positive given by src, dst and, where the set has them, t and relation.

        Arguments and errors are those of `Positives.find`; DataError when the set carries no positives.
        """
        if self.positives is None:
            raise DataError("these negatives carry no positives: take rows by number")
        return self.positives.find(*columns)

    @cached_property
    def sha256(self) -> str:
        """A hex digest of candidates, positives, kind and parameters."""
        digest = hashlib.sha256()
        digest.update(json.dumps([FORMAT, self._metadata()], sort_keys=True, separators=(",", ":")).encode())
        for name, array in sorted(self._arrays().items()):
            digest.update(f"{name} {array.dtype.str.lstrip('<>=|')} {array.shape}".encode())
            for start in range(0, len(array), _BLOCK):
                block = array[start : start + _BLOCK]
                digest.update(np.ascontiguousarray(block, dtype=block.dtype.newbyteorder("<")).data)
        return digest.hexdigest()

    def save(self, path: str | Path) -> Path:
        """Writes the set to one file in the safetensors layout, at once or not at all, and returns its path.

        Raises:
            DataError: the file cannot be written.
        """
        target = Path(path).expanduser()
        write_arrays(target, {"format": FORMAT, "sha256": self.sha256, **self._metadata()}, self._arrays())
        return target

    @classmethod
    def load(cls, path: str | Path, mmap: bool = True, verify: bool = True) -> NegativeSet:
        """Reads a saved set; with `mmap` rows are read from disk when they are used, and processes share them.

        Args:
            path: what `save` wrote.
            mmap: map the file instead of reading it.
            verify: hash the content and compare it with the recorded hash, about a second for each GB.

        Raises:
            DataError: no such file, cut short, damaged, or no negative set.
        """
        place = Path(path).expanduser()
        metadata, arrays = read_arrays(place, mmap)
        if metadata.get("format") != FORMAT:
            raise DataError(f"{place} is no negative set of this version: its format is {metadata.get('format')!r}")
        try:
            columns: dict[str, Any] = {
                name.removeprefix("positive."): array for name, array in arrays.items() if name.startswith("positive.")
            }
            made = cls(
                metadata["kind"],
                arrays["values"],
                arrays["offsets"],
                json.loads(metadata["parameters"]),
                Positives(**columns) if columns else None,
                arrays.get("sources"),
                json.loads(metadata["num_nodes"]),
            )
        except (KeyError, TypeError, ValueError, RecursionError, DataError, ProtocolError) as error:
            raise DataError(f"{place} is damaged: {type(error).__name__}: {error}") from error
        if verify and made.sha256 != metadata.get("sha256"):
            raise DataError(
                f"{place} is damaged: its content has another sha256 than it records; make or fetch it again"
            )
        return made

    def __eq__(self, other: object) -> bool:
        return self.sha256 == other.sha256 if isinstance(other, NegativeSet) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.sha256)

    def __repr__(self) -> str:
        low, high = int(self.counts.min()), int(self.counts.max())
        width = str(low) if low == high else f"{low} to {high}"
        return f"NegativeSet({self.kind!r}, {len(self)} positives, {width} candidates each)"

    def __setattr__(self, name: str, value: Any) -> None:
        if name in self.__dict__:
            raise AttributeError(f"a NegativeSet is frozen: {name} cannot be changed")
        super().__setattr__(name, value)

    def _metadata(self) -> dict[str, str]:
        parameters = json.dumps(self._parameters, sort_keys=True, separators=(",", ":"))
        return {"kind": self.kind, "parameters": parameters, "num_nodes": json.dumps(self.num_nodes)}

    def _arrays(self) -> dict[str, NDArray[Any]]:
        arrays: dict[str, NDArray[Any]] = {"values": self.values, "offsets": self.offsets}
        if self.sources is not None:
            arrays["sources"] = self.sources
        if self.positives is not None:
            arrays |= {f"positive.{name}": column for name, column in self.positives.columns()}
        return arrays

    def _cut(self, flat: Candidates, selection: slice | ArrayLike) -> tuple[Candidates, Integers]:
        if isinstance(selection, slice):
            start, stop, step = selection.indices(len(self))
            if step != 1:
                raise ShapeError(f"rows are taken by slices of step 1 or by number, got step {step}")
            offsets = self.offsets[start : max(start, stop) + 1]
            return flat[offsets[0] : offsets[-1]], offsets - offsets[0]
        chosen = np.asarray(selection)
        if chosen.ndim != 1 or (chosen.size and chosen.dtype.kind not in "iu"):
            raise ShapeError(f"row numbers must be [B] whole numbers, got {chosen.dtype} {list(chosen.shape)}")
        chosen = chosen.astype(np.int64, copy=False)
        if chosen.size and (chosen.min() < 0 or chosen.max() >= len(self)):
            raise ShapeError(f"the set has rows 0 to {len(self) - 1}, asked for {chosen.min()} to {chosen.max()}")
        from graphkit.data.negatives.lookup import gather_rows

        return gather_rows(flat, self.offsets, chosen)
