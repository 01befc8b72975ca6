"""How packed sequences are shared by programs on a GPU: pieces, the longest first, and the chunks of long sequences."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from graphkit.kernels.arrays import Array
from graphkit.kernels.sequences import Sequences

STRETCH = 8
"""Tokens between kept states, and tokens unrolled: the backward pass holds that many states in registers."""
CHUNK = 128
"""Tokens of a chunk, a multiple of STRETCH. A long sequence takes the time of 2 chunks and of one step a chunk, one
after another; with equal steps that is least at sqrt(T / 2) tokens: 106 for 22,662 nodes, 181 for 65,536."""
LONG = 1024
"""Sequences of more tokens are cut into chunks. Chunks read everything twice, in three launches instead of one, which
only pays where one program after another would wait long: by the count above from some hundreds of tokens on where the
GPU is otherwise idle, later where other sequences fill it."""


@dataclass(frozen=True)
class Pieces:
    """What programs work on. A sequence is cut, or not, by its own length alone, so packing changes no bit of it.

    Args:
        pieces: [5, P] int64, one column a piece, the longest first: its first token, the one after its last, the first
            token of its sequence, the slot of its sequence, and its chunk, or -1 where the sequence is one piece. The
            state before token k * every of a sequence is kept in slot base + k - 1.
        chunks: [5, C] int64, the columns of `pieces` that are chunks, in the order of tokens.
        chunk_ptr: [S + 1] int64, where the chunks of each of the S long sequences begin.
        slots: states to be kept.
    """

    pieces: Tensor
    chunks: Tensor
    chunk_ptr: Tensor
    slots: int


def pieces_of(sequences: Sequences, every: int) -> Pieces:
    """Returns the pieces of sequences whose state is kept every so many tokens (a divisor of CHUNK), on their device.

    Example:
        >>> import torch
        >>> cut = pieces_of(Sequences(torch.tensor([0, 3, 3, 43])), 16)
        >>> cut.pieces.tolist(), cut.slots
        ([[3, 0], [43, 3], [3, 0], [0, 0], [-1, -1]], 2)
    """
    plans: dict[int, Pieces] = sequences.__dict__.setdefault("_gpu_plans", {})
    if every not in plans:
        plans[every] = _cut(sequences.ptr.cpu().numpy(), every, sequences.ptr.device)
    return plans[every]


def _cut(ptr: Array, every: int, device: torch.device) -> Pieces:
    first, length = ptr[:-1], np.diff(ptr)
    slots = np.maximum(length - 1, 0) // every
    base = np.cumsum(slots) - slots
    cuts = np.where(length > LONG, -(-length // CHUNK), np.minimum(length, 1))
    owner = np.repeat(np.arange(len(length)), cuts)
    begin = first[owner] + (np.arange(len(owner)) - (np.cumsum(cuts) - cuts)[owner]) * CHUNK
    long = length[owner] > LONG
    end = np.where(long, np.minimum(begin + CHUNK, ptr[1:][owner]), ptr[1:][owner])
    chunk = np.where(long, np.cumsum(long) - 1, -1)
    table = np.stack([begin, end, first[owner], base[owner], chunk])
    chunk_ptr = np.cumsum([0, *cuts[length > LONG]])
    order = np.argsort(begin - end, kind="stable")
    tables = (table[:, order], table[:, long], chunk_ptr)
    pieces, chunks, rows = (torch.from_numpy(np.ascontiguousarray(one)).to(device) for one in tables)
    return Pieces(pieces, chunks, rows, int(slots.sum()))
