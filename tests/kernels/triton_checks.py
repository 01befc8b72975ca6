"""Triton's kernels against the definitions: on a GPU if there is one, else in Triton's interpreter.

Not collected by itself: `test_scan_triton.py` runs it in a process of its own, because TRITON_INTERPRET counts when
triton is imported. The interpreter takes tens of milliseconds a token, so blocks, stretches and chunks are small.
"""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from graphkit.kernels import gpu, scan_reference
from graphkit.kernels.gpu import plan
from graphkit.kernels.gpu import scan as launching
from graphkit.kernels.gpu.convolution import Convolution
from graphkit.kernels.scan import selective_scan
from graphkit.kernels.sequences import Sequences

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two tokens a stretch, four a chunk, chunks for more than six; two blocks where D = 5 and N = 5."""
    for name, value in (("STRETCH", 2), ("CHUNK", 4), ("LONG", 6)):
        monkeypatch.setattr(plan, name, value)
    monkeypatch.setattr(launching, "CELLS", 32)


def sequences_of(lengths: list[int]) -> Sequences:
    return Sequences(torch.tensor([0, *lengths], device=DEVICE).cumsum(0))


def scan_inputs(lengths: list[int], channels: int, states: int, dtype: torch.dtype) -> list[Tensor]:
    generator = torch.Generator().manual_seed(0)
    tokens = sum(lengths)
    shapes = (
        (tokens, channels),
        (tokens, channels),
        (channels, states),
        (tokens, states),
        (tokens, states),
        (channels,),
    )
    u, dt, a, b, c, skip = (torch.randn(shape, generator=generator, dtype=torch.float64) for shape in shapes)
    inputs = [u, functional.softplus(dt - 1), -(torch.arange(1.0, states + 1) * torch.exp(0.1 * a)), b, c, skip]
    return [one.to(DEVICE, dtype).requires_grad_() for one in inputs]


def close(found: Tensor | None, due: Tensor | None, bound: float) -> bool:
    assert found is not None and due is not None
    return float((found.detach().double() - due.detach()).abs().max()) <= bound * float(due.detach().abs().max())


@pytest.mark.parametrize(
    ("lengths", "channels", "states", "dtype"),
    [
        ([3, 0, 1, 7, 0], 5, 5, torch.float64),
        ([1, 9], 2, 16, torch.float32),
        ([1], 1, 1, torch.float32),
    ],
    ids=["short and long", "single", "one token"],
)
def test_the_recurrence(lengths: list[int], channels: int, states: int, dtype: torch.dtype) -> None:
    sequences, inputs = sequences_of(lengths), scan_inputs(lengths, channels, states, dtype)
    exact = [one.detach().double().requires_grad_() for one in inputs]
    due = scan_reference.selective_scan(*exact, sequences)
    found = selective_scan(*inputs, sequences, "triton")
    weight = torch.randn(due.shape, dtype=torch.float64, device=DEVICE)
    (due * weight).sum().backward()
    (found * weight.to(dtype)).sum().backward()
    value, slope = (1e-13, 1e-12) if dtype == torch.float64 else (1e-5, 1e-4)
    assert found.dtype == dtype and close(found, due, value)
    for mine, theirs in zip(inputs, exact, strict=True):
        if theirs.grad is None:  # A counts from the second token on
            assert mine.grad is not None and not mine.grad.any()
        else:
            assert close(mine.grad, theirs.grad, slope) or not theirs.grad.any() and not mine.grad.any()


def test_without_gradients_only_chunks_have_a_state() -> None:
    lengths = [2, 9]
    inputs = [one.detach() for one in scan_inputs(lengths, 2, 2, torch.float64)]
    due = scan_reference.selective_scan(*inputs, sequences_of(lengths))
    assert close(selective_scan(*inputs, sequences_of(lengths), "triton"), due, 1e-13)


def test_packing_changes_no_bit() -> None:
    lengths = [2, 7]
    inputs = scan_inputs(lengths, 2, 2, torch.float32)
    together = selective_scan(*inputs, sequences_of(lengths), "triton")
    together.square().sum().backward()
    for low, high in ((0, 2), (2, 9)):
        part = [one.detach()[low:high] if len(one) == 9 else one.detach() for one in inputs]
        part = [one.clone().requires_grad_() for one in part]
        apart = selective_scan(*part, sequences_of([high - low]), "triton")
        assert torch.equal(apart, together[low:high])
        apart.square().sum().backward()
        for one, whole in zip(part, inputs, strict=True):
            if len(whole) == 9:
                assert one.grad is not None and whole.grad is not None
                assert torch.equal(one.grad, whole.grad[low:high])


def test_long_steps_overflow_nothing() -> None:
    inputs = scan_inputs([8], 1, 1, torch.float32)
    inputs[1] = torch.full_like(inputs[1], 400.0).requires_grad_()
    selective_scan(*inputs, sequences_of([8]), "triton").sum().backward()
    assert all(one.grad is not None and one.grad.isfinite().all() for one in inputs)


@pytest.mark.parametrize("lengths", [[], [0, 0]])
def test_no_token(lengths: list[int]) -> None:
    inputs = scan_inputs(lengths, 3, 2, torch.float32)
    selective_scan(*inputs, sequences_of(lengths), "triton").sum().backward()
    assert all(one.grad is not None and not one.grad.any() for one in inputs)


def test_more_sequences_than_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launching, "PROGRAMS", 2)
    lengths = [1, 2, 1]
    inputs = scan_inputs(lengths, 1, 2, torch.float64)
    exact = [one.detach().requires_grad_() for one in inputs]
    selective_scan(*inputs, sequences_of(lengths), "triton").sum().backward()
    scan_reference.selective_scan(*exact, sequences_of(lengths)).sum().backward()
    for mine, theirs in zip(inputs, exact, strict=True):
        assert close(mine.grad, theirs.grad, 1e-12)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_convolution(dtype: torch.dtype) -> None:
    sequences = sequences_of([3, 0, 1, 40, 6])
    generator = torch.Generator().manual_seed(0)
    shapes = ((50, 70), (70, 4), (70,))
    inputs = [torch.randn(shape, generator=generator).to(DEVICE, dtype).requires_grad_() for shape in shapes]
    exact = [one.detach().double().requires_grad_() for one in inputs]
    found, due = Convolution.apply(*inputs, sequences), scan_reference.causal_convolution(*exact, sequences)
    weight = torch.randn(due.shape, dtype=torch.float64, device=DEVICE)
    (due * weight).sum().backward()
    (found * weight.to(dtype)).sum().backward()
    value, slope = (1e-13, 1e-12) if dtype == torch.float64 else (1e-5, 1e-4)
    assert close(found, due, value)
    for mine, theirs in zip(inputs, exact, strict=True):
        assert close(mine.grad, theirs.grad, slope)


def test_auto_takes_triton_on_cuda_alone() -> None:
    assert gpu.runs_on(torch.device("cuda")) and not gpu.runs_on(torch.device("cpu"))
