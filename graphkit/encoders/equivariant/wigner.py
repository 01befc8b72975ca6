r"""Real irreducible representations of rotations up to degree L, smooth in the direction of an edge.

Degree l has 2 l + 1 components, m from -l to l, in the real basis with the polar axis along z; degree 1 is (y, z, x).
D_l(R) acts on them as R acts on vectors. It is built up from D_1 = R with Clebsch-Gordan coefficients, so it is a
polynomial in R; the coefficients are computed here from generators, in float64.
"""

from __future__ import annotations

import functools
import math

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.linalg import null_space
from torch import Tensor

Matrix = NDArray[np.float64]
YZX = (1, 2, 0)
"""Components of degree 1, m = -1, 0, 1, as axes of space."""


@functools.cache
def generators(degree: int) -> tuple[Matrix, Matrix, Matrix]:
    """Returns the real antisymmetric generators of rotations about x, y and z in the basis above, [2 l + 1, 2 l + 1].

    Example:
        >>> generators(1)[2].round(6).tolist()
        [[0.0, 0.0, 1.0], [0.0, 0.0, 0.0], [-1.0, 0.0, 0.0]]
    """
    size = 2 * degree + 1
    m = np.arange(-degree, degree + 1)
    raising = np.zeros((size, size), dtype=np.complex128)
    for k in range(size - 1):
        raising[k + 1, k] = math.sqrt(degree * (degree + 1) - m[k] * (m[k] + 1))
    lowering = raising.conj().T
    spins = (raising + lowering) / 2, (raising - lowering) / 2j, np.diag(m).astype(np.complex128)
    change = np.zeros((size, size), dtype=np.complex128)
    for order in range(-degree, degree + 1):  # rows: real components, columns: complex ones
        row, plus, minus = order + degree, abs(order) + degree, degree - abs(order)
        sign = (-1.0) ** abs(order)
        if order < 0:
            change[row, minus], change[row, plus] = -1j / math.sqrt(2), 1j * sign / math.sqrt(2)
        elif order == 0:
            change[row, row] = 1.0
        else:
            change[row, minus], change[row, plus] = 1 / math.sqrt(2), sign / math.sqrt(2)
    x, y, z = (np.ascontiguousarray((change @ (-1j * spin) @ change.conj().T).real) + 0.0 for spin in spins)
    return x, y, z


@functools.cache
def clebsch_gordan(one: int, two: int, three: int) -> Matrix:
    """Returns the coefficients [2 l1 + 1, 2 l2 + 1, 2 l3 + 1] of the product of degrees l1 and l2 in degree l3.

    They commute with rotations, which fixes them up to a factor: the sum of their squares is 2 l3 + 1 and the first one
    that is not zero is positive. All are zero unless |l1 - l2| <= l3 <= l1 + l2.

    Example:
        >>> clebsch_gordan(1, 1, 0)[:, :, 0].diagonal().round(6).tolist()
        [0.57735, 0.57735, 0.57735]
    """
    sizes = 2 * one + 1, 2 * two + 1, 2 * three + 1
    if not abs(one - two) <= three <= one + two:
        return np.zeros(sizes)
    identity = [np.eye(size) for size in sizes]
    rows = []
    for a, b, c in zip(generators(one), generators(two), generators(three), strict=True):
        product = np.kron(a, identity[1]) + np.kron(identity[0], b)
        rows.append(np.kron(product, identity[2]) - np.kron(np.kron(identity[0], identity[1]), c.T))
    solution = null_space(np.concatenate(rows), rcond=1e-10)
    assert solution.shape[1] == 1
    vector = solution[:, 0] * math.sqrt(sizes[2])
    first = vector[np.argmax(np.abs(vector) > 1e-8)]
    found: Matrix = (vector * np.sign(first)).reshape(sizes)
    found[np.abs(found) < 1e-14] = 0.0
    return found


def wigner(rotation: Tensor, degree: int) -> list[Tensor]:
    """Returns D_l [E, 2 l + 1, 2 l + 1] of rotation matrices [E, 3, 3] for l = 0..L, differentiable in them.

    Example:
        >>> [d.shape[-1] for d in wigner(torch.eye(3).unsqueeze(0), 2)]
        [1, 3, 5]
    """
    first = rotation[:, YZX][:, :, YZX]
    found = [torch.ones_like(rotation[:, :1, :1]), first]
    for own in range(2, degree + 1):
        couple = torch.as_tensor(clebsch_gordan(own - 1, 1, own), dtype=rotation.dtype, device=rotation.device)
        half = torch.einsum("abc,eax->exbc", couple, found[-1])
        found.append(torch.einsum("exbc,eby,xyz->ecz", half, first, couple))
    return found[: degree + 1]


def edge_rotation(direction: Tensor) -> Tensor:
    """Returns rotations [E, 3, 3] that take directions [E, 3] to the polar axis z; a fixed, differentiable rule.

    The shortest rotation, which is smooth but for the opposite pole; directions below the equator are first turned by
    180 degrees about x. What an SO(2) convolution makes of an edge does not depend on the turn about it, so nothing
    jumps at the equator. A zero vector (coincident points) gets the identity.

    Example:
        >>> edge_rotation(torch.tensor([[0.0, 1.0, 0.0]])) @ torch.tensor([0.0, 1.0, 0.0])
        tensor([[0., 0., 1.]])
    """
    below = (direction[:, 2] < 0).unsqueeze(-1)
    flip = direction.new_tensor([1.0, -1.0, -1.0])
    x, y, z = torch.where(below, direction * flip, direction).unbind(-1)
    nowhere = (x == 0) & (y == 0) & (z == 0)
    z = torch.where(nowhere, torch.ones_like(z), z)
    scale = 1.0 / (1.0 + z)
    rows = [
        torch.stack([1.0 - x * x * scale, -x * y * scale, -x], dim=-1),
        torch.stack([-x * y * scale, 1.0 - y * y * scale, -y], dim=-1),
        torch.stack([x, y, z], dim=-1),
    ]
    rotation = torch.stack(rows, dim=-2)
    return torch.where(below.unsqueeze(-1), rotation * flip, rotation)


def spherical_harmonics(direction: Tensor, degree: int) -> list[Tensor]:
    """Returns, for l = 0..L, the harmonics [E, 2 l + 1] of unit vectors, normalised to length 1.

    Example:
        >>> spherical_harmonics(torch.tensor([[0.0, 0.0, 1.0]]), 1)[1]
        tensor([[0., 1., 0.]])
    """
    matrices = wigner(edge_rotation(direction), degree)
    return [matrix[:, k] for k, matrix in enumerate(matrices)]
