"""What every sequence mixer does, and the mixer that reads in both directions."""

from __future__ import annotations

from torch import Tensor, nn

from graphkit.errors import ShapeError
from graphkit.kernels.sequences import Sequences


class SequenceMixer(nn.Module):
    """Base class: [T, C] tokens of packed sequences to [T, C]; no token sees another sequence.

    A subclass writes `mix(x, sequences)`.

    Args:
        channels: C.

    Example:
        >>> import torch
        >>> class Last(SequenceMixer):
        ...     def mix(self, x, sequences):
        ...         return x[sequences.ptr[sequences.owner + 1] - 1]
        >>> Last(1)(torch.tensor([[1.0], [2.0], [3.0]]), Sequences(torch.tensor([0, 2, 3]))).flatten().tolist()
        [2.0, 2.0, 3.0]
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.channels = channels

    def mix(self, x: Tensor, sequences: Sequences) -> Tensor:
        """Returns the mixed tokens [T, C] of checked ones."""
        raise TypeError(f"{type(self).__name__} must define mix(x, sequences)")

    def forward(self, x: Tensor, sequences: Sequences) -> Tensor:
        """Mixes tokens [T, C].

        Raises:
            ShapeError: `x` fits neither the sequences nor the width.
        """
        due = (sequences.num_tokens, self.channels)
        if tuple(x.shape) != due:
            raise ShapeError(f"{type(self).__name__} needs tokens {list(due)}, got {list(x.shape)}")
        return self.mix(x, sequences)


class Bidirectional(SequenceMixer):
    """Adds what one mixer makes of the sequences and what another makes of them read backwards.

    Behrouz and Hashemi, "Graph Mamba", KDD 2024 (arXiv 2402.08678), section 4: y = forward(x) +
    reverse(backward(reverse x)). Each direction has weights of its own, its output map included.

    Args:
        ahead: reads from the first token.
        back: reads from the last one.

    Example:
        >>> import torch
        >>> from graphkit.encoders.mixers import GRUMixer
        >>> both = Bidirectional(GRUMixer(4), GRUMixer(4))
        >>> both(torch.ones(3, 4), Sequences(torch.tensor([0, 3]))).shape
        torch.Size([3, 4])
    """

    def __init__(self, ahead: SequenceMixer, back: SequenceMixer) -> None:
        super().__init__(ahead.channels)
        self.ahead, self.back = ahead, back

    def mix(self, x: Tensor, sequences: Sequences) -> Tensor:
        """Returns the sum of both directions."""
        turn = sequences.reverse
        return self.ahead(x, sequences) + self.back(x[turn], sequences)[turn]
