"""3 x 3 matrices as 1 + 3 + 5 numbers (trace, skew, symmetric traceless), and products of them to any derivative.

A field of F matrices at N points is a tensor [9, N, F], components first: the three parts are contiguous blocks, so
mixing channels is one matrix product a part, without copies. The basis is orthonormal: sums of squares are Frobenius
norms.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from graphkit.errors import ShapeError
from graphkit.kernels.arrays import flat
from graphkit.kernels.cpu.cartesian import BASIS, product_rows
from graphkit.kernels.pool import run_range

PARTS = (1, 3, 5)
"""Numbers of the trace, skew and symmetric traceless part."""
PART_OF = (0, 1, 1, 1, 2, 2, 2, 2, 2)


def to_matrices(x: Tensor) -> Tensor:
    """Returns [N, 3, 3, F] matrices of [9, N, F] numbers.

    Example:
        >>> to_matrices(torch.ones(9, 2, 4)).shape
        torch.Size([2, 3, 3, 4])
    """
    return torch.einsum("cnf,cij->nijf", x, torch.as_tensor(BASIS, dtype=x.dtype, device=x.device))


def from_matrices(matrices: Tensor) -> Tensor:
    """Returns [9, N, F] numbers of [N, 3, 3, F] matrices; the way back of `to_matrices`."""
    return torch.einsum("nijf,cij->cnf", matrices, torch.as_tensor(BASIS, dtype=matrices.dtype, device=matrices.device))


def direction_components(direction: Tensor) -> Tensor:
    """Returns [E, 9]: the identity, the skew matrix of r, and r r^T without its trace, of directions r [E, 3].

    Example:
        >>> direction_components(torch.tensor([[0.0, 0.0, 1.0]])).shape
        torch.Size([1, 9])
    """
    x, y, z = direction.unbind(-1)
    half, third, sixth = 2.0**0.5, 3.0**0.5, 6.0**0.5
    square = (direction * direction).sum(-1)
    symmetric = [half * x * y, half * y * z, half * z * x, (x * x - y * y) / half, (3 * z * z - square) / sixth]
    skew = [half * component for component in (x, y, z)]
    return torch.stack([torch.full_like(x, third), *skew, *symmetric], dim=-1)


def matrix_product(x: Tensor, y: Tensor, *, symmetric: bool) -> Tensor:
    """Returns x y + y x (symmetric) or x y, matrix by matrix, of [9, N, F] numbers.

    The symmetric product commutes with transposing, that is with mirror images; the plain one does not. The gradient
    of a product is the same product with a transposed factor, so derivatives of any order cost what the product does.

    Raises:
        ShapeError: not two equal shapes [9, ...].

    Example:
        >>> identity = from_matrices(torch.eye(3).view(1, 3, 3, 1))
        >>> product = to_matrices(matrix_product(identity, identity, symmetric=True))
        >>> product[0, :, :, 0].diagonal().round(decimals=4).tolist()
        [2.0, 2.0, 2.0]
    """
    if x.shape != y.shape or x.dim() < 2 or x.size(0) != 9:
        raise ShapeError(f"matrix_product takes two tensors [9, N, F], got {list(x.shape)} and {list(y.shape)}")
    return _Product.apply(x, y, symmetric, False, False)


class _Product(torch.autograd.Function):
    """Products of x and y, either of them transposed before where it says so."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, y: Tensor, symmetric: bool, flip_x: bool, flip_y: bool) -> Tensor:
        ctx.save_for_backward(x, y)
        ctx.options = symmetric, flip_x, flip_y
        if x.device.type != "cpu" or x.dtype not in (torch.float32, torch.float64):
            left, right = (to_matrices(t.flatten(1).unsqueeze(-1)).squeeze(-1) for t in (x, y))
            left, right = left.mT if flip_x else left, right.mT if flip_y else right
            product = left @ right + right @ left if symmetric else left @ right
            return from_matrices(product.unsqueeze(-1)).view(x.shape)
        out = torch.empty_like(x, memory_format=torch.contiguous_format)
        count = x[0].numel()
        arrays = flat(x), flat(y), out.view(-1).numpy()
        run_range(count, product_rows, *arrays, int(symmetric), count, flip_x, flip_y, work=40)
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        x, y = ctx.saved_tensors
        symmetric, flip_x, flip_y = ctx.options
        need_x, need_y, *_ = ctx.needs_input_grad
        # <x y, g> = <x, g y^T> = <y, x^T g>; a factor that was transposed has the transposed gradient
        if flip_x:
            of_x = _Product.apply(y, grad, symmetric, flip_y, True) if need_x else None
        else:
            of_x = _Product.apply(grad, y, symmetric, False, not flip_y) if need_x else None
        if flip_y:
            of_y = _Product.apply(grad, x, symmetric, True, flip_x) if need_y else None
        else:
            of_y = _Product.apply(x, grad, symmetric, not flip_x, False) if need_y else None
        return of_x, of_y, None, None, None


class PartMix(nn.Module):
    """Three bias-free maps of channels, one a part of the matrices.

    Args:
        channels: F.

    Shapes:
        weight [3, F, F]; [9, N, F] to [9, N, F].

    Example:
        >>> PartMix(4)(torch.ones(9, 2, 4)).shape
        torch.Size([9, 2, 4])
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(len(PARTS), channels, channels))
        nn.init.uniform_(self.weight, -(channels**-0.5), channels**-0.5)  # as nn.Linear draws

    def forward(self, x: Tensor) -> Tensor:
        """Mixes channels."""
        return _Mix.apply(x, self.weight)


class _Mix(torch.autograd.Function):
    """out[c] = x[c] W[part of c]^T; its derivatives are mixes and sums of outer products."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor) -> Tensor:
        ctx.save_for_backward(x, weight)
        out = x.new_empty(*x.shape[:2], weight.size(1))
        for source, target, matrix in zip(x.split(PARTS), out.split(PARTS), weight, strict=True):
            torch.mm(source.flatten(0, 1), matrix.t(), out=target.view(-1, target.size(-1)))
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        x, weight = ctx.saved_tensors
        return (
            _Mix.apply(grad, weight.transpose(1, 2)) if ctx.needs_input_grad[0] else None,
            _MixOuter.apply(grad, x) if ctx.needs_input_grad[1] else None,
        )


class _MixOuter(torch.autograd.Function):
    """out[k] = sum over the components c of part k and over points of left[c]^T right[c]."""

    @staticmethod
    def forward(ctx: Any, left: Tensor, right: Tensor) -> Tensor:
        ctx.save_for_backward(left, right)
        out = left.new_empty(len(PARTS), left.size(-1), right.size(-1))
        for k, (one, other) in enumerate(zip(left.split(PARTS), right.split(PARTS), strict=True)):
            torch.mm(one.flatten(0, 1).t(), other.flatten(0, 1), out=out[k])
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        left, right = ctx.saved_tensors
        return (
            _Mix.apply(right, grad) if ctx.needs_input_grad[0] else None,
            _Mix.apply(left, grad.transpose(1, 2)) if ctx.needs_input_grad[1] else None,
        )
