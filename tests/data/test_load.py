from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from graphkit.data import load_dataset
from graphkit.data.cards import list_cards, load_card
from graphkit.data.raw import RawGraph
from graphkit.data.tasks import asks_for_links
from graphkit.errors import ConfigError, DataError, GraphValidationError, ProtocolError, UnknownNameError

RING = """
name = "ring"
title = "A ring"
target = "multiclass"
metric = "accuracy"
protocols = ["random-60-20-20"]
reader = "ring-text"
licence = "not stated"
citation = "nobody"
[[files]]
path = "edges.txt"
[[files.sources]]
urls = ["file://{path}"]
[statistics]
nodes = 10
edges = 10
"""


def read_ring(files: Any, card: Any) -> RawGraph:
    edges = np.array([line.split() for line in files["edges.txt"].read_text().splitlines()], dtype=np.int64).T
    return RawGraph(x=np.eye(10, dtype=np.float32), edge_index=edges, y=np.arange(10) % 2)


@pytest.fixture
def ring(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's own dataset: a card in the cache, a file beside it, a registered reader."""
    from graphkit.data.readers import READERS

    path = tmp_path / "edges.txt"
    path.write_text("".join(f"{i} {(i + 1) % 10}\n" for i in range(10)))
    (cache / "cards").mkdir(parents=True)
    (cache / "cards" / "ring.toml").write_text(RING.format(path=path))
    monkeypatch.setitem(READERS._loaded, "ring-text", read_ring)
    return path


def test_a_dataset_comes_with_its_origin(ring: Path, cache: Path) -> None:
    dataset = load_dataset("ring")
    assert (dataset.name, dataset.num_nodes, dataset.num_features, dataset.num_outputs) == ("ring", 10, 10, 2)
    assert repr(dataset) == "NodeDataset('ring', nodes=10, edges=10, features=10)" and dataset.root == cache
    assert dataset.provenance["files"]["edges.txt"]["pinned"] and dataset.provenance["reader"] == "ring-text"
    assert len(dataset.fingerprint) == 64 and load_dataset("ring").fingerprint == dataset.fingerprint


def test_data_is_pyg_data(ring: Path) -> None:
    import torch
    from torch_geometric.data import Data

    data = load_dataset("ring", undirected=True).data
    assert isinstance(data, Data) and data.is_undirected() and data.num_edges == 20
    assert (data.x.dtype, data.edge_index.dtype, data.y.dtype) == (torch.float32, torch.int64, torch.int64)
    data.validate()


def test_every_option_has_its_own_fingerprint(ring: Path) -> None:
    prints = {load_dataset("ring", **kwargs).fingerprint for kwargs in ({}, {"undirected": True})}
    assert len(prints) == 2


def test_a_changed_reader_is_never_served_old_graphs(ring: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = load_dataset("ring")
    module: Any = __import__("sys").modules[__name__]
    monkeypatch.setattr(module, "VERSION", 2, raising=False)
    calls = []
    from graphkit.data import load

    whole = load.read_raw
    monkeypatch.setattr(load, "read_raw", lambda *args: calls.append(1) or whole(*args))  # type: ignore[func-returns-value]
    after = load_dataset("ring")
    load_dataset("ring")
    assert calls == [1] and after.fingerprint == before.fingerprint
    assert after.provenance["reader_version"] != before.provenance["reader_version"]


def test_a_changed_file_is_never_served_old_graphs(ring: Path, cache: Path) -> None:
    before = load_dataset("ring").fingerprint
    (cache / "raw" / "ring" / ".index.json").unlink()
    (cache / "raw" / "ring" / "edges.txt").unlink()
    ring.write_text(ring.read_text().replace("0 1\n", "0 5\n"))
    assert load_dataset("ring").fingerprint != before


def test_published_statistics_are_held(ring: Path) -> None:
    ring.write_text(ring.read_text() + "3 7\n")
    with pytest.raises(
        GraphValidationError, match=r"ring differs from its published statistics: edges 11 \(published 10\)"
    ):
        load_dataset("ring")


def test_splits_of_a_protocol(ring: Path) -> None:
    dataset = load_dataset("ring")
    assert dataset.num_splits() == 10 and dataset.split() == dataset.split("random-60-20-20", 0)
    assert dataset.split(index=1) != dataset.split(index=0)
    with pytest.raises(ProtocolError, match=r"splits 0\.\.9, got 10"):
        dataset.split(index=10)
    with pytest.raises(ProtocolError, match="ring has no protocol 'ogb'; it has random-60-20-20"):
        dataset.split("ogb")


def test_files_take_no_options(ring: Path) -> None:
    with pytest.raises(ConfigError, match="takes no options, got k"):
        load_dataset("ring", options={"k": 3})


def test_unknown_names_are_suggested() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'minesweeper'"):
        load_dataset("minesweper")


def test_generator_options_are_checked(cache: Path) -> None:
    default = load_dataset("dictionary-lookup-10")
    changed = load_dataset("dictionary-lookup-10", options={"k": 5})
    assert changed.fingerprint != default.fingerprint and changed.provenance["options"]["k"] == 5
    assert "ptr" in changed.data and len(changed.data.batch) == changed.num_nodes
    with pytest.raises(UnknownNameError, match="option of dictionary-lookup-10"):
        load_dataset("dictionary-lookup-10", options={"kay": 5})
    with pytest.raises(ConfigError, match="takes int, got 'five'"):
        load_dataset("dictionary-lookup-10", options={"k": "five"})


LONG_TO_READ = {"peptides-func"}
"""Large molecules from SMILES: a minute and a half."""


@pytest.mark.mirror
@pytest.mark.filterwarnings("ignore::graphkit.data.events.DataNotice")
@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.slow if name in LONG_TO_READ else ())
        for name in list_cards()
        if load_card(name).needs_files
    ],
)
def test_published_datasets_load_and_split(name: str, mirror: Path) -> None:
    assert os.environ["GRAPHKIT_MIRROR"] == str(mirror)
    try:
        dataset = load_dataset(name, offline=True)
    except DataError as error:
        if "does not hold it" in str(error):
            pytest.skip(f"the mirror does not hold all of {name}")
        raise
    if dataset.card.task == "graph-separation":  # pairs of graphs are told apart, nothing is split
        return
    for protocol in [one for one in dataset.card.protocols if not asks_for_links(dataset.card, one)]:
        for index in range(dataset.num_splits(protocol)):
            train = dataset.split(protocol, index).train
            assert train.stop if isinstance(train, slice) else np.size(train)


@pytest.mark.mirror
def test_cora_is_the_published_graph(mirror: Path) -> None:
    dataset = load_dataset("cora", features="row", offline=True)
    split = dataset.split()
    assert [len(part) for part in split.parts] == [140, 500, 1000]
    assert dataset.data.x.shape == (2708, 1433) and dataset.data.edge_index.shape == (2, 10556)
    assert dataset.data.is_undirected() and not dataset.data.has_self_loops()
    np.testing.assert_allclose(dataset.data.x.sum(1), 1, rtol=1e-5)
    assert np.bincount(dataset.raw.y[split.train]).tolist() == [20] * 7


def test_nonsense_in_an_unpinned_file_is_one_clear_error(ring: Path) -> None:
    ring.write_text("<html>moved</html>\n")
    with pytest.raises(DataError, match="ring: its files are not what reader ring-text knows") as caught:
        load_dataset("ring")
    assert caught.value.exit_code == 3


def test_missing_official_splits_are_noticed(ring: Path, cache: Path) -> None:
    card = cache / "cards" / "ring.toml"
    card.write_text(card.read_text().replace("random-60-20-20", "geom-gcn-10"))
    with pytest.raises(GraphValidationError, match="0 splits of protocol geom-gcn-10 were read, 10 are due"):
        load_dataset("ring")
