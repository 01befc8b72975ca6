"""The leakage guards that read data, on every split of a dataset: `graphkit data check`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from graphkit.data.dataset import NodeDataset
from graphkit.data.event_dataset import EventDataset
from graphkit.data.graphs import GraphDataset
from graphkit.data.links import LinkDataset, LinkSplit
from graphkit.data.tasks import asks_for_links
from graphkit.errors import ProtocolError
from graphkit.evaluation.leakage import duplicate_nodes, label_features, scaled_features
from graphkit.evaluation.link_leakage import describe_overlaps, shared_links
from graphkit.evaluation.probes import Finding


@dataclass(frozen=True)
class SplitFindings:
    """What the guards found on one split.

    Args:
        protocol: its id.
        index: which of the protocol's splits.
        findings: one a guard; `leaks` makes scores meaningless, the others are worth knowing.
    """

    protocol: str
    index: int
    findings: tuple[Finding, ...]


def check_dataset(dataset: NodeDataset | GraphDataset | LinkDataset | EventDataset) -> Iterator[SplitFindings]:
    """Runs the guards on every split of every protocol of a dataset, without torch.

    Protocols about the links of a graph with labelled nodes are left to the run that draws those links, which checks
    them.

    Example:
        >>> from graphkit.data import load_dataset
        >>> [finding.guard for found in check_dataset(load_dataset("karate")) for finding in found.findings]
        ['split-overlap', 'label-features', 'duplicates', 'features-scaled-on-test']
    """
    guards = {
        NodeDataset: _node_findings,
        GraphDataset: _graph_findings,
        LinkDataset: _link_findings,
        EventDataset: _event_findings,
    }
    for protocol in [one for one in dataset.card.protocols if not asks_for_links(dataset.card, one)]:
        for index in range(dataset.num_splits(protocol)):
            findings: list[Finding] = guards[type(dataset)](dataset, protocol, index)
            yield SplitFindings(protocol, index, tuple(findings))


def summarise(found: Sequence[SplitFindings]) -> list[str]:
    """Returns one line a protocol and guard: leaks first, then notes; of equal or similar splits, the first is shown.

    Example:
        >>> split = SplitFindings("ogb", 0, (Finding("split-overlap", False, "the parts share no node"),))
        >>> summarise([split])
        ['ogb (1 split): split-overlap: the parts share no node']
    """
    lines = []
    for protocol in dict.fromkeys(one.protocol for one in found):
        splits = [one for one in found if one.protocol == protocol]
        plural = "s" if len(splits) > 1 else ""
        for guard in dict.fromkeys(finding.guard for one in splits for finding in one.findings):
            mine = [(one.index, f) for one in splits for f in one.findings if f.guard == guard]
            index, shown = next(((i, f) for i, f in mine if f.leaks), mine[0])
            differ = len({f.text for _, f in mine}) > 1
            where = f" (split {index}; other splits differ)" if differ else ""
            verdict = "LEAK: " if shown.leaks else ""
            lines.append(f"{protocol} ({len(splits)} split{plural}): {guard}: {verdict}{shown.text}{where}")
    return sorted(lines, key=lambda line: "LEAK: " not in line)


def _node_findings(dataset: Any, protocol: str, index: int) -> list[Finding]:
    try:
        split = dataset.split(protocol, index)
    except ProtocolError as error:
        return [Finding("split-overlap", True, str(error))]
    x, y = dataset.raw.x, dataset.raw.y
    columns = label_features(x, y) if y.ndim == 1 and y.dtype.kind in "ui" else []
    repeated = duplicate_nodes(x, y, split.train, split.test)
    share = len(repeated) / max(1, len(split.test))
    scaled = [] if sparse.issparse(x) else scaled_features(x, split.train)
    return [
        Finding("split-overlap", False, "the parts share no node"),
        Finding(
            "label-features",
            bool(columns),
            f"feature column {columns[0]} is the indicator of a class"
            if columns
            else "no feature gives the class away",
        ),
        Finding(
            "duplicates",
            False,
            f"{len(repeated)} of {len(split.test)} test nodes ({share:.1%}) repeat a training node, features and label",
        ),
        _scaling(scaled),
    ]


def _graph_findings(dataset: Any, protocol: str, index: int) -> list[Finding]:
    try:
        split = dataset.split(protocol, index)
    except ProtocolError as error:
        return [Finding("split-overlap", True, str(error))]
    raw = dataset.raw
    bounds = zip(raw.ptr[:-1], raw.ptr[1:], dataset.edge_ptr[:-1], dataset.edge_ptr[1:], strict=True)
    same = [
        hash((raw.x[a:b].tobytes(), (raw.edge_index[:, c:d] - a).tobytes(), raw.y[g].tobytes()))
        for g, (a, b, c, d) in enumerate(bounds)
    ]
    repeated = {same[g] for g in split.train} & {same[g] for g in split.test}
    many = sum(same[g] in repeated for g in split.test)
    share = many / max(1, len(split.test))
    return [
        Finding("split-overlap", False, "the parts share no graph"),
        Finding(
            "duplicates",
            False,
            f"{many} of {len(split.test)} test graphs ({share:.1%}) repeat a training graph and its label",
        ),
    ]


def _link_findings(dataset: Any, protocol: str, index: int) -> list[Finding]:
    split: LinkSplit = dataset.split(protocol, index)
    undirected = dataset.raw.undirected
    repeats = dataset.card.reader_options.get("repeated_links", False)
    scored = {"train": split.train, "valid": split.valid, "test": split.test}
    overlaps = shared_links(scored, undirected=undirected)
    seen = shared_links({"message edges": split.message_of("test"), "test": split.test}, undirected=undirected)
    negatives = {"negatives": split.test_negatives} if split.shared("test") else {}
    wrong = shared_links({"test": split.test, **negatives}, undirected=undirected)
    note = " (links of this dataset repeat in time)" if repeats else ""
    return [
        Finding(
            "link-overlap",
            bool(overlaps) and not repeats,
            describe_overlaps(overlaps) + note if overlaps else "the parts share no link, in either direction",
        ),
        Finding(
            "message-overlap",
            bool(seen) and not repeats,
            describe_overlaps(seen) + note if seen else "no test link carries messages",
        ),
        Finding(
            "false-negatives",
            False,
            describe_overlaps(wrong) if wrong else "no test link is among the test negatives",
        ),
    ]


def _event_findings(dataset: Any, protocol: str, index: int) -> list[Finding]:
    split, events = dataset.split(protocol, index), dataset.events
    straddling = [
        f"{name} events begin at {events.t[part.start]}, not after the events before them"
        for name, part in (("validation", split.valid), ("test", split.test))
        if events.t[part.start] <= events.t[part.start - 1]
    ]
    train: NDArray[np.int64] = np.arange(split.train.start, split.train.stop)
    return [
        Finding("time-overlap", bool(straddling), "; ".join(straddling) or "no time is shared by two parts"),
        _scaling([] if events.msg is None else scaled_features(events.msg, train)),
    ]


def _scaling(columns: list[int]) -> Finding:
    """Returns a finding that never leaks: in transductive tasks the features of all nodes are given."""
    text = "no column looks scaled with rows outside training"
    if columns:
        text = f"{len(columns)} feature columns, column {columns[0]} first, look scaled with statistics of all rows"
    return Finding("features-scaled-on-test", False, text)
