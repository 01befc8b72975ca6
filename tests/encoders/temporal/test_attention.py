from __future__ import annotations

import torch
from torch_geometric.nn import TransformerConv

from graphkit.encoders.temporal.attention import NeighborAttention, _Attend, attention_reference


def inputs(dtype: torch.dtype = torch.float64) -> tuple[torch.Tensor, ...]:
    torch.manual_seed(0)
    near, mask = torch.randint(6, (5, 3)), torch.rand(5, 3) < 0.7
    mask[2] = False
    mask[0] = True
    dense = (torch.randn(5, 2, 4), torch.randn(5, 2, 3), torch.randn(6, 2, 2, 4), torch.randn(5, 3, 3))
    return *(part.to(dtype).requires_grad_() for part in dense), near, mask


def test_kernel_equals_plain_torch_with_its_gradients() -> None:
    query, folded, table, edges, near, mask = inputs()
    nothing = torch.empty(0, 2, 3, dtype=torch.float64)
    found = _Attend.apply(query, folded, table, edges, near, mask, nothing)
    due = attention_reference(query, folded, table, near, mask, edges)
    assert all(torch.allclose(one, two) for one, two in zip(found, due, strict=True))
    keep = (torch.rand(5, 2, 3, dtype=torch.float64) < 0.5) * 2.0
    for kept in (nothing, keep):
        call = lambda *dense, kept=kept: _Attend.apply(*dense, near, mask, kept)  # noqa: E731
        assert torch.autograd.gradcheck(call, (query, folded, table, edges))


def test_layer_is_the_convolution_of_pyg() -> None:
    layer, conv = NeighborAttention(5, 3, 8, heads=2, dropout=0.0), TransformerConv(5, 4, heads=2, edge_dim=3)
    with torch.no_grad():
        conv.lin_query.load_state_dict(layer.query.state_dict())
        conv.lin_skip.load_state_dict(layer.skip.state_dict())
        for part, name in zip(layer.key_value.weight.chunk(2), ("lin_key", "lin_value"), strict=True):
            getattr(conv, name).weight.copy_(part)
        for part, name in zip(layer.key_value.bias.chunk(2), ("lin_key", "lin_value"), strict=True):
            getattr(conv, name).bias.copy_(part)
        conv.lin_edge.weight.copy_(layer.edge.flatten(0, 1))
    *_, near, mask = inputs()
    x, edges = torch.randn(6, 5), torch.randn(5, 3, 3)
    own = torch.arange(5)
    index = torch.stack([near[mask], own[:, None].expand(5, 3)[mask]])
    assert torch.allclose(layer(x, own, near, edges, mask), conv(x, index, edges[mask])[:5], atol=1e-5)
