import pytest
import torch
from torch.nn import functional

from graphkit.errors import ConfigError, ShapeError
from graphkit.kernels import SparseFeatures, sparse_linear


def some_features(dtype=torch.float32):
    torch.manual_seed(0)
    return (torch.randn(40, 23) * (torch.rand(40, 23) < 0.1)).to(dtype)


def test_dense_round_trip(dtype):
    x = some_features(dtype)
    features = SparseFeatures.from_dense(x)
    assert torch.equal(features.dense(), x)
    assert features.shape == x.shape and features.dtype == x.dtype and features.size(-1) == 23 and features.dim() == 2
    assert features.to("cpu") is features
    assert features.to(torch.float64).dense().dtype == torch.float64


@pytest.mark.parametrize("bias", [False, True])
def test_agrees_with_the_dense_layer(dtype, bias):
    x = some_features(dtype)
    features = SparseFeatures.from_dense(x)
    weight = torch.randn(9, 23, dtype=dtype, requires_grad=True)
    offset = torch.randn(9, dtype=dtype, requires_grad=True) if bias else None
    inputs = [weight, offset] if bias else [weight]
    ours, theirs = sparse_linear(features, weight, offset), functional.linear(x, weight, offset)
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)
    grad = torch.randn_like(ours)
    for mine, other in zip(
        torch.autograd.grad(ours, inputs, grad), torch.autograd.grad(theirs, inputs, grad), strict=True
    ):
        torch.testing.assert_close(mine, other, rtol=1e-5, atol=1e-5)


def test_gradients():
    features = SparseFeatures.from_dense(some_features(torch.float64))
    weight = torch.randn(3, 23, dtype=torch.float64, requires_grad=True)
    bias = torch.randn(3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda *args: sparse_linear(features, *args), (weight, bias))


def test_dropout_touches_nonzeros_only_and_scales_them():
    features = SparseFeatures.from_dense(some_features())
    torch.manual_seed(1)
    dropped = features.dropout(0.5).dense()
    original = features.dense()
    kept = dropped != 0
    torch.testing.assert_close(dropped[kept], 2 * original[kept])
    assert 0 < kept.sum() < (original != 0).sum()
    assert features.dropout(0.5, training=False) is features and features.dropout(0.0) is features
    assert torch.equal(features.dense(), original)


def test_dropout_follows_the_global_seed():
    features = SparseFeatures.from_dense(some_features())
    torch.manual_seed(4)
    first = features.dropout(0.5).value
    torch.manual_seed(4)
    assert torch.equal(features.dropout(0.5).value, first)


def test_rows_without_a_nonzero_and_matrices_without_rows():
    assert sparse_linear(SparseFeatures.from_dense(torch.zeros(3, 5)), torch.ones(2, 5)).eq(0).all()
    assert sparse_linear(SparseFeatures.from_dense(torch.zeros(0, 5)), torch.ones(2, 5)).shape == (0, 2)


def test_wrong_arguments_are_refused():
    features = SparseFeatures.from_dense(some_features())
    with pytest.raises(ShapeError, match="23 columns"):
        sparse_linear(features, torch.ones(23, 4))
    with pytest.raises(ShapeError, match=r"\[N, F\]"):
        SparseFeatures.from_dense(torch.zeros(3))
    with pytest.raises(ConfigError, match="probability"):
        features.dropout(-0.1)
