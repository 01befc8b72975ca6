from __future__ import annotations

import pytest
import torch

from graphkit.encoders.temporal.layers import CosineTime
from graphkit.errors import ShapeError
from graphkit.kernels.gru import gru_step, gru_step_reference


@pytest.mark.parametrize("width", [1, 3, 16, 29])
def test_step_equals_plain_torch_with_its_gradients(width: int) -> None:
    torch.manual_seed(0)
    parts = [torch.randn(rows, gates * width, dtype=torch.float64) for rows, gates in ((5, 4), (5, 3), (3, 3))]
    held, given, peer = (part.requires_grad_() for part in parts)
    place, old = torch.tensor([0, 2, 2, 0, 2]), torch.randn(5, width, dtype=torch.float64)
    found, due = (step(held, given, peer, place, old) for step in (gru_step, gru_step_reference))
    assert torch.allclose(found, due)
    weight = torch.randn(5, width, dtype=torch.float64)
    grads = [torch.autograd.grad((out * weight).sum(), (held, given, peer)) for out in (found, due)]
    assert all(torch.allclose(one, two) for one, two in zip(*grads, strict=True))
    assert torch.autograd.gradcheck(lambda *parts: gru_step(*parts, place, old), (held, given, peer))


def test_step_of_no_rows_and_of_wrong_widths() -> None:
    nothing = torch.empty(0, dtype=torch.int64)
    assert gru_step(torch.ones(0, 8), torch.ones(0, 6), torch.ones(2, 6), nothing, torch.ones(0, 2)).shape == (0, 2)
    with pytest.raises(ShapeError, match=r"states \[2, 2\] got \[2, 6\]"):
        gru_step(torch.ones(2, 6), torch.ones(2, 6), torch.ones(1, 6), nothing, torch.ones(2, 2))


def test_times_have_the_gradient_of_their_cosine() -> None:
    torch.manual_seed(0)
    layer, gaps = CosineTime(4).double(), torch.rand(3, 2, dtype=torch.float64)
    assert torch.allclose(layer(gaps), torch.cos(gaps[..., None] * layer.weight + layer.bias))
    weight = torch.randn(3, 2, 4, dtype=torch.float64)

    def call(frequency: torch.Tensor, phase: torch.Tensor) -> torch.Tensor:
        return torch.func.functional_call(layer, {"weight": frequency, "bias": phase}, gaps) * weight

    assert torch.autograd.gradcheck(call, (layer.weight, layer.bias))
