"""Tables of a stream's state: named arrays with a row a node, which grow, are copied, saved and put back together."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from graphkit.errors import CacheError

Array = NDArray[Any]


class Tables:
    """Named numpy arrays; those made by `add` have a row a node and grow with the number of nodes.

    Whoever keeps state in tables looks arrays up by name each time, because growing replaces them.

    Args:
        num_nodes: N.

    Example:
        >>> state = Tables(2)
        >>> state.add("memory", 3)
        >>> _ = state.grow(5)
        >>> state["memory"].shape
        (8, 3)
    """

    def __init__(self, num_nodes: int) -> None:
        self.num_nodes = self._capacity = num_nodes
        self._arrays: dict[str, Array] = {}
        self._fill: dict[str, Any] = {}

    def add(self, name: str, *shape: int, dtype: DTypeLike = np.float32, fill: float = 0) -> None:
        """Adds (or empties) a table [N, *shape]; rows of new nodes hold `fill` too."""
        self._fill[name] = fill
        self._arrays[name] = np.full((self._capacity, *shape), fill, dtype=dtype)

    def put(self, name: str, array: Array) -> None:
        """Adds or replaces an array that has no row a node, such as a counter or a log."""
        self._arrays[name] = array

    def __getitem__(self, name: str) -> Array:
        return self._arrays[name]

    def __contains__(self, name: str) -> bool:
        return name in self._arrays

    def grow(self, num_nodes: int) -> bool:
        """Makes room for nodes 0..num_nodes-1, by doubling; returns whether there are more nodes than before."""
        if num_nodes <= self.num_nodes:
            return False
        if num_nodes > self._capacity:
            self._capacity = max(num_nodes, 2 * self._capacity, 8)
            for name, fill in self._fill.items():
                old = self._arrays[name]
                new = np.full((self._capacity, *old.shape[1:]), fill, dtype=old.dtype)
                new[: len(old)] = old
                self._arrays[name] = new
        self.num_nodes = num_nodes
        return True

    def copy(self) -> dict[str, Array]:
        """Returns copies of all arrays and the number of nodes, as `load` takes them."""
        return {name: array.copy() for name, array in self._arrays.items()} | {"num_nodes": np.array([self.num_nodes])}

    def view(self) -> tuple[int, int, dict[str, Array]]:
        """Returns what `put_back` takes: the arrays themselves, to undo growth that nothing was written after."""
        return self.num_nodes, self._capacity, dict(self._arrays)

    def put_back(self, view: tuple[int, int, dict[str, Array]]) -> None:
        """Undoes growth."""
        self.num_nodes, self._capacity, self._arrays = view

    def load(self, arrays: Mapping[str, Array]) -> None:
        """Puts back what `copy` returned.

        Raises:
            CacheError: other names, types or widths than these tables have.
        """
        for name, array in self._arrays.items():
            found = arrays.get(name)
            same_width = found is not None and (name not in self._fill or found.shape[1:] == array.shape[1:])
            if found is None or found.dtype != array.dtype or not same_width:
                raise CacheError(f"the saved state has no table {name!r} of {array.dtype} {list(array.shape[1:])}")
        self.num_nodes = int(arrays["num_nodes"].item())
        self._capacity = max((len(arrays[name]) for name in self._fill), default=self.num_nodes)
        self._arrays = {name: np.array(arrays[name]) for name in self._arrays}

    @property
    def digest(self) -> str:
        """A hex digest of every array, to show that nothing changed."""
        found = hashlib.sha256()
        for name in sorted(self._arrays):
            found.update(name.encode())
            found.update(np.ascontiguousarray(self._arrays[name]).tobytes())
        return found.hexdigest()

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays."""
        return sum(array.nbytes for array in self._arrays.values())
