"""Molecular configurations in extended XYZ files: energies, forces, cells and isolated atoms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphkit.data.cards import Card
from graphkit.data.extxyz import Frame, read_frames
from graphkit.data.raw import LocalFile
from graphkit.data.systems import RawSystems
from graphkit.errors import DataError

VERSION = 1
ENERGY = ("energy", "orca_vtscf_energy", "total_energy", "Energy")
FORCES = ("forces", "orca_vtscf_forces", "force", "Forces")


def read(files: Mapping[str, LocalFile], card: Card) -> RawSystems:
    """Reads the files that the card's `reader_options` name.

    Options: `train`, `valid` and `test` list files; `extra` lists files that belong to no split, such as scans; `atoms`
    holds isolated atoms; `hold_out` takes [valid] or [valid, test] configurations out of the training files, evenly
    drawn from a fixed stream. `units` gives those of length and energy.

    Systems carry a number of their `subset`: the `config_type` of a test configuration, or the name of an extra file.

    Raises:
        DataError: a configuration has no energy, or an atom no force.
    """
    options = card.reader_options
    frames: list[Frame] = []
    subset: list[int] = []
    names: list[str] = []
    parts: dict[str, NDArray[np.int64]] = {}
    for part in ("train", "valid", "test", "extra"):
        start = len(frames)
        for path in options.get(part, ()):
            for frame in read_frames(files[path].read_text(), path):
                name = part if part in ("train", "valid") else str(frame.values.get("config_type", part))
                name = path.removesuffix(".xyz") if part == "extra" else name
                if name not in names:
                    names.append(name)
                frames.append(frame)
                subset.append(names.index(name))
        parts[part] = np.arange(start, len(frames))
    held = list(options.get("hold_out", ()))
    if held:
        train = parts["train"]
        *taken, rest = drawn_parts(len(train), [*held, len(train) - sum(held)])
        parts |= {"train": train[rest], **{key: train[own] for key, own in zip(("valid", "test"), taken, strict=False)}}
    atoms: dict[str, float] = {}
    for path in options.get("atoms", ()):
        for frame in read_frames(files[path].read_text(), path):
            atoms[str(int(frame.z[0]))] = _energy(frame, path)
    raw = join_frames(frames, card.name)
    raw.systems = {**raw.systems, "subset": np.array(subset, dtype=np.int64)}
    raw.facts = {"units": dict(options.get("units", {})), "isolated_atoms": atoms, "subsets": names}
    raw.splits = {card.protocols[0]: [(parts["train"], parts["valid"], parts["test"])]}
    return raw


def join_frames(frames: Sequence[Frame], name: str) -> RawSystems:
    """Lays frames with energies (and forces, where all have them) out flat.

    Raises:
        DataError: a frame has no energy.
    """
    forces = [_column(frame, FORCES) for frame in frames]
    points: dict[str, Any] = {
        "z": np.concatenate([frame.z for frame in frames]),
        "pos": np.concatenate([frame.pos for frame in frames]),
    }
    if all(force is not None for force in forces):
        points["forces"] = np.concatenate([force for force in forces if force is not None])
    systems: dict[str, Any] = {"energy": np.array([_energy(frame, name) for frame in frames])}
    periodic = [np.any(frame.values.get("pbc", False)) for frame in frames]
    if any(periodic):
        systems["pbc"] = np.array([frame.values.get("pbc", np.zeros(3, dtype=np.bool_)) for frame in frames])
        systems["cell"] = np.array([frame.values.get("cell", np.zeros((3, 3))) for frame in frames])
    ptr = np.concatenate([[0], np.cumsum([len(frame.z) for frame in frames])]).astype(np.int64)
    return RawSystems(ptr=ptr, points=points, systems=systems, name=name)


def _energy(frame: Frame, where: str) -> float:
    for key in ENERGY:
        if key in frame.values:
            return float(frame.values[key])
    raise DataError(f"{where}: a configuration has no energy; known names are {', '.join(ENERGY)}")


def _column(frame: Frame, names: Sequence[str]) -> Any:
    return next((frame.columns[name] for name in names if name in frame.columns), None)


def drawn_parts(count: int, sizes: Sequence[int]) -> list[NDArray[np.int64]]:
    """Draws disjoint sorted parts of 0..count-1 with these sizes from one fixed stream.

    Raises:
        DataError: there are fewer than that.

    Example:
        >>> [len(part) for part in drawn_parts(10, [5, 2])]
        [5, 2]
    """
    bounds = np.cumsum([0, *sizes])
    if bounds[-1] > count:
        raise DataError(f"{bounds[-1]} configurations are to be drawn, but there are {count}")
    order = np.random.Generator(np.random.Philox(key=np.array([0, 0], dtype=np.uint64))).permutation(count)
    return [np.sort(order[a:b]) for a, b in zip(bounds[:-1], bounds[1:], strict=True)]
