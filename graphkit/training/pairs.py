"""Reliable paired comparison (BREC): one small training a pair of graphs, and a test of whether it tells them apart."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional
from torch_geometric.data import Data

from graphkit.config import RunSpec
from graphkit.data.graphs import GraphDataset
from graphkit.errors import BudgetExceeded, NonFiniteScores
from graphkit.evaluation import PROTOCOLS, Result
from graphkit.expressiveness import FlatGraphs, concatenate
from graphkit.heads.graph import GraphHead
from graphkit.seeds import SeedStreams
from graphkit.training.build import NodeModel, build_model
from graphkit.training.loop import Event
from graphkit.training.record import record_of
from graphkit.training.run import dataset_for
from graphkit.training.session import determinism
from graphkit.transforms.structures import Requirement, attach

COPIES, WIDTH, EPOCHS, BATCH = 32, 16, 20, 16
RATE, DECAY, ENOUGH = 1e-4, 1e-4, 0.2
THRESHOLD = 72.34
"""Of Hotelling's T^2, as published with BREC."""
SAME = 1e-12
"""Relative difference of outputs that is rounding."""
RIDGE = 1e-7
"""Added to the covariance, which is zero up to rounding for an invariant network."""


@dataclass(frozen=True)
class Verdict:
    """What the test says of one pair.

    Args:
        statistic: T^2 of the two graphs.
        reliability: T^2 of two lists of copies of one graph; above the threshold the network reads the order of nodes.
    """

    statistic: float
    reliability: float

    @property
    def separated(self) -> bool:
        """The two graphs are told apart, and by more than copies of one graph are."""
        return self.statistic > THRESHOLD and not math.isclose(self.statistic, self.reliability, abs_tol=1e-6)

    @property
    def reliable(self) -> bool:
        """Copies of one graph are not told apart."""
        return self.reliability <= THRESHOLD


def separate_pairs(
    spec: RunSpec,
    folder: Path | None = None,
    *,
    model_name: str = "",
    on_event: Callable[[Event], None] = lambda event: None,
) -> Result:
    """Trains a network a pair of graphs and counts the pairs that it tells apart reliably.

    Wang and Zhang, An Empirical Study of Realized GNN Expressiveness, ICML 2024 (arXiv 2304.07702), with its
    constants: 32 renumbered copies of each graph, 16 outputs, cosine loss, Adam at 1e-4, at most 20 epochs; computed in
    float64, with
    1e-7 added to the covariance. Encoder and readout are those of `spec`; its training settings are not used. A `limit`
    below one takes the first pairs of every group. A pair that would take more memory than the encoder's budget counts
    as not told apart. Arguments, result and errors as in `run_cell`; `evaluation` of the result holds the count of
    every group, and how many pairs were refused.
    """
    started = time.perf_counter()
    dataset = dataset_for(spec.data)
    assert isinstance(dataset, GraphDataset)
    protocol = PROTOCOLS[spec.protocol or dataset.card.protocols[0]]
    names = list(dataset.card.reader_options["groups"])
    group, streams, parameters = dataset.raw.y[::2], SeedStreams(spec.seed), 0
    counted = [[0, 0, 0] for _ in names]
    refused = 0
    with determinism(spec.train):
        for pair in _chosen(group, spec.limit):
            model = _model(spec, dataset, streams)
            parameters = sum(parameter.numel() for parameter in model.parameters())
            count = counted[group[pair]]
            try:
                verdict = compare(model, _pair(dataset, pair), streams.integer("data") + int(pair))
            except BudgetExceeded as error:
                refused, count[2] = refused + 1, count[2] + 1
                on_event({"event": "refused", "pair": int(pair), "message": str(error)})
                continue
            for place, hit in enumerate((verdict.separated and verdict.reliable, not verdict.reliable, True)):
                count[place] += hit
            on_event({"event": "pair", "pair": int(pair), "t2": verdict.statistic, "reliability": verdict.reliability})
    totals = [sum(column) for column in zip(*counted, strict=True)]
    on_event({"event": "tested", "test": totals[0] / totals[2], "valid": None, "best_epoch": None})
    return record_of(
        spec,
        dataset,
        protocol,
        protocol.metric_for(dataset.card.metric),
        model_name or spec.encoder.name,
        split=0,
        test=totals[0] / totals[2],
        evaluation={
            "separated": {name: count[0] for name, count in zip(names, counted, strict=True)},
            "pairs": {name: count[2] for name, count in zip(names, counted, strict=True)},
            "unreliable": totals[1],
            "refused": refused,
        },
        parameters=parameters,
        train_seconds=time.perf_counter() - started,
    )


def compare(model: NodeModel, pair: FlatGraphs, seed: int) -> Verdict:
    """Trains a model on copies of two graphs and tests whether its outputs differ.

    Args:
        model: from graphs to [G, 16], in float64.
        pair: two graphs.
        seed: of the copies and of all draws of the training.

    Raises:
        NonFiniteScores: outputs or loss are not finite.
        BudgetExceeded: the arrays or subgraphs that the encoder reads would take too much memory.
    """
    torch.manual_seed(seed)
    both = concatenate([pair] * COPIES).relabelled(seed)
    first = concatenate([pair.take([0])] * 2 * COPIES).relabelled(seed + 1)
    batches, own = (_batches(graphs, model.encoder.requires) for graphs in (both, first))
    optimizer = torch.optim.Adam(model.parameters(), lr=RATE, weight_decay=DECAY)
    schedule = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer)
    against = -torch.ones(BATCH, dtype=torch.float64)
    for _ in range(EPOCHS):
        model.train()
        total = apart = 0.0
        for batch in batches:
            optimizer.zero_grad()
            out = _outputs(model, batch)
            loss = functional.cosine_embedding_loss(out[0::2], out[1::2], against)
            loss.backward()
            optimizer.step()
            total += loss.item() / len(batches)
            apart = max(apart, float((out[0::2] - out[1::2]).detach().abs().max() / out.detach().abs().max()))
        if not math.isfinite(total):
            raise NonFiniteScores(f"the loss of a pair became {total}; lower the width or the depth of the encoder")
        if total < ENOUGH or apart < SAME:  # equal outputs have no gradient to part them
            break
        schedule.step(total)
    model.eval()
    with torch.no_grad():
        return Verdict(*(hotelling(torch.cat([_outputs(model, batch) for batch in part])) for part in (batches, own)))


def hotelling(out: Tensor) -> float:
    """Returns T^2 = m^T (S + 1e-7 I)^-1 m of the differences of consecutive rows: m their mean, S their covariance.

    Example:
        >>> hotelling(torch.ones(64, 16, dtype=torch.float64))
        0.0
    """
    difference = out[0::2] - out[1::2]
    mean = difference.mean(0)
    spread = torch.cov(difference.T) + RIDGE * torch.eye(len(mean), dtype=out.dtype)
    return float(mean @ torch.linalg.solve(spread, mean))


def _outputs(model: NodeModel, batch: Data) -> Tensor:
    structure = {key: batch[key] for key in batch.to_dict() if key not in ("x", "edge_index")}
    out: Tensor = model(batch.x, batch.edge_index, None, structure)
    if not bool(out.isfinite().all()):
        raise NonFiniteScores("outputs on a pair of graphs are not finite; lower the width or depth of the encoder")
    return out


def _model(spec: RunSpec, dataset: GraphDataset, streams: SeedStreams) -> NodeModel:
    model = build_model(spec, dataset, streams)
    readout = spec.head.options.get("readout", "sum")
    model.head = GraphHead(model.encoder.out_channels, WIDTH, readout, kind="linear", target="regression")
    return model.double()


def _pair(dataset: GraphDataset, pair: int) -> FlatGraphs:
    ptr = dataset.raw.ptr[2 * pair : 2 * pair + 3]
    inside = (dataset.raw.edge_index[0] >= ptr[0]) & (dataset.raw.edge_index[0] < ptr[-1])
    return FlatGraphs.from_union(dataset.raw.edge_index[:, inside] - ptr[0], ptr - ptr[0])


def _batches(graphs: FlatGraphs, requires: Iterable[Requirement]) -> list[Data]:
    parts = (graphs.take(range(at, at + 2 * BATCH)) for at in range(0, graphs.num_graphs, 2 * BATCH))
    return [attach(_batch(part), requires) for part in parts]


def _batch(graphs: FlatGraphs) -> Data:
    ptr = torch.from_numpy(graphs.ptr)
    batch = torch.repeat_interleave(torch.arange(graphs.num_graphs), ptr.diff())
    x = torch.ones(len(batch), 1, dtype=torch.float64)
    return Data(x=x, edge_index=torch.from_numpy(graphs.edge_index()), ptr=ptr, batch=batch)


def _chosen(group: np.ndarray, limit: float) -> np.ndarray:
    """The first pairs of every group, a share of `limit` of each."""
    rank = np.concatenate([np.arange(count) for count in np.bincount(group)])
    return np.flatnonzero(rank < np.ceil(limit * np.bincount(group))[group])
