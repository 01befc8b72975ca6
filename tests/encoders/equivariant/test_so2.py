"""Wigner matrices and SO(2) convolutions against exponentials and a naive Clebsch-Gordan product."""

from __future__ import annotations

import numpy as np
import torch
from scipy.linalg import expm
from scipy.spatial.transform import Rotation

from graphkit.encoders.equivariant.so2 import SO2Conv, rotate
from graphkit.encoders.equivariant.wigner import clebsch_gordan, edge_rotation, generators, spherical_harmonics, wigner


def directions() -> torch.Tensor:
    drawn = torch.randn(5, 3, generator=torch.Generator().manual_seed(0), dtype=torch.double)
    poles = torch.tensor([[0, 0, 1.0], [0, 0, -1.0], [1.0, 0, 0]], dtype=torch.double)
    return torch.cat([poles, torch.nn.functional.normalize(drawn, dim=-1)])


def test_wigner_matrices_are_exponentials_of_generators() -> None:
    vector = np.array([0.3, -0.5, 0.8])
    rotation = torch.from_numpy(Rotation.from_rotvec(vector).as_matrix()).unsqueeze(0)
    for degree, found in enumerate(wigner(rotation, 4)):
        due = expm(sum(a * g for a, g in zip(vector, generators(degree), strict=True)))
        np.testing.assert_allclose(found[0].numpy(), due, atol=1e-12)


def test_frames_turn_edges_to_the_pole_with_finite_gradients() -> None:
    v = directions().requires_grad_()
    frames = edge_rotation(v)
    due = torch.tensor([0, 0, 1.0], dtype=torch.double).expand(len(v), 3)
    torch.testing.assert_close(torch.einsum("eij,ej->ei", frames, v), due)
    torch.testing.assert_close(torch.linalg.det(frames), torch.ones(len(v), dtype=torch.double))
    frames.square().sum().backward()
    assert torch.isfinite(v.grad).all()


def test_convolution_equals_the_naive_product() -> None:
    degree, channels = 2, 3
    v = directions()
    harmonics = spherical_harmonics(v, 2 * degree)
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(len(v), 9, channels, generator=generator, dtype=torch.double)
    naive, conv = torch.zeros_like(x), SO2Conv(degree, channels, channels, mirror=False).double()
    with torch.no_grad():
        for parameter in conv.parameters():
            parameter.zero_()
        for one in range(degree + 1):
            for three in range(degree + 1):
                for two in range(abs(one - three), one + three + 1):
                    couple = torch.from_numpy(clebsch_gordan(one, two, three))
                    weight = torch.randn(channels, channels, generator=generator, dtype=torch.double)
                    product = torch.einsum("eac,eb,abk->ekc", x[:, one**2 : (one + 1) ** 2], harmonics[two], couple)
                    naive[:, three**2 : (three + 1) ** 2] += product @ weight.t()
                    for m in range(min(one, three) + 1):
                        count = degree + 1 - m
                        shape = count, channels, count, channels
                        at = three - m, slice(None), one - m
                        conv.even[m].view(shape)[at] += couple[one + m, two, three + m] * weight
                        if m:
                            conv.odd[m - 1].view(shape)[at] += couple[one + m, two, three - m] * weight
        turns = wigner(edge_rotation(v), degree)
        found = rotate(turns, conv(rotate(turns, x)), back=True)
    assert float((found - naive).abs().max()) < 1e-10
