"""Charged particles in free space, the N-body task of Satorras et al., ICML 2021 (arXiv 2102.09844), section 5.1.

The published generator is repeated draw by draw: one legacy numpy stream of seed 43 gives 10,000 training systems, then
2,000 for validation and 2,000 for test, and two arrays of noise that are multiplied by zero still advance it. Only the
systems in use are integrated, up to the last frame in use, all at once.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from graphkit.data.systems import RawSystems
from graphkit.errors import ConfigError

VERSION = 1
PARTICLES, STEP, LARGEST_FORCE, BOX = 5, 1e-3, 100.0, 5.0
_LANES = 64
_FRAMES = 49
"""Stored frames of a published trajectory; the noise on each consumes the stream."""


def generate(
    seed: int = 43,
    *,
    train: int = 3000,
    valid: int = 2000,
    test: int = 2000,
    train_drawn: int = 10_000,
    first: int = 3100,
    steps: int = 4100,
) -> RawSystems:
    """Draws and integrates systems of five charged particles in three dimensions.

    Particles have mass 1 and charge +1 or -1; the force of j on i is q_i q_j (x_i - x_j) / |x_i - x_j|^3, each
    component clipped to +-100. Symplectic Euler with a step of 0.001 and a full first kick, so a stored velocity lags
    by one kick.

    Args:
        seed: of the published stream.
        train: training systems in use, the first of those drawn.
        valid: validation systems; all are drawn after the training systems.
        test: test systems.
        train_drawn: training systems drawn, used or not.
        first: position updates before the state that a model sees.
        steps: position updates before the state it predicts.

    Returns:
        Systems of 5 points with `pos`, `vel`, `charge` [N, 1] and the later positions `future`, float32, split as
        published under the protocol `generator`.

    Raises:
        ConfigError: more systems are used than drawn, or the target is not after the start.

    Example:
        >>> generate(train=2, valid=1, test=1, train_drawn=2, first=10, steps=20).points["pos"].shape
        (20, 3)
    """
    if train > train_drawn or not 0 < first < steps or min(train, valid, test) < 1:
        raise ConfigError(
            f"nbody takes train <= train_drawn and 0 < first < steps, got {train}, {train_drawn}, {first}, {steps}"
        )
    charge, pos, vel = initial_states(np.random.RandomState(seed), train_drawn + valid + test)
    used = np.concatenate([np.arange(train), np.arange(train_drawn, train_drawn + valid + test)])
    charge, pos, vel = charge[used], pos[used], vel[used]
    pos, vel, future = integrate(pos, vel, charge, first, steps)
    parts = np.split(np.arange(len(used)), [train, train + valid])
    return RawSystems(
        ptr=np.arange(len(used) + 1, dtype=np.int64) * PARTICLES,
        points={
            "pos": pos.reshape(-1, 3).astype(np.float32),
            "vel": vel.reshape(-1, 3).astype(np.float32),
            "charge": charge.reshape(-1, 1).astype(np.float32),
            "future": future.reshape(-1, 3).astype(np.float32),
        },
        splits={"generator": [(parts[0], parts[1], parts[2])]},
        facts={"units": {"length": "1", "energy": "1"}},
        name="nbody",
    )


def initial_states(
    rng: np.random.RandomState, systems: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Draws charges [G, 5], positions [G, 5, 3] and velocities [G, 5, 3] in the order of the published stream."""
    state, noise = 3 * PARTICLES, 2 * _FRAMES * 3 * PARTICLES
    uniform, normal = np.empty((systems, PARTICLES)), np.empty((systems, 2, 3, PARTICLES))
    for k in range(systems):  # the stream decides the order: uniform draws of charges, then normal ones
        uniform[k] = rng.random_sample(PARTICLES)
        normal[k] = rng.standard_normal(2 * state + noise)[: 2 * state].reshape(2, 3, PARTICLES)
    charge = np.where(uniform < 0.5, -1.0, 1.0)
    pos, direction = normal[:, 0], normal[:, 1]
    vel = 0.5 * direction / np.sqrt((direction**2).sum(axis=1, keepdims=True))
    # walls reflect the initial state only, as published
    over, under = pos > BOX, pos < -BOX
    vel = np.where(over, -np.abs(vel), np.where(under, np.abs(vel), vel))
    pos = np.where(over, 2 * BOX - pos, np.where(under, -2 * BOX - pos, pos))
    return charge, np.ascontiguousarray(pos.transpose(0, 2, 1)), np.ascontiguousarray(vel.transpose(0, 2, 1))


def integrate(
    pos: NDArray[np.float64],
    vel: NDArray[np.float64],
    charge: NDArray[np.float64],
    first: int,
    steps: int,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Returns positions and velocities after `first` position updates, and positions after `steps`, [G, n, d] each."""
    future = np.empty_like(pos)
    pos, vel = pos.copy(), vel.copy()
    for start in range(0, len(pos), _LANES):
        lanes = slice(start, start + _LANES)
        # lanes last: the compiler then works on eight systems with one instruction
        x, v, q = (np.ascontiguousarray(np.moveaxis(array[lanes], 0, -1)) for array in (pos, vel, charge))
        middle = _advance(x, v, q, first, steps)
        pos[lanes], vel[lanes], future[lanes] = (np.moveaxis(array, -1, 0) for array in (*middle, x))
    return pos, vel, future


@njit(cache=True, nogil=True, error_model="numpy")
def _advance(x, v, q, first, steps):  # type: ignore[no-untyped-def]
    """Advances x and v [n, d, L] in place by `steps` position updates; returns the state after the first `first`."""
    count, dim, lanes = x.shape
    force, strength = np.zeros_like(x), np.empty(lanes)
    seen_x, seen_v = x.copy(), v.copy()
    for step in range(steps + 1):
        if step > 0:
            for i in range(count):
                for a in range(dim):
                    for k in range(lanes):
                        x[i, a, k] += STEP * v[i, a, k]
        if step == first:
            seen_x[:], seen_v[:] = x, v
        if step == steps:
            break
        force[:] = 0.0
        for i in range(count):
            for j in range(i):
                strength[:] = 0.0
                for a in range(dim):
                    for k in range(lanes):
                        strength[k] += (x[i, a, k] - x[j, a, k]) ** 2
                for k in range(lanes):
                    strength[k] = q[i, k] * q[j, k] / (strength[k] * np.sqrt(strength[k]))
                for a in range(dim):
                    for k in range(lanes):
                        push = strength[k] * (x[i, a, k] - x[j, a, k])
                        force[i, a, k] += push
                        force[j, a, k] -= push
        for i in range(count):
            for a in range(dim):
                for k in range(lanes):
                    v[i, a, k] += STEP * min(max(force[i, a, k], -LARGEST_FORCE), LARGEST_FORCE)
    return seen_x, seen_v
