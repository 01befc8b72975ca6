"""Systems of points in space: particles or molecules, each a small set of points with what is known of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphkit.data.carded import CardedDataset
from graphkit.data.cards import Card
from graphkit.data.checks import check_statistics
from graphkit.data.raw import Triple
from graphkit.data.splits import Split
from graphkit.errors import GraphValidationError
from graphkit.evaluation.protocols import PROTOCOLS

Array = NDArray[Any]
NEEDS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = MappingProxyType(
    {
        "trajectory": (("pos", "vel", "charge", "future"), ()),
        "graph-autoencoding": ((), ()),
        "energy-forces": (("z", "pos", "forces"), ("energy",)),
        "energy": (("z", "pos"), ("energy",)),
        "dipole": (("z", "pos"), ("dipole",)),
    }
)
"""Task to the arrays of points and of systems that it cannot do without."""


@dataclass
class RawSystems:
    """G systems of N points in all, laid out flat in numpy arrays.

    Args:
        ptr: [G + 1] int64 offsets of the systems' points.
        points: arrays over points by name, [N, ...]: `z` atomic numbers, `pos`, `vel`, `charge`, `forces`, `future`.
        systems: arrays over systems by name, [G, ...]: `energy`, `cell` [G, 3, 3], `pbc` [G, 3], `subset`, ...
        splits: protocol id to its splits, each (train, valid, test) of system numbers.
        edge_index: [2, E] int64 edges that are part of the data, numbered over all points; None where there are none.
        facts: plain values: `units` of `length` and `energy`, `isolated_atoms` {atomic number: energy}, `subsets`.
        name: name of the dataset, for messages.
    """

    ptr: NDArray[np.int64]
    points: Mapping[str, Array]
    systems: Mapping[str, Array] = field(default_factory=dict)
    splits: Mapping[str, list[Triple]] = field(default_factory=dict)
    edge_index: NDArray[np.int64] | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    name: str = ""

    @property
    def num_systems(self) -> int:
        """G."""
        return len(self.ptr) - 1

    @property
    def num_points(self) -> int:
        """N."""
        return int(self.ptr[-1])


class SystemDataset(CardedDataset):
    """Many systems of points with the card they were read by.

    Args:
        card: what the dataset is.
        raw: the flat arrays.
        content: sha256 of the arrays.
        provenance: files, digests and reader, for the result record.

    Example:
        >>> from graphkit.data import load_dataset
        >>> load_dataset("nbody", options={"train": 20, "valid": 5, "test": 5, "train_drawn": 20, "steps": 4100})
        SystemDataset('nbody', systems=30, points=150)
    """

    def __init__(self, card: Card, raw: RawSystems, content: str, provenance: Mapping[str, Any]) -> None:
        super().__init__(card, content, provenance)
        self.raw = raw

    @property
    def units(self) -> Mapping[str, str]:
        """Units of `length` and `energy`; forces are energy over length."""
        units: Mapping[str, str] = self.raw.facts.get("units", {})
        return units

    @cached_property
    def sizes(self) -> NDArray[np.int64]:
        """Points of every system, [G]."""
        return np.diff(self.raw.ptr)

    def num_splits(self, protocol: str | None = None) -> int:
        """Returns how many splits a protocol has; raises ProtocolError where the dataset lacks it."""
        protocol = self._protocol(protocol)
        return len(self.raw.splits[protocol]) if protocol in self.raw.splits else PROTOCOLS[protocol].num_splits

    def split(self, protocol: str | None = None, index: int = 0) -> Split:
        """Returns split `index` of a protocol, over system numbers; None takes the card's default protocol.

        Raises:
            ProtocolError: the dataset does not have that protocol, or the protocol not that split.
        """
        protocol = self._protocol_of(protocol, index)
        if protocol in self.raw.splits:
            return Split(protocol, index, *self.raw.splits[protocol][index])
        return Split(protocol, index, *PROTOCOLS[protocol].generate(np.zeros(self.raw.num_systems), index, 0))

    def __repr__(self) -> str:
        return f"SystemDataset({self.name!r}, systems={self.raw.num_systems}, points={self.raw.num_points})"


def pack(raw: RawSystems) -> dict[str, Array]:
    """Lays systems out as named arrays."""
    arrays: dict[str, Array] = {"ptr": raw.ptr}
    arrays |= {f"point.{key}": value for key, value in raw.points.items()}
    arrays |= {f"system.{key}": value for key, value in raw.systems.items()}
    if raw.edge_index is not None:
        arrays["edge_index"] = raw.edge_index
    for protocol, triples in raw.splits.items():
        for index, triple in enumerate(triples):
            for part, numbers in zip(("train", "valid", "test"), triple, strict=True):
                arrays[f"split.{protocol}.{index}.{part}"] = np.asarray(numbers, dtype=np.int64)
    text = json.dumps(dict(raw.facts), sort_keys=True).encode()
    arrays["facts"] = np.frombuffer(text, dtype=np.uint8)
    return {key: np.ascontiguousarray(array) for key, array in arrays.items()}


def unpack(arrays: Mapping[str, Array], name: str) -> RawSystems:
    """Builds the systems that `pack` laid out."""
    kept: dict[str, dict[str, Array]] = {"point": {}, "system": {}}
    splits: dict[str, list[Triple]] = {}
    for label, array in arrays.items():
        part, _, key = label.partition(".")
        if part in kept:
            kept[part][key] = array
        elif label.endswith(".train"):
            protocol, index, _ = key.rsplit(".", 2)
            stem = f"split.{protocol}.{index}"
            triple = arrays[f"{stem}.train"], arrays[f"{stem}.valid"], arrays[f"{stem}.test"]
            splits.setdefault(protocol, []).insert(int(index), triple)
    return RawSystems(
        ptr=arrays["ptr"],
        points=kept["point"],
        systems=kept["system"],
        splits=splits,
        edge_index=arrays.get("edge_index"),
        facts=json.loads(bytes(arrays["facts"]).decode()),
        name=name,
    )


def count(raw: RawSystems, card: Card) -> dict[str, int]:
    """Returns the counts a card may publish."""
    edges = 0 if raw.edge_index is None else raw.edge_index.shape[1]
    return {"graphs": raw.num_systems, "nodes": raw.num_points, "edges": edges}


def check(raw: RawSystems, card: Card) -> dict[str, int]:
    """Checks shapes, finite values, what the task needs, splits, and the card's published statistics.

    Raises:
        GraphValidationError: an array is missing, has another length, or holds NaN or infinity; or a count differs.
    """
    name = raw.name or card.name
    if len(raw.ptr) < 2 or raw.ptr[0] != 0 or np.any(np.diff(raw.ptr) < 1):
        raise GraphValidationError(f"{name}: ptr must rise from 0; every system needs a point")
    of_points, of_systems = NEEDS[card.task]
    for what, arrays, due, length in (
        ("points", raw.points, of_points, raw.num_points),
        ("systems", raw.systems, of_systems, raw.num_systems),
    ):
        for key in due:
            if key not in arrays:
                raise GraphValidationError(f"{name}: task {card.task} needs {key} of {what}, which the data lacks")
        for key, array in arrays.items():
            if len(array) != length:
                raise GraphValidationError(f"{name}: {key} has {len(array)} rows for {length} {what}")
            if array.dtype.kind == "f" and not np.isfinite(array).all():
                raise GraphValidationError(f"{name}: {key} holds NaN or infinity")
    if raw.edge_index is not None and raw.edge_index.size:
        number = np.repeat(np.arange(raw.num_systems), np.diff(raw.ptr))
        if raw.edge_index.min() < 0 or raw.edge_index.max() >= raw.num_points:
            raise GraphValidationError(f"{name}: an edge names a point outside 0..{raw.num_points - 1}")
        if np.any(number[raw.edge_index[0]] != number[raw.edge_index[1]]):
            raise GraphValidationError(f"{name}: an edge joins two systems")
    for protocol, triples in raw.splits.items():
        for index, triple in enumerate(triples):
            Split(protocol, index, *triple)
            if max(int(np.max(part, initial=0)) for part in triple) >= raw.num_systems:
                raise GraphValidationError(f"{name}: split {index} of {protocol} names a system that is not there")
    found = count(raw, card)
    check_statistics(card.statistics, found, name)
    return found


def measure(raw: RawSystems, card: Card) -> dict[str, Any]:
    """Returns sizes, units and arrays as plain values, for `graphkit data info`."""
    sizes = np.diff(raw.ptr)
    found: dict[str, Any] = {
        "points_per_system": [int(sizes.min()), float(sizes.mean()), int(sizes.max())],
        "arrays": sorted([*raw.points, *raw.systems]),
    }
    if "z" in raw.points:
        found["elements"] = np.unique(raw.points["z"]).tolist()
    return found | {key: value for key, value in raw.facts.items() if key in ("units", "subsets")}
