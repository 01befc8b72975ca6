"""Neural Common Neighbor: the states of the common neighbours of a pair beside the product of its own two states."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from graphkit.errors import ConfigError
from graphkit.heads.context import PairContext
from graphkit.heads.link import PairHead
from graphkit.kernels import CSRGraph, counter_dropout, spmm

PAIRS_AT_ONCE = 1 << 16


class NCNHead(PairHead):
    """Neural Common Neighbor (NCN).

    Wang, Yang and Zhang, "Neural Common Neighbor with Completion for Link Prediction", ICLR 2024 (arXiv 2302.00890),
    section 4.

        x'_u = h_u + f_x(h_u)      c_ij = sum over u in N(i) and N(j) of x'_u
        score = g(beta f_c(c_ij) + f_p(h_i * h_j))

    Neighbours are those messages come from: links that the batch asks for are no edges here either. A pair without
    common neighbours has c = 0; a pair of a node with itself has all its neighbours in common.

    Args:
        in_channels: C.
        hidden_channels: width of the maps; 0 takes C.
        dropout: rate inside f_x, f_c, f_p and g.
        edge_dropout: rate at which neighbours are overlooked in training when common ones are looked for.
        transform: use f_x; otherwise x' = h.
        tail_activation: f_c and f_p end with their activation instead of another linear map.
        layer_norm: normalise inside the maps.
        two_layers: g has another hidden layer.
        beta: start of the learned weight of the common neighbours.

    Raises:
        ConfigError: an option is out of range.

    Example:
        >>> NCNHead(16, dropout=0.1).common_map[0].weight.shape
        torch.Size([16, 16])
    """

    def __init__(
        self,
        in_channels: int,
        hidden_channels: int = 0,
        dropout: float = 0.0,
        edge_dropout: float = 0.0,
        transform: bool = True,
        tail_activation: bool = True,
        layer_norm: bool = True,
        two_layers: bool = False,
        beta: float = 1.0,
    ) -> None:
        super().__init__(in_channels)
        if not 0.0 <= dropout < 1.0 or not 0.0 <= edge_dropout < 1.0 or hidden_channels < 0:
            raise ConfigError(
                "dropout and edge_dropout are probabilities below 1 and hidden_channels is not negative, got "
                f"{dropout}, {edge_dropout} and {hidden_channels}"
            )
        width = hidden_channels or in_channels
        self.edge_dropout = edge_dropout
        self.beta = nn.Parameter(torch.full((1,), float(beta)))

        def block(inputs: int, norm: bool = layer_norm, outputs: int = width) -> list[nn.Module]:
            kept = [nn.LayerNorm(outputs)] if norm else []
            return [nn.Linear(inputs, outputs), *kept, _Dropout(dropout), nn.ReLU()]

        tail = [] if tail_activation else [nn.Linear(width, width)]
        transformed = (*block(in_channels, False), *block(width, outputs=in_channels))
        self.transform = nn.Sequential(*transformed) if transform else None
        self.common_map = nn.Sequential(*block(in_channels, False), *block(width), *tail)
        self.pair_map = nn.Sequential(*block(in_channels), *(nn.Linear(width, width) for _ in tail))
        second = block(width) if two_layers else []
        self.score_map = nn.Sequential(*block(width), *second, nn.Linear(width, 1))

    def forward(self, context: PairContext) -> Tensor:
        """Returns the score [B] of every pair."""
        transformed = context.once("ncn.transformed", lambda: self.transformed(context.states))
        return self.combine(self.common(context, context.pairs, transformed), context.source * context.target)

    def transformed(self, states: Tensor) -> Tensor:
        """Returns x' [N, C]."""
        return states if self.transform is None else states + self.transform(states)

    def common(self, context: PairContext, pairs: Tensor, transformed: Tensor) -> Tensor:
        """Returns c [B, C], the sum of x' over the common neighbours of every pair."""
        return spmm(context.common(pairs, self._overlooked(context.graph)), transformed)

    def combine(self, common: Tensor, product: Tensor) -> Tensor:
        """Returns the scores [B] of common-neighbour sums [B, C] and products of states [B, C]."""
        score: Tensor = self.score_map(self.common_map(common) * self.beta + self.pair_map(product))
        return score.squeeze(-1)

    def _overlooked(self, graph: CSRGraph) -> Tensor | None:
        """[E] bool in edge order: neighbours that this training batch does not see."""
        if not self.training or not self.edge_dropout:
            return None
        return torch.rand(graph.num_edges, device=graph.device) < self.edge_dropout


class NCNCHead(NCNHead):
    """Neural Common Neighbor with Completion (NCNC): neighbours of one end count as far as they may be the other's too.

    The paper of `NCNHead`, section 5. With y the score that NCN (depth 1), or NCNC of one depth less, gives the missing
    link between an end and a neighbour u of the other end, without gradients:

        q = sigmoid(scale (y - offset))      p = alpha pt q / (pt q + 1 - q)
        c_ij += sum over u in N(i), not N(j), of p_ju x'_u + sum over u in N(j), not N(i), of p_iu x'_u

    Args:
        in_channels: C.
        hidden_channels: as in `NCNHead`, like all options up to `beta`.
        dropout: see `NCNHead`.
        edge_dropout: see `NCNHead`.
        transform: see `NCNHead`.
        tail_activation: see `NCNHead`.
        layer_norm: see `NCNHead`.
        two_layers: see `NCNHead`.
        beta: see `NCNHead`.
        depth: how often missing links are scored with missing links; 0 is NCN.
        scale: of the logit.
        offset: of the logit.
        alpha: largest weight a missing link gets.
        pt: prior that a missing link is there, against 1 that it is not.
        official_recursion: as the authors' code has it, the inner scores read x' in place of h, so that they transform
            it once more and multiply its rows.

    Raises:
        ConfigError: an option is out of range.

    Example:
        >>> NCNCHead(16, depth=2).depth
        2
    """

    def __init__(
        self,
        in_channels: int,
        hidden_channels: int = 0,
        dropout: float = 0.0,
        edge_dropout: float = 0.0,
        transform: bool = True,
        tail_activation: bool = True,
        layer_norm: bool = True,
        two_layers: bool = False,
        beta: float = 1.0,
        depth: int = 1,
        scale: float = 5.0,
        offset: float = 3.0,
        alpha: float = 1.0,
        pt: float = 0.5,
        official_recursion: bool = False,
    ) -> None:
        options = hidden_channels, dropout, edge_dropout, transform, tail_activation, layer_norm, two_layers, beta
        super().__init__(in_channels, *options)
        if depth < 0 or not 0.0 < pt <= 1.0 or alpha < 0.0:
            raise ConfigError(f"depth and alpha are not negative and 0 < pt <= 1, got {depth}, {alpha} and {pt}")
        self.depth, self.scale, self.offset, self.alpha, self.pt = depth, scale, offset, alpha, pt
        self.official_recursion = official_recursion

    def forward(self, context: PairContext) -> Tensor:
        """Returns the score [B] of every pair."""
        transformed = context.once("ncn.transformed", lambda: self.transformed(context.states))
        return self._scores(context, context.pairs, context.states, transformed, self.depth)

    def _scores(self, context: PairContext, pairs: Tensor, states: Tensor, transformed: Tensor, depth: int) -> Tensor:
        common = self.common(context, pairs, transformed)
        if depth:
            for ends in (pairs, pairs.flip(0)):
                common = common + self._completed(context, ends, states, transformed, depth)
        return self.combine(common, states.index_select(0, pairs[0]) * states.index_select(0, pairs[1]))

    def _completed(
        self, context: PairContext, pairs: Tensor, states: Tensor, transformed: Tensor, depth: int
    ) -> Tensor:
        """Returns [B, C], x' summed over the neighbours of the first ends alone, weighted by their missing links."""
        lists = context.exclusive(pairs, self._overlooked(context.graph))
        missing = torch.stack([pairs[1].index_select(0, lists.row.long()), lists.col.long()])
        with torch.no_grad():
            if self.official_recursion:
                states, inner = transformed, self.transformed(transformed)
            else:
                inner = transformed
            parts = [
                self._scores(context, part, states, inner, depth - 1) for part in missing.split(PAIRS_AT_ONCE, dim=1)
            ]
            q = torch.sigmoid(self.scale * (torch.cat(parts) - self.offset))
            weight = self.alpha * self.pt * q / (self.pt * q + 1.0 - q)
        return spmm(lists, transformed, weight)


class _Dropout(nn.Dropout):
    """Dropout that draws no mask; on a processor this is several times faster."""

    def forward(self, x: Tensor) -> Tensor:
        return counter_dropout(x, self.p, self.training)
