"""Learned against random marks on ogbg-molesol with GIN beside them: RMSE, paired over seeds on the scaffold split.

Bevilacqua, Eliasof, Meirom, Ribeiro, Maron, Efficient Subgraph GNNs by Learning Effective Selection Policies, ICLR 2024
(arXiv 2310.20082). Two selections, three layers of 64, bonds as edge features, the settings of the cards. Both policies
train the same prediction network; a seed is the same initialisation and order of batches for both.
"""

import argparse

from graphkit import run_cell
from graphkit.bench.models import load_model
from graphkit.data.cards import load_card
from graphkit.evaluation.significance import paired_test
from graphkit.evaluation.statistics import describe


def run(model: str, seed: int, epochs: int) -> float:
    """Returns the test RMSE of one seed."""
    spec = load_model(model).spec(load_card("ogbg-molesol"), "ogb")
    settings = {"train": {"epochs": epochs}} if epochs else {}
    return run_cell(spec.merged({"seed": seed, **settings}), model_name=model).test


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-n", "--seeds", type=int, default=10)
    parser.add_argument("--epochs", type=int, default=0, help="0: those of the models' cards")
    args = parser.parse_args()
    scores = {
        model: [run(model, seed, args.epochs) for seed in range(args.seeds)]
        for model in ("policy-learn", "policy-random", "gin")
    }
    for model, values in scores.items():
        found = describe(values)
        print(f"{model}: test rmse {found.mean:.4f} ± {found.std or 0:.4f} (sample std, {len(values)} seeds)")
    test = paired_test(scores["policy-learn"], scores["policy-random"])
    print(f"learned minus random {test.difference:+.4f}, Wilcoxon p = {test.p:.4f} ({test.n} seeds)")
