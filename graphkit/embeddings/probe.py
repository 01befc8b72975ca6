"""The linear probe: how well a one-vs-rest logistic regression reads labels off embeddings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from graphkit.errors import ConfigError, GraphValidationError, ShapeError
from graphkit.evaluation.metrics import evaluate
from graphkit.evaluation.node_splits import shuffled_share

Scores = NDArray[np.float64]
_NEVER = -1e9
"""Score of a label that no training node has: finite, and below anything a regression says."""


@dataclass(frozen=True)
class ProbeScore:
    """F1 of one probe.

    Args:
        percent: share of the labelled nodes that trained.
        shuffle: which shuffle.
        micro: micro-F1, every node given as many labels as it has.
        macro: macro-F1 likewise.
    """

    percent: int
    shuffle: int
    micro: float
    macro: float


def probe_scores(vectors: ArrayLike, labels: ArrayLike, train: ArrayLike, *, c: float = 1.0) -> Scores:
    """Fits one logistic regression a label on the training nodes and returns the scores of all nodes.

    The objective is that of liblinear (Fan et al., JMLR 2008), which the published evaluations use: L2 penalty on the
    weights and on the intercept. Here scikit-learn's L-BFGS minimises it, which takes a fifth of the time.

        min_w |w|^2 / 2 + c sum_i log(1 + exp(-y_i w . [x_i, 1]))

    Args:
        vectors: [N, d] real numbers.
        labels: [N, L] of 0 and 1.
        train: [T] node numbers.
        c: inverse of the penalty; a label that all or no training nodes have gets one score for all.

    Returns:
        [N, L] float64 margins.

    Raises:
        ConfigError: c is not above 0.
        ShapeError: shapes do not fit.
        GraphValidationError: a vector or label is not finite.

    Example:
        >>> x = np.array([[1.0], [2.0], [-1.0], [-2.0]])
        >>> (probe_scores(x, [[1], [1], [0], [0]], [0, 2]) > 0).ravel().tolist()
        [True, True, False, False]
    """
    from sklearn.linear_model import LogisticRegression

    x, y, nodes = _checked(vectors, labels, train, c)
    inputs = np.concatenate([x, np.ones((len(x), 1))], axis=1)
    learn = np.ascontiguousarray(inputs[nodes])
    scores = np.empty((len(x), y.shape[1]))
    for label, column in enumerate(y[nodes].T):
        if column.min() == column.max():
            scores[:, label] = _NEVER if column[0] == 0 else -_NEVER
            continue
        model = LogisticRegression(C=c, fit_intercept=False, max_iter=1000).fit(learn, column)
        scores[:, label] = inputs @ model.coef_[0]
    return scores


def probe(
    vectors: ArrayLike,
    labels: ArrayLike,
    *,
    percents: Sequence[int] = (10, 50, 90),
    shuffles: int = 10,
    c: float = 1.0,
    seed: int = 0,
) -> list[ProbeScore]:
    """Probes one embedding by micro- and macro-F1 over shares of training nodes and shuffles.

    The splits are those of the protocols `probe-10`, `probe-50` and `probe-90`, where `percents` and `seed` are theirs.

    Args:
        vectors: [N, d].
        labels: [N, L] of 0 and 1.
        percents: shares of training nodes.
        shuffles: probes a share.
        c: see `probe_scores`; fix it beforehand and report it.
        seed: which family of shuffles.

    Returns:
        One score a (share, shuffle). Errors as in `probe_scores`.

    Example:
        >>> labels = np.eye(4)[np.arange(40) % 4]
        >>> probe(labels, labels, percents=[50], shuffles=1)[0].micro
        1.0
    """
    y = np.asarray(labels, dtype=np.float64)
    found = []
    for percent in percents:
        for shuffle in range(shuffles):
            train, _, test = shuffled_share(y, shuffle, seed, percent=percent)
            scores = probe_scores(vectors, y, train, c=c)[test]
            micro, macro = (evaluate(f"{kind}-f1-top-k", scores, y[test]) for kind in ("micro", "macro"))
            found.append(ProbeScore(percent, shuffle, micro, macro))
    return found


def _checked(
    vectors: ArrayLike, labels: ArrayLike, train: ArrayLike, c: float
) -> tuple[Scores, NDArray[np.int64], NDArray[np.int64]]:
    x: NDArray[Any] = np.asarray(vectors, dtype=np.float64)
    y: NDArray[Any] = np.asarray(labels)
    nodes = np.asarray(train, dtype=np.int64)
    if not c > 0:
        raise ConfigError(f"c, the inverse of the penalty, must be above 0, got {c}")
    if x.ndim != 2 or y.ndim != 2 or len(x) != len(y):
        raise ShapeError(f"a probe takes vectors [N, d] and labels [N, L], got {list(x.shape)} and {list(y.shape)}")
    if not nodes.size or nodes.min() < 0 or nodes.max() >= len(x):
        raise ShapeError(f"training nodes must be some of 0..{len(x) - 1}")
    if not np.isfinite(x).all():
        raise GraphValidationError(f"vector of node {np.flatnonzero(~np.isfinite(x).all(1))[0]} is NaN or infinite")
    if not np.isin(y[nodes], (0, 1)).all():
        raise GraphValidationError("labels of training nodes must be 0 or 1; leave unlabelled nodes out")
    return x, y, nodes
