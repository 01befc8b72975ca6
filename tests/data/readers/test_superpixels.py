"""Superpixel graphs out of pickled torch tensors, and the reader of such pickles on hostile ones."""

from __future__ import annotations

import hashlib
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from graphkit.data.cards import load_card
from graphkit.data.raw import LocalFile
from graphkit.data.readers import READERS
from graphkit.data.torch_pickle import load_tensors
from graphkit.errors import DataError, UnsafePickleError


def graph_of(nodes: int) -> tuple[Any, ...]:
    path = torch.arange(nodes - 1)
    edges = torch.stack([torch.cat([path, path + 1]), torch.cat([path + 1, path])])
    return torch.randn(nodes, 14, dtype=torch.double), torch.randn(edges.size(1), 2), edges, [0, 20, *[3] * (nodes - 2)]


def test_a_union_with_the_published_split(tmp_path: Path) -> None:
    torch.manual_seed(0)
    parts = {"train": [graph_of(4), graph_of(3)], "val": [graph_of(2)], "test": [graph_of(5)]}
    files = {}
    for part, graphs in parts.items():
        path = tmp_path / f"{part}.pickle"
        path.write_bytes(pickle.dumps(graphs))
        files[path.name] = LocalFile(path, sha256=hashlib.sha256(path.read_bytes()).hexdigest())
    card = load_card("pascalvoc-sp")
    raw = READERS.get("superpixels")(files, card)
    assert raw.ptr is not None and raw.ptr.tolist() == [0, 4, 7, 9, 14] and raw.num_edges == 6 + 4 + 2 + 8
    np.testing.assert_allclose(raw.x[4:7], parts["train"][1][0].numpy(), rtol=1e-6)
    np.testing.assert_array_equal(raw.edge_index[:, 6:10] - 4, parts["train"][1][2].numpy())
    train, valid, test = raw.splits["lrgb-original"][0]
    assert [train[-1], valid[0], valid[-1], test[0], test[-1]] == [6, 7, 8, 9, 13] and raw.y[1] == 20


def test_tensors_of_every_kind_become_arrays() -> None:
    base = torch.arange(24, dtype=torch.float32).view(4, 6)
    tensors = [base, base[1:3, ::2], base.t(), torch.tensor(5), torch.empty(0, 3), torch.tensor([True]), base.half()]
    for tensor, array in zip(tensors, load_tensors(pickle.dumps(tensors)), strict=True):
        assert array.dtype == tensor.numpy().dtype
        np.testing.assert_array_equal(array, tensor.numpy())


class Evil:
    def __reduce__(self) -> Any:
        return (print, ("executed",))


def test_other_globals_and_damage_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(UnsafePickleError, match="print"):
        load_tensors(pickle.dumps([torch.ones(2), Evil()]))
    whole = pickle.dumps([torch.arange(100)])
    for damaged in (whole[:-50], whole.replace(b"storage", b"stowage", 1), whole[:20]):
        with pytest.raises((DataError, UnsafePickleError)):
            load_tensors(damaged)
    assert "executed" not in capsys.readouterr().out
