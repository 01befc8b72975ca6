"""The selective scans as they are defined, token by token: slow, for tests."""

from __future__ import annotations

import torch
from torch import Tensor

from graphkit.kernels.sequences import Sequences


def selective_scan(
    u: Tensor, dt: Tensor, a: Tensor, b: Tensor, c: Tensor, skip: Tensor, sequences: Sequences
) -> Tensor:
    """Computes what `kernels.scan.selective_scan` does, one token after another.

    Example:
        >>> import torch
        >>> one, pair = torch.ones(2, 1, dtype=torch.double), Sequences(torch.tensor([0, 2]))
        >>> selective_scan(one, one, -one[:1], one, one, 0 * one[0], pair).flatten().round(decimals=3).tolist()
        [1.0, 1.368]
    """
    rows = []
    state = torch.zeros_like(a)
    for t, place in enumerate(sequences.place.tolist()):
        state = torch.zeros_like(a) if place == 0 else state
        state = torch.exp(dt[t, :, None] * a) * state + (dt[t] * u[t])[:, None] * b[t]
        rows.append(state @ c[t] + skip * u[t])
    return torch.stack(rows) if rows else u


def ssd_scan(x: Tensor, dt: Tensor, a: Tensor, b: Tensor, c: Tensor, skip: Tensor, sequences: Sequences) -> Tensor:
    """Computes what `kernels.ssd.ssd_scan` does: every head is a Mamba-1 scan whose channels share step and rate.

    Example:
        >>> import torch
        >>> one = torch.ones(2, 1)
        >>> ssd_scan(one[..., None], one, -one[0], one, one, one[0], Sequences(torch.tensor([0, 2]))).shape
        torch.Size([2, 1, 1])
    """
    width, states = x.size(2), b.size(1)
    heads = [
        selective_scan(
            x[:, head],
            dt[:, head, None].expand(-1, width),
            a[head].expand(width, states),
            b,
            c,
            skip[head].expand(width),
            sequences,
        )
        for head in range(x.size(1))
    ]
    return torch.stack(heads, dim=1)


def causal_convolution(x: Tensor, weight: Tensor, bias: Tensor, sequences: Sequences) -> Tensor:
    """Computes what `kernels.scan.causal_convolution` does, sequence by sequence, with `torch.nn.functional.conv1d`.

    Example:
        >>> import torch
        >>> causal_convolution(torch.ones(2, 1), torch.ones(1, 4), torch.zeros(1), Sequences(torch.tensor([0, 2])))
        tensor([[1.],
                [2.]])
    """
    taps = weight.size(1)
    parts = []
    for one in x.split(sequences.length.tolist()):
        padded = torch.nn.functional.pad(one.t(), (taps - 1, 0)).unsqueeze(0)
        if len(one):
            parts.append(torch.nn.functional.conv1d(padded, weight.unsqueeze(1), bias, groups=len(weight))[0].t())
    return torch.cat(parts) if parts else x
