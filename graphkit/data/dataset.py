"""A dataset ready for models: the graph, its card, its splits, and where every byte of it came from."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from graphkit.data import checks
from graphkit.data.cache import content_digest, to_arrays
from graphkit.data.cards import Card, Target
from graphkit.data.labelled import LabelledDataset, writeable
from graphkit.data.raw import RawGraph, Triple
from graphkit.data.splits import Split
from graphkit.errors import ConfigError, GraphValidationError

if TYPE_CHECKING:
    from torch_geometric.data import Data

Parts = tuple[ArrayLike, ArrayLike, ArrayLike]


class NodeDataset(LabelledDataset):
    """One graph (or a union of graphs) with labelled nodes.

    Args:
        card: what the dataset is.
        raw: the prepared graph in numpy and scipy arrays.
        content: sha256 of the arrays.
        provenance: files, digests, reader and preparation, for the result record.

    Example:
        >>> from graphkit.data import load_dataset
        >>> load_dataset("karate").data.x.shape
        torch.Size([34, 34])
    """

    raw: RawGraph

    @property
    def num_nodes(self) -> int:
        """N."""
        return self.raw.num_nodes

    @cached_property
    def data(self) -> Data:
        """The graph as PyG `Data`: x [N, F] float32, edge_index [2, E] int64, y [N] int64 or [N, L] float32.

        Unions of graphs also have ptr [G + 1] and batch [N]. Built on first use, because importing PyG takes seconds.
        """
        import torch
        from torch_geometric.data import Data

        raw = self.raw
        x = raw.x if isinstance(raw.x, np.ndarray) else raw.x.toarray()
        fields: dict[str, Any] = {"x": x, "edge_index": raw.edge_index, "y": raw.y}
        if raw.edge_attr is not None:
            fields["edge_attr"] = raw.edge_attr
        if raw.ptr is not None:
            fields["ptr"] = raw.ptr
            fields["batch"] = np.repeat(np.arange(len(raw.ptr) - 1), np.diff(raw.ptr))
        return Data(**{key: torch.from_numpy(writeable(array)) for key, array in fields.items()})

    def with_features(self, x: NDArray[np.float32]) -> NodeDataset:
        """Returns the same graph, labels and splits with other features [N, F].

        Raises:
            GraphValidationError: another number of rows, or a value that is not finite.

        Example:
            >>> from graphkit.data import load_dataset
            >>> load_dataset("karate").with_features(np.ones((34, 8), np.float32)).num_features
            8
        """
        if x.ndim != 2 or len(x) != self.num_nodes:
            raise GraphValidationError(f"{self.name} has {self.num_nodes} nodes, got features {list(x.shape)}")
        checks.check_features(x, self.name)
        other = copy.copy(self)
        other.__dict__.pop("data", None)
        other.raw = dataclasses.replace(self.raw, x=x)
        return other

    def __repr__(self) -> str:
        raw = self.raw
        return f"NodeDataset({self.name!r}, nodes={raw.num_nodes}, edges={raw.num_edges}, features={raw.num_features})"

    @classmethod
    def from_data(
        cls,
        data: Data,
        *,
        name: str = "custom",
        target: Target = "multiclass",
        metric: str = "",
        splits: Mapping[str, Sequence[Parts]] | None = None,
    ) -> NodeDataset:
        """Wraps a user's own PyG `Data`; graphs of networkx and scipy come through PyG's converters.

        Args:
            data: x [N, F], edge_index [2, E], y [N] classes (or [N, L] of 0, 1 and NaN), optionally edge_attr and ptr.
            name: what results call the dataset.
            target: `multiclass`, `binary` or `multilabel`.
            metric: defaults to accuracy, or roc-auc unless multiclass.
            splits: protocol name to (train, valid, test) node numbers or masks. Without it, the masks
                train_mask, val_mask and test_mask ([N], or [N, S] for S splits) become protocol `given`; without those,
                `random-60-20-20` draws splits.

        Raises:
            GraphValidationError: non-finite features, or an edge, label or split out of range.
            ConfigError: x, edge_index or y is missing.

        Example:
            >>> import torch
            >>> from torch_geometric.data import Data
            >>> nodes = torch.arange(20)
            >>> ring = Data(x=torch.eye(20), edge_index=torch.stack([nodes, (nodes + 1) % 20]), y=nodes % 2)
            >>> NodeDataset.from_data(ring).split()
            Split('random-60-20-20', 0, train=12, valid=4, test=4)
        """
        arrays = {key: _array(data, key) for key in ("x", "edge_index", "y")}
        y = arrays["y"].astype(np.float32) if target == "multilabel" else _classes(arrays["y"])
        given = _triples(splits) if splits else _masks(data)
        edge_attr = data.get("edge_attr")
        raw = RawGraph(
            x=arrays["x"].astype(np.float32),
            edge_index=arrays["edge_index"],
            y=y,
            splits=given,
            edge_attr=None if edge_attr is None else _array(data, "edge_attr").astype(np.float32),
            ptr=None if data.get("ptr") is None else _array(data, "ptr"),
            name=name,
        )
        card = Card(
            name=name,
            title=name,
            kind="own",
            target=target,
            metric=metric or ("accuracy" if target == "multiclass" else "roc-auc"),
            protocols=tuple(given) or ("random-60-20-20",),
            licence="not stated",
            citation="not stated",
        )
        checks.check_raw(raw, card)
        return cls(card, raw, content_digest(to_arrays(raw)), {"source": "in memory", "files": {}})


def _array(data: Data, key: str) -> NDArray[Any]:
    value = data.get(key)
    if value is None:
        raise ConfigError(f"the Data object has no {key}; node classification needs x, edge_index and y")
    if getattr(value, "is_sparse", False) or "sparse" in str(getattr(value, "layout", "")):
        value = value.to_dense()
    return np.ascontiguousarray(value.detach().cpu().numpy())


def _classes(y: NDArray[Any]) -> NDArray[Any]:
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    return y.astype(np.int64) if y.dtype.kind in "iub" else y


def _triples(splits: Mapping[str, Sequence[Parts]]) -> dict[str, list[Triple]]:
    return {name: [Split(name, i, *parts).parts for i, parts in enumerate(given)] for name, given in splits.items()}


def _masks(data: Data) -> dict[str, list[Triple]]:
    keys = ("train_mask", "val_mask", "test_mask")
    if any(data.get(key) is None for key in keys):
        return {}
    masks = [_array(data, key).astype(bool) for key in keys]
    columns = [mask[:, None] if mask.ndim == 1 else mask for mask in masks]
    count = max(mask.shape[1] for mask in columns)
    # one test mask for many splits is common: it is used for every split
    return _triples({"given": [_column(columns, index) for index in range(count)]})


def _column(columns: list[NDArray[np.bool_]], index: int) -> Parts:
    train, valid, test = (mask[:, index if mask.shape[1] > 1 else 0] for mask in columns)
    return train, valid, test
