"""EdgeBank on tgbl-wiki: 0.495 (unlimited) and 0.571 (time window) test MRR on the TGB leaderboard.

Poursafaei et al., Towards Better Evaluation for Dynamic Link Prediction, NeurIPS 2022 (arXiv 2207.10128), under the
rules of Huang et al., Temporal Graph Benchmark, NeurIPS 2023 (arXiv 2307.01026): all other pages are negatives, batches
of 200. Pair recency, which remembers when a pair last met, is above most learned models of the leaderboard.
"""

import argparse

from graphkit import load_dataset
from graphkit.evaluation import AllDestinations, metric_named, stream_ranks
from graphkit.scorers.streams import EdgeBank, PairRecency, TimeWindowEdgeBank


def run(model: EdgeBank | PairRecency | TimeWindowEdgeBank, batch_size: int) -> dict[str, float]:
    """Returns the MRR of both parts; what validation showed the model, it still knows in the test."""
    dataset = load_dataset("tgbl-wiki")
    events, split = dataset.events, dataset.split("tgb-link")
    train = events[split.train]
    model.fit(train.src, train.dst, train.t, events.num_nodes)
    found = {}
    for part in ("valid", "test"):
        own = events[getattr(split, part)]
        negatives = AllDestinations(own.src, own.dst, own.t, events.destination_range)
        ranks = stream_ranks(model, own.src, own.dst, own.t, negatives, batch_size=batch_size)
        found[part] = metric_named("mrr").fn(ranks)
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-b", "--batch-size", type=int, default=200, help="1 is the protocol tgb-link-batch-1")
    batch_size = parser.parse_args().batch_size
    for model in (EdgeBank(), TimeWindowEdgeBank(), PairRecency()):
        mrr = run(model, batch_size)
        print(f"{type(model).__name__}: test mrr {mrr['test']:.4f} ± 0 (deterministic), validation {mrr['valid']:.4f}")
