"""Selective scan over packed sequences beside a padded torch loop and mambapy's parallel scan, in one run.


Every side goes from u, dt, A, B, C, D to y and back: forward and backward, float32. `padded loop` is the best plain
torch form known: pad, one `unbind`, one step a place, autograd. mambapy (`pip install --no-deps mambapy`) is its own
`MambaBlock.selective_scan`, on the same padded tensors; without it the column is empty. Sides alternate; medians.

`growth` times one sequence of 65,536 tokens against sixteen times one of 4,096, and names the peak of a fresh process.

On a GPU the same graphs follow there, Triton's kernels beside the padded loop and beside the floor: a copy of as many
bytes as forward and backward must read and write at least. Without one, a line says so.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor
from torch.nn import functional

from benchmarks.measure import OURS, Options, Row, Side, alternate, fresh, resident_peak
from graphkit.kernels.scan import choose_backend, selective_scan
from graphkit.kernels.sequences import Sequences

STATES = 16
REPEATS = 20
"""Calls between two readings of the clock on a GPU, where one takes microseconds."""


def lengths_of_graphs(graphs: int, tokens: int, longest: int) -> list[int]:
    """Sizes with the long tail of molecule and protein sets: the largest is `longest`, the sum is `tokens`."""
    generator = torch.Generator().manual_seed(0)
    weight = torch.rand(graphs - 1, generator=generator).pow(2) + 0.15
    rest = (weight / weight.sum() * (tokens - longest)).round().long().clamp(1, longest)
    return [longest, *rest.tolist()]


def make(lengths: Sequence[int], channels: int) -> tuple[list[Tensor], Sequences, Tensor]:
    generator = torch.Generator().manual_seed(1)
    tokens = sum(lengths)
    u, dt, grad = (torch.randn(tokens, channels, generator=generator) for _ in range(3))
    b, c = (torch.randn(tokens, STATES, generator=generator) for _ in range(2))
    a = -torch.arange(1.0, STATES + 1).repeat(channels, 1)
    inputs = [u, functional.softplus(dt - 2), a, b, c, torch.ones(channels)]
    return [one.requires_grad_() for one in inputs], Sequences(torch.tensor([0, *lengths]).cumsum(0)), grad


def ours(inputs: list[Tensor], sequences: Sequences, grad: Tensor) -> Side:
    return lambda: torch.autograd.grad(selective_scan(*inputs, sequences), inputs, grad)


def padded(inputs: list[Tensor], sequences: Sequences, grad: Tensor, scan: Callable[..., Tensor]) -> Side:
    """A side that works on [G, L, ...] tensors, padded before the clock starts."""

    def pad(one: Tensor) -> Tensor:
        return torch.nn.utils.rnn.pad_sequence(one.detach().split(sequences.length.tolist()), batch_first=True)

    u, dt, b, c = (pad(inputs[at]).requires_grad_() for at in (0, 1, 3, 4))
    leaves = [u, dt, inputs[2], b, c, inputs[5]]
    wide = pad(grad)
    return lambda: torch.autograd.grad(scan(*leaves), leaves, wide)


def unbind_loop(u: Tensor, dt: Tensor, a: Tensor, b: Tensor, c: Tensor, skip: Tensor) -> Tensor:
    factor = torch.exp(dt.unsqueeze(-1) * a)
    entering = (dt * u).unsqueeze(-1) * b.unsqueeze(2)
    state = torch.zeros_like(entering[:, 0])
    states = []
    for one_factor, one_entering in zip(factor.unbind(1), entering.unbind(1), strict=True):
        state = one_factor * state + one_entering
        states.append(state)
    return (torch.stack(states, dim=1) @ c.unsqueeze(-1)).squeeze(-1) + skip * u


def mambapy_scan() -> Callable[..., Tensor] | None:
    try:
        from mambapy.mamba import MambaBlock
    except ImportError:
        return None
    return lambda u, dt, a, b, c, skip: MambaBlock.selective_scan(None, u, dt, a, b, c, skip)


def compare(name: str, lengths: Sequence[int], channels: int, rounds: int) -> Row:
    inputs, sequences, grad = make(lengths, channels)
    sides = {OURS: ours(inputs, sequences, grad), "padded loop": padded(inputs, sequences, grad, unbind_loop)}
    peer = mambapy_scan()
    if peer is not None:
        sides["mambapy"] = padded(inputs, sequences, grad, peer)
    times = alternate(sides, rounds, clock=time.perf_counter, pick=statistics.median)
    note = f"{sum(lengths):,} tokens, {len(lengths) * max(lengths):,} with padding"
    return Row(name, times, bars={"padded loop": 5.0, "mambapy": 10.0}, note=note)


def growth(rounds: int, tokens: int) -> Iterator[Row]:
    sides = {"one": ours(*make([tokens], 96)), "sixteenth": ours(*make([tokens // 16], 96))}
    times = alternate(sides, rounds, clock=time.perf_counter)
    over = times["one"] / (16 * times["sixteenth"])
    yield Row(
        f"one sequence of {tokens:,} tokens over 16 times one of {tokens // 16:,}", {OURS: over}, "x", bars={"": 1.3}
    )
    yield Row("the same, peak of the process", {OURS: fresh("scan", f"peak({tokens})")}, "MiB", bars={"": 2048})


def peak(tokens: int) -> None:
    torch.set_num_threads(1)
    ours(*make([tokens], 96))()
    print(resident_peak())


def on_gpu(name: str, lengths: Sequence[int], channels: int, rounds: int) -> Row:
    inputs, sequences, grad = make(lengths, channels)
    inputs = [one.detach().cuda().requires_grad_() for one in inputs]
    sequences, grad = sequences.to("cuda"), grad.cuda()
    # u, dt, b, c in, y out; then the same and the gradient of y in, four gradients out: 8 T D + 6 T N numbers moved.
    moved = torch.empty((sequences.num_tokens, 4 * channels + 3 * STATES), device="cuda")
    sides = {
        OURS: ours(inputs, sequences, grad),
        "padded loop": padded(inputs, sequences, grad, unbind_loop),
        "copy of as many bytes": lambda: moved.clone(),
    }

    def repeated(step: Side) -> Side:
        def call() -> None:
            for _ in range(REPEATS):
                step()
            torch.cuda.synchronize()

        return call

    times = alternate({side: repeated(step) for side, step in sides.items()}, rounds, clock=time.perf_counter)
    bars = {"padded loop": 50.0, "copy of as many bytes": 1 / 3}
    note = f"{choose_backend(inputs[0], sequences)} on {torch.cuda.get_device_name()}"
    return Row(name, {side: seconds / REPEATS for side, seconds in times.items()}, bars=bars, note=note)


def rows(options: Options) -> Iterator[Row]:
    small = options.few(1, 10)
    graphs = {
        "32 graphs, D = 96": (lengths_of_graphs(32, 4800 // small, 444 // small), 96),
        "256 graphs, D = 64": (lengths_of_graphs(256, 256 * 23, 60), 64),
    }
    for name, case in graphs.items():
        yield compare(name, *case, options.rounds)
    yield from growth(options.rounds, options.few(65_536, 4_096))
    if not torch.cuda.is_available():
        print("  on a GPU: not measured, there is none here")
        return
    for name, case in graphs.items():
        yield on_gpu(f"{name}, on a GPU", *case, options.rounds)
    yield on_gpu("one sequence of 22,662 tokens, D = 64, on a GPU", [22_662], 64, options.rounds)
