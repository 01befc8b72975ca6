from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from graphkit.bench.matrix import plan
from graphkit.bench.store import Log, Store, save_result
from graphkit.bench.worker import failed_result
from graphkit.config import RunSpec
from graphkit.errors import CacheError


def record() -> object:
    return failed_result(RunSpec().with_overrides(["data.name=karate", "protocol=generator"]), "gcn", "it\nbroke")


def test_a_full_disk_leaves_the_old_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_result(tmp_path, record())  # type: ignore[arg-type]
    before = (tmp_path / "result.json").read_text()
    assert "it broke" in before

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CacheError, match="No space left"):
        save_result(tmp_path, record())  # type: ignore[arg-type]
    assert (tmp_path / "result.json").read_text() == before
    assert [path.name for path in tmp_path.iterdir()] == ["result.json"]


def test_a_results_folder_under_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("")
    (job,) = plan(["karate"], ["gcn"], [0])
    with pytest.raises(CacheError, match="-o"), Store(tmp_path / "runs").claimed(job, 0):
        pass


def test_a_log_goes_on_where_it_ended(tmp_path: Path) -> None:
    for number in range(2):
        log = Log(tmp_path)
        log.write({"event": "epoch", "epoch": number})
        log.close()
    assert len((tmp_path / "log.jsonl").read_text().splitlines()) == 2


def test_a_record_is_kept_even_where_the_run_died_before_its_folder(tmp_path: Path) -> None:
    save_result(tmp_path / "new" / "seed-0", record())  # type: ignore[arg-type]
    assert (tmp_path / "new" / "seed-0" / "result.json").exists()


def test_edited_code_of_ones_own_is_a_new_cell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    source = tmp_path / "edited_model.py"
    folders = []
    for width in (4, 5):
        source.write_text(f"class Mine:\n    def __init__(self, in_channels, out_channels, width={width}): ...\n")
        (job,) = plan(["karate"], ["edited_model:Mine"], [0])
        folders.append(Store(tmp_path / "runs").job_folder(job))
    assert folders[0] != folders[1] and ":" not in folders[0].name
