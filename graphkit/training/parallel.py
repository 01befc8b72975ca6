"""Data-parallel training of one run: processes that share the examples of every batch, through Lightning Fabric's DDP.

Every process draws the same batch, trains on its share of it and weighs its mean loss by that share, so that the mean
of the gradients is the gradient of the whole batch: the run is the one of a single process up to rounding, and up to
draws inside the model (dropout), which every process makes for its own examples.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import pickle
import signal
import tempfile
import time
from collections.abc import Callable
from typing import Any, TypeVar

import psutil
import torch
from torch import Tensor, nn
from torch.multiprocessing.spawn import ProcessRaisedException

from graphkit.errors import ConfigError, RunFailed
from graphkit.runtime import leave_with_parent

T = TypeVar("T")
_PATIENCE = 5.0
"""Seconds that a child may take for what takes milliseconds."""


class Team:
    """The processes of one run, seen from one of them.

    Args:
        fabric: a launched `lightning_fabric.Fabric`.
    """

    def __init__(self, fabric: Any) -> None:
        self.fabric, self.rank, self.size = fabric, int(fabric.global_rank), int(fabric.world_size)

    @property
    def share(self) -> tuple[int, int]:
        """Which part of a batch is this process's: its number, and how many there are."""
        return self.rank, self.size

    def wrap(self, model: nn.Module) -> nn.Module:
        """Returns the model whose backward pass averages gradients over all processes.

        Raises:
            ConfigError: it has batch normalisation, whose statistics would be those of a share.
        """
        for name, module in model.named_modules():
            if isinstance(module, nn.modules.batchnorm._BatchNorm):
                raise ConfigError(
                    f"{name} is batch normalisation, which would see a share of the batch in every process; choose "
                    "another norm, or train in one process"
                )
        wrapped: nn.Module = self.fabric.setup_module(model)
        return wrapped

    def weigh(self, loss: Tensor, examples: int) -> tuple[Tensor, float, int]:
        """Returns the loss whose gradients average to those of the whole batch; and its value and its size."""
        sums = torch.stack([loss.detach() * examples, loss.new_tensor(float(examples))]).double()
        total = self.fabric.all_reduce(sums, reduce_op="sum")
        return loss * (examples * self.size / float(total[1])), float(total[0] / total[1]), int(total[1])


def launch(run: Callable[[Team], T], devices: int, device: str = "cpu") -> T:
    """Runs a function in every one of `devices` processes, forks of this one, and returns what the first gave.

    Args:
        run: called with each process's `Team`; all must take the same steps. What it returns must be picklable.
        devices: number of processes.
        device: `cpu`, or `cuda` for one accelerator a process.

    Raises:
        ConfigError: Lightning Fabric is missing.

    Example:
        >>> launch(lambda team: team.size, 2)  # doctest: +SKIP
        2
    """
    try:
        from lightning_fabric import Fabric
        from lightning_fabric.strategies.ddp import DDPStrategy
    except ImportError as error:
        raise ConfigError(f"--devices {devices} needs lightning-fabric: pip install 'graphkit[dist]'") from error
    logging.getLogger("lightning_fabric").setLevel(logging.ERROR)  # it announces every process
    threads, parent = max(1, torch.get_num_threads() // devices), os.getpid()
    if threads > 1 and not _forks_can_share_work():
        threads = 1
    others = {child.pid for child in psutil.Process().children()}
    # parameters that a batch does not reach are common in graphs of many kinds
    strategy = DDPStrategy(start_method="fork", find_unused_parameters=True)
    fabric = Fabric(accelerator=device.split(":")[0], devices=devices, strategy=strategy)
    errors: Any = multiprocessing.get_context("fork").SimpleQueue()
    # Fabric's own way back is a pipe that nobody reads before the processes have ended: a large answer would block it
    answer = tempfile.TemporaryFile()  # noqa: SIM115  (closed below)

    def member(fabric: Any) -> None:
        leave_with_parent()
        torch.set_num_threads(threads)
        try:
            found = run(Team(fabric))
            if fabric.global_rank == 0:
                pickle.dump(found, answer)
                answer.flush()
        except Exception as error:
            errors.put(_portable(error))
            raise

    try:
        fabric.launch(member)
        answer.seek(0)
        found: T = pickle.load(answer)
    except ProcessRaisedException:  # the others were ended by it; of several errors the first one is the cause
        raise errors.get() from None
    finally:
        answer.close()
        if os.getpid() == parent:
            _end_children(others)
    return found


def _forks_can_share_work() -> bool:
    """Returns whether a fork of this process can compute on several threads.

    It cannot once this process has: the fork would wait for ever for threads that only its parent has. Nothing tells
    beforehand, so a child tries.
    """
    child = os.fork()
    if child == 0:
        try:
            torch.ones(1 << 20).exp_()
        finally:
            os._exit(0)
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        if os.waitpid(child, os.WNOHANG)[0]:
            return True
        time.sleep(0.005)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return False


def _portable(error: Exception) -> Exception:
    """Returns an error that another process can read."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return RunFailed(f"{type(error).__name__}: {error}")
    return error


def _end_children(others: set[int]) -> None:
    """Ends the processes that an interrupted launch has left, and no others."""
    for child in psutil.Process().children():
        if child.pid not in others:
            child.kill()
