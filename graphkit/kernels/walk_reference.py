"""Walk features in plain PyTorch: the definition with dense matrices, and the two-column form for any device."""

from __future__ import annotations

import torch
from torch import Tensor

from graphkit.kernels.link_blocks import LinkBlocks


def edge_logits(blocks: LinkBlocks, query: Tensor, key: Tensor) -> tuple[Tensor, Tensor]:
    """See `graphkit.kernels.walks.edge_logits`."""
    graph, factor = blocks.graph, query.size(-1) ** -0.5
    edges = (query[graph.col.long()] * key[graph.row.long()]).sum(-1)
    target = (query[blocks.ends.flip(1)] * key[blocks.ends]).sum(-1)
    return factor * edges, factor * target


def dense_profile(blocks: LinkBlocks, logits: Tensor, target: Tensor, length: int) -> Tensor:
    """`graphkit.kernels.walks.walk_profile` by definition: powers of dense P+ and P-; edges occur once."""
    rows = []
    for link in range(blocks.num_links):
        without, with_link = dense_transitions(blocks, logits, target, link)
        plus, minus, found = with_link, without, []
        for _ in range(2, length + 1):
            plus, minus = plus @ with_link, minus @ without
            difference = plus.diagonal(dim1=1, dim2=2).sum(-1) - minus.diagonal(dim1=1, dim2=2).sum(-1)
            node = [matrix[:, 0, 0] + matrix[:, 1, 1] for matrix in (plus, minus)]
            crossing = [matrix[:, 0, 1] + matrix[:, 1, 0] for matrix in (plus, minus)]
            found.append(torch.stack([difference, *node, *crossing], dim=1))
        rows.append(torch.stack(found, dim=2))
    return torch.stack(rows)


def dense_transitions(blocks: LinkBlocks, logits: Tensor, target: Tensor, link: int) -> tuple[Tensor, Tensor]:
    """Returns P- and P+ [H, n, n] of one block; a row is the softmax over the edges that arrive at its node."""
    graph, start, end = blocks.graph, int(blocks.ptr[link]), int(blocks.ptr[link + 1])
    slots = slice(int(graph.rowptr[start]), int(graph.rowptr[end]))
    row, col = graph.row[slots].long() - start, graph.col[slots].long() - start
    size = end - start
    scores = logits.new_full((logits.size(1), size, size), -torch.inf)
    scores[:, row, col] = logits[slots].t()
    both = scores.clone()
    both[:, 0, 1], both[:, 1, 0] = target[link]
    return _softmax(scores), _softmax(both)


def walk_profile(blocks: LinkBlocks, logits: Tensor, target: Tensor, length: int) -> Tensor:
    """`graphkit.kernels.walks.walk_profile` from two columns, on any device."""
    graph, heads = blocks.graph, logits.size(1)
    row, col = graph.row.long(), graph.col.long()
    peak = logits.new_full((graph.num_nodes, heads), -torch.inf)
    peak = peak.index_reduce(0, row, logits.detach(), "amax").clamp(min=torch.finfo(logits.dtype).min)
    grown = (logits - peak[row]).exp()
    total = torch.zeros_like(peak).index_add(0, row, grown)
    weight = (grown / total[row]).unsqueeze(-1)
    others = total[blocks.ends]
    log_sum = torch.where(others > 0, others, 1.0).log() + peak[blocks.ends]
    share = torch.where(others > 0, torch.sigmoid(target - log_sum), 1.0)
    x = logits.new_zeros((graph.num_nodes, heads, 2))
    x[blocks.ends[:, 0], :, 0] = 1.0
    x[blocks.ends[:, 1], :, 1] = 1.0
    c = [x[blocks.ends].transpose(1, 2)]  # [B, H, 2, 2]
    for _ in range(length):
        x = torch.zeros_like(x).index_add(0, row, weight * x[col])
        c.append(x[blocks.ends].transpose(1, 2))
    return _series(c, share.transpose(1, 2).unsqueeze(-1))


def _series(c: list[Tensor], share: Tensor) -> Tensor:
    """The recurrences of `graphkit.kernels.cpu.walk_series` on [B, H, 2, 2] tensors."""
    length = len(c) - 1
    b = [share * (c[k].flip(2) - c[k + 1]) for k in range(length)]
    q, n, found = [c[0]], [c[0]], []
    for t in range(1, length + 1):
        q.append(c[t] + torch.stack([q[k] @ b[t - 1 - k] for k in range(t)]).sum(0))
        n.append(torch.stack([n[t - 1 - k] @ b[k] for k in range(t)]).sum(0))
        if t > 1:
            trace = torch.stack([(k + 1) * _trace(n[t - 1 - k] @ b[k]) for k in range(t)]).sum(0)
            across = [_trace(matrix.flip(2)) for matrix in (q[t], c[t])]
            found.append(torch.stack([trace, _trace(q[t]), _trace(c[t]), *across], dim=2))
    return torch.stack(found, dim=3)


def _trace(matrix: Tensor) -> Tensor:
    return matrix.diagonal(dim1=-2, dim2=-1).sum(-1)


def _softmax(scores: Tensor) -> Tensor:
    empty = torch.isneginf(scores).all(-1, keepdim=True)
    return torch.where(empty, 0.0, torch.softmax(torch.where(empty, 0.0, scores), dim=-1))
