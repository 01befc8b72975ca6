"""DS (nodes deleted) and DSS (ego nets; on CSL deleted nodes) on EXP and CSL, which message passing cannot solve.

Message-passing networks guess there: 50 % and 10 %. Bevilacqua et al., Equivariant Subgraph Aggregation Networks, ICLR
2022 (arXiv 2110.02910), report 100 % on both. Takes the other subgraph models and datasets (`-m sun,gnn-ak,kl-gnn -d
sr25`); a seed is a split.
"""

import argparse

from graphkit import run_cell
from graphkit.bench.models import load_model
from graphkit.data.cards import load_card
from graphkit.evaluation.statistics import describe


def run(dataset: str, model: str, seed: int, epochs: int) -> float:
    """Returns the test accuracy of one seed, which also chooses the split."""
    card = load_card(dataset)
    spec = load_model(model).spec(card, card.protocols[0])
    settings = {"train": {"epochs": epochs}} if epochs else {}
    return run_cell(spec.merged({"seed": seed, **settings}), model_name=model).test


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-d", "--datasets", default="exp,csl", help="also sr25")
    parser.add_argument("-m", "--models", default="ds,dss", help="also sun, gnn-ak, spen, kl-gnn, ngn, rni")
    parser.add_argument("-n", "--seeds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=0, help="0: those of the model's card")
    args = parser.parse_args()
    for dataset in args.datasets.split(","):
        for model in args.models.split(","):
            scores = [run(dataset, model, seed, args.epochs) for seed in range(args.seeds)]
            found = describe(scores)
            print(f"{dataset} {model}: test accuracy {found.mean:.4f} ± {found.std or 0:.4f} ({len(scores)} splits)")
