"""The scan of Mamba-2 over packed sequences: matrix products inside chunks, a recurrence between them."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from graphkit.errors import ConfigError, ShapeError
from graphkit.kernels.recurrence import linear_recurrence
from graphkit.kernels.sequences import Sequences


def ssd_scan(
    x: Tensor,
    dt: Tensor,
    a: Tensor,
    b: Tensor,
    c: Tensor,
    skip: Tensor,
    sequences: Sequences,
    chunk: int = 64,
) -> Tensor:
    """Runs the state space dual form of Mamba-2, whose decay is one number a head and token, over every sequence.

    Dao and Gu: "Transformers are SSMs", arXiv 2405.21060, listing 1, with states that end at sequence boundaries:

        h_t = exp(dt_t a) h_(t - 1) + dt_t B_t x_t^T      y_t = C_t h_t + skip x_t

    Inside a chunk y = ((C B^T) * L)(dt x), with L_ij = exp(sum of dt a over j + 1..i) where i and j share a sequence,
    else 0. The state at a chunk's end enters the next one only where its sequence goes on. A head costs
    T * chunk * (N + P).

    Args:
        x: [T, H, P] floating inputs of H heads.
        dt: [T, H] step sizes, not negative.
        a: [H] decay rates, not positive.
        b: [T, N] what enters the states, shared by the heads.
        c: [T, N] what is read from them.
        skip: [H] share of the input that passes by.
        sequences: of T tokens.
        chunk: tokens of a chunk.

    Returns:
        y [T, H, P].

    Raises:
        ShapeError: the shapes do not fit.
        ConfigError: `chunk` is below 1.

    Example:
        >>> import torch
        >>> sequences = Sequences(torch.tensor([0, 2, 3]))
        >>> ones = torch.ones(3, 1, dtype=torch.double)
        >>> y = ssd_scan(ones.unsqueeze(2), ones, -ones[0], ones, ones, 0 * ones[0], sequences)
        >>> y.flatten().round(decimals=3).tolist()
        [1.0, 1.368, 1.0]
    """
    if chunk < 1:
        raise ConfigError(f"chunk must be at least 1, got {chunk}")
    tokens, heads = sequences.num_tokens, x.size(1)
    if x.dim() != 3 or dt.shape != (tokens, heads) or not a.shape == skip.shape == (heads,) or b.shape != c.shape:
        found = ", ".join(str(list(one.shape)) for one in (x, dt, a, b, c, skip))
        raise ShapeError(f"{tokens} tokens need x [T, H, P], dt [T, H], a and skip [H], b and c [T, N]; got {found}")
    if not tokens:
        return x
    chunk = min(chunk, tokens)
    rest = -tokens % chunk

    def cut(one: Tensor) -> Tensor:
        padded = functional.pad(one, (0, 0) * (one.dim() - 1) + (0, rest))
        return padded.view(-1, chunk, *one.shape[1:])

    owner = functional.pad(sequences.owner, (0, rest), value=sequences.num_sequences).view(-1, chunk)  # [K, Q]
    values, into, out = cut(x * dt.unsqueeze(-1)), cut(b), cut(c)  # [K, Q, H, P], [K, Q, N] twice
    total = cut(dt * a).cumsum(1).transpose(1, 2)  # [K, H, Q]

    same = (owner.unsqueeze(2) == owner.unsqueeze(1)).tril().unsqueeze(1)  # [K, 1, Q, Q]
    # masked before the exponential: later tokens would overflow, and infinity times zero is NaN
    reach = (total.unsqueeze(3) - total.unsqueeze(2)).masked_fill(~same, -torch.inf).exp()
    y = torch.einsum("kij,khij,kjhp->kihp", out @ into.transpose(1, 2), reach, values)

    last = owner[:, -1]
    survive = (total[..., -1:] - total).exp() * (owner == last.unsqueeze(1)).unsqueeze(1)  # [K, H, Q]
    ends = torch.einsum("khq,kqn,kqhp->khpn", survive, into, values)
    before = torch.cat([last.new_full((1,), -1), last[:-1]])
    goes_on = (last == before).view(-1, 1)
    factor = torch.where(goes_on, total[..., -1].exp(), 0.0).view(-1, heads, 1, 1).expand_as(ends)
    one = Sequences(torch.tensor([0, len(ends)], device=x.device))
    entering = functional.pad(linear_recurrence(factor, ends, one)[:-1], (0, 0, 0, 0, 0, 0, 1, 0))
    open_ = (owner == before.unsqueeze(1)).unsqueeze(1)  # tokens of the sequence that was open when the chunk began
    y = y + torch.einsum("kqn,khq,khpn->kqhp", out, total.exp() * open_, entering)
    return y.reshape(-1, heads, x.size(2))[:tokens] + skip.view(-1, 1) * x
