import warnings

import pytest
import torch

from graphkit.errors import ConfigError, ShapeError
from graphkit.kernels import CSRGraph, gat_attention, gatv2_attention, reference
from graphkit.kernels.dropout import draw_seed, keep_mask

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    from torch_geometric.nn import GATConv, GATv2Conv

KINDS = ("gat", "gatv2")
FUSED = {"gat": gat_attention, "gatv2": gatv2_attention}
SLOW = {"gat": reference.gat_attention, "gatv2": reference.gatv2_attention}


def tolerance(dtype):
    return {"rtol": 1e-10, "atol": 1e-10} if dtype == torch.float64 else {"rtol": 1e-5, "atol": 1e-5}


def make_inputs(kind, graph, heads, width, dtype, edges):
    def state(*shape):
        return torch.randn(shape, dtype=dtype, requires_grad=True)

    sources, targets = graph.num_sources, graph.num_targets
    if kind == "gat":
        inputs = [state(sources, heads, width), state(sources, heads), state(targets, heads)]
        return inputs + ([state(graph.num_edges, heads)] if edges else [])
    inputs = [state(sources, heads, width), state(targets, heads, width), state(heads, width)]
    return inputs + ([state(graph.num_edges, heads, width)] if edges else [])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("edges", [False, True])
@pytest.mark.parametrize("dropout", [0.0, 0.6])
@pytest.mark.parametrize(("heads", "width"), [(8, 8), (1, 7), (3, 21), (17, 1)])
def test_agrees_with_reference(random_graph, dtype, kind, edges, dropout, heads, width):
    torch.manual_seed(heads)
    graph = random_graph(sources=21, targets=34)
    inputs = make_inputs(kind, graph, heads, width, dtype, edges)
    torch.manual_seed(3)
    ours, alpha = FUSED[kind](graph, *inputs, dropout=dropout, training=True, return_attention=True)
    torch.manual_seed(3)
    seed = draw_seed() if dropout else 0
    theirs, expected = SLOW[kind](graph, *inputs, dropout=dropout, seed=seed)
    torch.testing.assert_close(ours, theirs, **tolerance(dtype))
    torch.testing.assert_close(alpha, expected.detach(), **tolerance(dtype))
    grad = torch.randn_like(ours)
    pairs = zip(torch.autograd.grad(ours, inputs, grad), torch.autograd.grad(theirs, inputs, grad), strict=True)
    for mine, other in pairs:
        torch.testing.assert_close(mine / other.abs().max(), other / other.abs().max(), **tolerance(dtype))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dropout", [0.0, 0.5])
def test_gradients(random_graph, kind, dropout):
    torch.manual_seed(1)
    graph = random_graph(5, 7, 14)
    inputs = make_inputs(kind, graph, 2, 3, torch.float64, True)

    def attend(*tensors):
        torch.manual_seed(8)
        return FUSED[kind](graph, *tensors, dropout=dropout, training=True)

    assert torch.autograd.gradcheck(attend, tuple(inputs))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("edges", [False, True])
def test_agrees_with_pyg_layer(random_graph, kind, edges):
    torch.manual_seed(2)
    edge_index = random_graph().edge_index()
    x, features = torch.randn(30, 10), torch.randn(edge_index.size(1), 5) if edges else None
    layer = {"gat": GATConv, "gatv2": GATv2Conv}[kind]
    layer = layer(10, 8, heads=4, add_self_loops=False, edge_dim=5 if edges else None)
    graph = CSRGraph.from_edge_index(edge_index, 30)
    hidden = None if features is None else layer.lin_edge(features).view(-1, 4, 8)
    if kind == "gat":
        value = layer.lin(x).view(-1, 4, 8)
        edge_score = None if hidden is None else (hidden * layer.att_edge).sum(-1)
        scores = (value * layer.att_src).sum(-1), (value * layer.att_dst).sum(-1)
        ours, alpha = gat_attention(graph, value, *scores, edge_score, return_attention=True)
    else:
        source, target = layer.lin_l(x).view(-1, 4, 8), layer.lin_r(x).view(-1, 4, 8)
        ours, alpha = gatv2_attention(graph, source, target, layer.att, hidden, return_attention=True)
    theirs, (_, expected) = layer(x, edge_index, features, return_attention_weights=True)
    torch.testing.assert_close(ours.flatten(1) + layer.bias, theirs, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(alpha, expected, rtol=1e-5, atol=1e-5)
    grad = torch.randn_like(theirs)
    parameters = [parameter for name, parameter in layer.named_parameters() if name != "bias"]
    mine = torch.autograd.grad(ours.flatten(1), parameters, grad, allow_unused=True)
    for one, other in zip(mine, torch.autograd.grad(theirs, parameters, grad, allow_unused=True), strict=True):
        if other is not None:
            torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_coefficients_sum_to_one_and_isolated_nodes_give_zero(random_graph, kind):
    graph = random_graph()
    inputs = make_inputs(kind, graph, 2, 5, torch.float64, False)
    result, alpha = FUSED[kind](graph, *inputs, return_attention=True)
    totals = torch.zeros(30, 2, dtype=torch.float64).index_add(0, graph.edge_index()[1], alpha)
    torch.testing.assert_close(totals[graph.in_degree > 0], torch.ones_like(totals[graph.in_degree > 0]))
    assert result[graph.in_degree == 0].eq(0).all() and (graph.in_degree == 0).any()
    assert not alpha.requires_grad


@pytest.mark.parametrize("kind", KINDS)
def test_empty_graph(kind):
    graph = CSRGraph.from_edge_index(torch.empty(2, 0, dtype=torch.long), 3)
    inputs = make_inputs(kind, graph, 2, 4, torch.float32, False)
    result = FUSED[kind](graph, *inputs)
    result.sum().backward()
    assert result.eq(0).all() and all(tensor.grad.eq(0).all() for tensor in inputs)


@pytest.mark.parametrize("kind", KINDS)
def test_order_of_the_edges_does_not_matter(random_graph, kind):
    graph = random_graph()
    order = torch.randperm(graph.num_edges)
    shuffled = CSRGraph.from_edge_index(graph.edge_index()[:, order], 30)
    inputs = make_inputs(kind, graph, 2, 5, torch.float64, True)
    result, alpha = FUSED[kind](graph, *inputs, return_attention=True)
    other, beta = FUSED[kind](shuffled, *inputs[:3], inputs[3][order], return_attention=True)
    torch.testing.assert_close(result, other)
    torch.testing.assert_close(alpha[order], beta)


def test_large_logits_are_safe_and_nan_is_seen(random_graph):
    graph = random_graph()
    value, source, target = make_inputs("gat", graph, 2, 4, torch.float32, False)
    with torch.no_grad():
        source *= 1e4
    expected, _ = reference.gat_attention(graph, value, source, target)
    torch.testing.assert_close(gat_attention(graph, value, source, target), expected)
    with torch.no_grad():
        source[5, 0] = float("nan")
    sources, targets = graph.edge_index()
    touched = torch.zeros(30, dtype=torch.bool)
    touched[targets[sources == 5]] = True
    result = gat_attention(graph, value, source, target)
    assert torch.equal(result[:, 0].isnan().all(1), touched) and not result[:, 1].isnan().any()


@pytest.mark.parametrize("kind", KINDS)
def test_dropout_is_governed_by_the_seed_and_by_training(random_graph, kind):
    graph = random_graph()
    inputs = make_inputs(kind, graph, 2, 4, torch.float32, False)

    def attend(seed, training=True):
        torch.manual_seed(seed)
        return FUSED[kind](graph, *inputs, dropout=0.5, training=training)

    assert torch.equal(attend(0), attend(0))
    assert not torch.equal(attend(0), attend(1))
    assert torch.equal(attend(0, training=False), FUSED[kind](graph, *inputs))
    assert FUSED[kind](graph, *inputs, dropout=1.0, training=True).eq(0).all()


def test_dropout_keeps_the_mean(random_graph):
    graph = random_graph()
    inputs = make_inputs("gat", graph, 2, 4, torch.float64, False)
    torch.manual_seed(0)
    with torch.no_grad():
        draws = torch.stack([gat_attention(graph, *inputs, dropout=0.4, training=True) for _ in range(3000)])
        expected = gat_attention(graph, *inputs)
    error = (draws.mean(0) - expected) / (draws.std(0) / 3000**0.5 + 1e-12)
    assert error.abs().max() < 5.0


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_masks_are_fair_and_unrelated(rate):
    masks = torch.stack([keep_mask(5000, 8, rate, seed, "cpu") for seed in (0, 1, 2**40)]).double()
    spread = (rate * (1 - rate)) ** 0.5
    assert (masks.mean((1, 2)) - (1 - rate)).abs().max() < 5 * spread / 40_000**0.5
    assert (masks.mean(1) - (1 - rate)).abs().max() < 5 * spread / 5000**0.5
    flat = (masks.flatten(1) - (1 - rate)) / spread
    assert (flat @ flat.T / 40_000 - torch.eye(3)).abs().max() < 0.03
    assert ((flat[:, 1:] * flat[:, :-1]).mean(1)).abs().max() < 0.03
    assert (flat[:, 8:] * flat[:, :-8]).mean(1).abs().max() < 0.03


def test_half_precision_is_computed_in_single(random_graph):
    graph = random_graph()
    inputs = make_inputs("gat", graph, 2, 4, torch.float32, False)
    result = gat_attention(graph, *[tensor.bfloat16() for tensor in inputs])
    assert result.dtype == torch.bfloat16
    torch.testing.assert_close(result.float(), gat_attention(graph, *inputs), rtol=0.05, atol=0.05)


def test_arguments_that_do_not_fit_are_refused(random_graph):
    graph = random_graph()
    value, source, target = make_inputs("gat", graph, 2, 4, torch.float32, False)
    with pytest.raises(ShapeError, match="score_target has shape"):
        gat_attention(graph, value, source, target[:5])
    with pytest.raises(ShapeError, match="value has shape"):
        gat_attention(graph, value.flatten(1), source, target)
    with pytest.raises(ShapeError, match="att has shape"):
        gatv2_attention(graph, value, value, torch.zeros(3, 4))
    with pytest.raises(ConfigError, match="dropout must be a probability"):
        gat_attention(graph, value, source, target, dropout=1.5)


def test_second_derivatives_are_refused_not_wrong(random_graph):
    graph = random_graph()
    inputs = make_inputs("gat", graph, 2, 4, torch.float64, False)
    (gradient,) = torch.autograd.grad(gat_attention(graph, *inputs).square().sum(), inputs[0], create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        gradient.sum().backward()
