"""GIN and PathNN on ogbg-molhiv, made from SMILES, official scaffold split.

Xu et al., ICLR 2019 (arXiv 1810.00826); Michel et al., ICML 2023 (arXiv 2306.05955), whose logs read 79.17 ± 1.09
ROC-AUC with all shortest paths. A full run wants an accelerator (`--device cuda`); `--limit 0.02` runs a fraction of
the epochs and is not comparable.
"""

import argparse

from graphkit import run_cell
from graphkit.bench.models import load_model
from graphkit.data.cards import load_card
from graphkit.evaluation.statistics import describe


def run(model: str, seed: int, limit: float, device: str) -> float:
    """Returns the test ROC-AUC of one seed."""
    spec = load_model(model).spec(load_card("ogbg-molhiv"), "ogb")
    return run_cell(spec.merged({"seed": seed, "limit": limit, "train": {"device": device}})).test


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-m", "--model", default="gin", choices=("gin", "pathnn-sp", "pathnn-spplus", "pathnn-ap"))
    parser.add_argument("-n", "--seeds", type=int, default=1)
    parser.add_argument("--limit", type=float, default=1.0)
    parser.add_argument("--device", default="cpu")
    args = parser.parse_args()
    scores = []
    for seed in range(args.seeds):
        scores.append(run(args.model, seed, args.limit, args.device))
        print(f"seed {seed}: {scores[-1]:.4f}", flush=True)
    summary = describe(scores)
    print(f"test ROC-AUC {summary.mean:.4f} ± {summary.std or 0:.4f} (sample std, {len(scores)} seeds)")
