"""What every registered encoder must do, on tiny graphs in double precision."""

from __future__ import annotations

import inspect
import typing
from typing import Any

import pytest
import torch
from torch import Tensor
from torch_geometric.data import Data

from graphkit.config import check_type
from graphkit.encoders import ENCODERS
from graphkit.encoders.base import Encoder, EncoderOutput
from graphkit.errors import ConfigError, ShapeError
from graphkit.kernels import CSRGraph, SparseFeatures

Graph = tuple[Tensor, Tensor]
NAMES = [
    *(
        "classic",
        "cognn",
        "custom-gnn",
        "dagnn",
        "gat",
        "gatv2",
        "gcn",
        "gin",
        "hybrid",
        "pathnn",
        "pure-gcn",
        "residual",
        "sage",
        "sgc",
    ),
    "sir-gcn",
]
# nothing to test; no default structure, or chance in it: test_sequence_encoders, test_subgraph, test_random_inputs
ELSEWHERE = {"identity", "plstm", "subgraph", "augmented-gin", "policy-learn", "rni"}
SMALL: dict[str, dict[str, Any]] = {
    "classic": {"hidden_channels": 6, "num_layers": 2},
    "custom-gnn": {"hidden_channels": 6, "order": 2},
    "hybrid": {"hidden_channels": 6, "num_layers": 2, "heads": 2, "states": 3},
    "pathnn": {"kind": "sp+", "hidden_channels": 4},
    "residual": {"hidden_channels": 8, "heads": 2, "num_layers": 2},
    "cognn": {"hidden_channels": 6, "num_layers": 2, "action_channels": 4},
}
VARIANTS = [(name, SMALL.get(name, {})) for name in NAMES] + [
    ("residual", {"layer": "sage", "hidden_channels": 8}),
    ("residual", {"layer": "gcn", "separate": False, "hidden_channels": 8}),
    ("residual", {"layer": "none", "hidden_channels": 8}),
    ("sage", {"aggregation": "max", "project": True}),
    ("sage", {"aggregation": "lstm"}),
    ("sir-gcn", {"residual": True, "num_layers": 2, "hidden_channels": 8, "reduce": "sym"}),
    ("sir-gcn", {"reduce": "max"}),
    ("sir-gcn", {"reduce": "mean", "num_layers": 2}),
    ("cognn", {"kind": "sum", "temperature": 0.0, "skip": True, "hidden_channels": 6}),
    ("cognn", {"kind": "gcn", "action_kind": "gcn", "action_layers": 2, "hidden_channels": 6}),
    ("gat", {"residual": True, "num_layers": 3}),
    ("pure-gcn", {"operator": "sum", "residual": True, "num_layers": 2, "hidden_channels": 3, "jump": False}),
    ("pure-gcn", {"input_map": False}),
    ("gin", {"jump": "cat", "train_eps": True, "num_layers": 2, "hidden_channels": 4}),
    ("gin", {"norm": "layer", "num_layers": 2}),
    ("classic", {"layer": "gatedgcn", "hidden_channels": 4, "residual": "identity", "num_layers": 2}),
    ("classic", {"layer": "gat", "hidden_channels": 4, "heads": 2, "residual": "none", "num_layers": 2}),
    ("classic", {"layer": "gine", "hidden_channels": 4, "num_layers": 1}),
    ("hybrid", {"local": "sage", "mixer": "attention", "order": "given", "hidden_channels": 4, "num_layers": 1}),
]
every = pytest.mark.parametrize(("name", "options"), VARIANTS, ids=lambda value: str(value)[:60])
# CoGNN draws its actions and CustomGNN its walks node by node from one stream, and CoGNN gives hard actions the
# gradient of soft ones; Graph-Mamba draws the order of the nodes.
every_drawless = pytest.mark.parametrize(
    ("name", "options"),
    [case for case in VARIANTS if case[0] not in ("cognn", "custom-gnn") and case != ("hybrid", SMALL["hybrid"])],
    ids=lambda value: str(value)[:60],
)
# Without offsets of graphs all nodes are one graph, over which a hybrid mixes.
every_local = pytest.mark.parametrize(
    ("name", "options"),
    [case for case in VARIANTS if case[0] not in ("cognn", "custom-gnn", "hybrid")],
    ids=lambda value: str(value)[:60],
)


def build(name: str, options: dict[str, Any], channels: int = 5) -> Encoder:
    torch.manual_seed(0)
    encoder = ENCODERS.get(name)(in_channels=channels, out_channels=3, **options)
    return encoder.double().eval()


def test_every_registered_encoder_is_tested() -> None:
    assert {name for name in ENCODERS.names() if not name.startswith("test-")} == {*NAMES, *ELSEWHERE}


def test_identity_hands_the_features_on(graph: Graph) -> None:
    encoder, (x, edge_index) = ENCODERS.get("identity")(in_channels=5, out_channels=3), graph
    assert encoder(x, edge_index) is x and encoder.out_channels == 5
    torch.testing.assert_close(encoder(SparseFeatures.from_dense(x), edge_index), x)


@every
def test_data_graph_and_edge_list_agree(name: str, options: dict[str, Any], graph: Graph) -> None:
    encoder, (x, edge_index) = build(name, options), graph
    expected = encoder(x, edge_index)
    assert expected.shape == (9, 3) == (9, encoder.out_channels)
    output = encoder(Data(x=x, edge_index=edge_index))
    assert isinstance(output, EncoderOutput)
    assert torch.equal(output.x, expected)
    assert torch.equal(encoder(x, CSRGraph.from_edge_index(edge_index, 9)), expected)


@every
def test_evaluation_is_a_function_of_the_input(name: str, options: dict[str, Any], graph: Graph) -> None:
    encoder = build(name, options)
    assert torch.equal(encoder(*graph), encoder(*graph))


@every_drawless
def test_renumbering_the_nodes_renumbers_the_states(name: str, options: dict[str, Any], graph: Graph) -> None:
    encoder, (x, edge_index) = build(name, options), graph
    order = torch.randperm(9, generator=torch.Generator().manual_seed(1))
    place = order.argsort()
    torch.testing.assert_close(encoder(x[order], place[edge_index]), encoder(x, edge_index)[order])


@every_local
def test_graphs_side_by_side_do_not_touch(name: str, options: dict[str, Any], graph: Graph) -> None:
    encoder, (x, edge_index) = build(name, options), graph
    other = torch.randn(4, 5, dtype=torch.double)
    edges = torch.cat([edge_index, 9 + torch.tensor([[0, 1, 1], [1, 2, 2]])], dim=1)
    torch.testing.assert_close(encoder(torch.cat([x, other]), edges)[:9], encoder(x, edge_index))


@every
def test_sparse_features_are_the_dense_ones(name: str, options: dict[str, Any], graph: Graph) -> None:
    encoder, (x, edge_index) = build(name, options), graph
    x = torch.where(x > 0.5, x, 0.0)
    torch.testing.assert_close(encoder(SparseFeatures.from_dense(x), edge_index), encoder(x, edge_index))


@every
def test_a_state_dict_makes_the_same_encoder(name: str, options: dict[str, Any], graph: Graph) -> None:
    encoder = build(name, options)
    torch.manual_seed(7)
    twin = ENCODERS.get(name)(in_channels=5, out_channels=3, **options).double().eval()
    twin.load_state_dict(encoder.state_dict())
    assert torch.equal(twin(*graph), encoder(*graph))


@every
def test_training_reaches_every_parameter(name: str, options: dict[str, Any], graph: Graph) -> None:
    encoder = build(name, options).train()
    encoder(*graph).square().sum().backward()
    for parameter_name, parameter in encoder.named_parameters():
        assert parameter.grad is not None and torch.isfinite(parameter.grad).all(), parameter_name


@every_drawless
def test_gradients(name: str, options: dict[str, Any]) -> None:
    encoder = build(name, options, channels=2)
    edge_index = torch.tensor([[0, 1, 2, 2], [1, 2, 0, 1]])
    x = torch.randn(4, 2, dtype=torch.double, generator=torch.Generator().manual_seed(3), requires_grad=True)
    assert torch.autograd.gradcheck(lambda states: encoder(states, edge_index), (x,), atol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_wrong_shapes_are_named(name: str) -> None:
    encoder = build(name, SMALL.get(name, {}))
    edges = torch.tensor([[0], [1]])
    with pytest.raises(ShapeError, match="5"):
        encoder(torch.ones(2, 4, dtype=torch.double), edges)
    with pytest.raises(ShapeError, match="edge_index"):
        encoder(torch.ones(2, 5, dtype=torch.double))
    with pytest.raises(ShapeError, match="edge"):
        encoder(torch.ones(2, 5, dtype=torch.double), edges, torch.ones(1, 2, dtype=torch.double))


@pytest.mark.parametrize("name", ["classic", "gat", "gatv2", "gin", "hybrid", "pathnn", "sir-gcn"])
def test_edge_features_matter_and_must_fit(name: str, graph: Graph) -> None:
    gated = {"layer": "gatedgcn"} if name == "classic" else {}
    encoder, (x, edge_index) = build(name, {"edge_dim": 2, **gated}), graph
    edges = torch.randn(edge_index.size(1), 2, dtype=torch.double)
    assert not torch.equal(encoder(x, edge_index, edges), encoder(x, edge_index, -edges))
    assert isinstance(encoder(Data(x=x, edge_index=edge_index, edge_attr=edges)), EncoderOutput)
    for wrong in (None, edges[:-1], edges[:, :1]):
        with pytest.raises(ShapeError, match="edge_attr"):
            encoder(x, edge_index, wrong)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("gcn", {"num_layers": 0}, "num_layers"),
        ("residual", {"hidden_channels": 10, "heads": 4}, "heads"),
        ("sgc", {"hops": -1}, "hops"),
        ("cognn", {"temperature": -1.0}, "temperature"),
        ("cognn", {"kind": "max"}, "kind"),
        ("sage", {"aggregation": "sum"}, "aggr"),
        ("sir-gcn", {"reduce": "median"}, "reduce"),
        ("sir-gcn", {"norm": "instance", "residual": True}, "norm"),
        ("residual", {"layer": "gta"}, "did you mean 'gat'"),
        ("hybrid", {"local": "none", "mixer": "none"}, "both 'none'"),
        ("hybrid", {"encoding": "both", "hidden_channels": 32}, "encoding_channels"),
        ("hybrid", {"order": "degrees"}, "did you mean 'degree'"),
        ("classic", {"layer": "gat", "heads": 3, "hidden_channels": 8}, "heads"),
        ("plstm", {"heads": 5}, "heads"),
        ("gat", {"activation": "eluu"}, "did you mean 'elu'"),
    ],
)
def test_impossible_options_are_refused(name: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        build(name, options)


@pytest.mark.parametrize("name", NAMES)
def test_every_option_is_typed_and_has_a_default_of_its_type(name: str) -> None:
    encoder = ENCODERS.get(name)
    hints = typing.get_type_hints(encoder.__init__)
    parameters = list(inspect.signature(encoder).parameters.values())
    assert [parameter.name for parameter in parameters[:2]] == ["in_channels", "out_channels"]
    for option in parameters[2:]:
        assert check_type(option.default, hints[option.name], option.name) == option.default
        assert f"        {option.name}: " in (encoder.__doc__ or ""), option.name
