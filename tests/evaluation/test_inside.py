"""Ranks inside many graphs equal those of a loop over links that writes the published rules out."""

from __future__ import annotations

import numpy as np
import pytest

from graphkit.errors import NonFiniteScores, ShapeError, UnknownNameError
from graphkit.evaluation.inside import FILTERINGS, ranks_inside


def by_hand(matrix: np.ndarray, links: list[tuple[int, int]], rule: str) -> list[float]:
    found = []
    for source, target in links:
        out = {target}
        if rule != "raw":
            out |= {other for one, other in links if one == source}
        if rule == "extended":
            out.add(source)
        left = np.delete(matrix[source], sorted(out))
        score = matrix[source, target]
        found.append(1 + (left > score).sum() + (left == score).sum() / 2)
    return found


@pytest.mark.parametrize("rule", FILTERINGS)
def test_against_a_loop_over_links_with_ties(rule: str) -> None:
    rng = np.random.default_rng(0)
    due: list[float] = []
    scores: list[np.ndarray] = []
    row: list[int] = []
    target: list[int] = []
    own: list[int] = []
    offsets = [0]
    for nodes in (5, 9, 4, 12):
        matrix = rng.integers(0, 4, size=(nodes, nodes)).astype(np.float64)
        linked = np.triu(rng.random((nodes, nodes)) < 0.3, 2)
        linked[0, 2] = True
        links = list(zip(*map(np.ndarray.tolist, np.nonzero(linked)), strict=True))
        due += by_hand(matrix, links, rule)
        for source in sorted({one for one, _ in links}):
            target += [other for one, other in links if one == source]
            row += [len(own)] * sum(one == source for one, _ in links)
            own.append(source)
            scores.append(matrix[source])
            offsets.append(offsets[-1] + nodes)
    ranks = ranks_inside(np.concatenate(scores), offsets, row, target, own, rule)  # type: ignore[arg-type]
    assert ranks.tolist() == due


def test_what_is_refused() -> None:
    good = ([0.1, 0.2, 0.3], [0, 3], [0], [2], [0])
    with pytest.raises(UnknownNameError, match="filtering"):
        ranks_inside(*good, "filter")  # type: ignore[arg-type]
    with pytest.raises(NonFiniteScores):
        ranks_inside([0.1, np.nan, 0.3], *good[1:], "raw")
    for row, target, own in (([1], [2], [0]), ([0], [3], [0]), ([0], [2], [3]), ([0, 0], [2], [0])):
        with pytest.raises(ShapeError):
            ranks_inside(good[0], good[1], row, target, own, "raw")
    with pytest.raises(ShapeError, match="no negatives"):  # linked to all others
        ranks_inside([0.1, 0.2], [0, 2], [0], [1], [0], "extended")
