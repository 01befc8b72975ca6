"""QM9: 134 thousand small molecules with 12 properties, Ramakrishnan et al., Scientific Data 2014, from SDF and CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping

import numpy as np

from graphkit.data.cards import Card
from graphkit.data.elements import NUMBERS
from graphkit.data.raw import LocalFile
from graphkit.data.readers.extxyz import drawn_parts
from graphkit.data.systems import RawSystems
from graphkit.errors import ConfigError, DataError

VERSION = 1
HARTREE = 27.211386245988
"""eV in a hartree (CODATA 2018)."""
IN_HARTREE = ("homo", "lumo", "gap", "zpve", "u0", "u298", "h298", "g298")


def read(files: Mapping[str, LocalFile], card: Card) -> RawSystems:
    """Reads `gdb9.sdf`, `gdb9.sdf.csv` and `uncharacterized.txt`, and leaves out the molecules that the last one lists.

    `reader_options.property` is the column scored as `energy` (u0 unless given; hartree become eV). Of the molecules
    left, `parts` gives the numbers that train and validate; all others are tested.

    Raises:
        ConfigError: no such property.
        DataError: the files do not fit each other.
    """
    options = card.reader_options
    chosen = str(options.get("property", "u0"))
    rows = list(csv.DictReader(io.StringIO(files["gdb9.sdf.csv"].read_text())))
    if rows and chosen not in rows[0]:
        raise ConfigError(f"{card.name}: qm9 has no property {chosen!r}; it has {', '.join(rows[0])}")
    z, pos, ptr = read_sdf(files["gdb9.sdf"].read_text())
    if len(ptr) - 1 != len(rows):
        raise DataError(f"{card.name}: gdb9.sdf has {len(ptr) - 1} molecules, gdb9.sdf.csv {len(rows)}")
    bad = np.zeros(len(rows), dtype=np.bool_)
    if "uncharacterized.txt" in files:
        listed = (line.split() for line in files["uncharacterized.txt"].read_text().splitlines())
        numbers = [int(words[0]) for words in listed if len(words) > 1 and words[0].isdigit()]
        bad[np.array(numbers, dtype=np.int64) - 1] = True
    values = np.array([float(row[chosen]) for row in rows]) * (HARTREE if chosen in IN_HARTREE else 1.0)
    keep = np.repeat(~bad, np.diff(ptr))
    count = int((~bad).sum())
    train_size, valid_size = (int(size) for size in options.get("parts", (110_000, 10_000)))
    train, valid, test = drawn_parts(count, [train_size, valid_size, count - train_size - valid_size])
    return RawSystems(
        ptr=np.concatenate([[0], np.cumsum(np.diff(ptr)[~bad])]).astype(np.int64),
        points={"z": z[keep], "pos": pos[keep]},
        systems={"energy": values[~bad]},
        splits={card.protocols[0]: [(train, valid, test)]},
        facts={"units": {"length": "Angstrom", "energy": "eV" if chosen in IN_HARTREE else "as published"}},
        name=card.name,
    )


def read_sdf(text: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Reads atoms of V2000 records: atomic numbers [N], positions [N, 3] and offsets [G + 1]; bonds are passed over.

    Raises:
        DataError: a record has no line of counts.
    """
    numbers: list[int] = []
    places: list[tuple[float, float, float]] = []
    offsets = [0]
    for record in text.split("$$$$\n"):
        lines = record.splitlines()
        if len(lines) < 4:
            continue
        if not lines[3].rstrip().endswith("V2000"):
            raise DataError(f"record {len(offsets)} of the SDF file has no V2000 line of counts: {lines[3]!r}")
        for line in lines[4 : 4 + int(lines[3][:3])]:
            places.append((float(line[:10]), float(line[10:20]), float(line[20:30])))
            numbers.append(NUMBERS[line[31:34].strip()])
        offsets.append(len(numbers))
    return np.array(numbers, dtype=np.int64), np.array(places), np.array(offsets, dtype=np.int64)
