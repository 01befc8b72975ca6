"""Encoders that read edges: features kept once a kind of edge give what features kept once an edge give."""

import pytest
import torch

from graphkit.encoders import ENCODERS
from graphkit.encoders.inputs import CategoryEmbedding, _distinct
from graphkit.kernels.edge_messages import SharedRows

ENCODERS_OF_EDGES = {
    "gin": {"num_layers": 2},
    "gatv2": {},
    "sir-gcn": {},
    "classic": {"layer": "gatedgcn", "num_layers": 2},
    "hybrid": {"num_layers": 1},
    "pathnn": {"kind": "ap"},
    "policy-learn": {"num_layers": 2, "selections": 1},
    **{
        f"subgraph {mixing}": {"mixing": mixing, "policy": policy, "num_layers": 2}
        for mixing, policy in (
            ("ds", "node-marked"),
            ("dss", "node-deleted"),
            ("sun", "node-marked"),
            ("ak", "ego"),
            ("2ign", "ego"),
            ("ngn", "edge-ego"),
        )
    },
}


def _graphs(seed: int = 0) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, dict[str, torch.Tensor]]:
    draw = torch.Generator().manual_seed(seed)
    sources = torch.tensor([0, 1, 2, 3, 4, 5, 0, 7, 8, 9])
    targets = torch.tensor([1, 2, 3, 4, 5, 0, 3, 8, 9, 7])
    kinds = torch.stack([torch.randint(size, (len(sources),), generator=draw) for size in (4, 2)], 1)
    edges = torch.stack([torch.cat([sources, targets]), torch.cat([targets, sources])])
    ptr = torch.tensor([0, 7, 10])  # node 6 has no edge
    batch = torch.repeat_interleave(torch.arange(2), ptr.diff())
    return torch.randn(10, 3, generator=draw), edges, kinds.repeat(2, 1), {"ptr": ptr, "batch": batch}


@pytest.mark.parametrize("name", ENCODERS_OF_EDGES)
def test_rows_a_kind_equal_rows_an_edge(name):
    torch.manual_seed(0)
    x, edges, codes, structure = _graphs()
    x, embedding = x.double(), CategoryEmbedding((4, 2), 5).double()
    build = ENCODERS.get(name.split()[0])
    encoder = build(3, 4, hidden_channels=8, edge_dim=5, **ENCODERS_OF_EDGES[name]).double()
    rows = embedding.shared(codes)
    assert len(rows.table) < len(codes)
    torch.testing.assert_close(rows.dense(), embedding(codes))
    found = []
    for given in (rows, embedding(codes)):
        encoder.train()
        torch.manual_seed(3)
        out = encoder(x, edges, given, structure=structure)
        wanted = [embedding.weight, *encoder.parameters()]
        grads = torch.autograd.grad(out.square().sum(), wanted, allow_unused=True, retain_graph=True)
        found.append([out, *(grad for grad in grads if grad is not None)])
    assert len(found[0]) == len(found[1]) > 2
    for shared, own in zip(*found, strict=True):
        torch.testing.assert_close(shared, own, rtol=1e-9, atol=1e-9)


def test_categories_too_many_for_one_number():
    codes = torch.tensor([[2**40, 1, 2**30], [2**40, 1, 2**30], [0, 2**40, 0]])
    kinds, index = _distinct(codes)
    assert torch.equal(kinds[index], codes) and len(kinds) == 2


def test_what_is_no_category_is_refused_not_taken_for_another():
    with pytest.raises((IndexError, RuntimeError)):
        CategoryEmbedding((4, 2), 5).shared(torch.tensor([[-1, 0], [3, 1]]))


def test_dense_features_reach_an_encoder_that_shares_rows():
    x, edges, codes, structure = _graphs()
    encoder = ENCODERS.get("gin")(3, 4, hidden_channels=8, num_layers=1, edge_dim=2).eval()
    given = codes.float()
    found = [encoder(x, edges, rows, structure=structure) for rows in (given, SharedRows(given))]
    assert torch.equal(*found)
