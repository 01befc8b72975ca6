from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn
from torch_geometric.nn import GATConv, GCNConv

from graphkit.config import RunSpec
from graphkit.encoders import ENCODERS, create_encoder, list_encoders
from graphkit.encoders.adapter import as_encoder
from graphkit.encoders.gat import GAT
from graphkit.errors import ConfigError
from graphkit.kernels import SparseFeatures
from graphkit.training.run import run_cell

EDGES = torch.tensor([[0, 1, 2], [1, 2, 0]])


def test_a_plain_module_gives_what_it_gives_alone() -> None:
    torch.manual_seed(0)
    encoder = as_encoder(GCNConv)(4, 3)
    x = torch.eye(3, 4)
    expected = encoder.module(x, EDGES)
    assert torch.equal(encoder(x, EDGES), expected)
    assert torch.allclose(encoder(SparseFeatures.from_dense(x), EDGES), expected)


def test_edge_features_reach_a_module_that_takes_them() -> None:
    encoder = as_encoder(GATConv)(4, 3, edge_dim=2)
    assert encoder(torch.ones(3, 4), EDGES, torch.ones(3, 2)).shape == (3, 3)


def test_encoders_stay_what_they_are_and_others_are_refused() -> None:
    assert as_encoder(GAT) is GAT
    for other in (nn.Linear, dict, GAT(4, 2)):
        with pytest.raises(ConfigError, match="in_channels|nn.Module class"):
            as_encoder(other)


def test_names_and_addresses_build_encoders() -> None:
    assert list_encoders("*gat*") == ["gat", "gatv2"]
    assert create_encoder("gcn", 4, 2).out_channels == 2
    assert create_encoder("torch_geometric.nn:SAGEConv", 4, 2)(torch.ones(3, 4), EDGES).shape == (3, 2)
    assert "torch_geometric.nn:SAGEConv" not in ENCODERS.names()


def test_a_plain_module_runs_as_a_cell_with_typed_options(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "my_models.py").write_text(
        "from torch import nn\n"
        "class Wide(nn.Module):\n"
        "    def __init__(self, in_channels, out_channels, width: int = 4):\n"
        "        super().__init__()\n"
        "        self.a, self.b = nn.Linear(in_channels, width), nn.Linear(width, out_channels)\n"
        "    def forward(self, x, edge_index):\n"
        "        return self.b(self.a(x))\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    settings = ["data.name=karate", "encoder.name=my_models:Wide", "train.epochs=2"]
    assert run_cell(RunSpec().with_overrides([*settings, "encoder.options.width=6"])).parameters == 34 * 6 + 6 + 7 * 2
    with pytest.raises(ConfigError, match="width"):
        run_cell(RunSpec().with_overrides([*settings, "encoder.options.width=wide"]))
