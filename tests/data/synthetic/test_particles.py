"""Charged particles: the published stream and its equations, against one slow trajectory."""

from __future__ import annotations

import numpy as np
import pytest

from graphkit.data import load_dataset
from graphkit.data.synthetic import graph_autoencoder, nbody, point_charges
from graphkit.errors import ConfigError


def slow(pos: np.ndarray, vel: np.ndarray, q: np.ndarray, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Symplectic Euler with a full first kick, one system, pair by pair."""
    x, v = pos.copy(), vel.copy()
    for step in range(steps + 1):
        if step:
            x = x + 1e-3 * v
        if step == steps:
            return x, v
        way = x[:, None] - x[None]
        cube = (way**2).sum(-1) ** 1.5 + np.eye(5)
        force = (q[:, None] * q[None] * (1 - np.eye(5)) / cube)[..., None] * way
        v = v + 1e-3 * np.clip(force.sum(1), -100, 100)
    raise AssertionError


def test_systems_follow_the_equations() -> None:
    charge, pos, vel = nbody.initial_states(np.random.RandomState(43), 3)
    seen, velocity, future = nbody.integrate(pos, vel, charge, 30, 70)
    for k in range(3):
        x, v = slow(pos[k], vel[k], charge[k], 30)
        np.testing.assert_allclose(seen[k], x, atol=1e-12)
        np.testing.assert_allclose(velocity[k], v, atol=1e-12)
        np.testing.assert_allclose(future[k], slow(pos[k], vel[k], charge[k], 70)[0], atol=1e-12)


def test_draws_follow_the_published_stream() -> None:
    charge, pos, vel = nbody.initial_states(np.random.RandomState(43), 2)
    np.random.seed(43)  # noqa: NPY002 - the published generator uses the global stream
    for k in range(2):
        q = np.random.choice([1.0, 0.0, -1.0], size=(5, 1), p=[0.5, 0, 0.5])  # noqa: NPY002
        loc, way = np.random.randn(3, 5), np.random.randn(3, 5)  # noqa: NPY002
        np.random.randn(49, 3, 5), np.random.randn(49, 3, 5)  # noqa: NPY002
        assert set(np.unique(q)) <= {-1.0, 1.0}
        np.testing.assert_array_equal(pos[k], loc.T)
        np.testing.assert_allclose(np.linalg.norm(vel[k], axis=1), 0.5)
        np.testing.assert_allclose(vel[k], 0.5 * (way / np.linalg.norm(way, axis=0)).T)
        assert len(set((charge[k] * q[:, 0]).tolist())) == 1  # the products of charges are those published


def test_validation_comes_after_all_training_systems_of_the_stream() -> None:
    few = nbody.generate(train=2, valid=1, test=1, train_drawn=4, first=1, steps=2)
    all_ = nbody.generate(train=4, valid=1, test=1, train_drawn=4, first=1, steps=2)
    np.testing.assert_array_equal(few.points["pos"][10:15], all_.points["pos"][20:25])
    with pytest.raises(ConfigError, match="train_drawn"):
        nbody.generate(train=5, train_drawn=4)


@pytest.mark.slow
def test_constant_velocity_has_the_published_error() -> None:
    raw = load_dataset("nbody").raw
    pos, vel, future = (raw.points[key].astype(np.float64) for key in ("pos", "vel", "future"))
    train, test = slice(0, 15_000), slice(25_000, 35_000)
    time = ((future - pos)[train] * vel[train]).sum() / (vel[train] ** 2).sum()
    assert abs(((future - pos - time * vel)[test] ** 2).mean() - 0.0836) < 0.0005


def test_graphs_are_those_of_the_published_sizes() -> None:
    raw = graph_autoencoder.generate(train=20, valid=10, test=10)
    np.testing.assert_array_equal(np.diff(raw.ptr)[:10], np.arange(7, 17))
    pairs = set(map(tuple, raw.edge_index.T.tolist()))
    assert len(pairs) == raw.edge_index.shape[1] and all((b, a) in pairs for a, b in pairs)
    with pytest.raises(ConfigError, match="rounds of 10"):
        graph_autoencoder.generate(train=15)


def test_communities_are_joined() -> None:
    raw = graph_autoencoder.generate(family="community", train=8, valid=2, test=2)
    sizes = np.diff(raw.ptr)
    assert sizes.min() >= 12 and sizes.max() <= 20


def test_charges_dipoles_and_energies_of_clusters_pair_by_pair() -> None:
    drawn = point_charges.generate(seed=3, train=6, valid=2, test=2)
    z, pos = drawn.points["z"], drawn.points["pos"].astype(float)
    for number, (first, last) in enumerate(zip(drawn.ptr, drawn.ptr[1:], strict=False)):
        charge = np.zeros(last - first)
        for i in range(last - first):
            for j in range(last - first):
                pull = point_charges.PULLS[int(z[first + j])] - point_charges.PULLS[int(z[first + i])]
                charge[i] += pull * np.exp(-np.linalg.norm(pos[first + i] - pos[first + j]))
        energy = sum(
            charge[i] * charge[j] / np.linalg.norm(pos[first + i] - pos[first + j])
            for j in range(last - first)
            for i in range(j)
        )
        assert abs(charge.sum()) < 1e-12
        np.testing.assert_allclose(drawn.systems["dipole"][number], charge @ pos[first:last], atol=1e-6)
        np.testing.assert_allclose(drawn.systems["energy"][number], energy, atol=1e-6)


def test_clusters_without_room_are_refused() -> None:
    with pytest.raises(ConfigError, match="point-charges"):
        point_charges.generate(largest=13)
