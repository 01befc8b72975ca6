"""Equivariant networks beside other forms of the same computation, in one run; minima, of CPU time on one thread.

EGNN: 30 batches of 100 N-body systems, forward, backward and Adam, against a layer written as published: one edge at a
time with both ends copied and sums by scatter. The whole epoch is that with all there is around the steps, elapsed time
on two threads: the library's feed and training loop, against a loader that collates systems one by one and lists the
edges of every batch. TensorNet: an energy-and-forces training step of 64 ethanols against torchmd-net. Radius graph:
5,000 atoms at 0.1 atoms per cubic Angstrom within 5 Angstrom, against all distances.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from benchmarks.measure import OURS, Options, Row, alternate
from graphkit.config import RunSpec
from graphkit.data.cards import Card
from graphkit.data.systems import RawSystems, SystemDataset
from graphkit.encoders.equivariant.base import Points
from graphkit.encoders.equivariant.egnn import EGNN
from graphkit.encoders.equivariant.tensornet import TensorNet
from graphkit.heads.energy import EnergyHead
from graphkit.kernels.radius import radius_edges
from graphkit.seeds import SeedStreams
from graphkit.training.loop import fit
from graphkit.training.system_feed import SystemFeed
from graphkit.training.systems import build_system_model, step

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
    steps = {
        id(model): torch.optim.Adam(model.parameters(), lr=5e-4, fused=model is ours) for model in (ours, published)
    }

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


def egnn_epoch() -> dict[str, Callable[[], Any]]:
    """The systems are drawn and not simulated: an epoch costs the same on any numbers."""
    count, bodies = STEPS * BATCH, 5
    generator = np.random.default_rng(0)
    pos, vel, future = generator.normal(size=(3, (count + 2) * bodies, 3))
    charge = generator.choice([-1.0, 1.0], size=(len(pos), 1))
    points = {"pos": pos, "vel": vel, "charge": charge, "future": future}
    parts = [(np.arange(count), np.array([count]), np.array([count + 1]))]
    raw = RawSystems(bodies * np.arange(count + 3), points, splits={"generator": parts})
    card = Card(name="drawn", task="trajectory", metric="mse", protocols=("generator",))
    dataset, seeds = SystemDataset(card, raw, "", {}), SeedStreams(0)
    spec = RunSpec().merged(
        {
            "data": {"batch_size": BATCH},
            "encoder": {"name": "egnn", "options": {"velocity": True}},
            "head": {"name": "position"},
            "train": {"epochs": 1, "eval_every": 2, "drop_last": True},
        }
    )
    model = build_system_model(spec, dataset, seeds)
    feed = SystemFeed(dataset, dataset.split(), spec, seeds)
    arrays = [torch.tensor(value, dtype=torch.float32).view(count + 2, bodies, -1)[:count] for value in points.values()]
    loader = DataLoader(TensorDataset(*arrays), batch_size=BATCH, shuffle=True, drop_last=True)
    published = Published()
    optimizer = torch.optim.Adam(published.parameters(), lr=5e-4, weight_decay=1e-12)
    pairs = [(i, j) for i in range(bodies) for j in range(bodies) if i != j]

    def as_published() -> None:
        total = 0.0
        for drawn in loader:
            x, v, q, future = (part.view(-1, part.size(-1)) for part in drawn)
            ends = [torch.tensor([pair[end] for pair in pairs]) for end in (0, 1)]
            row, col = (torch.cat([end + bodies * system for system in range(BATCH)]) for end in ends)
            optimizer.zero_grad()
            square = ((x[row] - x[col]) ** 2).sum(1, keepdim=True)
            attr = torch.cat([q[row] * q[col], square], dim=1)
            speed = (v**2).sum(1, keepdim=True).sqrt()
            loss = nn.functional.mse_loss(published(speed, x, [row, col], v, attr), future)
            loss.backward()
            optimizer.step()
            total += loss.item()

    return {
        OURS: lambda: fit(model, feed, spec.train, metric="mse", step=step, look=lambda *_: (1.0, 1.0)),
        "as published": as_published,
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
    "30 training steps of EGNN on N-body": (egnn, {}),
    "a whole epoch of EGNN on N-body": (egnn_epoch, {"as published": 3.0}),
    "energies and forces of 64 ethanols, TensorNet 2 x 128": (lambda: tensornet(128, 2), {"torchmd-net": 2.0}),
    "energies and forces of 64 ethanols, TensorNet 1 x 64": (lambda: tensornet(64, 1), {"torchmd-net": 2.0}),
    "radius graph of 5,000 atoms": (radius, {"all differences": 20.0}),
}


def rows(options: Options) -> Iterator[Row]:
    for case, (sides, bars) in ROWS.items():
        whole = sides is egnn_epoch
        torch.set_num_threads(2 if whole else 1)
        times = alternate(sides(), options.rounds, clock=time.perf_counter if whole else time.process_time)
        yield Row(case, {name: 1e3 * seconds for name, seconds in times.items()}, "ms", bars=bars)
