from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from graphkit.config import RunSpec
from graphkit.data import load_dataset
from graphkit.data.cards import Card
from graphkit.data.node_labels import LabelledEvents, NodeEventDataset, NodeLabels, pack, unpack
from graphkit.data.raw import LocalFile
from graphkit.data.readers import READERS
from graphkit.data.synthetic.drifting_affinities import generate
from graphkit.errors import ConfigError, GraphValidationError
from graphkit.evaluation import ndcg_at
from graphkit.scorers.label_history import LabelAverage, LastLabel
from graphkit.training.node_streams import score_node_stream

CARD = Card(
    name="toy", task="temporal-node-prediction", target="ranking", metric="ndcg@10", protocols=("tgb-node",),
)  # fmt: skip


def read(folder: Path, edges: str, labels: str, **options: Any) -> Any:
    (folder / "toy_edgelist.csv").write_text("ts,a,b,w\n" + edges)
    (folder / "toy_node_labels.csv").write_text("ts,a,b,w\n" + labels)
    card = dataclasses.replace(CARD, reader_options=options)
    files = {name: LocalFile(folder / name) for name in ("toy_edgelist.csv", "toy_node_labels.csv")}
    return READERS.get("tgb-node")(files, card)


def test_classes_are_numbered_before_users_and_weights_become_rows(tmp_path: Path) -> None:
    edges = "1,ann,rock,2\n2,bob,jazz,1\n3,ann,jazz,1\n"
    raw = read(tmp_path, edges, "3,ann,jazz,0.25\n3,ann,rock,0.75\n3,bob,jazz,1\n2,bob,rock,1\n", classes=3)
    assert raw.events.src.tolist() == [3, 4, 3] and raw.events.dst.tolist() == [0, 1, 1]
    assert raw.events.names.tolist() == ["rock", "jazz", "(class 2)", "ann", "bob"]
    assert raw.labels.t.tolist() == [2, 3, 3] and raw.labels.node.tolist() == [4, 3, 4]
    assert raw.labels.dense(slice(1, 3)).tolist() == [[0.75, 0.25, 0.0], [0.0, 1.0, 0.0]]
    store = LabelledEvents.from_raw(raw)
    assert store.events.num_nodes == 5 and store.labels.node.tolist() == [4, 3, 4]


def test_nations_are_classes_themselves_and_strangers_are_refused(tmp_path: Path) -> None:
    raw = read(tmp_path, "1,fr,de,2\n2,it,fr,1\n", "1,fr,it,0.5\n", classes=0)
    assert raw.labels.num_classes == 3 and raw.labels.dense(slice(0, 1)).tolist() == [[0.0, 0.0, 0.5]]
    with pytest.raises(GraphValidationError, match="no event has"):
        read(tmp_path, "1,fr,de,2\n", "1,es,de,0.5\n", classes=0)


def test_broken_labels_are_refused() -> None:
    good = {"t": np.array([1, 2]), "node": np.array([0, 0]), "ptr": np.array([0, 1, 2]), "label": np.array([0, 1])}
    good["weight"] = np.array([1.0, 1.0])
    NodeLabels(**good, num_classes=2)
    for change, message in (
        ({"t": np.array([2, 1])}, "times fall"),
        ({"label": np.array([0, 2])}, "classes are 0..1"),
        ({"weight": np.array([1.0, np.nan])}, "weight 1 is nan"),
        ({"ptr": np.array([0, 1])}, "labels: 2 times"),
    ):
        with pytest.raises(GraphValidationError, match=message):
            NodeLabels(**{**good, **change}, num_classes=2)


def test_packing_is_exact_and_labels_are_asked_when_the_next_event_arrives() -> None:
    raw = LabelledEvents.from_raw(generate(users=5, classes=4, periods=20, events=6))
    again = unpack(pack(raw), "toy")
    assert np.array_equal(again.labels.dense(slice(0, 9)), raw.labels.dense(slice(0, 9)))
    dataset = NodeEventDataset(CARD, again, "content", {})
    split = dataset.split()
    rows = dataset.label_rows(split)
    for part in ("valid", "test"):
        first = dataset.labels.t[rows[part].start]
        before = int(np.searchsorted(dataset.events.t, first, "right"))
        assert getattr(split, part).start <= before < getattr(split, part).stop
    assert rows["valid"].stop == rows["test"].start


def test_forecasters_are_the_loops_of_the_benchmark() -> None:
    rng = np.random.default_rng(0)
    last, average = LastLabel(), LabelAverage(window=7)
    known_last: dict[int, Any] = {}
    known_average: dict[int, Any] = {}
    for model in (last, average):
        model.fit(6, 4)
    for _ in range(30):
        nodes = rng.permutation(6)[:3]
        truth = rng.random((3, 4)).astype(np.float32)
        for row, node in enumerate(nodes.tolist()):
            np.testing.assert_allclose(last.predict(nodes)[row], known_last.get(node, np.zeros(4)))
            np.testing.assert_allclose(average.predict(nodes)[row], known_average.get(node, np.zeros(4)), rtol=1e-5)
        for row, node in enumerate(nodes.tolist()):
            known_last[node] = truth[row]
            mean = known_average.get(node)
            known_average[node] = truth[row] if mean is None else (mean * 6 + truth[row]) / 7
        last.observe(nodes, truth)
        average.observe(nodes, truth)
    with pytest.raises(ConfigError, match="window"):
        LabelAverage(window=0.5)


def cell(model: str, *more: str) -> float:
    found = score_node_stream(
        RunSpec().with_overrides(["data.name=drifting-affinities", f"scorer.name={model}", *more])
    )
    assert found.test is not None
    return found.test


def test_tastes_that_stay_are_known_and_those_that_do_not_are_not() -> None:
    many = ["data.options.events=400", "data.options.periods=12", "data.options.users=20"]
    stays = cell("label-average", "data.options.stay=1.0", *many)
    drifts = cell("label-average", "data.options.stay=0.0", *many)
    assert stays > 0.97 > 0.75 > drifts
    few = ["data.options.events=4", "data.options.stay=1.0"]
    assert cell("label-average", *few) > cell("last-label", *few) + 0.03


def test_the_value_is_the_mean_over_times_of_the_mean_over_nodes() -> None:
    dataset: Any = load_dataset("drifting-affinities")
    labels, rows = dataset.labels, dataset.label_rows(dataset.split())
    model, scores = LastLabel(), np.zeros((len(labels), labels.num_classes))
    model.fit(dataset.num_nodes, labels.num_classes)
    for start, stop in zip(labels.moments[:-1], labels.moments[1:], strict=True):
        own = slice(int(start), int(stop))
        scores[own] = model.predict(labels.node[own])
        model.observe(labels.node[own], labels.dense(own))
    own = rows["test"]
    due = ndcg_at(10, scores[own], labels.dense(own), groups=labels.t[own], empty="zero").value
    assert cell("last-label") == pytest.approx(due, abs=1e-12)
