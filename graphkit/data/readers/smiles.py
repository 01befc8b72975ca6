"""Molecules published as a csv of SMILES: MoleculeNet, Peptides, and ogbg-molhiv with its official split.

rdkit makes the graphs, with the atoms and bonds of `data.molecules`.
"""

from __future__ import annotations

import ast
import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphkit.data.cards import Card
from graphkit.data.molecules import ATOM_SIZES, BOND_SIZES, read_smiles
from graphkit.data.raw import LocalFile, RawGraphs, Triple
from graphkit.data.readers.ogb_graph import labels_of
from graphkit.data.unpickle import safe_load
from graphkit.errors import DataError

VERSION = 1
_SPLIT_PARTS = ("train", "val", "test")


def read(files: Mapping[str, LocalFile], card: Card) -> RawGraphs:
    """Reads a csv with a column of SMILES.

    Args:
        files: the csv; and where the card has them, the rows of the split: one text file of numbers a part, whose names
            hold `train`, `val` and `test`, or one npz or pickle with these keys.
        card: `reader_options`: `smiles`, name of the column; `targets`, names of the columns of labels (empty: all
            others), where an empty field is no label; or `listed`, a column whose fields are lists of labels;
            `standardise` scales every label to mean 0 and deviation 1 over all rows.

    Returns:
        The molecules, in the order of the rows. Rows that are no molecule are left out, listed in `rejected`, and
        missing from the splits.

    Raises:
        DataError: a column is missing, a label is no number, or the split names a row that the csv lacks.
        ConfigError: rdkit is not installed.

    Example:
        >>> read(fetch(load_card("ogbg-molhiv")), load_card("ogbg-molhiv")).num_graphs  # doctest: +SKIP
        41127
    """
    options = card.reader_options
    table = next(path for path in files if path.endswith((".csv", ".csv.gz")))
    rows = list(csv.reader(io.StringIO(files[table].read_text())))
    header, body = rows[0], [row for row in rows[1:] if row]
    smiles = _column(header, options.get("smiles", "smiles"), table, card)
    found = read_smiles([row[smiles] for row in body])
    values = _labels(header, body, smiles, table, card)
    if options.get("standardise", False):
        values = (values - np.nanmean(values, axis=0)) / np.nanstd(values, axis=0, ddof=1)
    y = labels_of(values, card)[found.kept]
    place = np.full(len(body), -1, dtype=np.int64)
    place[found.kept] = np.arange(len(found.kept))
    others = [path for path in files if path != table]
    splits = {protocol: [_split(files, others, place, card)] for protocol in card.protocols if others}
    return RawGraphs(
        ptr=found.ptr,
        edge_index=found.edge_index,
        x=found.x,
        y=y,
        splits=splits,
        x_sizes=ATOM_SIZES,
        edge_attr=found.edge_attr,
        edge_sizes=BOND_SIZES,
        rejected=found.rejected,
        name=card.name,
    )


def _column(header: Sequence[str], name: str, table: str, card: Card) -> int:
    if name not in header:
        raise DataError(f"{card.name}: {table} has no column {name!r}; it has {', '.join(header)}")
    return header.index(name)


def _labels(header: list[str], body: list[list[str]], smiles: int, table: str, card: Card) -> NDArray[np.float64]:
    options = card.reader_options
    try:
        if "listed" in options:
            column = _column(header, options["listed"], table, card)
            return np.array([ast.literal_eval(row[column]) for row in body], dtype=np.float64)
        names = options.get("targets", [name for place, name in enumerate(header) if place != smiles])
        columns = [_column(header, name, table, card) for name in names]
        return np.array([[float(row[c]) if row[c].strip() else np.nan for c in columns] for row in body])
    except (ValueError, SyntaxError, IndexError) as error:
        raise DataError(f"{card.name}: {table} has a label that is no number: {error}") from error


def _split(files: Mapping[str, LocalFile], paths: list[str], place: NDArray[np.int64], card: Card) -> Triple:
    if len(paths) == 1:
        whole = _whole_split(files[paths[0]])
        parts = [np.asarray(whole[part], dtype=np.int64).ravel() for part in _SPLIT_PARTS]
    else:
        texts = {part: next(path for path in paths if part in path) for part in _SPLIT_PARTS}
        parts = [np.array(files[texts[part]].read_text().split(), dtype=np.int64) for part in _SPLIT_PARTS]
    for part, rows in zip(_SPLIT_PARTS, parts, strict=True):
        if len(rows) and not 0 <= rows.min() <= rows.max() < len(place):
            raise DataError(f"{card.name}: {part} names row {rows.max()}, but there are {len(place)}")
    train, valid, test = (np.sort(place[rows][place[rows] >= 0]) for rows in parts)
    return train, valid, test


def _whole_split(file: LocalFile) -> Mapping[str, Any]:
    if file.encoding == "pickle-free":
        with np.load(io.BytesIO(file.read_bytes()), allow_pickle=False) as arrays:
            return {key: arrays[key] for key in arrays}
    found = safe_load(file)
    if not isinstance(found, Mapping):
        raise DataError(f"{file.path} holds {type(found).__name__}, not a dictionary of row numbers")
    return found
