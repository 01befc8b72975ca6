"""The csv files of JODIE, Kumar, Zhang, Leskovec, KDD 2019 (arXiv 1908.01207): user, item, time, label, features.

The header names five columns whatever the number of features, so rows decide. Users and items are both numbered from 0
in the original files; in others items already follow the users, and are not moved a second time.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from graphkit.data.cards import Card
from graphkit.data.raw import LocalFile, RawEvents
from graphkit.data.readers.event_text import whole
from graphkit.errors import DataError

VERSION = 1


def read(files: Mapping[str, LocalFile], card: Card) -> RawEvents:
    """Reads the events of two kinds of nodes.

    Args:
        files: the one csv file of the card.
        card: takes no options.

    Returns:
        Events in file order with their state labels; items are numbered after the users.

    Raises:
        DataError: rows have fewer than four columns.

    Example:
        >>> read(fetch(load_card("tgbl-wiki")), load_card("tgbl-wiki")).dst.min()  # doctest: +SKIP
        8227
    """
    (file,) = files.values()
    with file.open() as stream:
        stream.readline()
        table = np.loadtxt(stream, delimiter=",", dtype=np.float64, ndmin=2)
    if table.shape[1] < 4:
        raise DataError(f"{card.name}: rows hold user, item, time, label and features, got {table.shape[1]} columns")
    user, item = table[:, 0], table[:, 1]
    if len(user) and item.min() <= user.max():
        item = item + (user.max() + 1)
    msg = table[:, 4:].astype(np.float32) if table.shape[1] > 4 else None
    return RawEvents(src=user, dst=item, t=whole(table[:, 2]), msg=msg, y=whole(table[:, 3]), name=card.name)
