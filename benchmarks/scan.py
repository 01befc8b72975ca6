"""Selective scan over packed sequences beside a padded torch loop and mambapy's parallel scan, in one run.

    python benchmarks/scan.py                    # one thread, about two minutes
    python benchmarks/scan.py --rounds 9 --json FILE

Every side goes from u, dt, A, B, C, D to y and back: forward and backward, float32. `padded loop` is the best plain
torch form known: pad, one `unbind`, one step a place, autograd. mambapy (`pip install --no-deps mambapy`) is its own
`MambaBlock.selective_scan`, on the same padded tensors; without it the column is empty. Sides alternate; medians.

`growth` times one sequence of 65,536 tokens against sixteen times one of 4,096, and names the peak of a fresh process.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from graphkit.kernels.scan import selective_scan
from graphkit.kernels.sequences import Sequences

STATES = 16
Step = Callable[[], object]


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


def ours(inputs: list[Tensor], sequences: Sequences, grad: Tensor) -> Step:
    return lambda: torch.autograd.grad(selective_scan(*inputs, sequences), inputs, grad)


def padded(inputs: list[Tensor], sequences: Sequences, grad: Tensor, scan: Callable[..., Tensor]) -> Step:
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


def seconds(step: Step) -> float:
    start = time.perf_counter()
    step()
    return time.perf_counter() - start


def compare(name: str, lengths: Sequence[int], channels: int, rounds: int) -> dict[str, Any]:
    inputs, sequences, grad = make(lengths, channels)
    sides = {"ours": ours(inputs, sequences, grad), "padded loop": padded(inputs, sequences, grad, unbind_loop)}
    peer = mambapy_scan()
    if peer is not None:
        sides["mambapy"] = padded(inputs, sequences, grad, peer)
    for step in sides.values():
        step()
    times: dict[str, list[float]] = {side: [] for side in sides}
    for _ in range(rounds):
        for side, step in sides.items():
            times[side].append(seconds(step))
    row: dict[str, Any] = {"case": name, "tokens": sum(lengths), "padded_tokens": len(lengths) * max(lengths)}
    mine = times["ours"]
    for side, found in times.items():
        row[f"{side} ms"] = round(1e3 * statistics.median(found), 2)
        if side != "ours":
            ratios = [theirs / own for theirs, own in zip(found, mine, strict=True)]
            row[f"{side} ratio"] = round(statistics.median(ratios), 1)
    return row


def growth(rounds: int) -> dict[str, Any]:
    steps = {tokens: ours(*make([tokens], 96)) for tokens in (4096, 65536)}
    for step in steps.values():
        step()
    times: dict[int, list[float]] = {tokens: [] for tokens in steps}
    for _ in range(rounds):
        for tokens, step in steps.items():
            times[tokens].append(seconds(step))
    short, long = (min(times[tokens]) for tokens in (4096, 65536))
    script = (
        f"import sys; sys.argv = ['scan']; sys.path.insert(0, {str(Path(__file__).parent)!r}); import scan; scan.peak()"
    )
    memory = float(subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout)
    return {
        "case": "one sequence of 65,536 tokens, D = 96",
        "ours ms": round(1e3 * long, 1),
        "over linear extrapolation from 4,096": round(long / (16 * short), 2),
        "peak of the process MiB": round(memory),
    }


def peak() -> None:
    torch.set_num_threads(1)
    ours(*make([65536], 96))()
    status = Path("/proc/self/status").read_text()  # ru_maxrss would count the parent that started this process
    print(int(status.split("VmHWM:")[1].split()[0]) / 1024)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    rows = [
        compare("32 graphs, D = 96", lengths_of_graphs(32, 4800, 444), 96, args.rounds),
        compare("256 graphs, D = 64", lengths_of_graphs(256, 256 * 23, 60), 64, args.rounds),
        growth(args.rounds),
    ]
    for row in rows:
        print("; ".join(f"{key} {value}" for key, value in row.items()), flush=True)
    if args.json:
        args.json.write_text(json.dumps({"threads": args.threads, "rows": rows}, indent=2) + "\n")


if __name__ == "__main__":
    main()
