"""Readers on small files built in the published layouts; no mirror needed."""

from __future__ import annotations

import gzip
import io
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import ArrayLike
from scipy import sparse

from graphkit.data.cards import Card
from graphkit.data.raw import LocalFile
from graphkit.data.readers import READERS
from graphkit.errors import DataError, GraphValidationError, UnsafePickleError


def card(reader: str, **options: object) -> Card:
    return Card(name="tiny", title="Tiny", reader=reader, reader_options=options)


def save(folder: Path, **content: bytes | str) -> dict[str, LocalFile]:
    files = {}
    for name, value in content.items():
        path = folder / name
        path.write_bytes(value if isinstance(value, bytes) else value.encode())
        files[name] = LocalFile(path)
    return files


def npz(**arrays: ArrayLike) -> bytes:
    stream = io.BytesIO()
    np.savez(stream, **arrays)
    return stream.getvalue()


def split_file(nodes: int, train: list[int], valid: list[int], test: list[int]) -> bytes:
    masks = np.zeros((3, nodes), dtype=np.uint8)
    for mask, part in zip(masks, (train, valid, test), strict=True):
        mask[part] = 1
    return npz(train_mask=masks[0], val_mask=masks[1], test_mask=masks[2])


@pytest.fixture
def planetoid(tmp_path: Path) -> dict[str, LocalFile]:
    """Five early nodes (two of them training), test nodes 7 and 5 in this order, node 6 a gap."""
    allx = sparse.csr_matrix(np.arange(15, dtype=np.float32).reshape(5, 3))
    tx = sparse.csr_matrix(np.array([[70, 0, 0], [50, 0, 0]], dtype=np.float32))
    ally = np.eye(3, dtype=np.int32)[[0, 1, 2, 0, 1]]
    ty = np.eye(3, dtype=np.int32)[[2, 1]]
    graph = {0: [1, 1, 0], 1: [0], 2: [7], 3: [], 4: [], 5: [], 6: [], 7: []}
    parts = {"x": allx[:2], "y": ally[:2], "allx": allx, "ally": ally, "tx": tx, "ty": ty, "graph": graph}
    content: dict[str, bytes | str] = {f"ind.tiny.{k}": pickle.dumps(v, protocol=2) for k, v in parts.items()}
    content["ind.tiny.test.index"] = "7\n5\n"
    content["tiny_split_0.6_0.2_1.npz"] = split_file(8, [1], [2], [3])
    content["tiny_split_0.6_0.2_0.npz"] = split_file(8, [0, 4], [2], [3, 6])
    return save(tmp_path, **content)


def test_planetoid(planetoid: dict[str, LocalFile]) -> None:
    graph = READERS.get("planetoid")(planetoid, card("planetoid"))
    assert graph.x.shape == (8, 3)
    assert graph.x.toarray()[:, 0].tolist() == [0, 3, 6, 9, 12, 50, 0, 70]
    assert graph.y.tolist() == [0, 1, 2, 0, 1, 1, 0, 2]  # the gap, node 6, is class 0 as in every public loader
    assert graph.edge_index.tolist() == [[0, 1, 2, 7], [1, 0, 7, 2]]  # both ways, no loop, no duplicate
    ((train, _, test),) = graph.splits["planetoid-public"]
    assert (train.tolist(), test.tolist()) == ([0, 1], [5, 7])
    assert [[part.tolist() for part in one] for one in graph.splits["geom-gcn-10"]] == [
        [[0, 4], [2], [3, 6]],
        [[1], [2], [3]],
    ]


def test_planetoid_refuses_files_of_two_datasets(planetoid: dict[str, LocalFile], tmp_path: Path) -> None:
    planetoid.update(save(tmp_path, **{"ind.tiny.test.index": "8\n9\n"}))
    with pytest.raises(DataError, match="do not continue"):
        READERS.get("planetoid")(planetoid, card("planetoid"))


class Evil:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        import os

        return os.system, ("echo owned",)


def test_planetoid_never_runs_a_pickle(planetoid: dict[str, LocalFile], tmp_path: Path) -> None:
    planetoid.update(save(tmp_path, **{"ind.tiny.graph": pickle.dumps(Evil())}))
    with pytest.raises(UnsafePickleError):
        READERS.get("planetoid")(planetoid, card("planetoid"))


def test_split_file_of_another_graph(planetoid: dict[str, LocalFile], tmp_path: Path) -> None:
    planetoid.update(save(tmp_path, **{"tiny_split_0.6_0.2_0.npz": split_file(9, [0], [1], [2])}))
    with pytest.raises(DataError, match="9.*8 nodes"):
        READERS.get("planetoid")(planetoid, card("planetoid"))


NODES = "out1_node_feature_label.txt"
EDGES = "out1_graph_edges.txt"


def test_geom_gcn_rows_in_any_order_and_gzipped(tmp_path: Path) -> None:
    nodes = "node_id\tfeature\tlabel\n2\t0,1\t1\n0\t1,0\t0\n1\t1,1\t2\n"
    files = save(
        tmp_path, **{NODES: gzip.compress(nodes.encode()), EDGES: "node_id\tnode_id\n2\t0\n0\t1\n2\t0\n1\t1\n"}
    )
    files[NODES] = LocalFile(files[NODES].path, encoding="gzip")
    graph = READERS.get("geom-gcn")(files, card("geom-gcn"))
    assert graph.x.toarray().tolist() == [[1, 0], [1, 1], [0, 1]]
    assert graph.y.tolist() == [0, 2, 1]
    assert graph.edge_index.tolist() == [[0, 1, 2], [1, 1, 0]]  # directed, self loop kept, duplicate gone


def test_geom_gcn_word_lists(tmp_path: Path) -> None:
    files = save(tmp_path, **{NODES: "h\th\th\n1\t3,0,3\t1\n0\t2\t0\n", EDGES: "a\tb\n0\t1\n"})
    graph = READERS.get("geom-gcn")(files, card("geom-gcn", word_lists=True))
    assert graph.x.toarray().tolist() == [[0, 0, 1, 0], [1, 0, 0, 1]]


@pytest.mark.parametrize(
    ("nodes", "message"),
    [("h\th\th\n0\t1,0\t0\n0\t1,1\t1\n", "each of its 2 nodes once"), ("h\th\th\n0\t1,0\n", "on every line")],
)
def test_geom_gcn_refuses_broken_nodes(tmp_path: Path, nodes: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        READERS.get("geom-gcn")(save(tmp_path, **{NODES: nodes, EDGES: "a\tb\n0\t0\n"}), card("geom-gcn"))


def test_an_edge_out_of_range_names_the_nodes(tmp_path: Path) -> None:
    files = save(tmp_path, **{NODES: "h\th\th\n0\t1\t0\n1\t1\t1\n", EDGES: "a\tb\n0\t7\n"})
    with pytest.raises(GraphValidationError, match="7"):
        READERS.get("geom-gcn")(files, card("geom-gcn"))


def test_heterophilous(tmp_path: Path) -> None:
    masks = np.array([[True, False, False], [False, True, False]])
    content = npz(
        node_features=np.eye(3, dtype=np.float64),
        node_labels=np.array([0, 1, 1]),
        edges=np.array([[0, 1], [2, 1]]),
        train_masks=masks,
        val_masks=np.roll(masks, 1, axis=1),
        test_masks=np.roll(masks, 2, axis=1),
    )
    graph = READERS.get("heterophilous")(save(tmp_path, **{"tiny.npz": content}), card("heterophilous"))
    assert graph.edge_index.tolist() == [[0, 1, 1, 2], [1, 0, 2, 1]]
    assert graph.x.dtype == np.float32
    assert [[int(part[0]) for part in one] for one in graph.splits["heterophilous-10"]] == [[0, 1, 2], [1, 2, 0]]


def test_heterophilous_refuses_another_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="not the published file"):
        READERS.get("heterophilous")(save(tmp_path, **{"tiny.npz": npz(edges=np.zeros((0, 2)))}), card("heterophilous"))


def benchmark_file(**over: ArrayLike) -> bytes:
    adjacency = sparse.csr_matrix(np.array([[1, 1, 0], [0, 0, 0], [0, 1, 0]], dtype=np.float32))
    features = sparse.csr_matrix(np.array([[0, 4], [0, 0], [1, 2]], dtype=np.float32))
    arrays: dict[str, ArrayLike] = {"labels": np.array([0, 1, 0])}
    for prefix, matrix in (("adj", adjacency), ("attr", features)):
        for part in ("data", "indices", "indptr", "shape"):
            arrays[f"{prefix}_{part}"] = getattr(matrix, part)
    return npz(**{**arrays, **over})


def test_gnn_benchmark_ignores_pickled_names(tmp_path: Path) -> None:
    content = benchmark_file(node_names=np.array(["a", None, "c"], dtype=object))
    graph = READERS.get("gnn-benchmark")(save(tmp_path, **{"tiny.npz": content}), card("gnn-benchmark"))
    assert graph.x.toarray().tolist() == [[0, 1], [0, 0], [1, 1]]
    assert graph.edge_index.tolist() == [[0, 1, 1, 2], [1, 0, 2, 1]]
    assert graph.splits == {}


def test_gnn_benchmark_refuses_pickled_labels(tmp_path: Path) -> None:
    content = benchmark_file(labels=np.array([Evil()], dtype=object))
    with pytest.raises(DataError, match="not the published file"):
        READERS.get("gnn-benchmark")(save(tmp_path, **{"tiny.npz": content}), card("gnn-benchmark"))


def ogb_archive(folder: Path, **over: str) -> dict[str, LocalFile]:
    tables = {
        "raw/edge": "0,1\n2,1\n3,0\n",
        "raw/node-feat": "0.5,1\n-2,3e-2\n0,0\n1,1\n",
        "raw/node-label": "2\n0\n1\n2\n",
        "raw/num-node-list": "4\n",
        "raw/num-edge-list": "3\n",
        "raw/node_year": "2011\n2012\n2013\n2014\n",
        "split/time/train": "3\n0\n",
        "split/time/valid": "1\n",
        "split/time/test": "2\n",
        **over,
    }
    path = folder / "tiny.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in tables.items():
            archive.writestr(f"tiny/{name}.csv.gz", gzip.compress(text.encode()))
    return {"tiny.zip": LocalFile(path)}


def test_ogb_keeps_directed_edges_as_published(tmp_path: Path) -> None:
    graph = READERS.get("ogb-node")(ogb_archive(tmp_path), card("ogb-node", folder="tiny", split="time"))
    assert graph.edge_index.tolist() == [[0, 2, 3], [1, 1, 0]]
    np.testing.assert_allclose(graph.x, [[0.5, 1], [-2, 0.03], [0, 0], [1, 1]])
    assert graph.x.dtype == np.float32
    assert graph.y.tolist() == [2, 0, 1, 2]
    assert [part.tolist() for part in graph.splits["ogb"][0]] == [[0, 3], [1], [2]]


def test_ogb_adds_reverse_edges_where_the_card_says_so(tmp_path: Path) -> None:
    options = {"folder": "tiny", "split": "time", "add_inverse_edge": True}
    graph = READERS.get("ogb-node")(ogb_archive(tmp_path), card("ogb-node", **options))
    assert {*zip(*graph.edge_index.tolist(), strict=True)} == {(0, 1), (1, 0), (2, 1), (1, 2), (3, 0), (0, 3)}


@pytest.mark.parametrize(
    ("over", "message"),
    [
        ({"raw/num-edge-list": "4\n"}, "3 rows of edges, but the archive promises 4"),
        ({"raw/node-label": "2\n0\n1\n"}, "3 rows of labels"),
        ({"raw/edge": "0,x\n"}, "damaged"),
    ],
)
def test_ogb_refuses_damaged_archives(tmp_path: Path, over: dict[str, str], message: str) -> None:
    with pytest.raises(DataError, match=message):
        READERS.get("ogb-node")(ogb_archive(tmp_path, **over), card("ogb-node", folder="tiny", split="time"))


def test_ogb_names_a_missing_member(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="split/sales_ranking/train"):
        READERS.get("ogb-node")(ogb_archive(tmp_path), card("ogb-node", folder="tiny", split="sales_ranking"))
