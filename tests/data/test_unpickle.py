from __future__ import annotations

import collections
import os
import pickle
import pickletools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import sparse

from graphkit.data.raw import LocalFile
from graphkit.data.unpickle import safe_load
from graphkit.errors import DataError, UnsafePickleError


class Evil:
    def __init__(self, call: Any, *arguments: Any) -> None:
        self.reduced = call, arguments

    def __reduce__(self) -> Any:
        return self.reduced


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize(
    "array",
    [
        np.arange(6, dtype=np.float32).reshape(2, 3),
        np.asfortranarray(np.arange(6, dtype=np.int32).reshape(2, 3)),
        np.arange(3, dtype=">i4"),
        np.array([True, False]),
        np.empty((0, 4)),
    ],
)
def test_arrays_survive(array: np.ndarray[Any, Any], protocol: int) -> None:
    loaded = safe_load(pickle.dumps(array, protocol=protocol))
    np.testing.assert_array_equal(loaded, array)
    assert loaded.dtype == array.dtype.newbyteorder("=") and loaded.flags.writeable


def test_matrices_and_graphs_survive() -> None:
    matrix = sparse.random(20, 30, 0.1, format="csr", random_state=0, dtype=np.float32)
    loaded = safe_load(pickle.dumps(matrix, protocol=2))
    assert abs(loaded - matrix).nnz == 0 and loaded.dtype == np.float32
    graph = collections.defaultdict(list, {0: [1, 2], 1: [0]})
    assert safe_load(pickle.dumps(graph, protocol=2)) == graph


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_numbers_survive(protocol: int) -> None:
    numbers = [np.int64(-3), np.float32(0.5), np.uint8(200), np.bool_(True)]
    loaded = safe_load(pickle.dumps({(numbers[0], 1): numbers}, protocol=protocol))
    assert loaded == {(-3, 1): [-3, 0.5, 200, True]} and type(loaded[-3, 1][0]) is int
    text = np.str_("text")
    with pytest.raises((UnsafePickleError, DataError)):
        safe_load(pickle.dumps(text, protocol=protocol))
    with pytest.raises(DataError, match="more than 10 bytes"):
        safe_load(pickle.dumps(numbers), max_bytes=10)


def test_python_2_names_and_bytes() -> None:
    old = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntS'b'\ntR(I1\n(I2\ntcnumpy\ndtype\n"
    old += b"(S'i2'\nI0\nI1\ntR(I3\nS'<'\nNNNI-1\nI-1\nI0\ntbI00\nS'\\x01\\x00\\xff\\x00'\ntb."
    np.testing.assert_array_equal(safe_load(old), [1, 255])


@pytest.mark.parametrize(
    "evil",
    [
        Evil(os.system, "touch evil"),
        Evil(eval, "1"),
        Evil(np.load, "evil"),
        Evil(getattr, "text", "upper"),
        Evil(np.dtype, "O"),
        collections.OrderedDict(),
    ],
)
def test_anything_else_is_refused_before_it_runs(evil: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises((UnsafePickleError, DataError)) as caught:
        safe_load(pickle.dumps([1, evil] if isinstance(evil, dict) else evil, protocol=2))
    assert caught.value.exit_code == 3 and not (tmp_path / "evil").exists()


def test_os_system_is_named(tmp_path: Path) -> None:
    path = tmp_path / "ind.cora.x"
    path.write_bytes(pickle.dumps(Evil(os.system, "true")))
    with pytest.raises(
        UnsafePickleError, match=r"ind\.cora\.x: the pickle names posix\.system.*nothing of it was executed"
    ):
        safe_load(path)


@pytest.mark.parametrize("dtype", [object, [("a", "f4"), ("b", "f4")], "U3", "datetime64[s]"])
def test_only_arrays_of_plain_numbers(dtype: Any) -> None:
    with pytest.raises((UnsafePickleError, DataError)):
        safe_load(pickle.dumps(np.zeros(2, dtype=dtype), protocol=2))


def test_lying_arrays_and_matrices_are_data_errors() -> None:
    honest = pickle.dumps(np.arange(4, dtype=np.int64), protocol=2)
    with pytest.raises(DataError, match="damaged or cut short"):
        safe_load(honest.replace(b"K\x04\x85", b"K\x7f\x85", 1))
    matrix = sparse.eye(3, format="csr")
    matrix.indices[1] = 7
    with pytest.raises(DataError):
        safe_load(pickle.dumps(matrix, protocol=2))


def test_truncated_and_foreign_files(tmp_path: Path) -> None:
    path = tmp_path / "ind.cora.y"
    path.write_bytes(pickle.dumps(np.arange(100), protocol=2)[:-50])
    with pytest.raises(DataError, match=r"ind\.cora\.y is damaged or cut short"):
        safe_load(path)
    with pytest.raises(DataError):
        safe_load(b"<html>moved</html>")


def test_persistent_ids_and_extensions_are_refused() -> None:
    with pytest.raises(UnsafePickleError, match="outside object"):
        safe_load(b"Psomewhere\n.")


@pytest.mark.mirror
@pytest.mark.parametrize("name", ["Cora", "CiteSeer"])
def test_planetoid_files_equal_the_unrestricted_reading(name: str, mirror: Path) -> None:
    for path in sorted((mirror / "citation" / name / "raw").glob("ind.*[!x]")):
        content = path.read_bytes()
        allowed = {"numpy", "numpy.core.multiarray", "scipy.sparse.csr", "collections", "__builtin__"}
        names = {str(arg).split()[0] for op, arg, _ in pickletools.genops(content) if op.name == "GLOBAL"}
        assert names <= allowed  # so that the plain unpickler below is safe
        ours, theirs = safe_load(LocalFile(path)), pickle.loads(content, encoding="latin1")
        if isinstance(theirs, dict):
            assert ours == theirs
        else:
            assert ours.dtype == theirs.dtype and abs(ours - theirs).sum() == 0
