"""EXP and CEXP, Abboud et al., IJCAI 2021 (arXiv 2010.01179): pairs of graphs of formulas, one satisfiable of each.

The first line counts the graphs. A graph is a line "nodes label", then a line a node: "type degree neighbour ...".
Consecutive graphs are a pair with opposite labels.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from graphkit.data.cards import Card
from graphkit.data.raw import LocalFile, RawGraphs, Triple
from graphkit.errors import DataError

VERSION = 1
FOLDS = 10


def read(files: Mapping[str, LocalFile], card: Card) -> RawGraphs:
    """Reads EXP or CEXP.

    Args:
        files: the one text file.
        card: its name is used in messages.

    Returns:
        One-hot node types, edges in both directions and labels 0 and 1; ten folds of consecutive graphs, so that pairs
        stay together, under `exp-10`.

    Raises:
        DataError: the file ends early, or a number is missing.
    """
    (file,) = files.values()
    try:
        lines = [np.array(line.split(), dtype=np.int64) for line in file.read_text().splitlines() if line.strip()]
        ptr, types, ends, at = [0], [], [], 1
        y: list[int] = []
        for _ in range(int(lines[0][0])):
            size, label = (int(value) for value in lines[at])
            rows = lines[at + 1 : at + 1 + size]
            if len(rows) < size:
                raise DataError(f"{card.name}: graph {len(y)} ends early")
            degrees = [len(row) - 2 for row in rows]
            ends.append(
                np.stack([np.concatenate([row[2:] for row in rows]), np.repeat(np.arange(size), degrees)]) + ptr[-1]
            )
            types.append(np.array([row[0] for row in rows]))
            y.append(label)
            ptr.append(ptr[-1] + size)
            at += size + 1
    except (ValueError, IndexError) as error:
        raise DataError(f"{card.name}: {file.path} is not the published file: {error}; fetch it again") from error
    kinds = np.concatenate(types)
    return RawGraphs(
        ptr=np.array(ptr, dtype=np.int64),
        edge_index=np.concatenate(ends, axis=1),
        x=np.eye(int(kinds.max()) + 1, dtype=np.float32)[kinds],
        y=np.array(y, dtype=np.int64),
        splits={"exp-10": consecutive_folds(len(y))},
        name=card.name,
    )


def consecutive_folds(graphs: int) -> list[Triple]:
    """Returns ten splits: slice k tests, the next one validates, the others train."""
    parts = np.array_split(np.arange(graphs), FOLDS)
    folds = []
    for k in range(FOLDS):
        held = {k, (k + 1) % FOLDS}
        train = np.concatenate([part for i, part in enumerate(parts) if i not in held])
        folds.append((train, parts[(k + 1) % FOLDS], parts[k]))
    return folds
