"""Learned models on tgbl-wiki, batches of 200, all pages as candidates: test MRR, beside pair recency (0.7248).

TPNet (arXiv 2410.04013), NAT (arXiv 2209.01084) or TGN (arXiv 2006.10637), without edge features, with recency and
popularity of the pair as inputs of the head. The leaderboard of the Temporal Graph Benchmark has 0.749 for NAT and
0.396 for TGN, with edge features.
"""

import argparse

from graphkit import RunSpec, run_cell
from graphkit.evaluation.statistics import describe

SETTINGS = {
    "tpnet": {
        "encoder": {"name": "tpnet", "options": {"num_neighbors": 0, "hidden_channels": 32}},
        "head": {"name": "identity", "options": {"recency": True}},
        "train": {"epochs": 4, "eval_every": 2, "lr": 3e-3, "schedule": "cosine", "negative_count": 20},
    },
    "nat": {
        "encoder": {"name": "nat", "options": {"hidden_channels": 32}},
        "head": {"name": "identity", "options": {"recency": True}},
        "train": {"epochs": 4, "eval_every": 2, "lr": 2e-3, "schedule": "cosine", "negative_count": 4},
    },
    "tgn": {
        "encoder": {"name": "tgn", "options": {"identity": "learned"}},
        "head": {"name": "concat-mlp", "options": {"recency": True}},
        "train": {"epochs": 2, "eval_every": 2, "lr": 1e-3, "negative_count": 10},
    },
}


def run(model: str, seed: int) -> float:
    """Returns the test MRR of one seed."""
    spec = RunSpec.from_dict(SETTINGS[model] | {"data": {"name": "tgbl-wiki"}, "seed": seed})
    return run_cell(spec.with_overrides(["train.loss=softmax"])).test


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-m", "--model", choices=SETTINGS, default="tpnet")
    parser.add_argument("-n", "--seeds", type=int, default=5)
    options = parser.parse_args()
    scores = []
    for seed in range(options.seeds):
        scores.append(run(options.model, seed))
        print(f"seed {seed}: {scores[-1]:.4f}", flush=True)
    summary = describe(scores)
    print(f"{options.model}: test mrr {summary.mean:.4f} ± {summary.std or 0:.4f} (sample std, {len(scores)} seeds)")
