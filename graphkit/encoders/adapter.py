"""Modules that know nothing of graphkit, as encoders."""

from __future__ import annotations

import inspect
from typing import Any

from torch import Tensor, nn

from graphkit.encoders.base import Encoder
from graphkit.errors import ConfigError
from graphkit.kernels import CSRGraph, SparseFeatures


def as_encoder(found: Any) -> Any:
    """Returns an encoder class as it is, and wraps any other module class of PyG's kind.

    Args:
        found: an Encoder class, or an `nn.Module` class that is built as `Module(in_channels, out_channels, **options)`
            and called as `module(x [N, F], edge_index [2, E])`, and with `edge_attr` where its constructor takes
            `edge_dim`.

    Raises:
        ConfigError: neither.

    Example:
        >>> import torch
        >>> from torch_geometric.nn import GCNConv
        >>> as_encoder(GCNConv)(4, 3)(torch.ones(2, 4), torch.tensor([[0], [1]])).shape
        torch.Size([2, 3])
    """
    if not (isinstance(found, type) and issubclass(found, nn.Module)):
        raise ConfigError(f"an encoder is an nn.Module class, got {found!r}")
    if issubclass(found, Encoder):
        return found
    taken = inspect.signature(found).parameters
    for name in ("in_channels", "out_channels"):
        if name not in taken:
            raise ConfigError(f"{found.__name__} must be built from in_channels and out_channels, but takes no {name}")

    class Adapted(Encoder):
        __doc__ = found.__doc__

        def __init__(self, in_channels: int, out_channels: int, **options: Any) -> None:
            super().__init__(in_channels, out_channels, options.get("edge_dim"))
            self.module = found(in_channels, out_channels, **options)

        def encode(self, x: Tensor | SparseFeatures, graph: CSRGraph, edge_attr: Tensor | None) -> Tensor:
            dense = x.dense() if isinstance(x, SparseFeatures) else x
            more = () if edge_attr is None else (edge_attr,)
            return self.module(dense, graph.edge_index(), *more)

    Adapted.__name__ = Adapted.__qualname__ = found.__name__
    Adapted.__signature__ = inspect.signature(found)
    Adapted.__init__.__annotations__ = dict(found.__init__.__annotations__)
    return Adapted
