"""HeaRT's files on a graph with labelled nodes: read, checked against the graph, ranked row by row."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from graphkit.config import RunSpec
from graphkit.data import load_dataset
from graphkit.data.heart_links import heart_folder
from graphkit.data.link_draws import draw_split
from graphkit.data.links import LinkDataset
from graphkit.data.node_links import links_of
from graphkit.errors import DataError
from graphkit.evaluation import mrr
from graphkit.evaluation.protocols import PROTOCOLS
from graphkit.training.pair_values import pair_part

K = 4


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GRAPHKIT_DATA", str(tmp_path))
    karate = load_dataset("karate")
    place = heart_folder(karate.card)
    place.mkdir(parents=True)
    parts = draw_split("random-85-5-10", 0, karate.raw.edge_index, karate.num_nodes)
    rng = np.random.default_rng(0)
    for part in ("train", "valid", "test"):
        np.savetxt(place / f"{part}_pos.txt", parts[part].T, fmt="%d", delimiter="\t")
        if part != "train":
            table = np.repeat(parts[part].T[:, None], K, axis=1)
            table[:, : K // 2, 1] = rng.integers(34, size=(len(table), K // 2))
            table[:, K // 2 :, 0] = rng.integers(34, size=(len(table), K // 2))
            np.save(place / f"heart_{part}_samples.npy", table)
    return place


def dataset(protocol: str) -> LinkDataset:
    return links_of(load_dataset("karate"), protocol)


def test_published_files_are_read_as_they_are(folder: Path) -> None:
    found = dataset("heart")
    split = found.split()
    assert found.card.metric == "mrr" and found.num_splits() == 1
    assert split.valid_negatives.shape == (2, split.valid.shape[1], K) and not split.shared("test")
    published = np.load(folder / "heart_test_samples.npy")
    assert np.array_equal(split.test_negatives, published.transpose(2, 0, 1))
    assert len(found.provenance["heart"]) == 5
    value, ranks = pair_part(lambda pairs: np.sin(pairs[0] * 7.0 + pairs[1]), split, "test", "mrr", PROTOCOLS["heart"])
    score = np.sin(split.test[0] * 7.0 + split.test[1])
    expected = mrr(score, np.sin(published[..., 0] * 7.0 + published[..., 1]))
    assert value == expected.value and np.array_equal(ranks, expected.ranks)


def test_clean_negatives_avoid_links_and_are_the_same_every_time(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from graphkit.data import heart_links

    whole = heart_links.heart_clean
    monkeypatch.setattr(heart_links, "heart_clean", lambda *args, **more: whole(*args, count=K, **more))
    first, again = (dataset("heart-clean").split() for _ in range(2))
    assert first.sha256 == again.sha256 and first.test_negatives.shape == (2, first.test.shape[1], K)
    train = {frozenset(pair) for pair in first.train.T.tolist()}
    assert not any(frozenset(pair) in train for pair in first.test_negatives.reshape(2, -1).T.tolist())
    assert first.sha256 != dataset("heart").split().sha256


def test_files_of_another_graph_are_refused(folder: Path) -> None:
    np.savetxt(folder / "valid_pos.txt", [[0, 33], [0, 9]], fmt="%d")
    with pytest.raises(DataError, match="2 links of HeaRT's files are no links of karate, 0 - 9 first"):
        dataset("heart")
    np.savetxt(folder / "valid_pos.txt", [[0, 34]], fmt="%d")
    with pytest.raises(DataError, match="names node 34"):
        dataset("heart")
    (folder / "valid_pos.txt").write_text("0 one\n")
    with pytest.raises(DataError, match="no list of pairs"):
        dataset("heart")
    (folder / "valid_pos.txt").unlink()
    with pytest.raises(DataError, match="not downloaded.*put the files"):
        dataset("heart")


def test_a_cell_runs_on_them(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from graphkit.training import links
    from graphkit.training.run import run_cell

    monkeypatch.setattr(links, "loaded", lambda spec: dataset("heart"))
    words = ["data.name=cora", "protocol=heart", "encoder.name=gcn", "head.name=ncn", "train.epochs=2"]
    result = run_cell(RunSpec().with_overrides(words))
    assert result.metric == "mrr" and result.evaluation["shared_negatives"] is False
    assert result.evaluation["negatives_per_positive"]["test"] == {str(K): 7}
