"""Files of the Temporal Graph Benchmark for nodes: events as csv, and weights of nodes on classes as csv.

Huang et al., NeurIPS 2023 (arXiv 2307.01026), as py-tgb 2.3.0 reads them. A class is a node: classes are numbered
before users, both in the order in which they first come; on tgbn-trade all nodes are both.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from graphkit.data.cards import Card
from graphkit.data.node_labels import NodeLabels, RawLabelledEvents
from graphkit.data.raw import LocalFile, RawEvents
from graphkit.data.readers.event_columns import Numbering, read_columns, seconds
from graphkit.errors import DataError, GraphValidationError

VERSION = 1


def read(files: Mapping[str, LocalFile], card: Card) -> RawLabelledEvents:
    """Reads a `tgbn-*` dataset.

    Args:
        files: `*_edgelist.csv` with rows time, source, destination, ...; `*_node_labels.csv` with rows time, node,
            class, weight.
        card: `reader_options`: `classes`, how many numbers come before the users; 0 where nodes are classes themselves;
            `features`, places of the columns that are features of events.

    Returns:
        Events and labels under the benchmark's numbers; `names` has the publisher's.

    Raises:
        GraphValidationError: a label names a node or a class that no event has.
        DataError: there are more classes than the card says, or a file is damaged.
    """
    edges, labels = (
        next(file for path, file in files.items() if path.endswith(end)) for end in ("list.csv", "labels.csv")
    )
    places = [int(place) for place in card.reader_options.get("features", [3])]
    t, src, dst, *features = read_columns(edges, [0, 1, 2, *places])
    when, who, what, weight = read_columns(labels, [0, 1, 2, 3])
    classes = int(card.reader_options.get("classes", 0))
    users = Numbering()
    if classes:
        things = Numbering()
        ends = users(src.astype(str)) + classes, things(dst.astype(str))
        if len(things.names) > classes:
            raise DataError(f"{card.name}: {len(things.names)} classes in the events, the card says {classes}")
        spare = [f"(class {number})" for number in range(len(things.names), classes)]
        names = np.concatenate([things.names, np.array(spare, dtype=np.str_), users.names])
        targets = things
    else:
        both = users(np.stack([src.astype(str), dst.astype(str)], axis=1).reshape(-1)).reshape(-1, 2)
        ends, names, targets = (both[:, 0], both[:, 1]), users.names, users
    known = len(users.names), len(targets.names)
    node, label = users(who.astype(str)) + classes, targets(what.astype(str))
    if (len(users.names), len(targets.names)) != known:
        raise GraphValidationError(f"{card.name}: a label names a node or class that no event has")
    found = NodeLabels.of_weights(seconds(when, card.name), node, label, weight, classes or len(names))
    events = RawEvents(
        src=ends[0],
        dst=ends[1],
        t=seconds(t, card.name),
        msg=np.stack(features, axis=1).astype(np.float32) if features else None,
        nodes=np.arange(len(names)),
        names=names,
        name=card.name,
    )
    return RawLabelledEvents(events, found, card.name)
