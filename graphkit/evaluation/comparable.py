"""What results must share before their numbers may meet in a mean or a comparison; the errors name both sides."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from graphkit.config import stable_hash
from graphkit.errors import ProtocolError
from graphkit.evaluation.results import Result

RULES = ("negatives", "ties", "batch_size", "freshness")
"""Entries of `Result.evaluation` that are rules; the others explain a number and may differ."""


def check_same(results: Sequence[Result], fields: Iterable[str], what: str) -> None:
    """Raises ProtocolError unless all `results` agree in every one of `fields`; failed runs may lack a value."""
    for name in fields:
        _check(results, [getattr(result, name) for result in results], name, what)


def check_rules(results: Sequence[Result], what: str) -> None:
    """Raises ProtocolError unless `results` share tie rule, batch size and freshness, and those of a split negatives.

    Example:
        >>> run = {"dataset": "d", "model": "m", "protocol": "p", "protocol_hash": "h", "metric": "mrr", "split": 0}
        >>> runs = [Result(**run, seed=b, status="ok", test=0.5, evaluation={"batch_size": b}) for b in (1, 200)]
        >>> check_rules(runs, "d/m")
        Traceback (most recent call last):
        graphkit.errors.ProtocolError: d/m: results differ in batch_size: 1 (seed 1 of m) against 200 (seed 200 of m); \
report or compare each separately, or re-run one of them
    """
    for name in RULES[1:]:
        _check(results, [result.evaluation.get(name) for result in results], name, what)
    for split in sorted({result.split for result in results}):  # a split may come with negatives of its own
        same = [result for result in results if result.split == split]
        _check(same, [result.evaluation.get(RULES[0]) for result in same], RULES[0], what)


def check_splits(results: Sequence[Result], what: str) -> None:
    """Raises ProtocolError when one split index stands for two different splits."""
    first: dict[int, Result] = {}
    for result in results:
        other = first.setdefault(result.split, result) if result.split_sha256 else result
        if other.split_sha256 != result.split_sha256:
            raise ProtocolError(
                f"{what}: split {result.split} is not the same in all results: {other.split_sha256[:12]} "
                f"({_label(other)}) against {result.split_sha256[:12]} ({_label(result)}); re-run them"
            )


def check_same_data(a: Result, b: Result, what: str) -> None:
    """Raises ProtocolError unless two results rest on the same published data.

    Equal fingerprints are the same data. So are different preparations (say, row-normalised features) of the same raw
    files by the same reader with the same options: preparation is a model's choice, the data is not.
    """
    if a.dataset_fingerprint == b.dataset_fingerprint:
        return
    origins = [stable_hash(_origin(result)) for result in (a, b)]
    prepared = [result.files.get("prepare") for result in (a, b)]
    if origins[0] != origins[1] or None in prepared or prepared[0] == prepared[1]:
        found = ", ".join(result.dataset_fingerprint[:12] or "(none)" for result in (a, b))
        raise ProtocolError(f"{what}: results differ in dataset_fingerprint ({found}); re-run one of them")


def _origin(result: Result) -> dict[str, Any]:
    """Returns what decides the data before preparation."""
    files = result.files.get("files", {})
    digests = {name: entry["sha256"] for name, entry in files.items()}
    return {"digests": digests, **{key: result.files.get(key) for key in ("reader", "reader_version", "options")}}


def _check(results: Sequence[Result], values: Sequence[Any], name: str, what: str) -> None:
    pairs = zip(results, values, strict=True)
    known = [(result, value) for result, value in pairs if value or result.status != "failed"]
    for result, value in known[1:]:
        if value != known[0][1]:
            sides = [f"{_shown(shown)} ({_label(side)})" for side, shown in (known[0], (result, value))]
            raise ProtocolError(
                f"{what}: results differ in {name}: {sides[0]} against {sides[1]}; "
                "report or compare each separately, or re-run one of them"
            )


def _shown(value: Any) -> str:
    """Returns a value in a message; digests are cut short."""
    text = "(none)" if value is None or value == "" else str(value)
    return text[:12] if len(text) == 64 else text


def _label(result: Result) -> str:
    return f"seed {result.seed} of {result.model}"
