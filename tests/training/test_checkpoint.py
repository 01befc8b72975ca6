from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch

from graphkit.errors import CacheError
from graphkit.training.checkpoint import Checkpoint, CheckpointFile, optimizer_tensors, restore_optimizer


def state(epoch: int, size: int = 8) -> Checkpoint:
    return Checkpoint({"w": torch.full((size,), float(epoch))}, {"epoch": epoch, "none": None})


def epoch_of(path: Path) -> int | None:
    loaded = CheckpointFile(path).load()
    return None if loaded is None else loaded.meta["epoch"]


def test_the_newest_of_many_saves_is_loaded(tmp_path: Path) -> None:
    file = CheckpointFile(tmp_path / "last.ckpt")
    for epoch in range(5):
        file.save(state(epoch))
        loaded = CheckpointFile(file.path).load()
        assert loaded is not None and loaded.meta == {"epoch": epoch, "none": None}
        assert torch.equal(loaded.tensors["w"], torch.full((8,), float(epoch)))


def test_a_missing_file_is_no_checkpoint(tmp_path: Path) -> None:
    assert epoch_of(tmp_path / "none.ckpt") is None


@pytest.mark.parametrize("cut", [0, 5, 27, 28, 40])
def test_a_write_cut_short_leaves_the_epoch_before(tmp_path: Path, cut: int, monkeypatch: pytest.MonkeyPatch) -> None:
    file = CheckpointFile(tmp_path / "last.ckpt")
    for epoch in range(3):
        file.save(state(epoch))
    pwrite = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda fd, data, offset: pwrite(fd, data[:cut], offset))
    file.save(state(3))
    assert epoch_of(file.path) == 2


def test_saving_goes_on_in_a_fresh_process(tmp_path: Path) -> None:
    CheckpointFile(tmp_path / "last.ckpt").save(state(0))
    again = CheckpointFile(tmp_path / "last.ckpt")
    assert again.load() is not None
    again.save(state(1))
    assert epoch_of(again.path) == 1


def test_slots_grow_without_losing_the_old_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = CheckpointFile(tmp_path / "last.ckpt")
    file.save(state(0))
    file.save(state(1, size=100_000))
    assert epoch_of(file.path) == 1
    monkeypatch.setattr(os, "pwrite", lambda *_: 0)
    file.save(state(2, size=500_000))
    assert epoch_of(file.path) == 1


def test_a_full_disk_is_one_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "pwrite", full)
    with pytest.raises(CacheError, match="last.ckpt: No space left"):
        CheckpointFile(tmp_path / "last.ckpt").save(state(0))


def test_adam_goes_on_bit_for_bit() -> None:
    def make() -> tuple[torch.nn.Linear, torch.optim.Optimizer]:
        torch.manual_seed(0)
        model = torch.nn.Linear(3, 2)
        return model, torch.optim.Adam(model.parameters(), lr=0.1, fused=True)

    def step(model: torch.nn.Linear, optimizer: torch.optim.Optimizer) -> None:
        optimizer.zero_grad()
        model(torch.ones(1, 3)).square().sum().backward()
        optimizer.step()

    (one, one_optimizer), (two, two_optimizer) = make(), make()
    for _ in range(3):
        step(one, one_optimizer)
    two.load_state_dict(one.state_dict())
    restore_optimizer(two_optimizer, {k: v.clone() for k, v in optimizer_tensors(one_optimizer).items()})
    step(one, one_optimizer)
    step(two, two_optimizer)
    assert torch.equal(one.weight, two.weight)
