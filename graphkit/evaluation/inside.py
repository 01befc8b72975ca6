"""Links inside many graphs: where a link stands among the nodes of its own graph, raw, filtered or extended filtered.

The three rules are those of Toenshoff et al., "Where Did the Gap Go? Reassessing the Long-Range Graph Benchmark" (arXiv
2309.00367), as their program has them (toenshoff/LRGB, graphgps/head/inductive_edge.py). No graph is looked at on its
own: all rows are ranked at once.
"""

from __future__ import annotations

from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from graphkit.errors import ShapeError, UnknownNameError
from graphkit.evaluation.candidates import check_ragged
from graphkit.evaluation.ranking import Ties, ranks

Array = NDArray[Any]
Filtering = Literal["raw", "filtered", "extended"]
FILTERINGS: tuple[Filtering, ...] = get_args(Filtering)


def ranks_inside(
    scores: ArrayLike,
    offsets: ArrayLike,
    row: ArrayLike,
    target: ArrayLike,
    own: ArrayLike,
    filtering: Filtering,
    ties: Ties = "average",
) -> Array:
    """Returns the rank of every link among the nodes of its graph that `filtering` leaves.

    `raw` leaves all nodes but the link's target; `filtered` takes out the targets of the source's other links, too;
    `extended` also the source itself. Ties are those of `evaluation.ranks`.

    Args:
        scores: [S] of every node of a source's graph, one row a source.
        offsets: [U + 1] where the rows of the U sources begin.
        row: [L] which source a link has; all links of a source must be there.
        target: [L] place of the link's target in its row, from 0.
        own: [U] place of every source in its own row.
        filtering: which candidates are left.
        ties: which rule.

    Raises:
        NonFiniteScores: a score is NaN or infinite.
        ShapeError: shapes do not fit, or a link has no candidate left.
        UnknownNameError: no such filtering.

    Example:
        >>> scores = [0.9, 0.1, 0.5, 0.7]  # of nodes 0 to 3 for source 0, which is linked to 2 and 3
        >>> [ranks_inside(scores, [0, 4], [0, 0], [2, 3], [0], rule).tolist() for rule in FILTERINGS]
        [[3.0, 2.0], [2.0, 2.0], [1.0, 1.0]]
    """
    if filtering not in FILTERINGS:
        raise UnknownNameError("filtering", filtering, FILTERINGS)
    rows, places = np.asarray(row, dtype=np.int64), np.asarray(target, dtype=np.int64)
    own = np.asarray(own, dtype=np.int64)
    values, begin = check_ragged((scores, offsets), len(own))
    if rows.shape != places.shape or rows.ndim != 1:
        raise ShapeError(f"row and target are [L] each, got {list(rows.shape)} and {list(places.shape)}")
    size = np.diff(begin)
    if rows.size and not 0 <= rows.min() <= rows.max() < len(own):
        raise ShapeError(f"row holds numbers outside 0..{len(own) - 1}")
    for name, of, place in (("target", size[rows], places), ("own", size, own)):
        if np.any(place < 0) or np.any(place >= of):
            raise ShapeError(f"{name} holds places outside their rows")
    hit = begin[rows] + places
    out = np.zeros(len(values), dtype=bool)
    if filtering != "raw":
        out[hit] = True
    if filtering == "extended":
        out[begin[:-1] + own] = True
    length = size[rows]  # of the row of every link, laid out side by side
    first = np.append(0, np.cumsum(length))
    each = np.repeat(np.arange(len(rows)), length)
    entry = np.arange(first[-1]) - np.repeat(first[:-1], length) + begin[rows][each]
    left = ~out[entry] & (entry != hit[each])
    counts = np.bincount(each[left], minlength=len(rows))
    return ranks(values[hit], (values[entry[left]], np.append(0, np.cumsum(counts))), ties)
