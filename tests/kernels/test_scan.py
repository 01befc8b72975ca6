"""Packed scans against their definition: values, gradients, resets at boundaries, empty and one-token sequences."""

from __future__ import annotations

from typing import get_args

import pytest
import torch
from torch import Tensor

from graphkit.errors import ConfigError, ShapeError, UnknownNameError
from graphkit.kernels import scan_reference
from graphkit.kernels.recurrence import linear_recurrence, order_for
from graphkit.kernels.scan import Backend, causal_convolution, choose_backend, selective_scan
from graphkit.kernels.sequences import Sequences
from graphkit.kernels.ssd import ssd_scan

LENGTHS = [3, 0, 1, 40, 17, 33, 0]
BACKENDS = [name for name in get_args(Backend) if name != "triton"]  # test_scan_triton.py


def sequences_of(lengths: list[int]) -> Sequences:
    return Sequences(torch.tensor([0, *lengths]).cumsum(0))


def scan_inputs(lengths: list[int], channels: int, states: int, dtype: torch.dtype = torch.float64) -> list[Tensor]:
    generator = torch.Generator().manual_seed(0)
    tokens = sum(lengths)
    u, dt, noise, b, c, skip = (
        torch.randn(*shape, generator=generator, dtype=torch.float64)
        for shape in ((tokens, channels), (tokens, channels), (channels, states), (tokens, states), (tokens, states))
        + ((channels,),)
    )
    rates = -torch.arange(1.0, states + 1).double() * torch.exp(0.1 * noise)
    inputs = [u, torch.nn.functional.softplus(dt - 1), rates, b, c, skip]
    return [one.to(dtype).requires_grad_() for one in inputs]


def relative(found: Tensor, due: Tensor) -> float:
    return float((found.detach().double() - due.detach()).abs().max() / due.detach().abs().max())


@pytest.mark.parametrize("channels", [1, 40, 96])
@pytest.mark.parametrize("backend", BACKENDS)
def test_the_recurrence_in_double_precision(backend: Backend, channels: int, dtype: torch.dtype) -> None:
    sequences = sequences_of(LENGTHS)
    inputs = scan_inputs(LENGTHS, channels, 5, dtype)
    exact = [one.detach().double().requires_grad_() for one in inputs]
    weight = torch.randn(sequences.num_tokens, channels, dtype=torch.float64)
    due = scan_reference.selective_scan(*exact, sequences)
    found = selective_scan(*inputs, sequences, backend)
    assert found.dtype == dtype
    (due * weight).sum().backward()
    (found * weight.to(dtype)).sum().backward()
    value, slope = (1e-13, 1e-12) if dtype == torch.float64 else (1e-5, 1e-4)
    assert relative(found, due) < value
    for mine, theirs in zip(inputs, exact, strict=True):
        assert mine.grad is not None and theirs.grad is not None
        assert relative(mine.grad, theirs.grad) < slope


@pytest.mark.parametrize("backend", BACKENDS)
def test_gradients(backend: Backend) -> None:
    sequences = sequences_of([2, 1, 0, 4])
    inputs = tuple(scan_inputs([2, 1, 0, 4], 2, 2))
    assert torch.autograd.gradcheck(lambda *given: selective_scan(*given, sequences, backend), inputs)


def test_gradients_across_kept_states() -> None:
    inputs = tuple(scan_inputs([35], 1, 1))
    assert torch.autograd.gradcheck(lambda *given: selective_scan(*given, sequences_of([35])), inputs)


def alone(inputs: list[Tensor], low: int, high: int) -> list[Tensor]:
    return [one[low:high] if len(one) == sum(LENGTHS) else one for one in inputs]


def test_packing_changes_no_bit() -> None:
    inputs = scan_inputs(LENGTHS, 50, 4, torch.float32)
    together = selective_scan(*inputs, sequences_of(LENGTHS))
    together.square().sum().backward()
    low = 0
    for length in LENGTHS:
        part = [one.detach().clone().requires_grad_() for one in alone(inputs, low, low + length)]
        apart = selective_scan(*part, sequences_of([length]))
        assert torch.equal(apart, together[low : low + length])
        apart.square().sum().backward()
        for one, whole in zip(part, inputs, strict=True):
            if len(whole) == sum(LENGTHS):
                assert one.grad is not None and whole.grad is not None
                assert torch.equal(one.grad, whole.grad[low : low + length])
        low += length


def test_threads_change_no_bit() -> None:
    lengths = [2000, 3, 700, 1, 900]
    results = []
    before = torch.get_num_threads()
    for threads in (1, 2):
        torch.set_num_threads(threads)
        inputs = scan_inputs(lengths, 33, 3, torch.float32)
        selective_scan(*inputs, sequences_of(lengths)).square().sum().backward()
        results.append([one.grad for one in inputs])
    torch.set_num_threads(before)
    assert all(torch.equal(one, two) for one, two in zip(*results, strict=True))


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("lengths", [[], [0], [0, 0], [1], [1, 1]])
def test_no_token_and_one_token(backend: Backend, lengths: list[int]) -> None:
    inputs = scan_inputs(lengths, 3, 2)
    result = selective_scan(*inputs, sequences_of(lengths), backend)
    result.sum().backward()
    u, dt, _, b, c, skip = inputs
    torch.testing.assert_close(result, u * dt * (b * c).sum(1, keepdim=True) + skip * u)


def test_half_precision_is_computed_in_single() -> None:
    inputs = scan_inputs([5], 4, 2, torch.bfloat16)
    found = selective_scan(*inputs, sequences_of([5]))
    assert found.dtype == torch.bfloat16
    due = selective_scan(*(one.float() for one in inputs), sequences_of([5]))
    assert torch.equal(found, due.to(torch.bfloat16))


def test_the_backend_is_named() -> None:
    sequences = sequences_of(LENGTHS)
    assert choose_backend(torch.ones(3), sequences) == "numba"
    assert choose_backend(torch.ones(3, device="meta"), sequences_of([5] * 30)) == "time-major"
    assert choose_backend(torch.ones(3, device="meta"), sequences_of([500])) == "chunked"
    with pytest.raises(UnknownNameError, match="time-major"):
        selective_scan(*scan_inputs(LENGTHS, 2, 2), sequences, "time-manor")  # type: ignore[arg-type]


def test_growth_and_misfits_are_refused() -> None:
    u, dt, a, b, c, skip = scan_inputs([4], 2, 2)
    with pytest.raises(ConfigError, match="softplus"):
        selective_scan(u, dt - 10, a, b, c, skip, sequences_of([4]))
    with pytest.raises(ConfigError, match="exp"):
        selective_scan(u, dt, -a, b, c, skip, sequences_of([4]))
    with pytest.raises(ShapeError, match="5 tokens"):
        selective_scan(u, dt, a, b, c, skip, sequences_of([5]))
    with pytest.raises(ShapeError, match="ptr"):
        Sequences(torch.tensor([0, 3, 2]))


def test_nan_stays_nan() -> None:
    u, dt, a, b, c, skip = scan_inputs([4, 3], 2, 2, torch.float32)
    dt = dt.detach().clone()
    dt[1, 0] = torch.nan
    result = selective_scan(u, dt, a, b, c, skip, sequences_of([4, 3]))
    assert result[1:4, 0].isnan().all() and not result[4:].isnan().any() and not result[:, 1].isnan().any()


@pytest.mark.parametrize("order", ["time-major", "chunked"])
def test_linear_recurrence(order: str) -> None:
    sequences = sequences_of([2, 0, 5, 1])
    a, b = (torch.randn(8, 3, dtype=torch.float64, requires_grad=True) for _ in range(2))
    assert torch.autograd.gradcheck(lambda *given: linear_recurrence(*given, sequences, order), (a, b))
    assert order_for(sequences_of([3] * 100)) == "time-major" and order_for(sequences_of([300])) == "chunked"


@pytest.mark.parametrize("chunk", [1, 7, 64])
def test_ssd_is_a_scan_with_shared_rates(chunk: int) -> None:
    sequences = sequences_of(LENGTHS)
    generator = torch.Generator().manual_seed(0)
    tokens, heads, width, states = sum(LENGTHS), 2, 3, 4
    shapes = ((tokens, heads, width), (tokens, heads), (heads,), (tokens, states), (tokens, states), (heads,))
    x, dt, a, b, c, skip = (torch.randn(shape, generator=generator, dtype=torch.float64) for shape in shapes)
    inputs = [one.requires_grad_() for one in (x, dt.exp(), -a.exp(), b, c, skip)]
    found, due = ssd_scan(*inputs, sequences, chunk), scan_reference.ssd_scan(*inputs, sequences)
    torch.testing.assert_close(found, due)
    weight = torch.randn_like(found)
    for mine, theirs in zip(
        torch.autograd.grad((found * weight).sum(), inputs),
        torch.autograd.grad((due * weight).sum(), inputs),
        strict=True,
    ):
        torch.testing.assert_close(mine, theirs)


def test_ssd_survives_long_steps_and_boundaries() -> None:
    sequences = sequences_of([70, 70])
    x, dt = torch.ones(140, 1, 2, requires_grad=True), torch.full((140, 1), 80.0, requires_grad=True)
    ones = torch.ones(140, 1)
    ssd_scan(x, dt, -torch.ones(1), ones, ones, torch.zeros(1), sequences).sum().backward()
    assert x.grad is not None and dt.grad is not None and x.grad.isfinite().all() and dt.grad.isfinite().all()


@pytest.mark.parametrize("taps", [1, 4])
def test_convolution_stays_inside_its_sequence(taps: int, dtype: torch.dtype) -> None:
    sequences = sequences_of(LENGTHS)
    generator = torch.Generator().manual_seed(0)
    shapes = ((sum(LENGTHS), 20), (20, taps), (20,))
    inputs = [torch.randn(shape, generator=generator).to(dtype).requires_grad_() for shape in shapes]
    found, due = causal_convolution(*inputs, sequences), scan_reference.causal_convolution(*inputs, sequences)
    torch.testing.assert_close(found, due)
    weight = torch.randn_like(found)
    for mine, theirs in zip(
        torch.autograd.grad((found * weight).sum(), inputs),
        torch.autograd.grad((due * weight).sum(), inputs),
        strict=True,
    ):
        torch.testing.assert_close(mine, theirs)


def test_sequences_read_backwards_and_repeat() -> None:
    sequences = sequences_of([2, 0, 3])
    assert sequences.reverse.tolist() == [1, 0, 4, 3, 2]
    order, starts = sequences.by_place
    assert order.tolist() == [2, 0, 3, 1, 4] and starts == [0, 2, 4, 5]
    assert sequences.repeated(2).ptr.tolist() == [0, 2, 2, 5, 7, 7, 10]
