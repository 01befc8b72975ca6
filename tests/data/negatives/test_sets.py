from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphkit.data.negatives import KINDS, NegativeSet, Positives
from graphkit.errors import DataError, ProtocolError, ShapeError, UnknownNameError

POSITIVES = Positives([0, 1, 0], [5, 6, 7], [10, 20, 20], event=[3, 4, 9])
RAGGED: list[list[int]] = [[6, 7], [5, 7, 8], [8]]


def ragged(kind: str = "uniform", rows: list[list[int]] = RAGGED, **more: Any) -> NegativeSet:
    return NegativeSet(kind, np.concatenate(rows), np.cumsum([0, *map(len, rows)]), **{"positives": POSITIVES, **more})


def test_rows_matrix_and_counts() -> None:
    made = ragged()
    assert len(made) == 3 and made.counts.tolist() == [2, 3, 1]
    values, offsets = made.rows(slice(1, 3))
    assert values.tolist() == [5, 7, 8, 8] and offsets.tolist() == [0, 3, 4]
    values, offsets = made.rows([2, 0, 2])
    assert values.tolist() == [8, 6, 7, 8] and offsets.tolist() == [0, 1, 3, 4]
    assert made.candidates.tolist() == [[6, 7, -1], [5, 7, 8], [8, -1, -1]]
    assert made.rows(slice(0, 0))[1].tolist() == [0] and made.rows([])[1].tolist() == [0]
    assert repr(made) == "NegativeSet('uniform', 3 positives, 1 to 3 candidates each)"


def test_even_rows_are_views() -> None:
    made = NegativeSet.of_matrix("uniform", np.arange(20).reshape(4, 5))
    assert np.shares_memory(made.candidates, made.values) and made.candidates.shape == (4, 5)
    assert np.shares_memory(made.rows(slice(1, 3))[0], made.values)
    assert made.rows([3, 1])[0].tolist() == [15, 16, 17, 18, 19, 5, 6, 7, 8, 9]


def test_a_rectangle_with_counts_is_the_ragged_set() -> None:
    made = NegativeSet.of_matrix("uniform", ragged().candidates, positives=POSITIVES, counts=[2, 3, 1])
    assert made == ragged() and hash(made) == hash(ragged())


def test_links_keep_their_sources() -> None:
    made = NegativeSet.of_matrix("heart", [[[0, 4], [3, 5]], [[1, 4], [2, 6]]])
    assert made.values.tolist() == [4, 5, 4, 6] and made.source_rows(slice(1, 2))[0].tolist() == [1, 2]
    assert ragged().source_rows([2, 1])[0].tolist() == [0, 1, 1, 1]
    with pytest.raises(DataError, match="carry no positives"):
        NegativeSet.of_matrix("uniform", [[1]]).source_rows(slice(None))


def test_small_ids_take_four_bytes_and_the_value_is_frozen() -> None:
    table = np.array([[1, 2]])
    made = NegativeSet.of_matrix("uniform", table, {"seed": 0})
    table[0, 0] = 9
    assert made.values.dtype == np.int32 and made.values.tolist() == [1, 2]
    assert NegativeSet.of_matrix("uniform", [[1 << 40]]).values.dtype == np.int64
    with pytest.raises(ValueError, match="read-only"):
        made.values[0] = 3
    with pytest.raises(AttributeError, match="frozen"):
        made.kind = "historical"
    with pytest.raises(TypeError):
        made.parameters["seed"] = 1  # type: ignore[index]


def test_the_hash_changes_with_everything_that_matters() -> None:
    sets = [
        ragged(),
        ragged(kind="published"),
        ragged(parameters={"seed": 0}),
        ragged(parameters={"seed": 1}),
        ragged(positives=None),
        ragged(positives=Positives(POSITIVES.src, POSITIVES.dst)),
        ragged(num_nodes=9),
        ragged(rows=[[7, 6], [5, 7, 8], [8]]),
        ragged(rows=[[6], [7, 5, 7, 8], [8]]),
        ragged(sources=[0] * 6),
    ]
    assert len({made.sha256 for made in sets}) == len(sets)
    assert ragged(parameters={"a": 1, "b": 2}) == ragged(parameters={"b": 2, "a": 1})
    assert ragged() != ragged(parameters={"seed": 0}) and ragged() != "text"


def test_copies_and_other_processes_get_the_same_set() -> None:
    made = ragged(parameters={"seed": 0})
    for again in (pickle.loads(pickle.dumps(made)), copy.deepcopy(made)):
        assert again == made and again.find([1], [6], [20]).tolist() == [1] and dict(again.parameters) == {"seed": 0}


def test_the_hash_is_pinned() -> None:
    assert ragged(parameters={"seed": 0}).sha256[:16] == "a8a8e09b890cff94"


@pytest.mark.parametrize("kind", ["historical", "inductive", "hist_rnd", "tgb-all", "heart-clean"])
def test_kinds_that_forbid_the_positive_refuse_it(kind: str) -> None:
    assert len(ragged(kind)) == 3 and kind in KINDS
    with pytest.raises(ProtocolError, match=r"row 1 holds its own positive \(1, 6\)"):
        ragged(kind, [[6, 7], [5, 6], [8]])


def test_other_kinds_refuse_it_when_they_promise_to() -> None:
    rows = [[5], [5], [5]]
    assert len(ragged(rows=rows)) == 3
    with pytest.raises(ProtocolError, match="row 0"):
        ragged(rows=rows, parameters={"filtered": True})
    assert len(ragged(rows=rows, parameters={"filtered": True}, sources=[2, 2, 2])) == 3
    with pytest.raises(ProtocolError, match="row 0"):
        ragged(rows=rows, parameters={"filtered": True}, sources=[0, 2, 2])


@pytest.mark.parametrize(
    ("error", "match", "make"),
    [
        (UnknownNameError, "did you mean 'uniform'", lambda: ragged("unifrom")),
        (DataError, "-1", lambda: ragged(rows=[[-1], [1], [1]])),
        (DataError, "node 8 at place 4 of a graph with 8", lambda: ragged(num_nodes=8)),
        (DataError, "row 1 has no candidates", lambda: NegativeSet("uniform", [1, 2], [0, 1, 1, 2])),
        (DataError, "at least one candidate", lambda: NegativeSet("uniform", np.empty(0, int), [0, 0])),
        (ShapeError, "node numbers", lambda: NegativeSet("uniform", [1.5], [0, 1])),
        (ShapeError, "rise from 0", lambda: NegativeSet("uniform", [1, 2], [0, 3])),
        (ShapeError, "rise from 0", lambda: NegativeSet("uniform", [1, 2], [0, 2, 1, 2])),
        (ShapeError, "offsets", lambda: NegativeSet("uniform", [1], [0])),
        (ShapeError, "belong to 3 positives", lambda: ragged(rows=[[6], [7]])),
        (ShapeError, "have 2 sources", lambda: ragged(sources=[1, 2])),
        (ShapeError, r"\[B, K\]", lambda: NegativeSet.of_matrix("uniform", [1, 2])),
        (ShapeError, "counts", lambda: NegativeSet.of_matrix("uniform", [[1, 2]], counts=[3])),
        (ShapeError, "step 2", lambda: ragged().rows(slice(0, 3, 2))),
        (ShapeError, "asked for 0 to 3", lambda: ragged().rows([0, 3])),
        (ShapeError, "asked for -1", lambda: ragged().rows([-1])),
        (DataError, "JSON", lambda: ragged(parameters={"seed": np.int64(3)})),
        (DataError, "JSON", lambda: ragged(parameters={"ratio": float("nan")})),
        (DataError, "carry no positives", lambda: ragged(positives=None).find([0], [5], [10])),
    ],
)
def test_bad_input_is_one_clear_error(error: type[Exception], match: str, make: Any) -> None:
    with pytest.raises(error, match=match):
        make()


@settings(deadline=None)
@given(st.lists(st.lists(st.integers(0, 50), min_size=1, max_size=6), min_size=1, max_size=8), st.data())
def test_any_rows_come_back(rows: list[list[int]], data: st.DataObject) -> None:
    made = ragged(rows=rows, positives=None)
    picked = data.draw(st.lists(st.integers(0, len(rows) - 1), max_size=5))
    values, offsets = made.rows(np.array(picked, dtype=int))
    assert [values[a:b].tolist() for a, b in zip(offsets[:-1], offsets[1:], strict=True)] == [rows[i] for i in picked]
    start, stop = sorted(data.draw(st.tuples(st.integers(0, len(rows)), st.integers(0, len(rows)))))
    assert made.rows(slice(start, stop))[0].tolist() == sum(rows[start:stop], [])
    again = NegativeSet.of_matrix("uniform", made.candidates, counts=made.counts)
    assert again == made
