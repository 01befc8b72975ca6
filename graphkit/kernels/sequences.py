"""Packed sequences: many sequences of different lengths one after another, with no padding between them."""

from __future__ import annotations

from functools import cached_property

import torch
from torch import Tensor

from graphkit.errors import ShapeError


class Sequences:
    """Where each of G packed sequences begins and ends, and what follows from that.

    Args:
        ptr: [G + 1] integer, non-decreasing from 0 to T: sequence g owns the tokens ptr[g] to ptr[g + 1]. Empty
            sequences are allowed.

    Raises:
        ShapeError: `ptr` is no such vector.

    Example:
        >>> import torch
        >>> Sequences(torch.tensor([0, 2, 5])).place.tolist()
        [0, 1, 0, 1, 2]
    """

    def __init__(self, ptr: Tensor) -> None:
        if ptr.dim() != 1 or not len(ptr) or int(ptr[0]) or bool((ptr.diff() < 0).any()):
            raise ShapeError(f"ptr must rise from 0 to the number of tokens, got {ptr.tolist()[:8]}")
        self.ptr = ptr.long()
        self.num_tokens = int(ptr[-1])
        self.num_sequences = len(ptr) - 1

    @cached_property
    def length(self) -> Tensor:
        """Tokens of every sequence [G]."""
        return self.ptr.diff()

    @cached_property
    def longest(self) -> int:
        """Tokens of the longest sequence."""
        return int(self.length.max()) if self.num_sequences else 0

    @cached_property
    def owner(self) -> Tensor:
        """Sequence of every token [T]."""
        numbers = torch.arange(self.num_sequences, device=self.ptr.device)
        return torch.repeat_interleave(numbers, self.length, output_size=self.num_tokens)

    @cached_property
    def place(self) -> Tensor:
        """Position of every token in its sequence [T], from 0."""
        return torch.arange(self.num_tokens, device=self.ptr.device) - self.ptr[self.owner]

    @cached_property
    def left(self) -> Tensor:
        """Tokens from every token to the end of its sequence [T], itself included."""
        return self.ptr[self.owner + 1] - torch.arange(self.num_tokens, device=self.ptr.device)

    @cached_property
    def reverse(self) -> Tensor:
        """The token [T] that takes every token's place when each sequence is read backwards."""
        return self.ptr[self.owner] + self.left - 1

    @cached_property
    def by_place(self) -> tuple[Tensor, list[int]]:
        """Tokens [T] place by place, the longest sequences first; and where each place begins [longest + 1].

        The tokens of place p are a prefix of those of place p - 1 in terms of their sequences.
        """
        rank = self.length.argsort(descending=True, stable=True).argsort()
        order = (self.place * self.num_sequences + rank[self.owner]).argsort()
        counts = torch.bincount(self.place, minlength=self.longest)
        return order, [0, *counts.cumsum(0).tolist()]

    def to(self, device: torch.device | str) -> Sequences:
        """Returns the same sequences on a device."""
        return self if self.ptr.device == torch.device(device) else Sequences(self.ptr.to(device))

    def repeated(self, times: int) -> Sequences:
        """Returns `times` copies one after another: [times * G] sequences.

        Example:
            >>> Sequences(torch.tensor([0, 2, 5])).repeated(2).ptr.tolist()
            [0, 2, 5, 7, 10]
        """
        shift = torch.arange(times, device=self.ptr.device)[:, None] * self.num_tokens
        return Sequences(torch.cat([self.ptr[:1], (self.ptr[1:] + shift).flatten()]))

    def __repr__(self) -> str:
        return f"Sequences(tokens={self.num_tokens}, sequences={self.num_sequences}, longest={self.longest})"
