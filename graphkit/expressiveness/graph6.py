"""graph6, the text form of undirected graphs (B. McKay, formats.txt): six bits of the upper triangle a character."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from graphkit.errors import DataError
from graphkit.expressiveness.flat import FlatGraphs

_HEADER = b">>graph6<<"


def read_graph6(lines: Iterable[bytes | str]) -> FlatGraphs:
    """Decodes graphs, one a line.

    Args:
        lines: graph6 strings; empty lines are skipped, a header is allowed.

    Raises:
        DataError: a line is cut short or holds a character outside 63..126.

    Example:
        >>> read_graph6(["Bw"]).col.tolist()
        [1, 2, 0, 2, 0, 1]
    """
    return FlatGraphs.from_edges(
        decode(line.encode() if isinstance(line, str) else line) for line in lines if line.strip()
    )


def decode(line: bytes) -> tuple[int, NDArray[np.int64]]:
    """Decodes one line into its number of nodes and its edges [M, 2], lower end first.

    Raises:
        DataError: as in `read_graph6`.
    """
    values = np.frombuffer(line.strip().removeprefix(_HEADER), np.uint8).astype(np.int64) - 63
    if values.size == 0 or values.min() < 0 or values.max() > 63:
        raise DataError(f"no graph6: {line[:40]!r} holds characters outside '?' to '~'; is the file damaged?")
    size, begin = _size(values)
    count = size * (size - 1) // 2
    bits = ((values[begin:, None] >> np.arange(5, -1, -1)) & 1).ravel()
    if len(bits) < count:
        raise DataError(f"graph6 line {line[:40]!r} is cut short: {size} nodes need {count} bits, got {len(bits)}")
    place = np.flatnonzero(bits[:count])
    # bit x(0,1), x(0,2), x(1,2), x(0,3), ...: column j begins at j (j - 1) / 2
    high = ((1 + np.sqrt(1 + 8 * place)) / 2).astype(np.int64)
    high -= high * (high - 1) // 2 > place
    high += high * (high + 1) // 2 <= place
    return size, np.stack([place - high * (high - 1) // 2, high], axis=1)


def _size(values: NDArray[np.int64]) -> tuple[int, int]:
    if values[0] < 63:
        return int(values[0]), 1
    begin, width = (2, 6) if len(values) > 1 and values[1] == 63 else (1, 3)
    digits = values[begin : begin + width]
    if len(digits) < width:
        raise DataError("graph6 line is cut short: its number of nodes is missing")
    return int(sum(int(digit) << (6 * (width - 1 - i)) for i, digit in enumerate(digits))), begin + width
