"""SEMBA's routing, Todyformer's patches and the sequence behind a static encoder, against their definitions."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from graphkit.encoders.temporal.base import Events, StreamInfo
from graphkit.encoders.temporal.semba import SEMBA
from graphkit.encoders.temporal.sequence import SequenceEncoder
from graphkit.encoders.temporal.todyformer import Todyformer
from graphkit.errors import ConfigError

NODES, MANY = 9, 40


def stream(width: int = 2) -> Events:
    random = np.random.default_rng(0)
    msg = random.normal(size=(MANY, width)).astype(np.float32)
    return Events(*random.integers(0, NODES, (2, MANY)), np.sort(random.integers(0, 900, MANY)), msg)


def show(encoder: torch.nn.Module, events: Events, size: int) -> None:
    for start in range(0, MANY, size):
        part = slice(start, start + size)
        encoder.observe(Events(events.src[part], events.dst[part], events.t[part], events.msg[part]))


def info() -> StreamInfo:
    torch.manual_seed(0)
    return StreamInfo(NODES, (0, NODES - 1), 2, time_scale=30.0, time_gap=20.0)


def test_signs_route_messages_between_memories() -> None:
    events = stream()
    encoder = SEMBA(info(), 6, num_neighbors=3, heads=2, time_channels=4, identity="random").eval()
    show(encoder, events, 7)
    memory, rows = encoder.memory, encoder.memory.rows.table.weight.view(-1, 2, 3)
    cells = []
    for states, moments, held in memory.cells:
        cell = torch.nn.GRUCell(2 * 3 + 2 + 4, 3)
        cell.weight_ih.data = torch.cat([states.weight, moments.weight], dim=1)
        cell.bias_ih.data, cell.weight_hh.data, cell.bias_hh.data = states.bias.data, held.weight.data, held.bias.data
        cells.append(cell)
    state, last, pending = torch.zeros(NODES, 2, 3), np.zeros(NODES), {}

    def taken_in(n: int) -> torch.Tensor:
        peer, t, msg = pending[n]
        time = memory.time(torch.tensor((t - last[n]) / memory.unit))
        found = []
        for part, cell in enumerate(cells):
            other = part if msg[0] >= 0 else 1 - part
            own, theirs = state[n, part] + rows[n, part], state[peer, other] + rows[peer, other]
            message = torch.cat([own, theirs, torch.from_numpy(msg), time])
            found.append(cell(message[None], state[n, part][None])[0])
        return torch.stack(found)

    with torch.no_grad():
        for start in range(0, MANY, 7):
            part = range(start, min(start + 7, MANY))
            touched = {int(end) for row in part for end in (events.src[row], events.dst[row])}
            new = {n: taken_in(n) for n in touched if n in pending}
            for n, value in new.items():
                state[n], last[n] = value, pending[n][1]
            for row in part:
                u, v = int(events.src[row]), int(events.dst[row])
                pending[u] = v, float(events.t[row]), events.msg[row]
                pending[v] = u, float(events.t[row]), events.msg[row]
        due = torch.stack([taken_in(n) if n in pending else state[n] for n in range(NODES)]) + rows[:NODES]
        assert torch.allclose(memory.read(np.arange(NODES))[0], due.flatten(1), atol=1e-5)
    with pytest.raises(ConfigError, match="even, got 5"):
        SEMBA(info(), 5)


def test_patches_are_those_of_a_loop() -> None:
    events, window, patches = stream(), 24, 4
    encoder = Todyformer(info(), 6, window, patches, num_blocks=2, time_channels=4, identity="random").double().eval()
    show(encoder, events, 7)
    src, dst, t = (part[-window:] for part in (events.src, events.dst, events.t))
    msg = torch.from_numpy(events.msg[-window:]).double()
    age = torch.cat([encoder.time(torch.from_numpy((t[-1] - t) / 20.0)), msg], dim=1)
    patch = np.arange(window) // (window // patches)
    start = lambda n: encoder.start + encoder.rows(np.array([n]))[0]  # noqa: E731
    state = {(int(n), int(p)): start(n) for ends in (src, dst) for n, p in zip(ends, patch, strict=True)}
    for layer in range(2):
        new = {}
        for (n, p), own in state.items():
            met = []
            for row in np.flatnonzero(patch == p):
                for a, b in ((src[row], dst[row]), (dst[row], src[row])):
                    if a == n:
                        met.append(encoder.near[layer](state[int(b), p]) + encoder.event[layer](age[row]))
            new[n, p] = torch.relu(encoder.own[layer](own) + torch.stack(met).mean(dim=0))
        for n in {n for n, _ in state}:
            mine = [p for m, p in sorted(state) if m == n]
            line = torch.stack([new[n, p] + encoder.places[p] for p in mine])
            for p, value in zip(mine, encoder.across[layer](line[None])[0], strict=True):
                state[n, p] = value
    found = encoder.embed(np.arange(NODES), np.zeros(NODES))
    for n in range(NODES):
        mine = [p for m, p in sorted(state) if m == n]
        due = state[n, mine[-1]] if mine else encoder.absent + encoder.rows(np.array([n]))[0]
        assert torch.allclose(found[n], due, atol=1e-10)


def test_a_sequence_is_the_last_events_in_their_order() -> None:
    def states(events: Events, size: int = 7) -> torch.Tensor:
        encoder = SequenceEncoder(
            info(), "gcn", 8, num_neighbors=3, tokens=2, time_channels=4, refresh=10**6, dropout=0.0
        ).eval()
        show(encoder, events, size)
        return encoder.embed(np.arange(2), np.full(2, 950.0))

    # the graph is never renewed, so that events count by the sequences alone: node 0 meets 1, 2, ..., node 1 meets 0
    src, dst = np.zeros(MANY, dtype=np.int64), 1 + np.arange(MANY) % (NODES - 1)
    plain = stream()
    events = Events(src, dst, plain.t, plain.msg)
    due = states(events)
    assert torch.allclose(states(events, size=1), due, atol=1e-6)
    old = Events(src, np.concatenate([[2], dst[1:]]), plain.t, plain.msg)
    assert torch.allclose(states(old)[0], due[0], atol=1e-6)
    swapped = Events(src, np.concatenate([dst[:-2], dst[-2:][::-1]]), plain.t, plain.msg)
    assert not torch.allclose(states(swapped)[0], due[0], atol=1e-4)
