"""A dataset of many graphs with a label each: kept as flat arrays, handed out as one disjoint union."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from graphkit.data.cache import content_digest, splits_from_arrays, splits_to_arrays
from graphkit.data.cards import Card, Target
from graphkit.data.container import Arrays
from graphkit.data.graph_checks import check
from graphkit.data.labelled import LabelledDataset, writeable
from graphkit.data.raw import RawGraphs
from graphkit.data.splits import Split
from graphkit.errors import ConfigError

if TYPE_CHECKING:
    from torch_geometric.data import Data

_PLAIN = ("ptr", "edge_index", "x", "y")
_OPTIONAL = ("edge_attr", "z", "pos")
_METRICS: Mapping[Target, str] = {"multiclass": "accuracy", "regression": "mae"}


class GraphDataset(LabelledDataset):
    """Many graphs with a label each.

    Args:
        card: what the dataset is.
        raw: the graphs in numpy arrays.
        content: sha256 of the arrays.
        provenance: files, digests and reader, for the result record.

    Example:
        >>> from graphkit.data import load_dataset
        >>> load_dataset("mutag")  # doctest: +SKIP
        GraphDataset('mutag', graphs=188, nodes=3371, edges=7442, features=7)
    """

    raw: RawGraphs

    @property
    def num_graphs(self) -> int:
        """G."""
        return self.raw.num_graphs

    @property
    def num_nodes(self) -> int:
        """N, of all graphs together."""
        return self.raw.num_nodes

    @cached_property
    def data(self) -> Data:
        """The disjoint union as PyG `Data`, built on first use; graph g owns the nodes ptr[g] to ptr[g + 1].

        Shapes:
            x [N, F] float32, or [N, C] int64 categories; edge_index [2, E] int64 in the numbers of the union;
            edge_attr [E, D] where there; pos [N, 3] and z [N] where there; ptr [G + 1], batch [N];
            y [G] int64 or [G, L] float32.
        """
        import torch
        from torch_geometric.data import Data

        raw = self.raw
        fields = {key: getattr(raw, key) for key in (*_PLAIN, *_OPTIONAL) if getattr(raw, key) is not None}
        fields["batch"] = np.repeat(np.arange(raw.num_graphs), np.diff(raw.ptr))
        return Data(**{key: torch.from_numpy(writeable(array)) for key, array in fields.items()})

    def graph(self, index: int) -> Data:
        """Returns graph `index` on its own, its nodes numbered from 0, as PyG's datasets do.

        Raises:
            ConfigError: there is no such graph.

        Example:
            >>> load_dataset("mutag").graph(0)  # doctest: +SKIP
            Data(x=[17, 7], edge_index=[2, 38], edge_attr=[38, 4], y=[1])
        """
        from torch_geometric.data import Data

        if not 0 <= index < self.num_graphs:
            raise ConfigError(f"{self.name} has graphs 0 to {self.num_graphs - 1}, not {index}")
        data, (first, last) = self.data, self.raw.ptr[index : index + 2].tolist()
        edges = slice(*self.edge_ptr[index : index + 2].tolist())
        single = Data(x=data.x[first:last], edge_index=data.edge_index[:, edges] - first, y=data.y[index : index + 1])
        for key, rows in (("edge_attr", edges), ("z", slice(first, last)), ("pos", slice(first, last))):
            if key in data:
                single[key] = data[key][rows]
        return single

    @cached_property
    def edge_ptr(self) -> NDArray[np.int64]:
        """[G + 1] first edge of every graph."""
        owner = np.searchsorted(self.raw.ptr, self.raw.edge_index[0], side="right") - 1
        return _offsets(np.bincount(owner, minlength=self.num_graphs))

    def __repr__(self) -> str:
        raw = self.raw
        sizes = f"graphs={raw.num_graphs}, nodes={raw.num_nodes}, edges={raw.num_edges}, features={raw.num_features}"
        return f"GraphDataset({self.name!r}, {sizes})"

    @classmethod
    def from_graphs(
        cls,
        graphs: Sequence[Data],
        *,
        name: str = "custom",
        target: Target = "multiclass",
        metric: str = "",
        splits: Mapping[str, Sequence[tuple[ArrayLike, ArrayLike, ArrayLike]]] | None = None,
    ) -> GraphDataset:
        """Makes a dataset of a list of PyG `Data`, each with x [n, F], edge_index [2, e], y and optionally edge_attr.

        Args:
            graphs: the graphs, all with the same keys; `z` [n] and `pos` [n, 3] are taken over where there.
            name: what results call the dataset.
            target: `multiclass`, `binary`, `multilabel` or `regression`.
            metric: defaults to accuracy, mae for a regression, and roc-auc otherwise.
            splits: protocol name to (train, valid, test) graph numbers; without it `folds-10` draws splits.

        Raises:
            GraphValidationError: non-finite features, or an edge, label or split out of range.
            ConfigError: there is no graph, or one lacks x, edge_index or y.

        Example:
            >>> import torch
            >>> from torch_geometric.data import Data
            >>> pair = Data(x=torch.ones(2, 1), edge_index=torch.tensor([[0, 1], [1, 0]]), y=torch.tensor([1]))
            >>> GraphDataset.from_graphs([pair] * 30).num_graphs
            30
        """
        if not graphs or any(graph.get(key) is None for graph in graphs for key in ("x", "edge_index", "y")):
            raise ConfigError("give at least one graph, each with x, edge_index and y")
        ptr = _offsets([graph.num_nodes for graph in graphs])
        edges = np.concatenate(
            [np.asarray(graph.edge_index) + first for graph, first in zip(graphs, ptr, strict=False)], 1
        )
        single = target in ("multiclass", "binary")
        y = np.concatenate([np.asarray(graph.y).reshape(-1 if single else (1, -1)) for graph in graphs])
        raw = RawGraphs(
            ptr=ptr,
            edge_index=edges.astype(np.int64),
            x=_stacked(graphs, "x", np.float32),
            y=y.astype(np.int64 if single else np.float32),
            splits={
                name: [Split(name, i, *one).parts for i, one in enumerate(of)] for name, of in (splits or {}).items()
            },
            name=name,
        )
        for key, dtype in (("edge_attr", np.float32), ("z", np.int64), ("pos", np.float32)):
            if graphs[0].get(key) is not None:
                setattr(raw, key, _stacked(graphs, key, dtype))
        card = Card(
            name=name,
            title=name,
            kind="own",
            task="graph-regression" if target == "regression" else "graph-classification",
            target=target,
            metric=metric or _METRICS.get(target, "roc-auc"),
            protocols=tuple(raw.splits) or ("folds-10",),
            licence="not stated",
            citation="not stated",
        )
        check(raw, card)
        return cls(card, raw, content_digest(pack(raw)), {"source": "in memory", "files": {}})


def pack(raw: RawGraphs) -> Arrays:
    """Lays a dataset of graphs out as named arrays."""
    arrays: Arrays = {key: getattr(raw, key) for key in (*_PLAIN, *_OPTIONAL) if getattr(raw, key) is not None}
    arrays |= {key: np.array(getattr(raw, key), dtype=np.int64) for key in ("x_sizes", "edge_sizes")}
    arrays["rejected"] = np.frombuffer(json.dumps(raw.rejected).encode(), dtype=np.uint8)
    arrays |= splits_to_arrays(raw.splits)
    return {name: np.ascontiguousarray(array) for name, array in arrays.items()}


def unpack(arrays: Arrays, name: str) -> RawGraphs:
    """Builds the dataset that `pack` laid out."""
    return RawGraphs(**fields_of(arrays, name))


def fields_of(arrays: Arrays, name: str) -> dict[str, Any]:
    """Returns the arguments of `RawGraphs` that `pack` laid out."""
    stored: dict[str, Any] = {key: arrays.get(key) for key in (*_PLAIN, *_OPTIONAL)}
    return stored | {
        "x_sizes": tuple(arrays["x_sizes"].tolist()),
        "edge_sizes": tuple(arrays["edge_sizes"].tolist()),
        "rejected": tuple(json.loads(arrays["rejected"].tobytes())),
        "splits": splits_from_arrays(arrays),
        "name": name,
    }


def _offsets(sizes: ArrayLike) -> NDArray[np.int64]:
    return np.concatenate([[0], np.cumsum(np.asarray(sizes, dtype=np.int64))]).astype(np.int64)


def _stacked(graphs: Sequence[Data], key: str, dtype: type[np.generic]) -> NDArray[Any]:
    return np.concatenate([np.asarray(graph[key]) for graph in graphs]).astype(dtype)
