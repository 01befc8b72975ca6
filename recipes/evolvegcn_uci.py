"""EvolveGCN on snapshots of UCI messages, ranked as a stream: test MRR beside the models without parameters.

Pareja et al., EvolveGCN: Evolving Graph Convolutional Networks for Dynamic Graphs, AAAI 2020 (arXiv 1902.10191), with
the snapshots of its code, 190,080 seconds long. Answers see closed snapshots alone, as in UTG (arXiv 2407.12269),
which is up to two days old where destination recency is up to 200 events old; the row below it says what that costs.
"""

import argparse

from graphkit import RunSpec, run_cell
from graphkit.evaluation.statistics import describe

SETTINGS = {
    "data": {"name": "uci"},
    "head": {"name": "concat-mlp"},
    "train": {"epochs": 20, "lr": 3e-3, "stop": "patience", "patience": 4},
    "protocol": "tgb-link",
}


def run(seed: int, kind: str) -> float:
    """Returns the test MRR of one seed."""
    encoder = {"name": "evolvegcn", "options": {"span": 190080.0, "kind": kind}}
    return run_cell(RunSpec.from_dict(SETTINGS | {"encoder": encoder, "seed": seed})).test


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-n", "--seeds", type=int, default=3)
    parser.add_argument("-k", "--kind", default="O", choices=["O", "H"])
    args = parser.parse_args()
    scores = []
    for seed in range(args.seeds):
        scores.append(run(seed, args.kind))
        print(f"seed {seed}: {scores[-1]:.4f}", flush=True)
    summary = describe(scores)
    print(
        f"EvolveGCN-{args.kind}: test mrr {summary.mean:.4f} ± {summary.std or 0:.4f} (sample std, {len(scores)} seeds)"
    )
    for model in ("dst-recency", "local-global-recency"):
        spec = RunSpec.from_dict({"data": {"name": "uci"}, "scorer": {"name": model}, "protocol": "tgb-link"})
        print(f"{model}: {run_cell(spec).test:.4f}")
