"""Encoders of snapshots: equations against dense float64 ones, what closes a snapshot, windows, and growth."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from graphkit.encoders.temporal import TEMPORAL_ENCODERS
from graphkit.encoders.temporal.base import Events, StreamInfo
from graphkit.encoders.temporal.coevognn import CoEvoGNN
from graphkit.encoders.temporal.dyted import DyTed
from graphkit.encoders.temporal.evolvegcn import EvolveGCN, EvolvingLayer, MatrixGRU
from graphkit.encoders.temporal.gcrn import GCRN, ChebyshevMap
from graphkit.encoders.temporal.snapshots import Snapshot, SnapshotLog
from graphkit.errors import ConfigError
from graphkit.kernels.tables import Tables

NODES = 7
NAMES = ("evolvegcn", "gcrn", "dyted", "coevognn")
INFO = StreamInfo(NODES, (0, NODES - 1), time_gap=1.0, num_events=60)


def pairs(seed: int, many: int = 9) -> tuple[Any, Any]:
    rng = np.random.default_rng(seed)
    return rng.integers(0, NODES - 1, many), rng.integers(0, NODES - 1, many)


def dense(src: Any, dst: Any, loops: bool) -> torch.Tensor:
    """The normalised adjacency of the undirected simple graph, entry by entry."""
    a = np.zeros((NODES, NODES))
    for one, other in zip(src, dst, strict=True):
        if one != other:
            a[one, other] = a[other, one] = 1.0
    a += np.eye(NODES) * loops
    degree = np.maximum(a.sum(1), 1.0) ** -0.5
    return torch.from_numpy(degree[:, None] * a * degree)


@pytest.mark.parametrize("seed", range(3))
def test_products_of_a_snapshot_are_those_of_dense_matrices(seed: int) -> None:
    src, dst = pairs(seed)
    snapshot, x = Snapshot.of(src, dst, NODES), torch.randn(NODES, 4, dtype=torch.float64)
    torch.testing.assert_close(snapshot.smooth(x), dense(src, dst, True) @ x, rtol=1e-6, atol=1e-7)
    torch.testing.assert_close(snapshot.walk(x), dense(src, dst, False) @ x, rtol=1e-6, atol=1e-7)


def test_a_matrix_gru_is_a_gru_of_columns() -> None:
    """With equal weights, every column is a step of torch's own unit whose reset comes before the product."""
    cell = MatrixGRU(5, 3).double()
    x, h = torch.randn(5, 3, dtype=torch.float64), torch.randn(5, 3, dtype=torch.float64)
    w, u, b = cell.of_input, cell.of_state, cell.bias
    z, r = torch.sigmoid(w[0] @ x + u[0] @ h + b[0]), torch.sigmoid(w[1] @ x + u[1] @ h + b[1])
    due = (1 - z) * h + z * torch.tanh(w[2] @ x + u[2] @ (r * h) + b[2])
    torch.testing.assert_close(cell(x, h), due)
    assert torch.autograd.gradcheck(cell, (x.requires_grad_(), h.requires_grad_()))


@pytest.mark.parametrize("order", [1, 2, 4])
def test_chebyshev_terms_are_polynomials_of_the_scaled_laplacian(order: int) -> None:
    src, dst = pairs(1)
    laplacian = -dense(src, dst, False)
    layer, x = ChebyshevMap(3, 2, order).double(), torch.randn(NODES, 3, dtype=torch.float64)
    terms = [torch.eye(NODES, dtype=torch.float64), laplacian]
    while len(terms) < order:
        terms.append(2 * laplacian @ terms[-1] - terms[-2])
    due = layer.linear(torch.cat([term @ x for term in terms[:order]], dim=1))
    torch.testing.assert_close(layer(Snapshot.of(src, dst, NODES), x), due, rtol=1e-6, atol=1e-7)


def test_evolving_weights_of_kind_o_ask_no_node_and_need_the_last_snapshot_alone() -> None:
    torch.manual_seed(0)
    snapshots = [Snapshot.of(*pairs(seed), NODES) for seed in range(3)]
    layer = EvolvingLayer(4, 4, "O").double().eval()
    x = [torch.randn(NODES, 4, dtype=torch.float64) for _ in snapshots]
    weight = layer.start
    for _ in snapshots:
        weight = layer.cell(weight, weight)
    due = torch.nn.functional.rrelu(dense(*pairs(2), True) @ (x[-1] @ weight))
    (found,) = layer(snapshots, x)
    torch.testing.assert_close(found, due, rtol=1e-6, atol=1e-7)


def test_the_summary_of_kind_h_takes_the_highest_present_nodes_and_repeats_the_last() -> None:
    layer = EvolvingLayer(3, 4, "H")
    snapshot, x = Snapshot.of(np.array([0, 1]), np.array([1, 2]), NODES), torch.randn(NODES, 3)
    assert layer.pick is not None
    rate = x @ layer.pick / layer.pick.norm()
    order = sorted(range(3), key=lambda node: -float(rate[node].detach()))
    order.append(order[-1])
    due = torch.stack([x[node] * torch.tanh(rate[node]) for node in order], dim=1)
    torch.testing.assert_close(layer.summary(x, snapshot), due)


@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_gcrn_without_neighbours_is_torch_s_recurrent_unit(cell: str) -> None:
    torch.manual_seed(1)
    encoder = GCRN(INFO, cell=cell, hidden_channels=4, order=1)  # type: ignore[arg-type]
    own = nn.GRUCell(4, 4) if cell == "gru" else nn.LSTMCell(4, 4)
    with torch.no_grad():
        # torch has r before z in a GRU, and i, f, g, o in an LSTM
        swap = torch.cat([torch.arange(4, 8), torch.arange(4), torch.arange(8, 12)]) if cell == "gru" else slice(None)
        for ours, weight, bias in (
            (encoder.of_input, own.weight_ih, own.bias_ih),
            (encoder.of_state, own.weight_hh, own.bias_hh),
        ):
            weight.copy_(ours.linear.weight[swap])
            bias.copy_(ours.linear.bias[swap])
    snapshots = [Snapshot.of(*pairs(seed), NODES) for seed in range(3)]
    x, state = [torch.randn(NODES, 4) for _ in snapshots], None
    for given in x:
        state = own(given, state)
    due = state if cell == "gru" else state[0]  # type: ignore[index]
    torch.testing.assert_close(encoder.run(snapshots, x)[-1], due)


def test_peepholes_and_model_1_are_there() -> None:
    snapshots = [Snapshot.of(*pairs(seed), NODES) for seed in range(2)]
    for options in ({"cell": "lstm", "peepholes": True}, {"model": 1}):
        encoder = GCRN(INFO, hidden_channels=4, **options)  # type: ignore[arg-type]
        encoder.encode(snapshots).sum().backward()
        assert all(p.grad is not None for p in encoder.parameters())
    with pytest.raises(ConfigError, match="peepholes"):
        GCRN(INFO, peepholes=True)


def test_attention_over_the_past_is_a_softmax_of_products() -> None:
    encoder = CoEvoGNN(INFO, hidden_channels=4)
    past = [torch.randn(NODES, 4) for _ in range(3)]
    due = torch.zeros(NODES, 4)
    for node in range(NODES):
        query = encoder.query(past[-1][node])
        share = torch.softmax(torch.stack([query @ encoder.key(one[node]) / 2.0 for one in past]), dim=0)
        due[node] = sum(share[at] * encoder.value(past[at][node]) for at in range(3))
    torch.testing.assert_close(encoder._fuse(past), due)


def test_the_adversary_turns_gradients_round() -> None:
    torch.manual_seed(0)
    encoder = DyTed(INFO, hidden_channels=8, invariance=0.0).train()
    snapshots = [Snapshot.of(*pairs(seed), NODES) for seed in range(3)]
    encoder.encode(snapshots)
    penalty = encoder.penalty()
    assert penalty is not None
    penalty.backward()
    parameters = [*encoder.invariant.parameters(), *encoder.discriminator.parameters()]
    before = [parameter.detach().clone() for parameter in parameters]

    def told() -> float:
        torch.manual_seed(5)
        encoder.encode(snapshots)
        found = encoder.penalty()
        assert found is not None
        return float(found.detach())

    torch.manual_seed(5)
    start = told()
    for group, better in (
        (list(encoder.discriminator.parameters()), True),
        (list(encoder.invariant.parameters()), False),
    ):
        with torch.no_grad():
            for parameter in group:
                if parameter.grad is not None:
                    parameter -= 1e-2 * parameter.grad
        assert (told() < start) == better
        with torch.no_grad():
            for parameter, value in zip(parameters, before, strict=True):
                parameter.copy_(value)


def test_a_snapshot_is_closed_by_the_first_event_of_a_later_one() -> None:
    log = SnapshotLog(Tables(NODES), span=10.0, window=2)
    log.observe(np.array([0, 0, 1]), np.array([1, 1, 2]), np.array([100, 105, 109]))
    assert log.closed() == []
    log.observe(np.array([3, 4]), np.array([4, 5]), np.array([110, 145]))
    assert [one.T.tolist() for one in log.closed()] == [[[0, 1], [1, 2]], [[3, 4]]]
    log.observe(np.array([6]), np.array([6]), np.array([150]))
    assert [one.T.tolist() for one in log.closed()] == [[[3, 4]], [[4, 5]]]


@pytest.mark.parametrize("name", NAMES)
def test_cutting_the_stream_otherwise_changes_nothing_and_the_open_snapshot_is_not_seen(name: str) -> None:
    rng = np.random.default_rng(2)
    src, dst, t = rng.integers(0, NODES, 60), rng.integers(0, NODES, 60), np.arange(60)
    torch.manual_seed(0)
    encoder: Any = TEMPORAL_ENCODERS.get(name)(INFO, hidden_channels=4, span=10.0, window=3).eval()
    found = []
    for step in (1, 7, 60):
        encoder.init_state()
        for start in range(0, 60, step):
            encoder.observe(Events(src[start : start + step], dst[start : start + step], t[start : start + step]))
        with torch.no_grad():
            found.append(encoder.embed(np.arange(NODES), t[:NODES]))
    assert torch.equal(found[0], found[1]) and torch.equal(found[0], found[2])
    encoder.init_state()
    encoder.observe(Events(src[:51], dst[:51], t[:51]))
    with torch.no_grad():
        assert torch.equal(encoder.embed(np.arange(NODES), t[:NODES]), found[0])


@pytest.mark.parametrize("name", NAMES)
def test_nodes_that_come_later_are_given_states(name: str) -> None:
    encoder: Any = TEMPORAL_ENCODERS.get(name)(INFO, hidden_channels=4, span=1.0).eval()
    encoder.init_state()
    encoder.grow(NODES + 3)
    encoder.observe(Events(np.array([0, 9, 1]), np.array([9, 8, 2]), np.array([0, 1, 2])))
    with torch.no_grad():
        assert torch.isfinite(encoder.embed(np.array([9, 8, 0]), np.zeros(3))).all()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: EvolveGCN(INFO, kind="X"), "O or H"),  # type: ignore[arg-type]
        (lambda: GCRN(INFO, model=3), "model is 1 or 2"),
        (lambda: GCRN(INFO, rows=False, degrees=False), "rows and degrees"),
        (lambda: DyTed(INFO, hidden_channels=5), "even"),
    ],
)
def test_options_out_of_range_are_named(make: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        make()
