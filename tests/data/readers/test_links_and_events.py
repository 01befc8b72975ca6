"""Readers of links and events: small files of each format, and the published ones where a mirror holds them."""

from __future__ import annotations

import gzip
import io
import warnings
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy import io as matlab
from scipy import sparse

from graphkit.data import EventDataset, LinkDataset, load_dataset
from graphkit.data.cards import Card, load_card
from graphkit.data.events import DataNotice
from graphkit.data.raw import LocalFile
from graphkit.data.readers import event_text, jodie, ogb_link, seal_mat
from graphkit.errors import ConfigError, DataError, UnsafePickleError


def file(tmp_path: Path, name: str, content: bytes) -> dict[str, LocalFile]:
    path = tmp_path / name.replace("/", "-")
    path.write_bytes(content)
    return {name: LocalFile(path)}


def card(**options: Any) -> Card:
    return Card(name="toy", task="link-prediction", protocols=("ogb",), reader_options=options)


def test_rows_of_events(tmp_path: Path) -> None:
    content = b",u,i,ts,label,idx\n0,1,2,0,0,1\n1,3,2,5.5,1,2\n"
    options = {"columns": ["-", "src", "dst", "t", "y", "-"], "delimiter": ",", "skip_rows": 1}
    events = event_text.read(file(tmp_path, "ml.csv", content), card(**options))
    assert events.src.tolist() == [1, 3] and events.t.tolist() == [0, 5.5] and events.t.dtype == np.float64
    assert events.y is not None and events.y.dtype == np.int64 and events.msg is None


def test_features_of_events_and_whole_times(tmp_path: Path) -> None:
    columns = {"columns": ["src", "dst", "msg", "t"], "delimiter": ","}
    events = event_text.read(file(tmp_path, "rated.csv", b"6,2,-4,10\n6,5,2,11\n"), card(**columns))
    assert events.msg is not None and events.msg.tolist() == [[-4], [2]] and events.t.dtype == np.int64


@pytest.mark.parametrize("columns", [["src", "dst"], ["src", "dst", "time"], ["src", "src", "dst", "t"]])
def test_columns_must_make_sense(tmp_path: Path, columns: list[str]) -> None:
    with pytest.raises(DataError, match="columns"):
        event_text.read(file(tmp_path, "x.txt", b"1 2 3\n"), card(columns=columns))


@pytest.mark.parametrize(("items", "expected"), [((0, 1), [2, 3]), ((2, 3), [2, 3])])
def test_items_follow_users_and_are_moved_once_at_most(
    tmp_path: Path, items: tuple[int, int], expected: list[int]
) -> None:
    content = f"user_id,item_id,timestamp,state_label,features\n0,{items[0]},1,0,0.5,2\n1,{items[1]},2,1,0.25,3\n"
    events = jodie.read(file(tmp_path, "wikipedia.csv", content.encode()), card())
    assert events.dst.tolist() == expected and events.y is not None and events.y.tolist() == [0, 1]
    assert events.msg is not None and events.msg.tolist() == [[0.5, 2], [0.25, 3]]


def seal_files(tmp_path: Path, net: Any, shift: int = 1) -> dict[str, LocalFile]:
    def saved(**arrays: Any) -> bytes:
        stream = io.BytesIO()
        matlab.savemat(stream, arrays)
        return stream.getvalue()

    files = file(tmp_path, "Toy.mat", saved(net=sparse.csc_matrix(net)))
    pairs = {
        "train_pos": np.array([[i, i + 1] for i in range(20)]),
        "train_neg": np.array([[i, i + 2] for i in range(20)]),
        "test_pos": np.array([[20, 21]]),
        "test_neg": np.array([[0, 21]]),
    }
    for k in (1, 10, 2):
        name = f"Toy_split_{k}.mat"
        marked = pairs | {"test_neg": np.array([[0, k + 1]])}
        files |= file(
            tmp_path, name, saved(**{key: (value + shift).astype(np.uint16) for key, value in marked.items()})
        )
    return files


def path_graph() -> Any:
    return np.eye(22, k=1) + np.eye(22, k=-1)


def test_seal_files_count_from_one_and_their_splits_are_in_order(tmp_path: Path) -> None:
    links = seal_mat.read(seal_files(tmp_path, path_graph()), card())
    assert links.num_nodes == 22 and links.edge_index[:, -1].tolist() == [20, 21]
    splits = links.splits["seal-10"]
    assert [split["test_negatives"].ravel().tolist() for split in splits] == [[0, 2], [0, 3], [0, 11]]
    assert splits[0]["message"].shape == (2, 20) and splits[0]["valid"].shape == (2, 1)
    together = np.concatenate([splits[0]["train"], splits[0]["valid"]], axis=1)
    assert sorted(together[0].tolist()) == list(range(20))


def test_broken_seal_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="symmetric"):
        seal_mat.read(seal_files(tmp_path, np.eye(22, k=1)), card())
    with pytest.raises(DataError, match="from 1"):
        seal_mat.read(seal_files(tmp_path, path_graph(), shift=0), card())


def rows(array: Any) -> bytes:
    return gzip.compress("\n".join(",".join(map(str, row)) for row in np.atleast_2d(array)).encode())


def ogb_archive(tmp_path: Path, parts: dict[str, Any], edges: int = 2, legacy: bool = True) -> dict[str, LocalFile]:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("toy/raw/edge.csv.gz", rows([[0, 1], [1, 2]]))
        archive.writestr("toy/raw/num-node-list.csv.gz", rows([[5]]))
        archive.writestr("toy/raw/num-edge-list.csv.gz", rows([[edges]]))
        archive.writestr("toy/raw/node-feat.csv.gz", rows(np.ones((5, 2))))
        for part, content in parts.items():
            saved = io.BytesIO()
            torch.save(content, saved, _use_new_zipfile_serialization=not legacy)
            archive.writestr(f"toy/split/time/{part}.pt", saved.getvalue())
    return file(tmp_path, "toy.zip", stream.getvalue())


SHARED = {"edge": np.array([[0, 3]]), "edge_neg": np.array([[0, 4], [1, 3]]), "year": np.array([2018])}
OWN = {"source_node": np.array([0]), "target_node": np.array([3]), "target_node_neg": np.array([[1, 4]])}


@pytest.mark.parametrize("legacy", [True, False])
def test_ogb_archives_hold_shared_negatives_or_a_list_a_link(tmp_path: Path, legacy: bool) -> None:
    files = ogb_archive(tmp_path, {"valid": SHARED, "test": OWN}, legacy=legacy)
    links = ogb_link.read(files, card(folder="toy", split="time", undirected=False))
    (parts,) = links.splits["ogb"]
    assert parts["valid"].tolist() == [[0], [3]] and parts["valid_negatives"].tolist() == [[0, 1], [4, 3]]
    assert parts["test"].tolist() == [[0], [3]] and parts["test_candidates"].tolist() == [[1, 4]]
    assert links.x is not None and links.x.shape == (5, 2) and not links.undirected


def test_validation_links_join_the_messages_where_the_protocol_says_so(tmp_path: Path) -> None:
    files = ogb_archive(tmp_path, {"valid": SHARED, "test": SHARED})
    both = Card(name="toy", protocols=("ogb", "ogb-valid-edges"), reader_options={"folder": "toy", "split": "time"})
    splits = ogb_link.read(files, both).splits
    assert "test_message" not in splits["ogb"][0]
    assert splits["ogb-valid-edges"][0]["test_message"].tolist() == [[0, 1, 0], [1, 2, 3]]


def binary_archive(tmp_path: Path, edges: int = 4, **parts: Any) -> dict[str, LocalFile]:
    arrays = {"edge_index": np.array([[0, 1, 1, 2], [1, 0, 2, 1]]), "node_feat": np.ones((5, 3))}
    graph, saved, stream = io.BytesIO(), io.BytesIO(), io.BytesIO()
    np.savez_compressed(graph, num_nodes_list=np.array([5]), num_edges_list=np.array([edges]), **arrays)
    torch.save({"train": {"edge": np.array([[1, 2], [0, 1]]), "edge_neg": np.array([[0, 2]])}, **parts}, saved)
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("toy/raw/data.npz", graph.getvalue())
        archive.writestr("toy/split/spatial/split_dict.pt", saved.getvalue())
    return file(tmp_path, "toy.zip", stream.getvalue())


def test_binary_ogb_archives_list_both_directions_and_training_negatives(tmp_path: Path) -> None:
    asked = {"edge": np.array([[0, 3]]), "edge_neg": np.array([[0, 4]])}
    links = ogb_link.read(binary_archive(tmp_path, valid=asked, test=asked), card(folder="toy", split="spatial"))
    assert links.edge_index.tolist() == [[0, 1], [1, 2]] and links.x is not None and links.x.dtype == np.float32
    (parts,) = links.splits["ogb"]
    assert parts["train"].tolist() == [[1, 0], [2, 1]] and parts["train_negatives"].tolist() == [[0], [2]]
    split = LinkDataset(card(folder="toy"), links, "", {}).split()
    assert split.message.tolist() == [[0, 1, 1, 2], [1, 2, 0, 1]] and split.shared("test")
    with pytest.raises(DataError, match="promises 5"):
        ogb_link.read(binary_archive(tmp_path, edges=5, valid=asked, test=asked), card(folder="toy", split="spatial"))
    with pytest.raises(DataError, match="holds no test links"):
        ogb_link.read(binary_archive(tmp_path, valid=asked), card(folder="toy", split="spatial"))


def test_broken_ogb_archives_are_refused(tmp_path: Path) -> None:
    options = card(folder="toy", split="time")
    with pytest.raises(DataError, match="promises 3"):
        ogb_link.read(ogb_archive(tmp_path, {"valid": SHARED, "test": SHARED}, edges=3), options)
    with pytest.raises(DataError, match="hold no split/time/test.pt"):
        ogb_link.read(ogb_archive(tmp_path, {"valid": SHARED}), options)
    with pytest.raises(DataError, match="unknown names: edges"):
        ogb_link.read(ogb_archive(tmp_path, {"valid": {"edges": np.ones(1)}, "test": SHARED}), options)
    with pytest.raises(UnsafePickleError, match="allow-list"):
        ogb_link.read(ogb_archive(tmp_path, {"valid": {"edge": torch.ones(1)}, "test": SHARED}), options)


@pytest.mark.mirror
def test_published_events_agree_with_what_is_known_of_them(mirror: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataNotice)
        found = {
            name: load_dataset(name) for name in ("tgbl-wiki", "collegemsg", "uci", "bitcoin-otc", "bitcoin-alpha")
        }
    sizes = {name: dataset.split().sizes for name, dataset in found.items() if isinstance(dataset, EventDataset)}
    assert sizes == {
        "tgbl-wiki": (110232, 23621, 23621),
        "collegemsg": (41884, 8975, 8976),
        "uci": (41884, 8975, 8976),
        "bitcoin-otc": (24914, 5339, 5339),
        "bitcoin-alpha": (16940, 3628, 3618),
    }
    assert [name for name, dataset in found.items() if not dataset.events.was_sorted] == ["bitcoin-alpha"]
    msg, uci = found["collegemsg"].events, found["uci"].events
    assert (msg.t - msg.t[0] == uci.t - uci.t[0]).all() and found["tgbl-wiki"].events.destination_range == (8227, 9226)
    # one node of one file is always the same node of the other
    both = np.unique(np.stack([np.append(msg.src, msg.dst), np.append(uci.src, uci.dst)]), axis=1)
    assert both.shape[1] == msg.num_nodes == uci.num_nodes


@pytest.mark.mirror
@pytest.mark.parametrize("name", ["usair", "ns", "celegans", "ogbl-ddi"])
def test_published_links_load_and_are_kept(mirror: Path, name: str) -> None:
    dataset, again = load_dataset(name), load_dataset(name)
    assert isinstance(dataset, LinkDataset) and dataset.fingerprint == again.fingerprint
    last = dataset.num_splits() - 1
    assert dataset.split(index=last).sha256 == again.split(index=last).sha256  # type: ignore[union-attr]
    assert dataset.split().test.shape[1] == load_card(name).statistics["test_links"]


@pytest.mark.mirror
def test_preparation_is_for_nodes(mirror: Path) -> None:
    with pytest.raises(ConfigError, match="for nodes"):
        load_dataset("usair", features="row")
