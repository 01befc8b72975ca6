"""Scores that any other code predicted, under the rules of a protocol, as the record graphkit's own runs leave."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from graphkit.bench import environment
from graphkit.bench.predictions import NODE_KEYS, RANKED_KEYS, Array, Predictions, read_predictions
from graphkit.bench.ranked import score_links, score_stream
from graphkit.bench.store import save_result
from graphkit.config import stable_hash
from graphkit.data.cards import Card, load_card
from graphkit.data.load import load_dataset
from graphkit.data.splits import Split
from graphkit.data.tasks import card_under
from graphkit.errors import ConfigError, DataError, ProtocolError, ShapeError
from graphkit.evaluation.metrics import evaluate
from graphkit.evaluation.protocols import PROTOCOLS, Protocol
from graphkit.evaluation.results import Result

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*")


def score_files(
    paths: Sequence[Path | str],
    dataset: str,
    *,
    protocol: str = "",
    model: str = "",
    seeds: Sequence[int] | None = None,
    offline: bool = False,
) -> list[Result]:
    """Scores prediction files, one a seed, and returns their records.

    Args:
        paths: .npz files. Nodes (and graphs): `scores` [N, C] for every node, or [R, C] with `index` [R], which must
            hold every test node; [N] or [N, 1] for two classes, [N, L] for many labels. Links: `pos` [B] in the order
            of the split's test links and `neg`, [M] for shared negatives or [B, K]. Events: `pos` [B] in the order of
            the stream and `neg` [B, K], or `neg` [S] with `offsets` [B + 1]. `valid_pos`, `valid_neg` and
            `valid_offsets` likewise; validation is scored where it is there.
        dataset: card name.
        protocol: id; empty takes the card's first.
        model: name in the record; empty takes the first file's.
        seeds: one a file; 0, 1, ... unless told. Seed k is scored on split k mod the number of splits.
        offline: never uses the network.

    Raises:
        UnknownNameError: no such dataset, protocol or array.
        ProtocolError: the dataset lacks the protocol.
        ConfigError: not one seed a file, or a name that cannot be a folder.
        ShapeError: the arrays do not fit dataset and split.
        NonFiniteScores: a score is NaN or infinite.
        DataError: a file cannot be read.

    Example:
        >>> score_files(["scores.npz"], "cora", protocol="planetoid-public")[0].test  # doctest: +SKIP
        0.823
    """
    card, rules = _pairing(dataset, protocol)
    numbers = _seeds(paths, seeds)
    name = model or Path(paths[0]).stem
    if not _NAME.fullmatch(name):
        raise ConfigError(f"model name {name!r} takes letters, digits and . _ + - only; give another with --model")
    known, score = _scorer(card)
    files = [read_predictions(path, known) for path in paths]  # a bad file fails before the first download
    loaded = load_dataset(dataset, protocol=rules.id, offline=offline)
    metric = rules.metric_for(card.metric)
    results = []
    for seed, predictions in zip(numbers, files, strict=True):
        started = _now()
        split = loaded.split(rules.id, rules.split_index(seed))
        test, valid, how = score(predictions, loaded, split, rules, metric)
        results.append(
            Result(
                dataset=card.name,
                model=name,
                protocol=rules.id,
                protocol_hash=rules.hash,
                metric=metric,
                seed=seed,
                split=split.index,
                status="ok",
                test=test,
                valid=valid,
                dataset_fingerprint=loaded.fingerprint,
                split_sha256=split.sha256,
                evaluation={**how, "predictions": {"file": predictions.path.name, "sha256": predictions.sha256}},
                files=loaded.provenance,
                spec={"data": {"name": card.name}, "protocol": rules.id, "seed": seed, "predictions": "from a file"},
                versions=environment.package_versions(),
                environment={"scored_by": "graphkit eval"},
                git_commit=environment.git_commit(),
                started=started,
                finished=_now(),
            )
        )
    return results


def score_examples(
    predictions: Predictions, labels: Array, split: Split, target: str, width: int, metric: str
) -> tuple[float, float | None]:
    """Returns test and validation score of labelled examples: nodes, or whole graphs.

    Args:
        predictions: `scores`, and `index` where not every example has a row.
        labels: [N] or [N, L], of every example.
        split: which of them are test and validation examples.
        target: the card's.
        width: columns due: classes, labels or values; 1 for two classes.
        metric: name of it.

    Raises:
        ShapeError: rows or columns do not fit, an example has two rows, or a test example has none.
    """
    (scores,) = predictions.need("scores")
    where = str(predictions.path)
    due = "[R] or [R, 1]" if target == "binary" else f"[R, {width}]"
    wide = scores.shape[1] if scores.ndim == 2 else 1
    if scores.ndim not in (1, 2) or wide != width or (scores.ndim == 1 and target not in ("binary", "regression")):
        hint = "; give the logit of class 1" if target == "binary" else ""
        raise ShapeError(f"{where}: scores take {due} for {target} labels, got {list(scores.shape)}{hint}")
    row = _rows(predictions, len(scores), len(labels))
    missing = int(np.count_nonzero(row[split.test] < 0))
    if missing:
        raise ShapeError(f"{where}: {missing} of {len(split.test)} test examples of {split!r} have no scores")
    if labels.ndim == 2 and scores.ndim == 1:
        scores = scores[:, None]
    test = evaluate(metric, scores[row[split.test]], labels[split.test])
    if not len(split.valid) or np.any(row[split.valid] < 0):
        return test, None
    return test, evaluate(metric, scores[row[split.valid]], labels[split.valid])


def _rows(predictions: Predictions, given: int, examples: int) -> Array:
    """Returns the row of every example, -1 where it has none."""
    row = np.full(examples, -1)
    if "index" not in predictions.arrays:
        if given != examples:
            raise ShapeError(
                f"{predictions.path}: {given} rows of scores for {examples} examples; "
                "add `index` [R], the example of each row, where not all have one"
            )
        return np.arange(examples)
    index = predictions.arrays["index"]
    if len(index) != given:
        raise ShapeError(f"{predictions.path}: index names {len(index)} examples for {given} rows of scores")
    if len(index) and not (index.min() >= 0 and index.max() < examples):
        raise ShapeError(f"{predictions.path}: index must be 0..{examples - 1}, got {index.min()}..{index.max()}")
    row[index] = np.arange(given)
    if np.count_nonzero(row >= 0) != given:
        raise ShapeError(f"{predictions.path}: index names an example twice; give one row of scores an example")
    return row


def _score_nodes(
    predictions: Predictions, dataset: Any, split: Any, protocol: Protocol, metric: str
) -> tuple[float, float | None, dict[str, Any]]:
    scored = score_examples(predictions, dataset.raw.y, split, dataset.card.target, dataset.num_outputs, metric)
    return *scored, {}


_Scorer = Callable[[Predictions, Any, Any, Protocol, str], tuple[float, float | None, dict[str, Any]]]
_SCORERS: Mapping[str, tuple[tuple[str, ...], _Scorer]] = {
    "node-classification": (NODE_KEYS, _score_nodes),
    "node-regression": (NODE_KEYS, _score_nodes),
    "link-prediction": (RANKED_KEYS, score_links),
    "temporal-link-prediction": (RANKED_KEYS, score_stream),
}


def _scorer(card: Card) -> tuple[tuple[str, ...], _Scorer]:
    if card.task not in _SCORERS:
        raise ConfigError(f"dataset {card.name} is a {card.task} task; files are scored for {', '.join(_SCORERS)}")
    return _SCORERS[card.task]


def _pairing(dataset: str, protocol: str) -> tuple[Card, Protocol]:
    card = load_card(dataset)
    rules = PROTOCOLS[protocol or card.protocols[0]]
    if rules.id not in card.protocols:
        raise ProtocolError(f"dataset {dataset} has no protocol {rules.id!r}; it has {', '.join(card.protocols)}")
    return card_under(card, rules.id), rules


def _seeds(paths: Sequence[Path | str], seeds: Sequence[int] | None) -> Sequence[int]:
    numbers = range(len(paths)) if seeds is None else seeds
    if not paths or len(numbers) != len(paths):
        raise ConfigError(f"{len(paths)} prediction files and {len(numbers)} seeds; give one file a seed")
    if len(set(numbers)) != len(numbers) or min(numbers) < 0:
        raise ConfigError(f"seeds must be different and not negative, got {', '.join(map(str, numbers))}")
    return numbers


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


def keep(results: Sequence[Result], out: Path | str) -> list[Path]:
    """Writes records where `bench report` finds them, and returns their files.

    Args:
        results: of one dataset, protocol and model.
        out: a folder, for `DATASET/MODEL/PROTOCOL-KEY/seed-K/result.json` below it; or a .json file, for one record.

    Raises:
        ConfigError: several records for one file, or another record is there already; nothing is overwritten.
        CacheError: the disk is full or read-only.
    """
    target = Path(out)
    if target.suffix == ".json" and len(results) > 1:
        raise ConfigError(f"{target} is one file for {len(results)} records; give a folder")
    places = (
        {target: results[0]} if target.suffix == ".json" else {_place(target, result): result for result in results}
    )
    for path, result in places.items():
        if path.exists() and not _same(path, result):
            raise ConfigError(f"{path} holds another record; choose another --out, --model or --seeds")
    for path, result in places.items():
        save_result(path.parent, result, path.name)
    return list(places)


def _place(root: Path, result: Result) -> Path:
    folder = f"{result.protocol}-{stable_hash([result.protocol_hash, result.spec_hash])[:8]}"
    return root / result.dataset / result.model / folder / f"seed-{result.seed}" / "result.json"


def _same(path: Path, result: Result) -> bool:
    """Whether a file holds the record of the same predictions, scored at another time."""
    try:
        found = Result.from_json(path.read_text(encoding="utf-8"))
    except (DataError, OSError, UnicodeDecodeError):
        return False
    return (found.evaluation, found.protocol_hash, found.test) == (result.evaluation, result.protocol_hash, result.test)
