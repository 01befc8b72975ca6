"""Equivariant networks beside other forms of the same computation, in one run and on one thread; CPU time, minima.


EGNN: an epoch of N-body training (30 batches of 100 systems, forward, backward, Adam) against a layer written as
published: one edge at a time with both ends copied and sums by scatter. TensorNet: an energy-and-forces training step
of 64 ethanols against torchmd-net. Radius graph: 5,000 atoms at 0.1 atoms per cubic Angstrom within 5 Angstrom, against
all distances.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.measure import OURS, Options, Row, alternate
from graphkit.encoders.equivariant.base import Points
from graphkit.encoders.equivariant.egnn import EGNN
from graphkit.encoders.equivariant.tensornet import TensorNet
from graphkit.heads.energy import EnergyHead
from graphkit.kernels.radius import radius_edges

STEPS, BATCH, ATOMS = 30, 100, 9


class PublishedLayer(nn.Module):
    """An EGNN layer with velocities edge by edge, as the authors write it."""

    def __init__(self, width: int, edge_dim: int) -> None:
        super().__init__()
        self.edge = nn.Sequential(
            nn.Linear(2 * width + 1 + edge_dim, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU()
        )
        self.node = nn.Sequential(nn.Linear(2 * width, width), nn.SiLU(), nn.Linear(width, width))
        self.coord = nn.Sequential(nn.Linear(width, width), nn.SiLU(), nn.Linear(width, 1, bias=False))
        self.vel = nn.Sequential(nn.Linear(width, width), nn.SiLU(), nn.Linear(width, 1))

    def forward(self, h: Tensor, index: list[Tensor], x: Tensor, v: Tensor, attr: Tensor) -> tuple[Tensor, Tensor]:
        row, col = index
        way = x[row] - x[col]
        radial = (way**2).sum(1, keepdim=True)
        message = self.edge(torch.cat([h[row], h[col], radial, attr], dim=1))
        move = (way * self.coord(message)).clamp(-100, 100)
        total, count = summed(move, row, len(x)), summed(torch.ones_like(move), row, len(x))
        x = x + total / count.clamp(min=1) + self.vel(h) * v
        return h + self.node(torch.cat([h, summed(message, row, len(h))], dim=1)), x


def summed(data: Tensor, index: Tensor, count: int) -> Tensor:
    return data.new_zeros(count, data.size(1)).scatter_add_(0, index.unsqueeze(-1).expand(-1, data.size(1)), data)


class Published(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.input = nn.Linear(1, 64)
        self.layers = nn.ModuleList(PublishedLayer(64, 2) for _ in range(4))

    def forward(self, h: Tensor, x: Tensor, index: list[Tensor], v: Tensor, attr: Tensor) -> Tensor:
        h = self.input(h)
        for layer in self.layers:
            h, x = layer(h, index, x, v, attr)
        return x


def egnn() -> dict[str, Callable[[], Any]]:
    ptr = torch.arange(BATCH + 1) * 5
    pos, vel = torch.randn(5 * BATCH, 3), torch.randn(5 * BATCH, 3)
    attr, future = torch.randn(20 * BATCH, 2), torch.randn(5 * BATCH, 3)
    speed = vel.norm(dim=-1, keepdim=True)
    ours, published = EGNN(1, 2, velocity=True), Published()
    steps = {id(model): torch.optim.Adam(model.parameters(), lr=5e-4) for model in (ours, published)}

    def train(model: nn.Module, call: Callable[[], Tensor]) -> None:
        for _ in range(STEPS):
            steps[id(model)].zero_grad()
            nn.functional.mse_loss(call(), future).backward()
            steps[id(model)].step()

    def batch() -> Tensor:
        points = Points.of(pos, ptr, x=speed, vel=vel)
        points.edges.attr = attr
        found: Tensor = ours(points).pos
        return found

    edges = Points.of(pos, ptr).edges
    index = [edges.target, edges.source]
    return {
        OURS: lambda: train(ours, batch),
        "as published": lambda: train(published, lambda: published(speed, pos, index, vel, attr)),
    }


def tensornet(width: int, layers: int) -> dict[str, Callable[[], Any]]:
    count = 64
    generator = torch.Generator().manual_seed(0)
    one = torch.tensor([[0.0, 0, 0], [1.5, 0, 0], [2.0, 1.3, 0], [-0.4, 1, 0], [-0.4, -0.5, 0.9], [-0.4, -0.5, -0.9]])
    one = torch.cat([one, torch.tensor([[1.9, -0.6, 0.9], [1.9, -0.6, -0.9], [2.9, 1.2, 0.0]])])
    pos = (one.repeat(count, 1) + 0.05 * torch.randn(count * ATOMS, 3, generator=generator)).contiguous()
    z = torch.tensor([6, 6, 8, 1, 1, 1, 1, 1, 1]).repeat(count)
    ptr = torch.arange(count + 1) * ATOMS
    encoder = TensorNet(0, 0, hidden_channels=width, num_layers=layers, basis=32, cutoff=4.5)
    head = EnergyHead(encoder)
    both = nn.ModuleList([encoder, head])
    optimizer = torch.optim.Adam(both.parameters(), lr=1e-3)

    def step() -> None:
        optimizer.zero_grad()
        found = head(encoder, Points.of(pos, ptr, z=z, cutoff=4.5))
        (found["energy"].square().mean() + found["forces"].square().mean()).backward()
        optimizer.step()

    rows: dict[str, Callable[[], Any]] = {OURS: step}
    try:
        from torchmdnet.models.model import create_model
    except ImportError:
        return rows
    peer = create_model(
        {
            "model": "tensornet",
            "embedding_dimension": width,
            "num_layers": layers,
            "num_rbf": 32,
            "rbf_type": "expnorm",
            "trainable_rbf": False,
            "activation": "silu",
            "cutoff_lower": 0.0,
            "cutoff_upper": 4.5,
            "max_z": 100,
            "max_num_neighbors": 64,
            "equivariance_invariance_group": "O(3)",
            "derivative": True,
            "prior_model": None,
            "output_model": "Scalar",
            "reduce_op": "sum",
            "precision": 32,
            "static_shapes": False,
            "atom_filter": -1,
            "remove_ref_energy": False,
            "box_vecs": None,
            "check_errors": True,
        }
    )
    theirs, system = torch.optim.Adam(peer.parameters(), lr=1e-3), torch.arange(count).repeat_interleave(ATOMS)

    def peer_step() -> None:
        theirs.zero_grad()
        energy, forces = peer(z, pos, system)
        (energy.square().mean() + forces.square().mean()).backward()
        theirs.step()

    return rows | {"torchmd-net": peer_step}


def radius() -> dict[str, Callable[[], Any]]:
    count = 5000
    pos = torch.rand(count, 3, generator=torch.Generator().manual_seed(0)) * (count / 0.1) ** (1 / 3)

    def differences() -> Tensor:
        length = (pos[:, None] - pos[None]).norm(dim=-1).fill_diagonal_(float("inf"))
        return (length < 5.0).nonzero()

    def cdist() -> Tensor:
        return (torch.cdist(pos, pos).fill_diagonal_(float("inf")) < 5.0).nonzero()

    return {OURS: lambda: radius_edges(pos, 5.0), "all differences": differences, "torch.cdist": cdist}


ROWS: dict[str, tuple[Callable[[], dict[str, Callable[[], Any]]], dict[str, float]]] = {
    "an epoch of EGNN on N-body": (egnn, {"as published": 3.0}),
    "energies and forces of 64 ethanols, TensorNet 2 x 128": (lambda: tensornet(128, 2), {"torchmd-net": 2.0}),
    "energies and forces of 64 ethanols, TensorNet 1 x 64": (lambda: tensornet(64, 1), {"torchmd-net": 2.0}),
    "radius graph of 5,000 atoms": (radius, {"all differences": 20.0}),
}


def rows(options: Options) -> Iterator[Row]:
    for case, (sides, bars) in ROWS.items():
        times = alternate(sides(), options.rounds)
        yield Row(case, {name: 1e3 * seconds for name, seconds in times.items()}, "ms", bars=bars)
