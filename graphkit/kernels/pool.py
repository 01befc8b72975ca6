"""A small thread pool for compiled kernels that release the interpreter lock.

It follows `torch.get_num_threads()`, starts threads on the first large call, runs small calls where they are, and is
forgotten in a forked child (threads do not survive a fork), where a new one starts when needed.

The rows of a graph are cut into blocks of about equal work. The cut depends on the graph alone, and every block writes
its own rows or its own partial sum, so results are the same for any number of threads.
"""

from __future__ import annotations

import itertools
import os
import queue
import threading
from collections.abc import Callable
from typing import Any

import torch

from graphkit.kernels.csr import CSRGraph

# Below about this many elementary operations a call takes less time than waking a thread.
SMALL_CALL = 300_000
_BLOCKS = 32


class _Pool:
    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.tasks: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self.workers = 0

    def grow(self, workers: int) -> None:
        with self.lock:
            while self.workers < workers:
                threading.Thread(target=self._serve, name="graphkit-kernel", daemon=True).start()
                self.workers += 1

    def _serve(self) -> None:
        while True:
            self.tasks.get()()


_pool = _Pool()


def _forget_pool() -> None:
    global _pool
    _pool = _Pool()


os.register_at_fork(after_in_child=_forget_pool)


def run_rows(graph: CSRGraph, work_per_edge: int, kernel: Callable[..., Any], *arguments: Any) -> None:
    """Calls kernel(first row, last row, block, *arguments) for every block of rows of the graph.

    Args:
        graph: its rows are divided.
        work_per_edge: elementary operations an edge costs, to tell a small call from a large one.
        kernel: a compiled function that releases the interpreter lock and writes only what its rows own.
        arguments: handed on.

    Raises:
        BaseException: whatever a block raised; the first one if several did.
    """
    run_bounds(row_blocks(graph), (graph.num_edges + graph.num_targets) * work_per_edge, kernel, *arguments)


def run_bounds(bounds: list[int], work: int, kernel: Callable[..., Any], *arguments: Any) -> None:
    """Calls kernel(bounds[k], bounds[k + 1], k, *arguments) for every k; `work` counts elementary operations in all."""
    blocks = len(bounds) - 1
    threads = min(torch.get_num_threads(), blocks)
    if threads <= 1 or work < SMALL_CALL:
        for block in range(blocks):
            kernel(bounds[block], bounds[block + 1], block, *arguments)
        return
    _Call(bounds, kernel, arguments).run(threads)


def run_range(count: int, kernel: Callable[..., Any], *arguments: Any, work: int = 1) -> None:
    """Calls kernel(first, last, block, *arguments) over blocks of `count` independent elements.

    Args:
        count: number of elements; the kernel is called once, with nothing to do, where there is none.
        kernel: as in `run_rows`.
        arguments: handed on.
        work: elementary operations an element costs, to tell a small call from a large one.
    """
    blocks = max(1, min(_BLOCKS, count, count * work // 32_768))
    bounds = [count * block // blocks for block in range(blocks + 1)]
    threads = min(torch.get_num_threads(), blocks)
    if threads <= 1 or count * work < SMALL_CALL:
        kernel(0, count, 0, *arguments)
        return
    _Call(bounds, kernel, arguments).run(threads)


def row_blocks(graph: CSRGraph) -> list[int]:
    """Row bounds [blocks + 1] of blocks with about the same number of rows plus edges; one block for a small graph."""
    bounds: list[int] | None = graph.__dict__.get("_row_blocks")
    if bounds is None:
        bounds = graph.__dict__["_row_blocks"] = _cut(graph)
    return bounds


def _cut(graph: CSRGraph) -> list[int]:
    total = graph.num_edges + graph.num_targets
    blocks = max(1, min(_BLOCKS, total // 2048, graph.num_targets))
    if blocks == 1:
        return [0, graph.num_targets]
    work = graph.rowptr.long() + torch.arange(graph.num_targets + 1)
    inner = torch.searchsorted(work, torch.arange(1, blocks) * (total / blocks))
    return [0, *inner.clamp(max=graph.num_targets).tolist(), graph.num_targets]


class _Call:
    """One parallel call: every thread takes the next block until none is left."""

    def __init__(self, bounds: list[int], kernel: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
        self.bounds, self.kernel, self.arguments = bounds, kernel, arguments
        self.next_block = itertools.count().__next__  # atomic under the interpreter lock
        self.finished: queue.SimpleQueue[BaseException | None] = queue.SimpleQueue()

    def run(self, threads: int) -> None:
        pool = _pool
        pool.grow(threads - 1)
        for _ in range(threads - 1):
            pool.tasks.put(self.help)
        failure = self._work()
        for _ in range(threads - 1):
            failure = self.finished.get() or failure
        if failure is not None:
            raise failure

    def help(self) -> None:
        self.finished.put(self._work())

    def _work(self) -> BaseException | None:
        bounds, kernel, arguments, last = self.bounds, self.kernel, self.arguments, len(self.bounds) - 1
        try:
            while (block := self.next_block()) < last:
                kernel(bounds[block], bounds[block + 1], block, *arguments)
        except BaseException as failure:  # handed to the calling thread, which raises it
            return failure
        return None
