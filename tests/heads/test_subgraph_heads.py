from __future__ import annotations

import pytest
import torch

from graphkit.errors import ConfigError, GraphValidationError
from graphkit.heads import PAIR_HEADS
from graphkit.heads.block_layers import BlockConvolution
from graphkit.heads.context import PairContext
from graphkit.heads.seal import SEALHead, sort_pool
from graphkit.heads.walkpool import WalkPoolHead
from graphkit.kernels import CSRGraph
from graphkit.kernels.link_blocks import LinkBlocks

every = pytest.mark.parametrize("name", ["seal", "walkpool"])
NODES = 30


def whole(extra: list[tuple[int, int]] = [], without: set[tuple[int, int]] = frozenset()) -> CSRGraph:  # noqa: B006
    """A random undirected graph; node 29 is isolated."""
    generator = torch.Generator().manual_seed(0)
    edges = {tuple(sorted(pair)) for pair in torch.randint(0, NODES - 1, (60, 2), generator=generator).tolist()}
    edges = sorted({(a, b) for a, b in edges if a != b} - without | set(extra))
    one_way = torch.tensor(edges).t()
    return CSRGraph.from_edge_index(torch.cat([one_way, one_way.flip(0)], dim=1), NODES)


def context(pairs: torch.Tensor, graph: CSRGraph) -> PairContext:
    x = torch.randn(NODES, 3, generator=torch.Generator().manual_seed(1))
    return PairContext(pairs, x, graph, lambda x, graph: x)


def head(name: str, **options: object) -> torch.nn.Module:
    torch.manual_seed(0)
    small = {"mlp_factor": 1} if name == "walkpool" else {"k": 10}
    return PAIR_HEADS.get(name)(3, label_channels=8, **{"use_states": True, **small, **options})


@every
def test_the_link_itself_is_no_input(name: str) -> None:
    model, pairs = head(name).eval(), torch.tensor([[0, 3], [28, 17]])
    with_links = model(context(pairs, whole(extra=[(0, 28), (3, 17)])))
    without = model(context(pairs, whole(without={(0, 28), (3, 17)})))
    # The other pair's link may lie in a subgraph, so each is put alone.
    for at in range(2):
        a, b = pairs[:, at].tolist()
        one = pairs[:, at : at + 1]
        there, gone = (model(context(one, graph)) for graph in (whole([(a, b)]), whole(without={(a, b)})))
        assert torch.equal(there, gone)
    assert with_links.shape == without.shape == (2,)


@every
def test_links_are_scored_alone_in_evaluation(name: str) -> None:
    model, pairs = head(name).eval(), torch.randint(0, 14, (2, 300)) + torch.tensor([[0], [14]])
    together = model(context(pairs, whole()))
    alone = torch.cat([model(context(pairs[:, at : at + 1], whole())) for at in range(0, 300, 50)])
    torch.testing.assert_close(together[::50], alone)


@every
def test_training_reaches_every_parameter(name: str) -> None:
    model = head(name, dropout=0.0).train()
    scores = model(context(torch.tensor([[0, 3, 29, 2], [28, 17, 4, 9]]), whole()))
    torch.nn.functional.binary_cross_entropy_with_logits(scores, torch.tensor([1.0, 1.0, 0.0, 0.0])).backward()
    # The last channel of SEAL orders nodes, which has no gradient, and is a state like the others.
    for parameter_name, parameter in model.named_parameters():
        assert parameter.grad is not None and torch.isfinite(parameter.grad).all(), parameter_name


@every
def test_isolated_ends_empty_batches_and_bad_pairs(name: str) -> None:
    model = head(name).eval()
    assert torch.isfinite(model(context(torch.tensor([[29], [4]]), whole()))).all()
    assert model(context(torch.zeros(2, 0, dtype=torch.long), whole())).shape == (0,)
    with pytest.raises(GraphValidationError, match="itself"):
        model(context(torch.tensor([[4], [4]]), whole()))


@every
def test_learns_to_tell_squares_from_nothing(name: str) -> None:
    edges = torch.tensor([[4 * s + a, 4 * s + b] for s in range(6) for a, b in ((0, 1), (1, 2), (2, 3), (3, 0))]).t()
    graph = CSRGraph.from_edge_index(torch.cat([edges, edges.flip(0)], dim=1), NODES)
    links = edges
    nothing = torch.stack([torch.arange(24), (torch.arange(24) + 5) % 24])
    pairs, y = torch.cat([links, nothing], dim=1), torch.cat([torch.ones(24), torch.zeros(24)])
    model = head(name, use_states=False, dropout=0.0)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for _ in range(30):
        optimizer.zero_grad()
        loss = torch.nn.functional.binary_cross_entropy_with_logits(model(context(pairs, graph)), y)
        loss.backward()
        optimizer.step()
    assert ((model.eval()(context(pairs, graph)) > 0) == y.bool()).float().mean() > 0.9


def test_walkpool_of_the_published_size() -> None:
    assert sum(parameter.numel() for parameter in WalkPoolHead(16).parameters()) == 3_280_817


def test_sort_pool_is_that_of_a_loop() -> None:
    blocks = LinkBlocks.from_edges(torch.tensor([0, 5, 7, 20]), torch.empty(2, 0, dtype=torch.long))
    x, order = torch.randn(20, 3), torch.randint(0, 4, (20,)).float()
    pooled = sort_pool(blocks, x, order, 6)
    for link, (start, end) in enumerate(((0, 5), (5, 7), (7, 20))):
        best = sorted(range(start, end), key=lambda node: (-float(order[node]), node))[:6]
        expected = torch.zeros(6, 3)
        expected[: len(best)] = x[best]
        assert torch.equal(pooled[link], expected)


def test_convolution_is_gcn_on_each_block() -> None:
    blocks = LinkBlocks.from_edges(torch.tensor([0, 3]), torch.tensor([[0, 2], [2, 0]]))
    layer = BlockConvolution(4, 2)
    x = torch.randn(3, 4)
    half = torch.tensor([[0.5, 0.0, 0.5], [0.0, 1.0, 0.0], [0.5, 0.0, 0.5]])
    torch.testing.assert_close(layer(blocks, x), half @ x @ layer.weight + layer.bias)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("walkpool", {"hops": 0}, "hops must be at least 1"),
        ("walkpool", {"walk_length": 1}, "walk_length of at least 2"),
        ("walkpool", {"use_states": False, "label_channels": 0}, "nothing to start with"),
        ("seal", {"k": 3}, "k of at least 10"),
        ("seal", {"cap": -1}, "not negative"),
    ],
)
def test_bad_options_are_refused(name: str, options: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        PAIR_HEADS.get(name)(3, **options)


def test_sort_pool_keeps_gradients() -> None:
    blocks = LinkBlocks.from_edges(torch.tensor([0, 3, 5]), torch.empty(2, 0, dtype=torch.long))
    x, order = torch.randn(5, 2, dtype=torch.double, requires_grad=True), torch.arange(5.0)
    assert torch.autograd.gradcheck(lambda x: sort_pool(blocks, x, order, 4), (x,))


def test_seal_head_reads_states_where_asked() -> None:
    assert SEALHead(3, use_states=True, label_channels=0).input_channels == 3
