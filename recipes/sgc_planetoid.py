"""SGC on Cora and CiteSeer, public split: 81.0 and 71.9 published.

Wu et al., Simplifying Graph Convolutional Networks, ICML 2019 (arXiv 1902.07153). S^2 X is computed once; training
fits one linear layer with the authors' weight decay, and the last epoch is tested.
"""

import argparse

import torch

from graphkit import TrainSpec, fit, load_dataset
from graphkit.encoders.sgc import SGC
from graphkit.evaluation.statistics import describe
from graphkit.heads.node import NodeHead
from graphkit.training import FullGraphFeed, NodeModel, part_score

SETTINGS = {
    "cora": TrainSpec(epochs=100, lr=0.2, weight_decay=1.3027e-5, select="last"),
    "citeseer": TrainSpec(epochs=150, lr=0.2, weight_decay=2.3546e-5, select="last"),
}


def run(name: str, seed: int) -> float:
    """Returns the test accuracy of one seed."""
    torch.manual_seed(seed)
    dataset = load_dataset(name, features="row")
    encoder = SGC(dataset.num_features, dataset.num_outputs, hops=2)
    model = NodeModel(encoder, NodeHead(dataset.num_outputs, dataset.num_outputs))
    feed = FullGraphFeed(dataset, dataset.split("planetoid-public"), torch.device("cpu"))
    fit(model, feed, SETTINGS[name], metric="accuracy")
    return part_score(model, feed, "test", "accuracy")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-n", "--seeds", type=int, default=10)
    seeds = range(parser.parse_args().seeds)
    for name in SETTINGS:
        summary = describe([run(name, seed) for seed in seeds])
        print(f"{name}: test accuracy {summary.mean:.4f} ± {summary.std or 0:.4f} (sample std, {len(seeds)} seeds)")
