"""Tuned GCN and Graph-Mamba on Peptides-func (average precision); whole runs want a GPU, `--limit` runs a processor.

Toenshoff et al., Where Did the Gap Go? (arXiv 2309.00367): tuned GCN 0.6860 ± 0.0050; Wang et al., Graph-Mamba (arXiv
2402.00789), table 1: 0.6739 ± 0.0087. On a processor
`-m gcn-tuned -n 1 --limit 0.008` trains tuned GCN for two epochs in a few minutes, molecules read and encoded included.
"""

import argparse
from dataclasses import replace

from graphkit.bench.models import load_model
from graphkit.data import load_card
from graphkit.training import run_cell


def run(model: str, seed: int, limit: float, device: str) -> float:
    """Returns the test average precision of one seed."""
    spec = load_model(model).spec(load_card("peptides-func"), "lrgb-reassessed")
    return run_cell(replace(spec, seed=seed, limit=limit, train=replace(spec.train, device=device))).test


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-n", "--seeds", type=int, default=4)
    parser.add_argument("-m", "--models", nargs="+", default=["gcn-tuned", "graph-mamba"])
    parser.add_argument("--limit", type=float, default=1.0, help="share of the epochs to run")
    parser.add_argument("--device", default="cpu")
    args = parser.parse_args()
    for model in args.models:
        for seed in range(args.seeds):
            print(f"{model} seed {seed}: {run(model, seed, args.limit, args.device):.4f}", flush=True)
