"""Extended XYZ, the text format of molecular configurations: frames of atoms with named columns and named values."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphkit.data.elements import NUMBERS, SYMBOLS
from graphkit.errors import DataError

Array = NDArray[Any]
_PAIR = re.compile(r"""([A-Za-z_][\w.\-]*)(?:\s*=\s*("(?:[^"\\]|\\.)*"|'[^']*'|\{[^}]*\}|\[[^\]]*\]|[^\s]+))?""")
_TYPES = {"R": np.float64, "I": np.int64, "L": np.bool_, "S": np.str_}


@dataclass
class Frame:
    r"""One configuration.

    Args:
        z: [n] int64 atomic numbers.
        pos: [n, 3] float64 positions.
        columns: other columns by name, [n] or [n, k].
        values: values of the comment line by name; `cell` [3, 3] and `pbc` [3] among them where given.

    Example:
        >>> frame = next(read_frames("1\nProperties=species:S:1:pos:R:3 energy=-1.5\nH 0 0 0\n"))
        >>> frame.z.tolist(), frame.values["energy"]
        ([1], -1.5)
    """

    z: NDArray[np.int64]
    pos: NDArray[np.float64]
    columns: Mapping[str, Array] = field(default_factory=dict)
    values: Mapping[str, Any] = field(default_factory=dict)


def read_frames(text: str, name: str = "extended XYZ") -> Iterator[Frame]:
    """Yields the frames of a text.

    Args:
        text: any number of frames: a count, a comment of key=value pairs, and a line an atom.
        name: of the file, for messages.

    Raises:
        DataError: a count, a column or an element cannot be read; the message names the line.
    """
    lines = text.splitlines()
    at = 0
    while at < len(lines):
        if not lines[at].strip():
            at += 1
            continue
        try:
            count = int(lines[at])
        except ValueError as error:
            raise DataError(f"{name}, line {at + 1}: a number of atoms is due, got {lines[at]!r}") from error
        if at + 2 + count > len(lines):
            raise DataError(f"{name}, line {at + 1}: {count} atoms are due, but the file ends before")
        yield _frame(lines[at + 1], lines[at + 2 : at + 2 + count], f"{name}, line {at + 3}")
        at += 2 + count


def write_frames(frames: Sequence[Frame]) -> str:
    """Returns the text of frames, with as many digits as the numbers have.

    Example:
        >>> frame = Frame(np.array([1]), np.zeros((1, 3)), values={"energy": -1.5})
        >>> write_frames([frame]).splitlines()[1]
        'Properties=species:S:1:pos:R:3 energy=-1.5'
    """
    return "".join(_lines(frame) for frame in frames)


def _frame(comment: str, rows: list[str], where: str) -> Frame:
    values = _values(comment)
    layout = str(values.pop("Properties", "species:S:1:pos:R:3")).split(":")
    table = [row.split() for row in rows]
    columns: dict[str, Array] = {}
    at = 0
    for name, kind, width in zip(layout[::3], layout[1::3], layout[2::3], strict=True):
        size = int(width)
        try:
            cells = [row[at : at + size] for row in table]
            if any(len(row) != size for row in cells):
                raise ValueError("a line is too short")
            if kind == "L":
                cells = [[entry in ("T", "True", "1") for entry in row] for row in cells]  # type: ignore[misc]
            found: Array = np.array(cells, dtype=_TYPES[kind]).reshape(len(table), size)
        except (ValueError, KeyError) as error:
            raise DataError(f"{where}: column {name} ({kind}:{width}) cannot be read: {error}") from error
        columns[name] = found[:, 0] if size == 1 else found
        at += size
    if "pos" not in columns or not {"species", "Z", "numbers"} & columns.keys():
        raise DataError(f"{where}: a frame needs the columns species and pos, it has {', '.join(columns)}")
    if "species" in columns:
        unknown = sorted(set(columns["species"].tolist()) - NUMBERS.keys())
        if unknown:
            raise DataError(f"{where}: {unknown[0]!r} is no chemical element")
        z = np.array([NUMBERS[symbol] for symbol in columns.pop("species").tolist()], dtype=np.int64)
    else:
        z = columns.pop("Z" if "Z" in columns else "numbers").astype(np.int64)
    pos = columns.pop("pos")
    if "Lattice" in values:
        values["cell"] = np.array(values.pop("Lattice"), dtype=np.float64).reshape(3, 3)
        values.setdefault("pbc", [True, True, True])
    if "pbc" in values:
        values["pbc"] = np.array(values["pbc"], dtype=np.bool_).reshape(3)
    return Frame(z, pos.astype(np.float64), columns, values)


def _values(comment: str) -> dict[str, Any]:
    return {found[1]: True if found[2] is None else _value(found[2]) for found in _PAIR.finditer(comment)}


def _value(text: str) -> Any:
    quoted = text[0] in "\"'{["
    body = text[1:-1] if quoted else text
    if body.startswith("_JSON"):
        return body
    parts = [_scalar(part) for part in re.split(r"[\s,]+", body.strip()) if part]
    if len(parts) > 1 and not any(isinstance(part, str) for part in parts):
        return parts
    return parts[0] if len(parts) == 1 else body


def _scalar(text: str) -> Any:
    if text in ("T", "True", "true"):
        return True
    if text in ("F", "False", "false"):
        return False
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _lines(frame: Frame) -> str:
    columns = {"pos": frame.pos, **frame.columns}
    kinds = {"f": "R", "i": "I", "b": "L", "U": "S"}
    layout, cells = "species:S:1", [[SYMBOLS[number]] for number in frame.z.tolist()]
    for name, column in columns.items():
        wide = column.reshape(len(column), -1)
        layout += f":{name}:{kinds[column.dtype.kind]}:{wide.shape[1]}"
        for cell, row in zip(cells, wide.tolist(), strict=True):
            cell += [_text(entry) for entry in row]
    values = dict(frame.values)
    head = ""
    if "cell" in values:
        head = f'Lattice="{_joined(values.pop("cell"))}" '
    pairs = "".join(f" {key}={_quoted(value)}" for key, value in values.items())
    body = "\n".join(" ".join(cell) for cell in cells)
    return f"{len(cells)}\n{head}Properties={layout}{pairs}\n{body}\n"


def _quoted(value: Any) -> str:
    if isinstance(value, np.ndarray | list | tuple):
        return f'"{_joined(value)}"'
    text = _text(value)
    return f'"{text}"' if re.search(r"[\s,=\"]", text) else text


def _joined(values: Any) -> str:
    return " ".join(_text(value) for value in np.asarray(values).reshape(-1).tolist())


def _text(value: Any) -> str:
    if isinstance(value, bool | np.bool_):
        return "T" if value else "F"
    return repr(float(value)) if isinstance(value, float | np.floating) else str(value)
