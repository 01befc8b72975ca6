"""The gathered LSTM step against torch.nn.LSTM and plain torch, with gradients."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from graphkit.kernels.lstm import Step, lstm_step, reference_step

WIDTH = 19  # a chunk of 16 lanes, and a tail


def tables(dtype: torch.dtype = torch.double) -> list[Tensor]:
    generator = torch.Generator().manual_seed(0)
    shapes = [(6, 4 * WIDTH), (4 * WIDTH, WIDTH), (3, 4 * WIDTH), (5, 4 * WIDTH)]
    return [torch.randn(shape, generator=generator, dtype=dtype).requires_grad_() for shape in shapes]


FIRST = Step(torch.tensor([0, 2, 5, 2]), extra=torch.tensor([2, 0, 1, 1]))
AFTER = Step(
    torch.tensor([1, 1, 3, 4, 0], dtype=torch.int32),
    torch.tensor([0, 3, 3, 1, 2], dtype=torch.int32),
    torch.tensor([0, 1, 2, 0, 1], dtype=torch.uint8),
    torch.tensor([4, 0, 0, 2, 3], dtype=torch.int32),
)


def two_steps(kernel: bool, node: Tensor, weight: Tensor, extra: Tensor, more: Tensor) -> tuple[Tensor, Tensor]:
    if kernel:
        state, cell = lstm_step(FIRST, node, extra=extra)
        return lstm_step(AFTER, node, state, cell, weight, extra, more)
    state, cell = reference_step(FIRST, node, extra=extra)
    return reference_step(AFTER, node, state @ weight.t(), cell, extra, more)


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.double, 1e-12), (torch.float32, 1e-5)])
def test_equal_to_plain_torch(dtype: torch.dtype, tolerance: float) -> None:
    given = tables(dtype)
    ours, theirs = two_steps(True, *given), two_steps(False, *given)
    for mine, due in zip(ours, theirs, strict=True):
        torch.testing.assert_close(mine, due, atol=tolerance, rtol=tolerance)
    slopes = [torch.autograd.grad(state.sin().sum() + cell.cos().sum(), given) for state, cell in (ours, theirs)]
    for mine, due in zip(*slopes, strict=True):
        torch.testing.assert_close(mine, due, atol=10 * tolerance, rtol=10 * tolerance)


def test_gradients() -> None:
    assert torch.autograd.gradcheck(lambda *given: two_steps(True, *given), tuple(tables()))


def test_equal_to_torch_s_lstm() -> None:
    torch.manual_seed(0)
    lstm, x = nn.LSTM(4, WIDTH, batch_first=True).double(), torch.randn(5, 3, 4, dtype=torch.double)
    bias = lstm.bias_ih_l0 + lstm.bias_hh_l0
    state = cell = None
    for t in range(3):
        node = x[:, t] @ lstm.weight_ih_l0.t() + bias
        step = Step(torch.arange(5), torch.arange(5) if t else None)
        state, cell = lstm_step(step, node, state, cell, lstm.weight_hh_l0)
    torch.testing.assert_close(state, lstm(x)[0][:, -1])


def test_a_step_without_rows() -> None:
    step = Step(torch.empty(0, dtype=torch.int32))
    state, cell = lstm_step(step, torch.zeros(3, 8, requires_grad=True))
    assert state.shape == cell.shape == (0, 2)
    assert torch.equal(step.of_node.sum(state, 3), torch.zeros(3, 2))
    state.sum().backward()
