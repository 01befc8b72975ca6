from __future__ import annotations

import pickle
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from graphkit.bench.predictions import NODE_KEYS, RANKED_KEYS, Predictions, read_predictions
from graphkit.bench.ranked import Due, score_links, score_parts
from graphkit.bench.scoring import keep, score_examples, score_files
from graphkit.data import Split, load_dataset
from graphkit.errors import ConfigError, DataError, GraphkitError, NonFiniteScores, ProtocolError, ShapeError
from graphkit.evaluation import PROTOCOLS, evaluate, hits_at, mrr
from graphkit.evaluation.summaries import aggregate

KARATE = load_dataset("karate")
SPLIT = KARATE.split()
GOOD = np.random.default_rng(0).normal(size=(34, KARATE.num_outputs))


def save(folder: Path, name: str = "mine.npz", **arrays: Any) -> Path:
    np.savez(folder / name, **arrays)
    return folder / name


def test_nodes_are_scored_as_graphkit_scores_its_own(tmp_path: Path) -> None:
    (result,) = score_files([save(tmp_path, scores=GOOD)], "karate")
    assert result.test == evaluate("accuracy", GOOD[SPLIT.test], KARATE.raw.y[SPLIT.test])
    assert result.valid == evaluate("accuracy", GOOD[SPLIT.valid], KARATE.raw.y[SPLIT.valid])
    assert (result.model, result.protocol, result.metric, result.seed) == ("mine", "generator", "accuracy", 0)
    assert result.protocol_hash == PROTOCOLS["generator"].hash and result.split_sha256 == SPLIT.sha256
    assert result.dataset_fingerprint == KARATE.fingerprint
    assert len(result.evaluation["predictions"]["sha256"]) == 64
    assert type(result).from_json(result.to_json()) == result


def test_rows_may_come_with_an_index_in_any_order(tmp_path: Path) -> None:
    index = np.random.default_rng(1).permutation(SPLIT.test)
    (some,) = score_files([save(tmp_path, "some.npz", scores=GOOD[index], index=index)], "karate")
    (all_,) = score_files([save(tmp_path, "all.npz", scores=GOOD.astype(np.float32))], "karate")
    assert (some.test, some.valid) == (all_.test, None)


def test_files_are_seeds_and_have_a_mean(tmp_path: Path) -> None:
    paths = [save(tmp_path, f"{k}.npz", scores=np.roll(GOOD, k, axis=0)) for k in range(3)]
    results = score_files(paths, "karate", model="other", seeds=[2, 5, 7])
    (row,) = aggregate(results)
    assert row.seeds == (2, 5, 7) and row.model == "other"
    assert row.test_mean == pytest.approx(np.mean([result.test for result in results]))


def predictions(**arrays: Any) -> Predictions:
    return Predictions(Path("p.npz"), "0" * 64, {name: np.asarray(array) for name, array in arrays.items()})


def test_graphs_with_many_labels_and_values_are_examples_too() -> None:
    split = Split("ogb", 0, [0, 1], [2], [3, 4])
    labels = np.array([[0, 1.0], [1, 0], [1, np.nan], [0, 1], [1, 0]])
    scores = labels * 2 - 1 + np.zeros((5, 2))
    scores[np.isnan(scores)] = 0
    assert score_examples(predictions(scores=scores), labels, split, "multilabel", 2, "accuracy") == (1.0, 1.0)
    values = np.arange(5.0)[:, None]
    for shifted in (values + 0.5, (values + 0.5)[:, 0]):
        assert score_examples(predictions(scores=shifted), values, split, "regression", 1, "mae") == (0.5, 0.5)
    yes = predictions(scores=np.array([-1.0, 2]), index=np.array([4, 3]))
    assert score_examples(yes, np.array([0, 1, 1, 1, 0]), split, "binary", 1, "roc-auc") == (1.0, None)


BAD: list[tuple[dict[str, Any], type[GraphkitError], str]] = [
    ({"score": GOOD}, ConfigError, "did you mean 'scores'"),
    ({"index": np.arange(34)}, ShapeError, "lacks the array 'scores'; it holds index"),
    ({"scores": GOOD[:5]}, ShapeError, "5 rows of scores for 34 examples; add `index`"),
    ({"scores": GOOD[:, :1]}, ShapeError, r"scores take \[R, 2\] for multiclass labels, got \[34, 1\]"),
    ({"scores": GOOD[:, 0]}, ShapeError, r"got \[34\]"),
    ({"scores": GOOD[None]}, ShapeError, r"got \[1, 34, 2\]"),
    ({"scores": GOOD[:5], "index": np.arange(5)}, ShapeError, "test examples of .* have no scores"),
    ({"scores": GOOD, "index": np.arange(5)}, ShapeError, "index names 5 examples for 34 rows"),
    ({"scores": GOOD, "index": np.zeros(34, int)}, ShapeError, "index names an example twice"),
    ({"scores": GOOD, "index": np.arange(1, 35)}, ShapeError, r"index must be 0\.\.33, got 1\.\.34"),
    ({"scores": GOOD, "index": np.arange(34.0)}, ShapeError, "index takes whole numbers"),
    ({"scores": np.where(GOOD > 2, np.nan, np.where(GOOD < 1, np.inf, GOOD))}, NonFiniteScores, "NaN or infinite"),
    ({"scores": GOOD.astype(str)}, ShapeError, "takes real numbers"),
    ({"scores": GOOD.astype(complex)}, ShapeError, "takes real numbers"),
    ({"scores": np.array([{"a": 1}], dtype=object)}, DataError, "pickled objects"),
]


@pytest.mark.parametrize(("arrays", "error", "message"), BAD)
def test_bad_arrays_are_one_clear_error(
    tmp_path: Path, arrays: dict[str, Any], error: type[GraphkitError], message: str
) -> None:
    with pytest.raises(error, match=message) as caught:
        score_files([save(tmp_path, **arrays)], "karate")
    assert "mine.npz" in str(caught.value)


def test_nothing_in_a_file_is_ever_executed(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> Any:
            return (Path.touch, (tmp_path / "touched",))

    np.savez(tmp_path / "trap.npz", scores=np.array([Trap()], dtype=object))
    (tmp_path / "raw.npz").write_bytes(pickle.dumps(Trap()))
    for name in ("trap.npz", "raw.npz"):
        with pytest.raises(DataError):
            read_predictions(tmp_path / name, NODE_KEYS)
    assert not (tmp_path / "touched").exists()


def test_files_that_are_none(tmp_path: Path) -> None:
    np.save(tmp_path / "array.npy", GOOD)
    good = save(tmp_path, scores=GOOD)
    (tmp_path / "cut.npz").write_bytes(good.read_bytes()[:-40])
    with zipfile.ZipFile(tmp_path / "zip.npz", "w") as archive:
        archive.writestr("scores.npy", b"no array")
    for name, message in {
        "none.npz": "No such file",
        ".": "cannot read",
        "array.npy": "no .npz file",
        "cut.npz": "no .npz file|damaged",
        "zip.npz": "damaged|pickled",
    }.items():
        with pytest.raises(DataError, match=message):
            read_predictions(tmp_path / name, NODE_KEYS)


def test_wrong_pairings(tmp_path: Path) -> None:
    path = save(tmp_path, scores=GOOD)
    for arguments, error, message in [
        ({"dataset": "karatte"}, ConfigError, "did you mean 'karate'"),
        ({"dataset": "karate", "protocol": "tgb-lnk"}, ConfigError, "did you mean 'tgb-link'"),
        ({"dataset": "karate", "protocol": "ogb"}, ProtocolError, "has no protocol 'ogb'; it has generator"),
        ({"dataset": "karate", "protocol": "ogbn"}, ConfigError, "is called 'ogb' now"),
        ({"dataset": "karate", "seeds": [0, 1]}, ConfigError, "1 prediction files and 2 seeds"),
        ({"dataset": "karate", "seeds": [-1]}, ConfigError, "not negative"),
        ({"dataset": "karate", "model": "../x"}, ConfigError, "letters, digits"),
    ]:
        with pytest.raises(error, match=message):
            score_files([path], **arguments)
    with pytest.raises(ConfigError, match="0 prediction files"):
        score_files([], "karate")


def test_records_are_kept_and_never_overwritten(tmp_path: Path) -> None:
    first = score_files([save(tmp_path, scores=GOOD)], "karate", model="m")
    (path,) = keep(first, tmp_path / "out")
    assert path.parent.name == "seed-0" and path.parents[2].name == "m"
    assert keep(first, tmp_path / "out") == [path]
    other = score_files([save(tmp_path, scores=-GOOD)], "karate", model="m")
    for target in (tmp_path / "out", path):
        with pytest.raises(ConfigError, match="holds another record"):
            keep(other, target)
    assert keep(other, tmp_path / "one.json") == [tmp_path / "one.json"]
    with pytest.raises(ConfigError, match="one file for 2 records"):
        keep([*first, *other], tmp_path / "two.json")


RNG = np.random.default_rng(0)
POS, SHARED, OWN = RNG.normal(size=6), RNG.normal(size=50), RNG.normal(size=(6, 30))


def dues(counts: Any, positives: int = 6) -> dict[str, Due]:
    return {part: Due(part, positives, counts, f"{part}-digest") for part in ("valid", "test")}


def test_shared_own_and_ragged_negatives() -> None:
    ogb, link = PROTOCOLS["ogb"], PROTOCOLS["tgb-link"]
    test, valid, how = score_parts(predictions(pos=POS, neg=SHARED), dues(50), ogb, "hits@20")
    assert (test, valid) == (hits_at(20, POS, SHARED, "strict", shared=True).value, None)
    assert how["ties"] == "strict" and how["negatives"] == "test-digest" and "batch_size" not in how
    assert how["negatives_per_positive"] == {"valid": 50, "test": 50}
    counts = np.full(6, 30)
    test, _, how = score_parts(predictions(pos=POS, neg=OWN), dues(counts), link, "mrr")
    assert test == mrr(POS, OWN).value and how["ties"] == "average" and how["batch_size"] == 200
    counts[2] = 29
    ragged = np.concatenate([OWN[:2].ravel(), OWN[2, 1:], OWN[3:].ravel()])
    offsets = np.concatenate([[0], np.cumsum(counts)])
    both = predictions(pos=POS, neg=ragged, offsets=offsets, valid_pos=POS, valid_neg=ragged, valid_offsets=offsets)
    test, valid, how = score_parts(both, dues(counts), link, "mrr")
    assert test == valid == mrr(POS, (ragged, offsets)).value
    assert how["negatives_per_positive"]["test"] == {"29": 1, "30": 5}


def test_pairs_are_pooled_or_averaged_over_batches_as_the_protocol_says() -> None:
    given = predictions(pos=np.linspace(0, 1, 400), neg=np.linspace(-0.1, 0.9, 400))
    due = dues(np.full(400, 1), 400)
    labels, scores = np.repeat([1, 0], 400), np.concatenate([given.arrays["pos"], given.arrays["neg"]])
    values = []
    for name in ("dyglib-ap", "dyglib-ap-per-batch"):
        matrix = predictions(pos=given.arrays["pos"], neg=given.arrays["neg"][:, None])
        values.append(score_parts(matrix, due, PROTOCOLS[name], PROTOCOLS[name].metric)[0])
    assert values[0] == evaluate("average-precision", scores, labels) < values[1]


def test_links_take_the_negatives_of_their_split() -> None:
    pairs, negatives = np.zeros((2, 6), dtype=np.int64), np.zeros((2, 50), dtype=np.int64)
    split = SimpleNamespace(
        test=pairs,
        valid=pairs,
        test_negatives=negatives,
        valid_negatives=negatives,
        shared=lambda part: True,
        negatives_sha256=lambda part: f"{part}-digest",
    )
    test, _, how = score_links(predictions(pos=POS, neg=SHARED), None, split, PROTOCOLS["seal-10"], "roc-auc")
    assert test == evaluate("roc-auc", np.concatenate([POS, SHARED]), np.repeat([1, 0], [6, 50]))
    assert how["negatives_per_positive"] == {"valid": 50, "test": 50}


@pytest.mark.parametrize(
    ("arrays", "counts", "message"),
    [
        ({"neg": SHARED}, 50, "lacks the array 'pos'"),
        ({"pos": POS}, 50, "lacks the array 'neg'"),
        ({"pos": POS[:5], "neg": SHARED}, 50, r"pos takes \[6\].*got \[5\]"),
        ({"pos": POS[:, None], "neg": SHARED}, 50, r"got \[6, 1\]"),
        ({"pos": POS, "neg": SHARED[:49]}, 50, r"neg takes \[50\], shared by all positives.*got \[49\]"),
        ({"pos": POS, "neg": OWN}, 50, r"got \[6, 30\]"),
        ({"pos": POS, "neg": SHARED}, np.full(6, 50), r"neg takes \[6, 50\]"),
        ({"pos": POS, "neg": OWN[:, :29]}, np.full(6, 30), r"got \[6, 29\]"),
        ({"pos": POS, "neg": OWN}, np.array([30, 29, 30, 30, 30, 30]), r"\[179\] with offsets \[7\] \(29 to 30 a"),
        ({"pos": POS, "neg": OWN.ravel(), "offsets": np.arange(0, 181, 30)[::-1]}, np.full(6, 30), "with offsets"),
        ({"pos": POS, "neg": OWN.ravel(), "offsets": np.arange(6)}, np.full(6, 30), r"with offsets \[6\]"),
        ({"pos": POS, "neg": SHARED, "valid_pos": POS}, 50, "lacks the array 'valid_neg'"),
    ],
)
def test_missing_and_superfluous_scores_are_named(arrays: dict[str, Any], counts: Any, message: str) -> None:
    with pytest.raises(ShapeError, match=message):
        score_parts(predictions(**arrays), dues(counts), PROTOCOLS["tgb-link"], "mrr")
    assert set(arrays) <= set(RANKED_KEYS)
