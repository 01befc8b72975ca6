"""Every leakage guard behind one function: give what you have, get what was found."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from graphkit.errors import ConfigError, ProtocolError
from graphkit.evaluation.leakage import scaled_features, split_overlap
from graphkit.evaluation.link_leakage import describe_overlaps, shared_links
from graphkit.evaluation.probes import (
    TOLERANCE,
    Events,
    Finding,
    Scorer,
    candidate_order,
    fitted_on_train,
    garbage_future,
    target_edges,
)


def check_leakage(
    model: Scorer | None = None,
    *,
    queries: tuple[ArrayLike, ArrayLike, ArrayLike] | None = None,
    events: Events | None = None,
    cut: float | None = None,
    edge_index: ArrayLike | None = None,
    pairs: ArrayLike | None = None,
    split: tuple[ArrayLike, ArrayLike, ArrayLike] | None = None,
    links: Mapping[str, ArrayLike] | None = None,
    undirected: bool = True,
    transform: Scorer | None = None,
    x: ArrayLike | None = None,
    train: ArrayLike | None = None,
    seed: int = 0,
    tolerance: float = TOLERANCE,
    strict: bool = True,
) -> list[Finding]:
    """Runs every guard that the arguments allow, and raises when one of them finds a leak.

    | give | guards | the model is called as |
    | --- | --- | --- |
    | `model`, `queries` | repeat, candidate-order, batch | `model(src, candidates, t) -> [B, K]` |
    | `model`, `queries`, `events`, `cut` | those and garbage-future | `model(events, src, candidates, t) -> [B, K]` |
    | `model`, `edge_index`, `pairs` | target-edge | `model(edge_index, pairs) -> [B]` |
    | `split` | split-overlap | |
    | `links` | link-overlap | |
    | `transform`, `x`, `train` | features-fitted-on-test | `transform(x) -> [N, ...]` |
    | `x`, `train` | features-scaled-on-test | |

    Args:
        model: any function of numpy arrays; `graphkit.training.check_leakage` takes torch modules.
        queries: sources [B], candidates [B, K] and times [B], asked before `cut` or at it.
        events: arrays [T, ...] by name, `t` among them: all that the model may learn from, the future included.
        cut: events with t >= cut are the future.
        edge_index: [2, E] edges that carry messages.
        pairs: [2, B] training links, edges of `edge_index`.
        split: train, valid and test node numbers.
        links: part name to links [2, n], for example train, valid and test.
        undirected: (u, v) and (v, u) are the same link.
        transform: prepares features.
        x: [N, F] features; raw ones where `transform` is given, prepared ones otherwise.
        train: [n] training rows of `x`.
        seed: of permutations and garbage.
        tolerance: largest relative change of a score that counts as rounding.
        strict: False returns the findings without raising.

    Returns:
        One finding a guard.

    Raises:
        ProtocolError: a guard found a leak; the message lists all that did.
        ConfigError: the arguments select no guard, or one of a guard's arguments is missing.
        NonFiniteScores: the model returned NaN or infinity.
        ShapeError: arrays or scores do not fit each other.

    Example:
        >>> found = check_leakage(split=([0, 1], [2, 3], [2, 3]), strict=False)
        >>> found[0].text
        'valid and test are the same 2 nodes; repair the split'
    """
    _check_complete(model, queries, events, cut, edge_index, pairs, transform, x, train)
    options: dict[str, Any] = {"seed": seed, "tolerance": tolerance}
    found: list[Finding] = []
    if model is not None and queries is not None:
        found += _temporal_findings(model, queries, events, cut, options)
    if model is not None and edge_index is not None and pairs is not None:
        found.append(target_edges(model, edge_index, pairs, undirected=undirected, tolerance=tolerance))
    if split is not None:
        found.append(_nodes_finding(*split))
    if links is not None:
        found.append(_links_finding(links, undirected))
    if x is not None and train is not None:
        scaling = _scaling_finding(x, train) if transform is None else fitted_on_train(transform, x, train, **options)
        found.append(scaling)
    if not found:
        raise ConfigError(
            "check_leakage was given nothing to check: give a model with queries or pairs, split or links"
        )
    leaks = [finding for finding in found if finding.leaks]
    if strict and leaks:
        raise ProtocolError("; ".join(f"[{finding.guard}] {finding.text}" for finding in leaks))
    return found


def _temporal_findings(
    model: Scorer, queries: tuple[ArrayLike, ArrayLike, ArrayLike], events: Events | None, cut: Any, options: Any
) -> list[Finding]:
    """Asks with fresh copies every time: a model that writes to its input must not confuse the guards."""
    if events is None:
        return candidate_order(model, *queries, **options)
    found = candidate_order(
        lambda *asked: model({name: np.array(values) for name, values in events.items()}, *asked), *queries, **options
    )
    return [*found, garbage_future(lambda changed: model(changed, *map(np.array, queries)), events, cut, **options)]


def _check_complete(
    model: Any, queries: Any, events: Any, cut: Any, edge_index: Any, pairs: Any, transform: Any, x: Any, train: Any
) -> None:
    """Raises when the model has nothing to be asked, or an argument lacks its partner."""
    partners = (
        ("model", model, "queries, or edge_index and pairs", queries is not None or pairs is not None),
        ("queries", queries, "model", model is not None),
        ("events", events, "queries and cut", queries is not None and cut is not None),
        ("cut", cut, "events", events is not None),
        ("edge_index", edge_index, "model and pairs", model is not None and pairs is not None),
        ("pairs", pairs, "model and edge_index", model is not None and edge_index is not None),
        ("transform", transform, "x and train", x is not None and train is not None),
        ("x", x, "train", train is not None),
        ("train", train, "x", x is not None),
    )
    for name, given, partner, there in partners:
        if given is not None and not there:
            raise ConfigError(f"check_leakage was given {name} without {partner}")


def _nodes_finding(train: ArrayLike, valid: ArrayLike, test: ArrayLike) -> Finding:
    overlap = split_overlap(train, valid, test)
    if not overlap:
        return Finding("split-overlap", False, "train, valid and test share no node")
    same = overlap.get("valid and test", [])
    if same and len(same) == len(np.unique(valid)) == len(np.unique(test)):
        overlap.pop("valid and test")
        texts = [f"valid and test are the same {len(same)} nodes", *([describe_overlaps(overlap)] if overlap else [])]
        return Finding("split-overlap", True, "; ".join(texts) + "; repair the split")
    return Finding("split-overlap", True, describe_overlaps(overlap) + "; repair the split")


def _links_finding(links: Mapping[str, ArrayLike], undirected: bool) -> Finding:
    overlaps = shared_links(links, undirected=undirected)
    if not overlaps:
        return Finding("link-overlap", False, f"{', '.join(links)} share no link")
    mend = "; split pairs, not directed edges" if undirected else "; repair the split"
    return Finding("link-overlap", True, describe_overlaps(overlaps) + mend)


def _scaling_finding(x: ArrayLike, train: ArrayLike) -> Finding:
    columns = scaled_features(x, train)
    if not columns:
        return Finding("features-scaled-on-test", False, "no column looks scaled with rows outside training")
    return Finding(
        "features-scaled-on-test",
        True,
        f"{len(columns)} feature columns, column {columns[0]} first, look scaled with statistics of all rows: fit the "
        "scale on training rows",
    )
