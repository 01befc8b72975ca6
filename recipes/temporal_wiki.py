"""Models on tgbl-wiki, batches of 200, all other pages as candidates: test MRR, beside pair recency (0.7248).

TPNet (arXiv 2410.04013), NAT (arXiv 2209.01084), TGN (arXiv 2006.10637), or any other model card of streams, such as
edgebank, pair-recency, craft or dygformer. Without edge features; the cards of the first three give the head recency
and popularity of the pair. The leaderboard of the Temporal Graph Benchmark has 0.749 for NAT and 0.396 for TGN, with
edge features. DyGFormer reads a sequence a candidate, a thousand an event: hours.
"""

import argparse
from dataclasses import replace

from graphkit.bench.models import load_model
from graphkit.data import load_card
from graphkit.evaluation.statistics import describe
from graphkit.training import run_cell

PROTOCOL = "tgb-link"


def run(model: str, seed: int, limit: float) -> float:
    """Returns the test MRR of one seed, with the settings of the model's card."""
    spec = load_model(model).spec(load_card("tgbl-wiki"), PROTOCOL)
    return run_cell(replace(spec, seed=seed, limit=limit), model_name=model).test


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-m", "--models", nargs="+", default=["tpnet"])
    parser.add_argument("-n", "--seeds", type=int, default=5)
    parser.add_argument("--limit", type=float, default=1.0, help="share of the epochs to run")
    options = parser.parse_args()
    for model in options.models:
        scores = []
        for seed in range(options.seeds):
            scores.append(run(model, seed, options.limit))
            print(f"{model} seed {seed}: {scores[-1]:.4f}", flush=True)
        summary = describe(scores)
        print(f"{model}: test mrr {summary.mean:.4f} ± {summary.std or 0:.4f} (sample std, {len(scores)} seeds)")
