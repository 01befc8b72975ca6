"""PCQM-Contact out of files in the published form, made here, and such files that hold more than tensors."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from graphkit.data.cards import load_card
from graphkit.data.graph_links import GraphLinkDataset, RawGraphLinks, check, pack, unpack
from graphkit.data.raw import LocalFile
from graphkit.data.readers import READERS
from graphkit.errors import DataError, UnsafePickleError


def molecule(atoms: int) -> tuple[torch.Tensor, ...]:
    """A chain whose ends are in contact, with as many pairs that are not."""
    chain = torch.arange(atoms - 1)
    edges = torch.stack([torch.cat([chain, chain + 1]), torch.cat([chain + 1, chain])])
    pairs = torch.tensor([[0, atoms - 1, 0, 1], [atoms - 1, 0, 1, 1]])
    atom, bond = torch.ones(atoms, 9, dtype=torch.long), torch.zeros(edges.size(1), 3, dtype=torch.long)
    return atom, bond, edges, pairs, torch.tensor([1, 1, 0, 0], dtype=torch.int32)


def files_of(folder: Path, parts: dict[str, Any]) -> dict[str, LocalFile]:
    found = {}
    for part, graphs in parts.items():
        path = folder / f"{part}.pt"
        torch.save(graphs, path)
        found[path.name] = LocalFile(path, sha256=hashlib.sha256(path.read_bytes()).hexdigest())
    return found


@pytest.fixture
def parts() -> dict[str, Any]:
    return {"train": [molecule(8), molecule(7)], "val": [molecule(6)], "test": [molecule(9)]}


def test_contacts_and_the_published_split(tmp_path: Path, parts: dict[str, Any]) -> None:
    card = load_card("pcqm-contact")
    raw = READERS.get("contact-tensors")(files_of(tmp_path, parts), card)
    assert isinstance(raw, RawGraphLinks)
    assert raw.ptr.tolist() == [0, 8, 15, 21, 30] and raw.num_edges == 2 * (7 + 6 + 5 + 8)
    assert raw.links.T.tolist() == [[0, 7], [7, 0], [8, 14], [14, 8], [15, 20], [20, 15], [21, 29], [29, 21]]
    np.testing.assert_array_equal(raw.edge_index[:, 14:26] - 8, parts["train"][1][2].numpy())
    for protocol in ("lrgb-original", "lrgb-reassessed"):
        assert [part.tolist() for part in raw.splits[protocol][0]] == [[0, 1], [2], [3]]
    found = check(raw, type(card)(**{**vars(card), "statistics": {"graphs": 4, "test_links": 2}}))
    assert found["train_links"] == 4
    again = unpack(pack(raw), raw.name)
    assert again.links.tolist() == raw.links.tolist() and again.y.tolist() == [2, 2, 2, 2]
    assert GraphLinkDataset(card, again, "", {}).asked.ptr.tolist() == [0, 2, 4, 6, 8]


class Evil:
    def __reduce__(self) -> Any:
        return (print, ("executed",))


def test_files_that_hold_something_else(tmp_path: Path, parts: dict[str, Any], capsys: Any) -> None:
    card, read = load_card("pcqm-contact"), READERS.get("contact-tensors")
    with pytest.raises(UnsafePickleError, match=r"val\.pt"):
        read(files_of(tmp_path, {**parts, "val": [Evil()]}), card)
    assert "executed" not in capsys.readouterr().out
    with pytest.raises(DataError, match=r"test\.pt is no list"):
        read(files_of(tmp_path, {**parts, "test": [molecule(6)[:4]]}), card)
    files = files_of(tmp_path, parts)
    content = files["train.pt"].path.read_bytes()
    files["train.pt"].path.write_bytes(content[: len(content) // 2])
    with pytest.raises(DataError, match=r"train\.pt is damaged"):
        read(files, card)
