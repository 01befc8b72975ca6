"""Files of the Temporal Graph Benchmark for links: events as csv, and negatives as pickles, which are never run.

Huang et al., NeurIPS 2023 (arXiv 2307.01026), as package py-tgb 2.3.0 reads them: nodes are numbered in the order in
which they first come, the source of an event before its destination; times lose their fractions.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphkit.data.cards import Card
from graphkit.data.event_splits import split_events
from graphkit.data.events import EventStore
from graphkit.data.negatives.exchange import read_tgb
from graphkit.data.negatives.positives import Positives
from graphkit.data.raw import LocalFile, RawEvents
from graphkit.data.readers import jodie
from graphkit.data.readers.event_columns import Numbering, read_columns, seconds
from graphkit.errors import UnknownNameError

VERSION = 1
WORDS = 5000.0
_LAYOUTS = ("wiki", "weight", "comment", "flight")


def read(files: Mapping[str, LocalFile], card: Card) -> RawEvents:
    """Reads the events of a `tgbl-*` dataset, its split, and its negatives where the card lists their files.

    Args:
        files: events under a path that ends in `.csv`, negatives in `_val_ns*.pkl` and `_test_ns*.pkl`.
        card: `reader_options.layout`: `wiki`, the csv of JODIE; `weight`, rows time, source, destination, weight, whose
            feature is log2(weight), 0 taken as 1 (tgbl-review, tgbl-coin); `comment`, rows ts, source, destination,
            number of words, score, with the features words / 5000 and score; `flight`, rows time, source, destination,
            callsign, typecode, with 16 characters as features.

    Returns:
        Events in file order with the benchmark's numbers; `names` has the nodes' own, where they are no numbers.

    Raises:
        UnknownNameError: no such layout.
        UnsafePickleError: a pickle names anything but arrays and numbers; nothing was executed.
        DataError: a file is damaged, or the negatives lack a positive.
    """
    layout = card.reader_options.get("layout", "weight")
    if layout not in _LAYOUTS:
        raise UnknownNameError(f"layout of {card.name}:", layout, _LAYOUTS)
    (path,) = (path for path in files if path.endswith(".csv"))
    raw = jodie.read({path: files[path]}, card) if layout == "wiki" else _table(files[path], card, layout)
    raw.t = np.trunc(raw.t).astype(np.int64)
    pickles = {part: _find(files, f"_{word}_ns") for part, word in (("valid", "val"), ("test", "test"))}
    if all(pickles.values()):
        raw.part = _parts(raw)
        for number, (part, file) in enumerate(pickles.items(), 1):
            own = raw.part == number
            positives = Positives(raw.src[own], raw.dst[own], raw.t[own])
            assert file is not None
            found = read_tgb(file, positives, split=part, filtered=False)
            raw.negatives = {**raw.negatives, part: found.rows(slice(0, len(found)))}
    return raw


def _table(file: LocalFile, card: Card, layout: str) -> RawEvents:
    wanted = [0, 1, 2, 3] if layout == "weight" else [0, 1, 2, 3, 4]
    t, src, dst, *rest = read_columns(file, wanted)
    numbering = Numbering()
    ends = np.stack([src.astype(str), dst.astype(str)], axis=1)
    number = numbering(ends.reshape(-1)).reshape(-1, 2)
    return RawEvents(
        src=number[:, 0],
        dst=number[:, 1],
        t=seconds(t, card.name),
        msg=_features(rest, layout),
        names=numbering.names,
        name=card.name,
    )


def _features(rest: list[NDArray[Any]], layout: str) -> NDArray[np.float32]:
    if layout == "weight":
        weight = rest[0].astype(np.float64)
        return np.log2(np.where(weight == 0, 1.0, weight)).astype(np.float32)[:, None]
    if layout == "comment":
        return np.stack([rest[0] / WORDS, rest[1]], axis=1).astype(np.float32)
    return np.concatenate([_characters(column) for column in rest], axis=1)


def _characters(values: NDArray[Any]) -> NDArray[np.float32]:
    """Returns [T, 8] numbers of characters: digits as they are, letters from 30 for A, -1 for padding.

    As in the benchmark's code, texts of more than 8 characters count as empty.
    """
    texts = values.astype(str)
    texts = np.where(np.char.str_len(texts) > 8, "", texts)
    codes = np.char.ljust(np.char.upper(texts), 8, "!").astype("U8").view(np.uint32).reshape(-1, 8).astype(np.int64)
    found = codes - 44 + 9
    found[(codes >= ord("0")) & (codes <= ord("9"))] -= 48 - 35
    found[codes == ord("!")] = -1
    return found.astype(np.float32)


def _parts(raw: RawEvents) -> NDArray[np.int8]:
    """Returns [T] parts by the benchmark's quantiles of time, in file order."""
    order = np.argsort(raw.t, kind="stable")
    split = split_events(EventStore(raw.src[order], raw.dst[order], raw.t[order], name=raw.name))
    parts = np.empty(len(order), dtype=np.int8)
    for number, own in enumerate((split.train, split.valid, split.test)):
        parts[order[own]] = number
    return parts


def _find(files: Mapping[str, LocalFile], ending: str) -> LocalFile | None:
    return next((file for path, file in files.items() if ending in path and path.endswith(".pkl")), None)
