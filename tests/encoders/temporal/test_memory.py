"""The memory against its equations, written event by event in float64."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from graphkit.encoders.temporal.base import EventFeatures, Events, StreamInfo
from graphkit.encoders.temporal.corrector import MemoryCorrector
from graphkit.encoders.temporal.memory import NodeMemory
from graphkit.kernels.tables import Tables

NODES, WIDTH = 9, 5


def build(updater: str, corrector: MemoryCorrector | None = None) -> NodeMemory:
    torch.manual_seed(0)
    state, info = Tables(NODES), StreamInfo(NODES, (0, NODES - 1), 2, time_gap=30.0)
    return NodeMemory(state, info, EventFeatures(state, 2), WIDTH, 4, updater, "random", corrector)


def stream() -> Events:
    random = np.random.default_rng(0)
    ends = random.integers(0, NODES, (2, 60))
    return Events(*ends, np.sort(random.integers(0, 900, 60)), random.normal(size=(60, 2)).astype(np.float32))


def slow(memory: NodeMemory, events: Events, size: int) -> np.ndarray:
    """s(n) after the stream: the last event of a batch is a node's message, taken in when its next one comes."""
    rows = memory.rows.table.weight.detach().double().numpy()
    weights = {name: own.detach().double() for name, own in memory.named_parameters()}
    state, last, pending = np.zeros((NODES, WIDTH)), np.zeros(NODES), {}

    def taken_in(n: int) -> np.ndarray:
        peer, t, msg = pending[n]
        known = np.concatenate([state[n] + rows[n], state[peer] + rows[peer], msg])
        time = torch.cos(weights["time.weight"] * (t - last[n]) / 30.0 + weights["time.bias"])
        given = weights["from_states.weight"] @ torch.from_numpy(known) + weights["from_states.bias"]
        given = given + weights["from_time.weight"] @ time
        old = torch.from_numpy(state[n])
        held = weights["from_memory.weight"] @ old + weights["from_memory.bias"]
        if memory.updater == "rnn":
            return torch.tanh(given + held).numpy()
        r, z = torch.sigmoid((given + held)[: 2 * WIDTH]).chunk(2)
        return ((1 - z) * torch.tanh(given[2 * WIDTH :] + r * held[2 * WIDTH :]) + z * old).numpy()

    for start in range(0, len(events), size):
        part = range(start, min(start + size, len(events)))
        touched = sorted({int(end) for row in part for end in (events.src[row], events.dst[row])})
        new = {n: taken_in(n) for n in touched if n in pending}
        for n, value in new.items():
            state[n], last[n] = value, pending[n][1]
        for row in part:
            u, v = int(events.src[row]), int(events.dst[row])
            pending[u] = v, float(events.t[row]), events.msg[row]
            pending[v] = u, float(events.t[row]), events.msg[row]
    return np.array([taken_in(n) if n in pending else state[n] for n in range(NODES)]) + rows[:NODES]


@pytest.mark.parametrize("updater", ["gru", "rnn"])
@pytest.mark.parametrize("size", [1, 7, 60])
def test_memory_follows_its_equations(updater: str, size: int) -> None:
    memory, events = build(updater).eval(), stream()
    for start in range(0, 60, size):
        part = slice(start, start + size)
        memory.observe(Events(events.src[part], events.dst[part], events.t[part]))
        memory.features.append(events.msg[part])
    found, last = memory.read(np.arange(NODES))
    assert found.detach().numpy() == pytest.approx(slow(memory, events, size), abs=1e-5)
    assert last.tolist() == [max(events.t[(events.src == n) | (events.dst == n)]) for n in range(NODES)]


def test_gates_are_those_of_torch() -> None:
    memory = build("gru").eval()
    cell = nn.GRUCell(2 * WIDTH + 2 + 4, WIDTH)
    with torch.no_grad():
        cell.weight_ih.copy_(torch.cat([memory.from_states.weight, memory.from_time.weight], dim=1))
        cell.bias_ih.copy_(memory.from_states.bias)
        cell.weight_hh.copy_(memory.from_memory.weight)
        cell.bias_hh.copy_(memory.from_memory.bias)
    random = np.random.default_rng(0)
    memory.state["memory"][:] = random.normal(size=(NODES, WIDTH))
    memory.features.append(random.normal(size=(4, 2)))
    memory.state["pending/event"][:] = np.arange(NODES) % 4
    own, peer, time = np.array([0, 2, 3, 7]), np.array([5, 3, 5, 1]), torch.randn(4, 4)
    old = torch.from_numpy(memory.state["memory"][own])
    known = torch.cat([memory.stored(own), memory.stored(peer), memory.features.read(own % 4), time], dim=1)
    assert torch.allclose(memory._update(own, peer, time, old), cell(known, old), atol=1e-6)


def test_short_gaps_are_told_apart_however_long_a_node_rests() -> None:
    torch.manual_seed(0)
    state, info = Tables(4), StreamInfo(4, (0, 3), time_scale=1e5, time_gap=1.0)
    memory = NodeMemory(state, info, EventFeatures(state, 0), WIDTH, 10).eval()
    for t in ((10.0, 10.0), (14.0, 17.0)):
        memory.observe(Events(np.array([0, 1]), np.array([2, 3]), np.array(t)))
    found, _ = memory.read(np.arange(2))
    assert (found[0] - found[1]).abs().max() > 1e-2


def test_what_training_read_is_what_is_written() -> None:
    events = stream()
    parts = (
        Events(events.src[:30], events.dst[:30], events.t[:30]),
        Events(events.src[30:], events.dst[30:], events.t[30:]),
    )
    found = []
    for read in (False, True):
        memory = build("gru").train()
        memory.observe(parts[0])
        memory.features.append(events.msg[:30])
        if read:
            memory.read(np.arange(0, NODES, 2))
        memory.observe(parts[1])
        found.append(memory.state["memory"].copy())
    assert found[0] == pytest.approx(found[1], abs=1e-6) and np.abs(found[0]).max() > 0.05


def test_a_correction_extrapolates_what_a_node_did_so_far() -> None:
    corrector, state = MemoryCorrector(gamma=0.75, beta=0.5, learned=False), Tables(3)
    corrector.reset(state, 2)
    old, new, gap = torch.zeros(1, 2), torch.tensor([[4.0, 0.0]]), np.array([np.e - 1])
    same, _ = corrector(state, np.array([1]), old, new, gap)
    assert torch.equal(same, new)  # nothing known yet
    for change in (1.0, 3.0):
        corrector.record(state, np.array([1]), np.array([[change, 0.0]], dtype=np.float32), gap)
    corrected, penalty = corrector(state, np.array([1]), old + 1, new, gap)
    step = np.log1p(np.e - 1) + 0.1
    rate = (1.0 + 3.0) / 2 / step
    assert corrected[0, 0].item() == pytest.approx(0.25 * (1 + step * rate) + 0.75 * 4, abs=1e-5)
    assert corrector.variance(state, np.array([1]))[0, 0] == pytest.approx(1 / step**2, abs=1e-5)
    new.requires_grad_()
    corrector(state, np.array([1]), old + 1, new, gap)[1].backward()
    assert penalty > 0 and new.grad is not None and new.grad.abs().sum() > 0
