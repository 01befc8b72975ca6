"""Guards that call a model: change what it must not look at, and see whether its scores move.

A model is any function of numpy arrays; `graphkit.training.leakage` serves torch modules. A guard returns a `Finding`
instead of raising, so that one run shows everything; `guards.check_leakage` raises on what they found.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from graphkit.errors import NonFiniteScores, ShapeError

Array = NDArray[Any]
Scorer = Callable[..., Any]
Events = Mapping[str, Any]

TOLERANCE = 1e-5
"""Largest relative change of a score that still counts as rounding, in single precision."""


@dataclass(frozen=True)
class Finding:
    """What one guard saw.

    Args:
        guard: its name.
        leaks: True when something reached the model, or the data, that must not.
        text: what was seen, in words; with the mend where it leaks.
        change: largest relative change of a score; None for guards that call no model.
    """

    guard: str
    leaks: bool
    text: str
    change: float | None = None


def candidate_order(
    score: Scorer,
    src: ArrayLike,
    candidates: ArrayLike,
    t: ArrayLike,
    *,
    seed: int = 0,
    tolerance: float = TOLERANCE,
) -> list[Finding]:
    """Asks whether a score depends on anything but source, candidate and time: three guards.

    `repeat`: the same question twice. `candidate-order`: every row's candidates permuted, which hides the column that
    evaluations reserve for the positive; the scores must follow. `batch`: every row asked alone; a model that looks up
    which nodes occur in the batch finds the positives there.

    Args:
        score: `score(src, candidates, t)` returns [B, K] scores and changes nothing.
        src: [B] sources.
        candidates: [B, K] destinations, K >= 2, the positive anywhere.
        t: [B] times.
        seed: of the permutation.
        tolerance: largest relative change that counts as rounding.

    Raises:
        NonFiniteScores: a score is NaN or infinite.
        ShapeError: arrays or scores do not fit each other.

    Example:
        >>> candidates = np.array([[3, 1, 2], [2, 3, 1]])
        >>> findings = candidate_order(lambda s, c, t: c / 2, [0, 0], candidates, [5, 6])
        >>> [finding.leaks for finding in findings]
        [False, False, False]
        >>> first_wins = lambda s, c, t: np.arange(c.shape[1])[None] * -1.0 + 0 * c
        >>> [finding.guard for finding in candidate_order(first_wins, [0, 0], candidates, [5, 6]) if finding.leaks]
        ['candidate-order']
    """
    sources, asked, times = np.asarray(src), np.asarray(candidates), np.asarray(t)
    if asked.ndim != 2 or asked.shape[1] < 2 or not len(asked):
        raise ShapeError(f"candidates must be [B, K] with B >= 1 and K >= 2, got {list(asked.shape)}")
    if sources.shape != asked.shape[:1] or times.shape != asked.shape[:1]:
        raise ShapeError(f"src and t must be [{len(asked)}], got {list(sources.shape)} and {list(times.shape)}")
    shape = asked.shape
    first = _call(score, (sources, asked, times), shape)
    again = _call(score, (sources, asked, times), shape)
    repeat = _finding(
        "repeat",
        _change(first, again),
        tolerance,
        clean="the same question twice gives the same scores",
        leak="the same question twice gives other scores: the model trains, draws at random, or scoring writes to its "
        "memory; switch it to evaluation mode and update only after scoring",
    )
    generator = np.random.default_rng(seed)
    order = generator.permuted(np.tile(np.arange(shape[1]), (shape[0], 1)), axis=1)
    order = np.where(order[:, :1] == 0, np.roll(order, 1, axis=1), order)  # the first column always moves
    moved = _call(score, (sources, np.take_along_axis(asked, order, axis=1), times), shape)
    permuted = _finding(
        "candidate-order",
        _change(np.take_along_axis(first, order, axis=1), moved),
        tolerance,
        clean="scores follow permuted candidates",
        leak="scores do not follow permuted candidates: the model knows the column of the positive, or candidates are "
        "scored with knowledge of one another; score every candidate by itself",
    )
    rows = [slice(i, i + 1) for i in range(min(len(asked), 32))]
    alone = np.concatenate([_call(score, (sources[i], asked[i], times[i]), (1, shape[1])) for i in rows])
    batch = _finding(
        "batch",
        _change(first[: len(rows)], alone),
        tolerance,
        clean="a row scored alone has the scores it has in its batch",
        leak="a row scored alone has other scores than in its batch: the model looks at the other rows, where the "
        "positives give themselves away; score every row by itself",
    )
    return [repeat, permuted, batch]


def garbage_future(
    predict: Scorer, events: Events, cut: float, *, seed: int = 0, tolerance: float = TOLERANCE
) -> Finding:
    """Asks whether scores change when the events from `cut` on are replaced by garbage, and when they are removed.

    Args:
        predict: `predict(events)` returns the scores of questions asked before or at `cut`, always the same ones; it
            does all that the evaluation does (indexing, normalising, updating).
        events: arrays of equal length T by name, `t` among them; whole numbers are drawn anew from the values they
            have, real ones are replaced by large noise, times stay sorted and not below `cut`.
        cut: events with t >= cut are the future.
        seed: of the garbage.
        tolerance: largest relative change that counts as rounding.

    Raises:
        NonFiniteScores: a score is NaN or infinite.
        ShapeError: no `t`, lengths differ, or the cut leaves no past or no future.

    Example:
        >>> events = {"src": np.array([0, 1, 0]), "dst": np.array([2, 2, 1]), "t": np.array([1, 2, 3])}
        >>> popularity = lambda e: np.bincount(e["dst"], minlength=3)
        >>> garbage_future(popularity, events, cut=3).leaks
        True
        >>> garbage_future(lambda e: popularity({"dst": e["dst"][e["t"] < 3]}), events, cut=3).leaks
        False
    """
    arrays = {name: np.asarray(values) for name, values in events.items()}
    lengths = {name: values.shape[:1] for name, values in arrays.items()}
    if "t" not in arrays or len(set(lengths.values())) != 1 or arrays["t"].ndim != 1:
        raise ShapeError(f"events are arrays of one length, `t` [T] among them; got {sorted(lengths.items())}")
    future = arrays["t"] >= cut
    if future.all() or not future.any():
        raise ShapeError(f"the cut at {cut} leaves no {'past' if future.all() else 'future'}: choose one in between")
    truth = _call(predict, (arrays,), None)
    generator = np.random.default_rng(seed)
    garbage = {name: _garbage(values, future, generator, name == "t") for name, values in arrays.items()}
    removed = {name: values[~future] for name, values in arrays.items()}
    change = max(_change(truth, _call(predict, (other,), truth.shape)) for other in (garbage, removed))
    return _finding(
        "garbage-future",
        change,
        tolerance,
        clean=f"scores ignore the {int(future.sum())} events from {cut} on",
        leak=f"scores change with events from {cut} on: look neighbours up strictly before the question's time, score "
        "a batch before the model observes it, and fit time scales and features on the past",
    )


def target_edges(
    score: Scorer,
    edge_index: ArrayLike,
    pairs: ArrayLike,
    *,
    undirected: bool = True,
    limit: int = 16,
    tolerance: float = TOLERANCE,
) -> Finding:
    """Asks whether the score of a link uses that link as a message.

    A training link is an edge of the graph that carries messages, a test link is not: a model that sees the link it is
    asked about learns to read it, and fails where it is absent (SEAL's target-link removal; Zhang and Chen, NeurIPS
    2018). Every pair is asked by itself, with its edge in place and taken out.

    Args:
        score: `score(edge_index, pairs)` returns [B] scores of pairs [2, B] on a graph [2, E].
        edge_index: [2, E] edges that carry messages.
        pairs: [2, B] links; those that are no edge are left out.
        undirected: an edge goes out together with its reverse.
        limit: pairs asked at most, each with two calls.
        tolerance: largest relative change that counts as rounding.

    Raises:
        NonFiniteScores: a score is NaN or infinite.
        ShapeError: the arrays are not [2, E] and [2, B], or no pair is an edge.

    Example:
        >>> ring = np.array([[0, 1, 2, 3, 1, 2, 3, 0], [1, 2, 3, 0, 0, 1, 2, 3]])
        >>> adjacent = lambda e, p: np.array([float(((e[0] == u) & (e[1] == v)).any()) for u, v in p.T])
        >>> target_edges(adjacent, ring, ring[:, :2]).leaks
        True
    """
    edges, asked = np.asarray(edge_index), np.asarray(pairs)
    for name, array in (("edge_index", edges), ("pairs", asked)):
        if array.ndim != 2 or array.shape[0] != 2 or array.dtype.kind not in "ui":
            raise ShapeError(f"{name} must be whole numbers [2, n], got {array.dtype} of shape {list(array.shape)}")
    change, count = 0.0, 0
    for u, v in asked.T:
        mine = (edges[0] == u) & (edges[1] == v)
        if undirected:
            mine |= (edges[0] == v) & (edges[1] == u)
        if not mine.any():
            continue
        pair = np.array([[u], [v]])
        change = max(change, _change(_call(score, (edges, pair), (1,)), _call(score, (edges[:, ~mine], pair), (1,))))
        count += 1
        if count == limit:
            break
    if not count:
        raise ShapeError("no pair is an edge of the graph, so there is nothing to take out: give training links")
    return _finding(
        "target-edge",
        change,
        tolerance,
        clean=f"the scores of {count} links do not use the links themselves",
        leak=f"the scores of {count} training links use the links themselves as messages: remove a batch's links from "
        "the graph before scoring it",
    )


def fitted_on_train(
    transform: Scorer, x: ArrayLike, train: ArrayLike, *, seed: int = 0, tolerance: float = TOLERANCE
) -> Finding:
    """Asks whether preparing features uses rows outside the training part: those are replaced by garbage.

    Args:
        transform: `transform(x)` returns N prepared rows.
        x: [N, F] features.
        train: [n] training rows, fewer than N.
        seed: of the garbage.
        tolerance: largest relative change that counts as rounding.

    Raises:
        NonFiniteScores: a prepared value is NaN or infinite.
        ShapeError: shapes do not fit, or every row is a training row.

    Example:
        >>> x = np.arange(12.0).reshape(6, 2)
        >>> fitted_on_train(lambda x: x - x.mean(axis=0), x, [0, 1, 2]).leaks
        True
        >>> fitted_on_train(lambda x: x - x[:3].mean(axis=0), x, [0, 1, 2]).leaks
        False
    """
    features = np.asarray(x)
    features = features if features.dtype.kind == "f" else features.astype(np.float64)
    inside = np.zeros(len(features), dtype=bool)
    inside[np.asarray(train)] = True
    if features.ndim != 2 or inside.all() or not inside.any():
        raise ShapeError(f"needs features [N, F] and some, not all, training rows; got {list(features.shape)}")
    truth = _call(transform, (features,), None)
    garbage = _garbage(features, ~inside, np.random.default_rng(seed), ordered=False)
    change = _change(truth[inside], _call(transform, (garbage,), truth.shape)[inside])
    return _finding(
        "features-fitted-on-test",
        change,
        tolerance,
        clean="preparing the features uses training rows alone",
        leak="preparing the features uses validation or test rows: fit means, scales and vocabularies on training rows",
    )


def _call(function: Scorer, arguments: tuple[Any, ...], shape: tuple[int, ...] | None) -> Array:
    """Calls a model on copies, so that one that writes to its input cannot confuse the guard."""
    copies = [dict(_copied(a)) if isinstance(a, Mapping) else np.array(a) for a in arguments]
    answer: Array = np.asarray(function(*copies), dtype=np.float64)
    if shape is not None and answer.shape != shape:
        raise ShapeError(f"the model returned scores of shape {list(answer.shape)}, {list(shape)} was due")
    if answer.size == 0 or not np.isfinite(answer).all():
        raise NonFiniteScores("the model returned no scores, or NaN or infinite ones; nothing can be compared")
    return answer


def _copied(events: Events) -> Events:
    return {name: np.array(values) for name, values in events.items()}


def _change(before: Array, after: Array) -> float:
    scale = float(np.abs(before).max()) or 1.0
    return float(np.abs(before - after).max()) / scale


def _finding(guard: str, change: float, tolerance: float, *, clean: str, leak: str) -> Finding:
    leaks = change > tolerance
    return Finding(guard, leaks, f"{leak} (changed by {change:.2g})" if leaks else clean, change)


def _garbage(values: Array, rows: Array, generator: np.random.Generator, ordered: bool) -> Array:
    """Returns a copy with other rows of the same kind: known whole numbers, large noise, or sorted later times."""
    changed = values.copy()
    old = values[rows]
    if ordered:
        drawn = generator.uniform(float(old.min()), float(old.max()) + 1.0, size=old.shape)
        changed[rows] = np.sort(np.maximum(drawn.astype(values.dtype), old.min()))
    elif values.dtype.kind in "ui":
        changed[rows] = generator.choice(values.ravel(), size=old.shape)
    elif values.dtype.kind == "b":
        changed[rows] = ~old
    else:
        spread = float(np.abs(values).max()) or 1.0
        changed[rows] = generator.normal(scale=10 * spread, size=old.shape)
    return changed
