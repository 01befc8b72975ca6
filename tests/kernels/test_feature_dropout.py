import pytest
import torch

from graphkit.errors import ConfigError
from graphkit.kernels import counter_dropout, pool


def test_keeps_or_scales_and_follows_the_seed(dtype):
    x = torch.rand(300, 70, dtype=dtype) + 1.0
    torch.manual_seed(0)
    first = counter_dropout(x, 0.6)
    torch.manual_seed(0)
    assert torch.equal(counter_dropout(x, 0.6), first)
    assert not torch.equal(counter_dropout(x, 0.6), first)
    torch.testing.assert_close(first[first != 0], (x / 0.4)[first != 0])
    assert abs((first != 0).double().mean() - 0.4) < 5 * (0.24 / 21_000) ** 0.5


def test_does_not_depend_on_threads(monkeypatch):
    x, threads = torch.rand(100, 4000), torch.get_num_threads()
    torch.manual_seed(0)
    expected = counter_dropout(x, 0.5)
    monkeypatch.setattr(pool, "SMALL_CALL", 0)
    torch.set_num_threads(2)
    torch.manual_seed(0)
    assert torch.equal(counter_dropout(x, 0.5), expected)
    torch.set_num_threads(threads)


def test_gradients():
    x = torch.randn(4, 5, dtype=torch.float64, requires_grad=True)

    def drop(x):
        torch.manual_seed(2)
        return counter_dropout(x, 0.5)

    assert torch.autograd.gradcheck(drop, (x,)) and torch.autograd.gradgradcheck(drop, (x,))


def test_edges():
    x = torch.rand(3, 4)
    assert counter_dropout(x, 0.5, training=False) is x and counter_dropout(x, 0.0) is x
    assert counter_dropout(x, 1.0).eq(0).all()
    assert counter_dropout(x.bfloat16(), 0.5).dtype == torch.bfloat16
    assert counter_dropout(torch.tensor([torch.nan] * 20), 0.5).isnan().all()
    assert counter_dropout(torch.rand(4, 3).t(), 0.5).shape == (3, 4)
    with pytest.raises(ConfigError, match="probability"):
        counter_dropout(x, 2.0)
