"""What a scorer is asked to do."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Scores = NDArray[np.float64]


class PairScorer:
    """Scores pairs of nodes from a graph alone; equal graphs give equal scores, bit by bit."""

    kind: ClassVar[str] = "link"

    def fit(self, message: Array, num_nodes: int) -> None:
        """Takes in the graph.

        Args:
            message: [2, E] edges; directions, repeats and self loops do not count.
            num_nodes: N.
        """
        raise TypeError(f"{type(self).__name__} must define fit(message, num_nodes)")

    def score(self, pairs: Array) -> Scores:
        """Returns [B] float64 scores of [2, B] pairs, the higher the more likely."""
        raise TypeError(f"{type(self).__name__} must define score(pairs)")


class StreamScorer:
    """Scores who a source turns to next, from the events it has been shown.

    Scoring changes nothing, and a candidate's score depends on no other candidate.
    """

    kind: ClassVar[str] = "temporal-link"

    def fit(self, src: Array, dst: Array, t: Array, num_nodes: int) -> None:
        """Forgets everything and takes in the training events, in the order of time.

        Args:
            src: [T] sources.
            dst: [T] destinations.
            t: [T] times.
            num_nodes: N.
        """
        raise TypeError(f"{type(self).__name__} must define fit(src, dst, t, num_nodes)")

    def observe(self, src: Array, dst: Array, t: Array) -> None:
        """Takes in further events [B], in the order of time."""
        raise TypeError(f"{type(self).__name__} must define observe(src, dst, t)")

    def score(self, src: Array, candidates: Array, t: Array) -> Scores:
        """Returns [B, K] float64 scores.

        Args:
            src: [B] sources.
            candidates: [B, K] destinations of each, or [K] the same for all.
            t: [B] times of the questions.
        """
        raise TypeError(f"{type(self).__name__} must define score(src, candidates, t)")
