"""PathNN against its equations row by row, and what it may and may not depend on."""

from __future__ import annotations

from typing import Any

import networkx as nx
import pytest
import torch
from torch import Tensor, nn
from torch_geometric.data import Batch, Data
from torch_geometric.utils import from_networkx

from graphkit.encoders.path import PathNN
from graphkit.kernels import CSRGraph
from graphkit.kernels.edge_messages import SharedRows
from graphkit.kernels.path_steps import PathSteps, merged_steps
from graphkit.kernels.paths import enumerate_paths
from graphkit.transforms.paths import PathTree
from graphkit.transforms.structures import Graphs, attach

VARIANTS: list[dict[str, Any]] = [
    {"kind": "sp", "length": 2},
    {"kind": "sp+", "length": 3},
    {"kind": "ap", "length": 3, "distances": True},
    {"kind": "ap", "length": 2, "distances": True, "edge_dim": 2, "update": "mlp", "aggregate": "mean"},
    {"kind": "ap", "length": 3, "edge_dim": 2},
]


def drawn(seed: int = 0, nodes: int = 8) -> Data:
    graph = nx.gnp_random_graph(nodes, 0.35, seed=seed)
    data = Data(edge_index=from_networkx(graph).edge_index, num_nodes=nodes)
    generator = torch.Generator().manual_seed(seed)
    data.x = torch.randn(nodes, 3, generator=generator, dtype=torch.double)
    data.edge_attr = torch.randn(data.edge_index.size(1), 2, generator=generator, dtype=torch.double)
    return data


def build(options: dict[str, Any]) -> PathNN:
    torch.manual_seed(0)
    model = PathNN(3, 4, hidden_channels=6, **options).double()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm1d):
            nn.init.normal_(module.running_mean)
    return model.eval()


def run(model: PathNN, data: Data) -> Tensor:
    return model(data.x, data.edge_index, data.edge_attr if model.edge_dim else None)


def by_definition(model: PathNN, data: Data) -> Tensor:
    """The equations of the paper, every path on its own through torch's LSTM."""
    graph = CSRGraph.from_edge_index(data.edge_index, data.num_nodes)
    levels = enumerate_paths(graph, model.length, model.kind, edges=True, distances=True)
    states = model.start(data.x)
    for level, norm, update in zip(levels, model.norms, model.updates, strict=True):
        summed = torch.zeros_like(states)
        count = torch.zeros(len(states), 1, dtype=states.dtype)
        for path, edges, far in zip(level.nodes.tolist(), level.edges.tolist(), level.distances.tolist(), strict=True):
            tokens = []
            for place in range(len(path) - 1, -1, -1):
                token = [states[path[place]]]
                if model.distance is not None:
                    token.append(model.distance.weight[far[place]])
                if model.edge_dim:
                    first = place == len(path) - 1
                    token.append(torch.zeros(2, dtype=torch.double) if first else data.edge_attr[edges[place]])
                tokens.append(torch.cat(token))
            summed[path[0]] += model.lstm(torch.stack(tokens))[0][-1]
            count[path[0]] += 1
        states = update(norm(states + (summed / count.clamp(min=1) if model.aggregate == "mean" else summed)))
    return model.end(states)


@pytest.mark.parametrize("options", VARIANTS)
@pytest.mark.parametrize("seed", [0, 1])
def test_shared_beginnings_change_nothing(options: dict[str, Any], seed: int) -> None:
    model, data = build(options), drawn(seed)
    torch.testing.assert_close(run(model, data), by_definition(model, data), atol=1e-9, rtol=1e-9)


@pytest.mark.parametrize("options", VARIANTS[1:])
def test_renumbering_the_nodes_renumbers_the_states(options: dict[str, Any]) -> None:
    model, data = build(options), drawn(2)
    order = torch.randperm(8, generator=torch.Generator().manual_seed(1))
    other = Data(x=data.x[order], edge_index=order.argsort()[data.edge_index], edge_attr=data.edge_attr)
    torch.testing.assert_close(run(model, other), run(model, data)[order], atol=1e-9, rtol=1e-9)


@pytest.mark.parametrize("options", VARIANTS)
def test_a_batch_is_its_graphs(options: dict[str, Any]) -> None:
    model, graphs = build(options), [drawn(3), drawn(4, nodes=1), drawn(5)]
    batch = Batch.from_data_list(graphs)
    together = model(attach(batch, model.requires)).x
    alone = torch.cat([model(attach(graph, model.requires)).x for graph in graphs])
    torch.testing.assert_close(together, alone)


def test_gradients_reach_every_parameter() -> None:
    model, data = build(VARIANTS[3]).train(), drawn(6)
    run(model, data).square().sum().backward()
    assert all(parameter.grad is not None for parameter in model.parameters())


def test_size_of_the_published_network() -> None:
    encoder = PathNN(21, 64, kind="sp", length=1)
    head = 64 * 64 + 64 + 64 * 6 + 6
    assert sum(parameter.numel() for parameter in encoder.parameters()) + head == 43_782


def test_states_are_shared() -> None:
    graph = nx.complete_graph(6)
    tree = PathTree("ap", 3).compute(Graphs.of(Data(edge_index=from_networkx(graph).edge_index, num_nodes=6)))
    sizes = [len(tree[f"path_3_{t}_node"].values) for t in range(1, 5)]
    assert sizes == [6, 30, 120, 360]


@pytest.mark.parametrize("options", VARIANTS)
def test_rows_of_equal_numbers_are_read_once(options: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    model, data = build(options).train(), drawn(3, nodes=14)
    kinds = torch.randn(2, 3, dtype=torch.double)
    data.x = kinds[torch.arange(14) % 2]
    table = torch.randn(2, 2, dtype=torch.double, requires_grad=True)
    bonds = SharedRows(table, torch.arange(data.edge_index.size(1)) % 2)
    given = [*model.parameters(), *([table] if model.edge_dim else [])]
    rows: list[int] = []

    def taken() -> list[Tensor]:
        out = model(data.x, data.edge_index, bonds if model.edge_dim else None)
        return [out, *torch.autograd.grad(out.square().sum(), given)]

    def counted(steps: list[PathSteps], inputs: Tensor) -> list[PathSteps]:
        found = merged_steps(steps, inputs)
        rows.append(sum(len(step.node) for layer in steps for step in layer.steps))
        rows.append(sum(len(step.node) for layer in found for step in layer.steps))
        return found

    monkeypatch.setattr("graphkit.encoders.path.merged_steps", counted)
    merged = taken()
    assert rows[1] < rows[0]
    monkeypatch.setattr("graphkit.encoders.path.merged_steps", lambda steps, inputs: steps)
    for value, expected in zip(merged, taken(), strict=True):
        torch.testing.assert_close(value, expected, atol=1e-10, rtol=1e-10)


def test_every_row_is_read_under_dropout_and_for_gradients_of_inputs(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []
    monkeypatch.setattr("graphkit.encoders.path.merged_steps", lambda steps, inputs: calls.append(1) or steps)
    model, data = PathNN(3, 2, dropout=0.5).double(), drawn(0)
    model(data.x, data.edge_index)
    model.eval()(data.x.clone().requires_grad_(), data.edge_index)
    assert not calls
    model(data.x, data.edge_index)
    assert calls
