"""Edges between points closer than a cutoff, with the images of periodic cells, found through a list of cells."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from graphkit.errors import ConfigError, ShapeError
from graphkit.kernels.cpu.radius import counting_order, list_close
from graphkit.kernels.point_edges import PointEdges


def radius_edges(
    pos: Tensor,
    cutoff: float,
    ptr: Tensor | None = None,
    *,
    cell: Tensor | None = None,
    pbc: Tensor | None = None,
) -> PointEdges:
    """Joins points of one system that are closer than `cutoff`, in both directions, without loops.

    Every system is cut into bins at least a cutoff wide, and a point is compared with the points of neighbouring
    bins: linear in the number of points at a fixed density. Of a periodic system all images within reach are joined,
    a point's own images too; then two points may have several edges, told apart by `shift`.

    Args:
        pos: [N, d] positions with d of 1, 2 or 3; periodic cells need d = 3.
        cutoff: largest distance, not included.
        ptr: [G + 1] offsets of the systems; one system unless given.
        cell: [G, 3, 3] or [3, 3] cell vectors in rows, read where `pbc` says so.
        pbc: [G, 3] or [3] booleans, the directions in which a system repeats.

    Returns:
        Edges sorted by target, then source; `shift` [E, d] is None where nothing is periodic.

    Raises:
        ConfigError: the cutoff is not positive, or a periodic cell is flat.
        ShapeError: arrays do not fit each other.

    Example:
        >>> radius_edges(torch.tensor([[0.0, 0, 0], [1, 0, 0], [3, 0, 0]]), 1.5).source.tolist()
        [1, 0]
    """
    if not cutoff > 0:
        raise ConfigError(f"cutoff must be positive, got {cutoff}")
    if pos.dim() != 2 or not 1 <= pos.size(1) <= 3:
        raise ShapeError(f"radius_edges takes positions [N, 1..3], got {list(pos.shape)}")
    dim = pos.size(1)
    points = np.zeros((len(pos), 3))
    points[:, :dim] = pos.detach().cpu().numpy()
    offsets = np.array([0, len(pos)]) if ptr is None else ptr.cpu().numpy().astype(np.int64)
    periodic, cells = _cells(len(offsets) - 1, cell, pbc)
    if periodic.any() and dim != 3:
        raise ShapeError("periodic cells need positions [N, 3]")
    wrap, *bins = _bins(points, offsets, float(cutoff), cells, periodic)
    repeats = bool(periodic.any())
    search: Any = list_close  # its type knows no starred arguments
    source, target, image = search(offsets, float(cutoff), cells, periodic, *bins, repeats)
    nothing, count = np.empty(0, np.int64), len(points)
    if repeats:
        whole = image - wrap[source] + wrap[target]
        order = np.lexsort((*whole.T, source, target))
        source, target, whole = source[order], target[order], whole[order]
        reverse = torch.from_numpy(np.lexsort((*-whole.T, target, source)))
        system = np.searchsorted(offsets, target, side="right") - 1
        shift = torch.from_numpy(np.einsum("ea,eab->eb", whole, cells[system])).to(pos.dtype)
        edges = PointEdges(
            torch.from_numpy(source), torch.from_numpy(target), count, shift=shift, reverse=reverse, checked=True
        )
    else:  # sorted by (source, target), the edges are the opposite ones of those sorted by (target, source)
        order = counting_order(target, counting_order(source, nothing, count), count)
        source, target = source[order], target[order]
        reverse = torch.from_numpy(counting_order(source, nothing, count))
        edges = PointEdges(torch.from_numpy(source), torch.from_numpy(target), count, reverse=reverse, checked=True)
    return edges if pos.device.type == "cpu" else edges.to(pos.device)


def brute_force_edges(
    pos: Tensor, cutoff: float, *, cell: Tensor | None = None, reach: int = 2
) -> set[tuple[int, ...]]:
    """Returns {(source, target, image...)} of one system by trying every pair and image: the oracle of the tests."""
    images = range(-reach, reach + 1) if cell is not None else range(1)
    found: set[tuple[int, ...]] = set()
    for a in images:
        for b in images:
            for c in images:
                image = pos if cell is None else pos + torch.tensor([a, b, c], dtype=pos.dtype) @ cell
                close = torch.cdist(image, pos, compute_mode="donot_use_mm_for_euclid_dist") < cutoff
                if (a, b, c) == (0, 0, 0):
                    close.fill_diagonal_(False)
                found |= {(j, i, a, b, c) for j, i in close.nonzero().tolist()}
    return found


def _cells(systems: int, cell: Tensor | None, pbc: Tensor | None) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    periodic = np.zeros((systems, 3), dtype=np.bool_)
    cells = np.tile(np.eye(3), (systems, 1, 1))
    if cell is None or pbc is None or not bool(pbc.any()):
        return periodic, cells
    periodic[:] = pbc.cpu().numpy().astype(np.bool_)
    given = np.broadcast_to(cell.detach().cpu().numpy().astype(np.float64), (systems, 3, 3))
    used = periodic.any(axis=1)
    cells[used] = given[used]
    for number in np.flatnonzero(used):
        own = cells[number]
        for axis in np.flatnonzero(~periodic[number]):  # a direction without images only has to be independent
            if not own[axis].any():
                own[axis] = np.cross(own[axis - 2], own[axis - 1]) if periodic[number].sum() > 1 else np.eye(3)[axis]
        if abs(np.linalg.det(own)) < 1e-9:
            raise ConfigError(f"system {number} is periodic, but its cell {own.tolist()} has no volume")
    return periodic, cells


def _bins(points, offsets, cutoff, cells, periodic):  # type: ignore[no-untyped-def]
    """Bins of every system: fractional coordinates, numbers of bins, and points sorted by bin."""
    systems = len(offsets) - 1
    system = np.repeat(np.arange(systems), np.diff(offsets))
    inverse = np.linalg.inv(cells)
    fractional = np.einsum("na,nab->nb", points, inverse[system]) if periodic.any() else points.copy()
    wrap = np.where(periodic[system], np.floor(fractional), 0.0)
    fractional -= wrap
    low, high = np.full((systems, 3), np.inf), np.full((systems, 3), -np.inf)
    np.minimum.at(low, system, fractional)
    np.maximum.at(high, system, fractional)
    # distance between opposite faces of the cell: how far a step of one in fractional coordinates leads at least
    height = 1.0 / np.linalg.norm(inverse, axis=1)
    origin = np.where(periodic, 0.0, np.where(np.isfinite(low), low, 0.0))
    extent = np.where(periodic, 1.0, np.maximum(np.where(np.isfinite(high), high, 0.0) - origin, 1e-9))
    size = np.maximum(np.diff(offsets), 1)
    limit = np.maximum(1, np.ceil((4.0 * size) ** (1 / 3)))[:, None]
    bins = np.clip(np.floor(extent * height / cutoff), 1, limit).astype(np.int64)
    reach = np.ceil(cutoff / (extent * height / bins) - 1e-12).astype(np.int64)
    reach = np.where(periodic, reach, np.minimum(reach, bins))
    place = np.minimum(
        ((fractional - origin[system]) / extent[system] * bins[system]).astype(np.int64), bins[system] - 1
    )
    start = np.concatenate([[0], np.cumsum(bins.prod(axis=1))]).astype(np.int64)
    number = start[system] + (place[:, 0] * bins[system, 1] + place[:, 1]) * bins[system, 2] + place[:, 2]
    order = np.argsort(number, kind="stable").astype(np.int64)
    first = np.concatenate([[0], np.cumsum(np.bincount(number, minlength=start[-1]))]).astype(np.int64)
    inside = (points - np.einsum("na,nab->nb", wrap, cells[system]) if periodic.any() else points)[order]
    return wrap, place, bins, reach, start, order, first, *(np.ascontiguousarray(inside[:, a]) for a in range(3))
