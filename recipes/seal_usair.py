"""SEAL on USAir, ten published splits: ROC-AUC.

Zhang, Chen, Link Prediction Based on Graph Neural Networks, NeurIPS 2018 (arXiv 1802.09691). Subgraphs of two hops with
double-radius labels, a DGCNN with three convolutions of 32 channels that keeps 263 nodes (the 60th percentile of the
training subgraphs), 32 pairs a step. Resource allocation alone has 95.85.
"""

import argparse

from graphkit import RunSpec, run_cell
from graphkit.evaluation.statistics import describe

SETTINGS = {
    "data": {"name": "usair", "inputs": "ones", "input_channels": 1, "batch_size": 16},
    "encoder": {"name": "identity"},
    "head": {"name": "seal", "options": {"hops": 2, "k": 263}},
    "train": {"epochs": 50, "lr": 1e-4, "negatives": "published"},
    "protocol": "seal-10",
}


def run(seed: int) -> float:
    """Returns the test ROC-AUC of one seed, which also chooses the split."""
    return run_cell(RunSpec.from_dict(SETTINGS | {"seed": seed})).test


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-n", "--seeds", type=int, default=10)
    scores = []
    for seed in range(parser.parse_args().seeds):
        scores.append(run(seed))
        print(f"seed {seed}: {scores[-1]:.4f}", flush=True)
    summary = describe(scores)
    print(f"test auc {summary.mean:.4f} ± {summary.std or 0:.4f} (sample std, {len(scores)} splits)")
