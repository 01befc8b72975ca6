"""The convolution of eSCN, Passaro and Zitnick, ICML 2023 (arXiv 2302.03655): products along an edge by |m|."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from graphkit.errors import ShapeError


class SO2Conv(nn.Module):
    r"""Maps irreducible features in the frame of an edge, where only components of equal \|m\| mix (equations 6 to 8).

        y_0 = W_0 x_0    y_m = A_m x_m - B_m x_-m    y_-m = A_m x_-m + B_m x_m    for m = 1..L

    This is every linear map that commutes with turns about the edge; rotated back, it is the full product of the
    features with the spherical harmonics of the edge, at a cost of L^3 instead of L^6. Mirror images turn B_m around,
    so without B the map commutes with O(3), for features of parity (-1)^l.

    Args:
        degree: L.
        in_channels: C.
        out_channels: C'.
        mirror: keeps O(3), leaving out B.

    Shapes:
        x [E, (L + 1)^2, C], degrees one after another; scale [E, K, C] factors of x by (m, l), K = (L + 1)(L + 2) / 2,
        or None; returns [E, (L + 1)^2, C'].

    Example:
        >>> SO2Conv(2, 4, 8)(torch.ones(5, 9, 4)).shape
        torch.Size([5, 9, 8])
    """

    def __init__(self, degree: int, in_channels: int, out_channels: int, *, mirror: bool = True) -> None:
        super().__init__()
        self.degree, self.in_channels, self.out_channels = degree, in_channels, out_channels
        self.rows = [_rows(degree, m) for m in range(degree + 1)]
        self.even, self.odd = nn.ParameterList(), nn.ParameterList()
        for m in range(degree + 1):
            count = degree + 1 - m
            shape = count * out_channels, count * in_channels
            bound = (count * in_channels) ** -0.5
            self.even.append(nn.Parameter(torch.empty(shape).uniform_(-bound, bound)))
            if m and not mirror:
                self.odd.append(nn.Parameter(torch.empty(shape).uniform_(-bound, bound)))

    @property
    def num_scales(self) -> int:
        """K, the number of factors a channel takes."""
        return (self.degree + 1) * (self.degree + 2) // 2

    def forward(self, x: Tensor, scale: Tensor | None = None) -> Tensor:
        """Returns new features in the frame of the edge."""
        if x.shape[1:] != ((self.degree + 1) ** 2, self.in_channels):
            raise ShapeError(f"SO2Conv takes [E, {(self.degree + 1) ** 2}, {self.in_channels}], got {list(x.shape)}")
        out: list[Tensor | None] = [None] * x.size(1)
        first = 0
        for m, (plus, minus) in enumerate(self.rows):
            count = len(plus)
            factor = None if scale is None else scale[:, first : first + count]
            first += count
            shape = len(x), count, self.out_channels
            up = nn.functional.linear(_scaled(x[:, plus], factor).flatten(1), self.even[m]).view(shape)
            if m:
                source = _scaled(x[:, minus], factor).flatten(1)
                down = nn.functional.linear(source, self.even[m]).view(shape)
                if len(self.odd):
                    other = _scaled(x[:, plus], factor).flatten(1)
                    up = up - nn.functional.linear(source, self.odd[m - 1]).view(shape)
                    down = down + nn.functional.linear(other, self.odd[m - 1]).view(shape)
                for k, row in enumerate(minus):
                    out[row] = down[:, k]
            for k, row in enumerate(plus):
                out[row] = up[:, k]
        return torch.stack([row for row in out if row is not None], dim=1)


def rotate(matrices: list[Tensor], x: Tensor, *, back: bool = False) -> Tensor:
    """Applies D_l (or their transposes) to features [E, (L + 1)^2, C], degree by degree."""
    found, first = [], 0
    for matrix in matrices:
        size = matrix.size(-1)
        part = x[:, first : first + size]
        found.append((matrix.transpose(1, 2) if back else matrix) @ part)
        first += size
    return torch.cat(found, dim=1)


def _rows(degree: int, m: int) -> tuple[list[int], list[int]]:
    """Rows of the components m and -m in degrees m..L."""
    degrees = range(m, degree + 1)
    return [k * k + k + m for k in degrees], [k * k + k - m for k in degrees]


def _scaled(x: Tensor, factor: Tensor | None) -> Tensor:
    return x if factor is None else x * factor
