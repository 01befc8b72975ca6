"""GRU over identities against a loop over sessions, and the rule that it is there to learn."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from graphkit.bench.models import load_model
from graphkit.data import load_card
from graphkit.encoders.temporal.base import Events, StreamInfo
from graphkit.encoders.temporal.gru_ids import GRUIds
from graphkit.errors import ConfigError
from graphkit.training import run_cell

NODES, LENGTH = 12, 3


@pytest.mark.parametrize("layers", [1, 2])
def test_scores_are_those_of_a_loop_over_sessions(layers: int) -> None:
    torch.manual_seed(0)
    encoder = GRUIds(StreamInfo(NODES, (5, NODES - 1)), 6, LENGTH, layers).double()
    torch.nn.init.normal_(encoder.bias)
    random = np.random.default_rng(0)
    src, dst = random.integers(0, 4, 14), random.integers(5, NODES - 2, 14)
    encoder.observe(Events(src, dst, np.arange(14.0)))
    encoder.eval()
    asked, t, everyone = np.array([3, 0, 4, 3]), np.full(4, 20.0), np.arange(5, NODES)  # node 4 has met nobody
    found = encoder.score(asked, everyone, t)
    for row, node in enumerate(asked.tolist()):
        session = [NODES + 1, *dst[src == node][-LENGTH:].tolist()]
        state = encoder.gru(encoder.rows(torch.tensor([session])))[1][-1, 0]
        rows = [node if node in dst else NODES for node in range(5, NODES)]
        due = encoder.rows.weight[rows] @ encoder.out(state) + encoder.bias[rows]
        assert torch.allclose(found[row], due, atol=1e-12)
    assert torch.allclose(encoder.score(asked, np.tile(everyone, (4, 1)), t), found, atol=1e-12)
    assert set(everyone) - set(dst) and torch.equal(found[0], found[3]) and not torch.allclose(found[0], found[1])


def test_order_matters_and_nodes_share_a_row_until_they_appear_in_training() -> None:
    encoders = []
    for dst in ([5, 6], [6, 5]):
        torch.manual_seed(0)
        encoder = GRUIds(StreamInfo(NODES, (5, NODES - 1)), 6, LENGTH)
        encoder.observe(Events(np.array([0, 0]), np.array(dst), np.array([1.0, 2.0])))
        encoder.eval()
        encoder.observe(Events(np.array([1]), np.array([7]), np.array([2.5])))
        encoders.append(encoder)
    asked = np.array([0]), np.array([5, 7, 8, NODES + 3]), np.array([3.0])
    one, other = (encoder.score(*asked)[0] for encoder in encoders)
    assert not torch.allclose(one, other) and one[0] != one[1] and one[1] == one[2] == one[3]
    with pytest.raises(ConfigError, match="num_neighbors"):
        GRUIds(StreamInfo(NODES, (5, NODES - 1)), num_neighbors=0)


def test_it_learns_that_a_then_b_implies_c() -> None:
    spec = load_model("gru-ids").spec(load_card("sequential-rules"), "stream-generator")
    small = ["data.name=sequential-rules", "data.options={users=200, chains=6}", "train.epochs=6", "train.lr=1e-2"]
    assert run_cell(spec.with_overrides(small)).test > 0.95
