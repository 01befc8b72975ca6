"""DAGNN on Cora, public split: 84.4 ± 0.5 published.

Liu, Gao, Ji, Towards Deeper Graph Neural Networks, KDD 2020 (arXiv 2007.09296), table 2. Ten hops, row-normalised
features, dropout 0.8, L2 of 5e-3; from epoch 500 on training stops when the validation loss exceeds the mean of the
last 100, and the weights of the lowest validation loss are tested.
"""

import argparse

import torch

from graphkit import TrainSpec, fit, load_dataset
from graphkit.encoders.dagnn import DAGNN
from graphkit.evaluation.statistics import describe
from graphkit.heads.node import NodeHead
from graphkit.training import FullGraphFeed, NodeModel, part_score

DATASET = "cora"


def run(seed: int) -> float:
    """Returns the test accuracy of one seed."""
    torch.manual_seed(seed)
    dataset = load_dataset(DATASET, features="row")
    split = dataset.split("planetoid-public")
    encoder = DAGNN(dataset.num_features, dataset.num_outputs, hidden_channels=64, hops=10, dropout=0.8)
    model = NodeModel(encoder, NodeHead(dataset.num_outputs, dataset.num_outputs))
    feed = FullGraphFeed(dataset, split, torch.device("cpu"))
    spec = TrainSpec(
        epochs=1000,
        lr=0.01,
        weight_decay=5e-3,
        stop="loss-above-mean",
        patience=100,
        min_epochs=500,
        select="valid-loss",
    )
    fit(model, feed, spec, metric="accuracy")
    return part_score(model, feed, "test", "accuracy")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-n", "--seeds", type=int, default=20)
    scores = []
    for seed in range(parser.parse_args().seeds):
        scores.append(run(seed))
        print(f"seed {seed}: {scores[-1]:.4f}", flush=True)
    summary = describe(scores)
    print(f"test accuracy {summary.mean:.4f} ± {summary.std or 0:.4f} (sample std, {len(scores)} seeds)")
