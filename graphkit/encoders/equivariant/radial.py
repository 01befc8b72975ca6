"""Functions of distances: smooth cutoffs and radial bases."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn


def cosine_cutoff(distance: Tensor, cutoff: float) -> Tensor:
    """Returns 0.5 (cos(pi d / r) + 1) below the cutoff r and 0 beyond; value and slope vanish at r.

    Example:
        >>> cosine_cutoff(torch.tensor([0.0, 2.0, 4.0]), 4.0).round(decimals=4).tolist()
        [1.0, 0.5, 0.0]
    """
    inside = 0.5 * (torch.cos(distance * (math.pi / cutoff)) + 1.0)
    return torch.where(distance < cutoff, inside, torch.zeros_like(inside))


class ExpNormalBasis(nn.Module):
    r"""Gaussians in exp(-a d), Unke and Meuwly, PhysNet, JCTC 2019 (arXiv 1902.08408), equation 7.

        e_k(d) = cutoff(d) exp(-b (exp(-a d) - mu_k)^2)    a = 5 / r,  b = (2 (1 - exp(-r)) / K)^-2

    Centres mu_k lie evenly between exp(-r) and 1.

    Args:
        count: K.
        cutoff: r.

    Shapes:
        distance [P]; returns [P, K].

    Example:
        >>> ExpNormalBasis(8, 5.0)(torch.tensor([1.0, 2.0])).shape
        torch.Size([2, 8])
    """

    centres: Tensor

    def __init__(self, count: int, cutoff: float) -> None:
        super().__init__()
        self.cutoff = cutoff
        first = math.exp(-cutoff)
        self.register_buffer("centres", torch.linspace(first, 1.0, count))
        self.sharpness = (2.0 * (1.0 - first) / count) ** -2

    def forward(self, distance: Tensor) -> Tensor:
        """Returns the basis functions at every distance."""
        near = torch.exp(distance * (-5.0 / self.cutoff)).unsqueeze(-1) - self.centres.to(distance.dtype)
        return cosine_cutoff(distance, self.cutoff).unsqueeze(-1) * torch.exp(-self.sharpness * near.square())


class BesselBasis(nn.Module):
    r"""Spherical Bessel functions, Gasteiger et al., DimeNet, ICLR 2020 (arXiv 2003.03123), equation 7, times a cutoff.

        e_k(d) = sqrt(2 / r) sin(k pi d / r) / d

    Args:
        count: K.
        cutoff: r.

    Shapes:
        distance [P]; returns [P, K], finite at d = 0.
    """

    order: Tensor

    def __init__(self, count: int, cutoff: float) -> None:
        super().__init__()
        self.cutoff = cutoff
        self.register_buffer("order", torch.arange(1, count + 1, dtype=torch.float32))

    def forward(self, distance: Tensor) -> Tensor:
        """Returns the basis functions at every distance."""
        angle = distance.unsqueeze(-1) * (self.order.to(distance.dtype) / self.cutoff)
        # torch.sinc is sin(pi a) / (pi a), which is smooth at 0
        waves = (
            torch.sinc(angle) * self.order.to(distance.dtype) * (math.sqrt(2.0 / self.cutoff) * math.pi / self.cutoff)
        )
        return cosine_cutoff(distance, self.cutoff).unsqueeze(-1) * waves


def safe_length(way: Tensor) -> Tensor:
    """Returns [...] lengths of vectors [..., d] whose derivatives are finite everywhere, at coincident points too."""
    square = (way * way).sum(-1)
    apart = square > 0
    return torch.where(apart, torch.where(apart, square, torch.ones_like(square)).sqrt(), torch.zeros_like(square))


def directions(way: Tensor, length: Tensor) -> Tensor:
    """Returns unit vectors, and zero vectors of coincident points."""
    apart = (length > 0).unsqueeze(-1)
    return torch.where(apart, way, torch.zeros_like(way)) / torch.where(
        apart, length.unsqueeze(-1), torch.ones_like(way)
    )
